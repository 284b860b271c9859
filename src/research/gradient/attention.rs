//! Causal grouped-query attention over a whole prompt, with RoPE.
//!
//! Queries are `tokens x heads x dim`, keys and values `tokens x kv_heads x dim`. Rows of queries and keys come in the order in which
//! RoPE's pairs stand beside each other (`engine/rope.rs`). Scores are computed again on the way back instead of being kept.

use crate::{
    engine::{
        math,
        rope::{Rope, Ropes},
    },
    model::Blueprint,
};

/// What a layer's attention is like.
pub(super) struct Attention<'a> {
    heads: usize,
    kv_heads: usize,
    dim: usize,
    /// Positions that are seen, the token's own among them; none for all.
    window: Option<usize>,
    /// None where the layer knows no positions. It reaches every position of the prompt.
    rope: Option<&'a Rope>,
}

/// Queries, keys and values, or gradients in them.
pub(super) struct Heads {
    pub(super) q: Vec<f32>,
    pub(super) k: Vec<f32>,
    pub(super) v: Vec<f32>,
}

impl<'a> Attention<'a> {
    pub(super) fn of(c: &Blueprint, layer: usize, ropes: &'a Ropes) -> Self {
        Self {
            heads: c.heads,
            kv_heads: c.kv_heads,
            dim: c.head_dim,
            window: c.window_of(layer).map(|window| window.width),
            rope: ropes.of(layer),
        }
    }

    /// Turns queries and keys by their positions.
    pub(super) fn turn(&self, heads: &mut Heads) {
        self.each_head(heads, |rope, head, position| rope.turn(head, position));
    }

    /// Turns gradients in queries and keys back: a rotation's transpose is the rotation the other way.
    pub(super) fn turn_back(&self, heads: &mut Heads) {
        self.each_head(heads, |rope, head, position| {
            let pairs = head.as_chunks_mut::<2>().0.iter_mut();
            for (pair, &(cos, sin)) in pairs.zip(rope.at(position)) {
                let [a, b] = *pair;
                *pair = [a * cos + b * sin, b * cos - a * sin];
            }
        });
    }

    fn each_head(&self, heads: &mut Heads, turn: impl Fn(&Rope, &mut [f32], usize)) {
        let Some(rope) = self.rope else { return };
        for (vectors, count) in [(&mut heads.q, self.heads), (&mut heads.k, self.kv_heads)] {
            for (i, head) in vectors.chunks_exact_mut(self.dim).enumerate() {
                turn(rope, head, i / count);
            }
        }
    }

    /// `out_t = sum_s p_ts v_s` with `p_t = softmax_s(q_t . k_s / sqrt(dim))`, as queries are laid out.
    pub(super) fn forward(&self, Heads { q, k, v }: &Heads) -> Vec<f32> {
        let mut out = vec![0f32; q.len()];
        let mut p = Vec::new();
        for (i, out) in out.chunks_exact_mut(self.dim).enumerate() {
            let (t, kv) = self.place(i);
            let first = self.probabilities(&q[i * self.dim..][..self.dim], k, t, kv, &mut p);
            for (s, &p) in (first..).zip(&p) {
                add_scaled(out, p, self.of_position(v, s, kv));
            }
        }
        out
    }

    /// A gradient in the output as gradients in (turned) queries, keys and values: with `a_s = g_t . v_s`,
    /// `d/dv_s = p_ts g_t`, `d/dq_t = sum_s e_ts k_s` and `d/dk_s = e_ts q_t`, where
    /// `e_ts = p_ts (a_s - sum_r p_tr a_r) / sqrt(dim)`.
    pub(super) fn back(&self, Heads { q, k, v }: &Heads, g: &[f32]) -> Heads {
        let mut back = Heads {
            q: vec![0f32; q.len()],
            k: vec![0f32; k.len()],
            v: vec![0f32; v.len()],
        };
        let scale = self.scale();
        let (mut p, mut a) = (Vec::new(), Vec::new());
        let all = q.chunks_exact(self.dim).zip(g.chunks_exact(self.dim));
        for (i, (q, g)) in all.enumerate() {
            let (t, kv) = self.place(i);
            let first = self.probabilities(q, k, t, kv, &mut p);
            a.clear();
            a.extend((first..=t).map(|s| math::dot(g, self.of_position(v, s, kv))));
            let mean = math::dot(&p, &a);
            let of_q = &mut back.q[i * self.dim..][..self.dim];
            for ((s, &p), a) in (first..).zip(&p).zip(&a) {
                let e = p * (a - mean) * scale;
                let at = self.start(s, kv);
                add_scaled(&mut back.v[at..][..self.dim], p, g);
                add_scaled(of_q, e, &k[at..][..self.dim]);
                add_scaled(&mut back.k[at..][..self.dim], e, q);
            }
        }
        back
    }

    /// Of the `i`-th query its position and its key head.
    fn place(&self, i: usize) -> (usize, usize) {
        let group = self.heads / self.kv_heads;
        (i / self.heads, i % self.heads / group)
    }

    fn scale(&self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }

    /// Where a position's key (or value) of a head begins.
    fn start(&self, position: usize, kv: usize) -> usize {
        (position * self.kv_heads + kv) * self.dim
    }

    fn of_position<'x>(&self, x: &'x [f32], position: usize, kv: usize) -> &'x [f32] {
        &x[self.start(position, kv)..][..self.dim]
    }

    /// Writes `p_ts` of the positions that position `t` sees, and gives the first of them.
    fn probabilities(
        &self,
        q: &[f32],
        k: &[f32],
        t: usize,
        kv: usize,
        out: &mut Vec<f32>,
    ) -> usize {
        let first = self.window.map_or(0, |width| (t + 1).saturating_sub(width));
        out.clear();
        out.extend((first..=t).map(|s| math::dot(q, self.of_position(k, s, kv)) * self.scale()));
        math::softmax(out);
        first
    }
}

/// `sum += factor * x`.
fn add_scaled(sum: &mut [f32], factor: f32, x: &[f32]) {
    for (s, x) in sum.iter_mut().zip(x) {
        *s += factor * x;
    }
}
