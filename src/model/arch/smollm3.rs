//! SmolLM3 (Hugging Face 2025): a Llama of which every fourth layer knows no positions.

use super::{Architecture, Blueprint, Keys, Result};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "smollm3",
    read,
};

/// The last of so many layers has no RoPE.
const PERIOD: usize = 4;

fn read(_: &Keys<'_, '_>, blueprint: &mut Blueprint) -> Result<()> {
    blueprint.no_rope_period = Some(PERIOD);
    Ok(())
}
