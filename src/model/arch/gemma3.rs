//! Gemma 3, text only (Gemma Team 2025): GeGLU, norms before and after attention and MLP, RMSNorm of query and key heads, a
//! scaled embedding, and five layers with a sliding window, whose RoPE has a base of its own, to each without.
//!
//! Its norms multiply by `1 + w`; a GGUF has the sum.

use super::{
    super::blueprint::{Activation, Pairs, Window},
    Architecture, Blueprint, Keys, Result,
};
use crate::error::Error;

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "gemma3",
    read,
};

/// One layer of so many sees everything.
const PERIOD: usize = 6;
/// RoPE's base in layers with a window.
const LOCAL_BASE: f32 = 10_000.0;
/// The 27B model has so many layers, and scales its attention by another number than the width of its heads.
const LAYERS_OF_27B: usize = 62;

fn read(keys: &Keys<'_, '_>, blueprint: &mut Blueprint) -> Result<()> {
    if blueprint.layers == LAYERS_OF_27B {
        return Err(Error::model(
            "Gemma 3 27B scales its attention in a way of its own, which this engine does not compute: choose a smaller one",
        ));
    }
    blueprint.pairs = Pairs::Halves;
    blueprint.activation = Activation::GeluTanh;
    blueprint.qk_norm = true;
    blueprint.post_norms = true;
    blueprint.embedding_scale = (blueprint.hidden as f32).sqrt();
    let width = keys.size("attention.sliding_window", 1 << 20)?;
    blueprint.window = Some(Window {
        width,
        period: keys
            .optional_size("attention.sliding_window_pattern", 256)?
            .unwrap_or(PERIOD),
        rope_base: keys.rope_base("rope.freq_base_swa")?.unwrap_or(LOCAL_BASE),
    });
    Ok(())
}
