//! Random sets that are as active as a set: because some neurons are loud, and a set of quiet ones is no control of a loud one.

use std::collections::HashSet;

use super::{answers::Subject, split::stable_hash};
use crate::{
    engine::{Edits, Feed, Logits, Watch, contributions},
    error::Result,
};

/// Mean contribution of every neuron over the tokens of a text, `layers * neurons` long.
///
/// # Errors
/// As [`crate::engine::Engine::forward`].
pub fn mean_contributions(subject: &mut Subject<'_>, text: &str) -> Result<Vec<f64>> {
    const WINDOW: usize = 256;
    let ids = subject.text.encode(text)?;
    let mut sum = vec![0f64; subject.engine.blueprint().neuron_count()];
    for window in ids.chunks(WINDOW) {
        let lane = subject.engine.open(&Edits::none())?;
        let feed = [Feed {
            lane,
            tokens: window,
            logits: Logits::None,
        }];
        let readings = pollster::block_on(subject.engine.forward(&feed, &Watch::All));
        subject.engine.close(lane);
        let engine = &*subject.engine;
        for activity in readings?.iter().flat_map(|r| &r.activity) {
            let all = contributions(
                &Watch::All,
                activity,
                engine.column_norms(),
                engine.blueprint(),
            );
            for (sum, c) in sum.iter_mut().zip(all) {
                *sum += f64::from(c);
            }
        }
    }
    let n = ids.len().max(1) as f64;
    Ok(sum.into_iter().map(|s| s / n).collect())
}

/// A random set like `set` in layers and in mean contribution: for each of its neurons one of the forty in its layer whose
/// contribution is nearest, none twice and none of the set. Neurons are places in an array over all layers.
pub fn alike(set: &[usize], mean: &[f64], per_layer: usize, seed: u64) -> Vec<usize> {
    let mut taken: HashSet<usize> = set.iter().copied().collect();
    let mut out = Vec::with_capacity(set.len());
    for &n in set {
        let layer = n / per_layer * per_layer;
        let mut near: Vec<usize> = (layer..layer + per_layer)
            .filter(|m| !taken.contains(m))
            .collect();
        near.sort_by(|a, b| {
            (mean[*a] - mean[n])
                .abs()
                .total_cmp(&(mean[*b] - mean[n]).abs())
        });
        near.truncate(40);
        let pick = near
            .into_iter()
            .min_by_key(|m| stable_hash("alike", &m.to_string(), seed));
        if let Some(pick) = pick {
            taken.insert(pick);
            out.push(pick);
        }
    }
    out.sort_unstable();
    out
}
