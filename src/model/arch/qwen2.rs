//! Qwen2 and Qwen2.5 (Qwen Team 2024): a Llama with biases on queries, keys and values, whose heads are turned by halves.

use super::{
    super::blueprint::Pairs, Architecture, Blueprint, Keys, Result,
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "qwen2",
    read,
};

fn read(_: &Keys<'_, '_>, blueprint: &mut Blueprint) -> Result<()> {
    blueprint.pairs = Pairs::Halves;
    blueprint.attention_biases = true;
    Ok(())
}
