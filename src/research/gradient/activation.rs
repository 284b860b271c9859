//! The MLP's activation and its derivative.

use crate::{engine::math, model::Activation};

/// `act(x)` and `d act / d x`. Both activations are `x sigmoid(u)`, with `u = x` for SiLU and
/// `u = 1.59577 (x + 0.044715 x^3)` for GELU, so that the derivative is
/// `sigmoid(u) + x sigmoid(u) (1 - sigmoid(u)) du/dx`.
#[inline(always)]
pub(super) fn value_and_slope(activation: Activation, x: f32) -> (f32, f32) {
    let (u, du) = match activation {
        Activation::Silu => (x, 1.0),
        Activation::GeluTanh => (
            math::GELU * (x + 0.044_715 * x * x * x),
            math::GELU * (1.0 + 3.0 * 0.044_715 * x * x),
        ),
    };
    let sigmoid = 1.0 / (1.0 + math::exp(-u));
    let value = x * sigmoid;
    (value, sigmoid + value * (1.0 - sigmoid) * du)
}

/// `z = act(gate) * up`, before any factor.
pub(super) fn z(activation: Activation, gate: &[f32], up: &[f32]) -> Vec<f32> {
    let pairs = gate.iter().zip(up);
    pairs
        .map(|(&gate, up)| value_and_slope(activation, gate).0 * up)
        .collect()
}

/// A gradient in z as gradients in `gate` and `up`; all four are of one shape.
pub(super) fn back(
    activation: Activation,
    gate: &[f32],
    up: &[f32],
    g: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let all = gate.iter().zip(up).zip(g);
    all.map(|((&gate, up), g)| {
        let (value, slope) = value_and_slope(activation, gate);
        (g * up * slope, g * value)
    })
    .unzip()
}
