//! The contribution of a neuron to what its MLP writes (CETT).

use super::{Activity, Neuron, Watch};
use crate::gguf::Config;

/// `abs(z_j) * norm(W_down[:, j]) / norm(h)`, with `h = W_down z` the MLP's output at that token: the share of the
/// output's length that this neuron alone would make. Closed form of the paper's CETT: the vector that neuron `j`
/// writes is `z_j W_down[:, j]`, so its norm needs no product with the matrix.
///
/// No unit; usually well below 1, but not bounded by it, since neurons may cancel. 0 where the output is 0.
pub fn contribution(z: f32, column_norm: f32, output_norm: f32) -> f32 {
    if output_norm > 0.0 {
        z.abs() * column_norm / output_norm
    } else {
        0.0
    }
}

/// The contributions of the watched neurons at one token, in the order of `watch`. `column_norms` holds
/// `layers * neurons` norms.
pub fn contributions(
    watch: &Watch,
    activity: &Activity,
    column_norms: &[f32],
    config: &Config,
) -> Vec<f32> {
    let of = |n: Neuron, z: f32| {
        contribution(
            z,
            column_norms[n.layer * config.neurons + n.index],
            activity.output_norms[n.layer],
        )
    };
    match watch {
        Watch::None => Vec::new(),
        Watch::Chosen(neurons) | Watch::Top { neurons, .. } => neurons
            .iter()
            .zip(&activity.z)
            .map(|(&n, &z)| of(n, z))
            .collect(),
        Watch::All => activity
            .z
            .iter()
            .enumerate()
            .map(|(i, &z)| of(neuron_at(i, config), z))
            .collect(),
    }
}

/// The `n` largest of all neurons' contributions, largest first; `all` holds `layers * neurons` of them.
pub fn largest(all: &[f32], n: usize, config: &Config) -> Vec<(Neuron, f32)> {
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
pub(super) fn neuron_at(flat: usize, config: &Config) -> Neuron {
    Neuron {
        layer: flat / config.neurons,
        index: flat % config.neurons,
    }
}
