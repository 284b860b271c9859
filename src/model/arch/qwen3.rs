//! Qwen3 (Qwen Team 2025): as Qwen2, with RMSNorm of each query and key head in place of the biases.

use super::{
    super::blueprint::Pairs, Architecture, Blueprint, Keys, Result,
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "qwen3",
    read,
};

fn read(_: &Keys<'_, '_>, blueprint: &mut Blueprint) -> Result<()> {
    blueprint.pairs = Pairs::Halves;
    blueprint.qk_norm = true;
    Ok(())
}
