//! What the watched neurons of an engine contributed.

use super::{Activity, Watch};
use crate::{
    model::Blueprint,
    neuron::{Neuron, contribution, neuron_at},
};

/// The contributions of the watched neurons at one token, in the order of `watch`. `column_norms` holds
/// `layers * neurons` norms.
pub fn contributions(
    watch: &Watch,
    activity: &Activity,
    column_norms: &[f32],
    config: &Blueprint,
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
