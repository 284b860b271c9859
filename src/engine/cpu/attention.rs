//! Causal grouped-query attention of one token over one lane's cache.

use super::lane::LayerCache;
use crate::{engine::math, gguf::Config};

/// `out = softmax(q k^T / sqrt(head_dim)) v` for each query head. `q` and `out` hold `heads x head_dim` values, the
/// first `visible` cached positions are seen, `scores` is working space.
pub(crate) fn attend(
    config: &Config,
    cache: &LayerCache,
    visible: usize,
    q: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let dim = config.head_dim;
    let group = config.heads / config.kv_heads;
    let scale = 1.0 / (dim as f32).sqrt();
    scores.resize(visible, 0.0);
    for (head, (q, out)) in q
        .chunks_exact(dim)
        .zip(out.chunks_exact_mut(dim))
        .enumerate()
    {
        let keys = &cache.keys[head / group];
        let values = &cache.values[head / group];
        for (score, key) in scores.iter_mut().zip(keys.chunks_exact(dim)) {
            *score = math::dot(q, key) * scale;
        }
        math::softmax(scores);
        out.fill(0.0);
        for (&weight, value) in scores.iter().zip(values.chunks_exact(dim)) {
            for (o, &v) in out.iter_mut().zip(value) {
                *o += weight * v;
            }
        }
    }
}
