//! Llama (Touvron et al. 2023, Grattafiori et al. 2024), and what is built like it: SmolLM2, TinyLlama, Mistral.
//!
//! Llama 3.x divides RoPE's frequencies by factors that stand in a tensor of the file. Some of the family have biases.

use super::{Architecture, Blueprint, Keys, Result};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "llama",
    read,
};

fn read(_: &Keys<'_, '_>, blueprint: &mut Blueprint) -> Result<()> {
    blueprint.rope_factors = true;
    blueprint.attention_biases = true;
    blueprint.mlp_biases = true;
    Ok(())
}
