//! Causal grouped-query attention of one token over one lane's cache.
//!
//! The query heads that share a key head are worked on together, so that keys and values are read once. Keys lie eight
//! positions side by side (see `lane.rs`): a score is one chain of products in the order of the dimensions, and eight
//! scores fill a SIMD register without anything being summed across it.

use std::ops::Range;

use super::lane::{LayerCache, SIDE};
use crate::{engine::math, model::Blueprint};

/// `out = softmax(q k^T / sqrt(head_dim)) v` for each query head. `q` and `out` hold `heads x head_dim` values, the
/// cached positions `seen` are seen, `scores` is working space.
pub(crate) fn attend(
    config: &Blueprint,
    cache: &LayerCache,
    seen: Range<usize>,
    q: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let group = config.heads / config.kv_heads;
    let stride = seen.end.next_multiple_of(SIDE);
    scores.resize(group * stride, 0.0);
    let width = group * config.head_dim;
    let heads = q.chunks_exact(width).zip(out.chunks_exact_mut(width));
    for ((q, out), (keys, values)) in heads.zip(cache.keys.iter().zip(&cache.values)) {
        let shared = Shared {
            dim: config.head_dim,
            first: seen.start,
            visible: seen.end,
            keys,
            values,
        };
        match group {
            1 => shared.attend::<1>(q, scores, out),
            2 => shared.attend::<2>(q, scores, out),
            3 => shared.attend::<3>(q, scores, out),
            4 => shared.attend::<4>(q, scores, out),
            _ => {
                let heads = q.chunks_exact(shared.dim);
                for (q, out) in heads.zip(out.chunks_exact_mut(shared.dim)) {
                    shared.attend::<1>(q, scores, out);
                }
            }
        }
    }
}

/// Positions whose values are gone through together: 32 of 64 f32 are 8 kB.
const NEAR: usize = 32;

/// `sum += factor * x`.
#[inline(always)]
fn add_scaled(sum: &mut [f32; SIDE], factor: f32, x: &[f32; SIDE]) {
    for i in 0..SIDE {
        sum[i] += factor * x[i];
    }
}

/// What some query heads share.
struct Shared<'a> {
    dim: usize,
    /// The first position that is seen, and how many there are up to the last.
    first: usize,
    visible: usize,
    keys: &'a [f32],
    values: &'a [f32],
}

impl Shared<'_> {
    /// Of `G` query heads; `scores` has room for as many rows of [`SIDE`]s.
    fn attend<const G: usize>(&self, q: &[f32], scores: &mut [f32], out: &mut [f32]) {
        let dim = self.dim;
        let stride = self.visible.next_multiple_of(SIDE);
        // What the unchecked reads below rely on.
        assert!(q.len() >= G * dim && scores.len() >= G * stride);
        let scale = 1.0 / (dim as f32).sqrt();
        let sides = self.keys.chunks_exact(dim * SIDE).enumerate();
        for (b, keys) in sides.skip(self.first / SIDE) {
            if b * SIDE >= self.visible {
                break;
            }
            let mut acc = [[0f32; SIDE]; G];
            for (d, key) in keys.as_chunks::<SIDE>().0.iter().enumerate() {
                for (g, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: a side of keys has `dim` of them, so d is below it; q has G rows of that many.
                    add_scaled(acc, unsafe { *q.get_unchecked(g * dim + d) }, key);
                }
            }
            for (g, acc) in acc.iter().enumerate() {
                let scores = &mut scores[g * stride + b * SIDE..][..SIDE];
                for (score, sum) in scores.iter_mut().zip(acc) {
                    *score = sum * scale;
                }
            }
        }
        for g in 0..G {
            math::softmax(&mut scores[g * stride..][self.first..self.visible]);
        }
        let whole = dim - dim % SIDE;
        for row in out.chunks_exact_mut(dim).take(G) {
            row[..whole].fill(0.0);
        }
        // A part of the values small enough to stay in the nearest cache while all its columns are gone through.
        for start in (self.first..self.visible).step_by(NEAR) {
            let part = self.values[start * dim..].chunks_exact(dim);
            let part = part.take(NEAR.min(self.visible - start));
            for d in (0..whole).step_by(SIDE) {
                let mut acc = [[0f32; SIDE]; G];
                for (g, acc) in acc.iter_mut().enumerate() {
                    acc.copy_from_slice(&out[g * dim + d..][..SIDE]);
                }
                for (p, value) in part.clone().enumerate() {
                    // SAFETY: a row has `dim` values, of which `whole` are whole sides.
                    let value = unsafe { &*value.as_ptr().add(d).cast::<[f32; SIDE]>() };
                    for (g, acc) in acc.iter_mut().enumerate() {
                        // SAFETY: `start + p` is below `visible`, and scores have G rows of at least that many.
                        let weight = unsafe { *scores.get_unchecked(g * stride + start + p) };
                        add_scaled(acc, weight, value);
                    }
                }
                for (g, acc) in acc.iter().enumerate() {
                    out[g * dim + d..][..SIDE].copy_from_slice(acc);
                }
            }
        }
        for g in 0..G {
            for d in whole..dim {
                let weights = scores[g * stride..][self.first..self.visible].iter();
                let column = self.values.iter().skip(self.first * dim + d).step_by(dim);
                out[g * dim + d] = weights.zip(column).fold(0.0, |sum, (w, v)| sum + w * v);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over lengths around a side's, shared keys of every number, and widths that are no multiple of it.
    #[test]
    fn it_is_the_formula_s() {
        for (dim, group, first, visible) in [
            (64, 3, 0, 1),
            (64, 3, 0, 8),
            (16, 2, 0, 9),
            (20, 4, 0, 23),
            (6, 1, 0, 31),
            (12, 5, 0, 17),
            (8, 6, 0, 16),
            (16, 3, 0, 32),
            (24, 2, 0, 71),
            (16, 2, 1, 9),
            (64, 1, 8, 16),
            (20, 3, 37, 71),
            (6, 5, 70, 71),
        ] {
            let kv_heads = 2;
            let config = Blueprint {
                heads: group * kv_heads,
                kv_heads,
                head_dim: dim,
                ..crate::engine::cpu::tests::config()
            };
            let value = |seed: usize, i: usize| ((seed * 977 + i * 131) as f32 * 0.37).sin();
            let mut cache = LayerCache::new(kv_heads);
            for p in 0..visible + 3 {
                for head in 0..kv_heads {
                    let row = |seed| (0..dim).map(move |d| value(seed, (p * 2 + head) * dim + d));
                    let (k, v): (Vec<f32>, Vec<f32>) = (row(1).collect(), row(2).collect());
                    cache.push(head, p, &k, &v);
                }
            }
            let q: Vec<f32> = (0..config.heads * dim).map(|i| 2.0 * value(3, i)).collect();
            let mut out = vec![0f32; q.len()];
            attend(
                &config,
                &cache,
                first..visible,
                &q,
                &mut Vec::new(),
                &mut out,
            );
            for (head, (q, out)) in q.chunks(dim).zip(out.chunks(dim)).enumerate() {
                let at =
                    |seed, p: usize, d| f64::from(value(seed, (p * 2 + head / group) * dim + d));
                let scores: Vec<f64> = (first..visible)
                    .map(|p| {
                        let sum: f64 = (0..dim).map(|d| f64::from(q[d]) * at(1, p, d)).sum();
                        (sum / (dim as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = scores.iter().sum();
                for (d, got) in out.iter().enumerate() {
                    let exact: f64 = (first..visible)
                        .map(|p| scores[p - first] / total * at(2, p, d))
                        .sum();
                    assert!(
                        (f64::from(*got) - exact).abs() < 1e-5,
                        "{dim} {group} {visible}: {got} instead of {exact}"
                    );
                }
            }
        }
    }
}
