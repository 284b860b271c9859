//! A neuron, and its contribution to what its MLP writes (CETT).

use serde::{Deserialize, Serialize};

use crate::model::Blueprint;

/// One coordinate of an MLP's hidden vector `z = act(W_gate x) * (W_up x)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Neuron {
    /// Layer, from 0.
    pub layer: usize,
    /// Coordinate of `z` in that layer, from 0.
    pub index: usize,
}

/// `abs(z_j) * norm(W_down[:, j]) / norm(h)`, with `h = W_down z` the MLP's output at that token: the share of the
/// output's length that this neuron alone would make. Closed form of the paper's CETT: the vector that neuron `j`
/// writes is `z_j W_down[:, j]`, so its norm needs no product with the matrix.
///
/// Where an architecture normalizes what an MLP adds to the stream, `h` is the vector before that norm: the norm's scale is one
/// number for all neurons of a token, and its weights belong to the stream's dimensions, not to neurons.
///
/// No unit; usually well below 1, but not bounded by it, since neurons may cancel. 0 where the output is 0.
pub fn contribution(z: f32, column_norm: f32, output_norm: f32) -> f32 {
    if output_norm > 0.0 {
        z.abs() * column_norm / output_norm
    } else {
        0.0
    }
}

/// The `n` largest of all neurons' contributions, largest first; `all` holds `layers * neurons` of them.
pub fn largest(all: &[f32], n: usize, config: &Blueprint) -> Vec<(Neuron, f32)> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    let n = n.min(order.len());
    let by_size = |&a: &usize, &b: &usize| all[b].total_cmp(&all[a]).then(a.cmp(&b));
    if n < order.len() {
        order.select_nth_unstable_by(n, by_size);
        order.truncate(n);
    }
    order.sort_unstable_by(by_size);
    order
        .into_iter()
        .map(|i| (neuron_at(i, config), all[i]))
        .collect()
}

/// The neuron at a place of an array over all layers.
pub(crate) fn neuron_at(flat: usize, config: &Blueprint) -> Neuron {
    Neuron {
        layer: flat / config.neurons,
        index: flat % config.neurons,
    }
}
