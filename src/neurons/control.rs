//! Control sets: what a random set of neurons of the same size and in the same layers does.

use std::collections::{BTreeMap, HashSet};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::Neuron;
use crate::error::{Error, Result};

/// The seeds of the control sets that an artifact lists.
pub const CONTROL_SEEDS: std::ops::RangeInclusive<u64> = 1..=20;

/// A random set with as many neurons in each layer as `set` has, none of them in `set` or in `excluded`. The same
/// seed gives the same set everywhere: ChaCha8 is specified, and the draw below is written out.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if a layer has too few neurons left.
pub fn matched_control(
    set: &[Neuron],
    excluded: &[Neuron],
    neurons_per_layer: usize,
    seed: u64,
) -> Result<Vec<Neuron>> {
    let mut wanted: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taken: HashSet<Neuron> = excluded.iter().copied().collect();
    for &neuron in set {
        *wanted.entry(neuron.layer).or_default() += 1;
        taken.insert(neuron);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut control = Vec::with_capacity(set.len());
    for (layer, count) in wanted {
        let used = taken.iter().filter(|n| n.layer == layer).count();
        if used + count > neurons_per_layer {
            return Err(Error::input(format!(
                "layer {layer} has {neurons_per_layer} neurons, too few for a control beside the {used} chosen: choose fewer"
            )));
        }
        let mut drawn = 0;
        while drawn < count {
            // The bias of the remainder is below 1 in 2^48 here.
            let index = (rng.next_u64() % neurons_per_layer as u64) as usize;
            let neuron = Neuron { layer, index };
            if taken.insert(neuron) {
                control.push(neuron);
                drawn += 1;
            }
        }
    }
    control.sort_unstable();
    Ok(control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Vec<Neuron> {
        [(2, 7), (2, 9), (2, 11), (5, 0)]
            .map(|(layer, index)| Neuron { layer, index })
            .to_vec()
    }

    #[test]
    fn a_control_has_the_set_s_size_in_each_layer_and_none_of_its_neurons() {
        let set = set();
        let excluded = [Neuron { layer: 2, index: 1 }];
        for seed in 0..200 {
            let control = matched_control(&set, &excluded, 12, seed).expect("room enough");
            let count = |l| control.iter().filter(|n| n.layer == l).count();
            assert_eq!((count(2), count(5), control.len()), (3, 1, 4));
            assert!(
                control
                    .iter()
                    .all(|n| !set.contains(n) && !excluded.contains(n))
            );
            assert!(control.windows(2).all(|w| w[0] < w[1]));
        }
    }

    #[test]
    fn the_seed_decides() {
        let draw = |seed| matched_control(&set(), &[], 1536, seed).expect("room enough");
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        // Written down once: links and artifacts rely on it.
        let first: Vec<_> = draw(1).iter().map(|n| (n.layer, n.index)).collect();
        assert_eq!(first, [(2, 107), (2, 433), (2, 613), (5, 834)]);
    }

    #[test]
    fn a_layer_without_room_is_an_error() {
        let e = matched_control(&set(), &[], 5, 1).expect_err("3 of 5 leave 2");
        assert!(e.to_string().contains("layer 2"), "{e}");
    }
}
