//! The forward pass of some lanes: what one thread does of a step.

use super::{
    Model,
    activations::Activations,
    attention,
    kernels::{self, Isa},
    lane::Lane,
};
use crate::{
    engine::{
        Activity, Choice, Feed, Logits, Place, Reading, Watch, contribution, largest, math,
        not_finite,
    },
    error::{Error, Result},
    model::{Activation, Linear},
};

/// Vectors of a pass in progress, kept from call to call. Each is `tokens x width`, token by token.
#[derive(Default)]
pub(super) struct Scratch {
    /// Which lane each token belongs to, and where it stands in what the lane is fed.
    places: Vec<(usize, usize)>,
    residual: Vec<f32>,
    normed: Vec<f32>,
    activations: Activations,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    attended: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    output: Vec<f32>,
    /// What edits took away in a layer: token, which edit of its lane, how much.
    removed: Vec<(usize, usize, f32)>,
    unedited: Vec<f32>,
    scores: Vec<f32>,
    /// z of all layers, where the largest contributions are wanted.
    every: Vec<f32>,
    wanted: Vec<usize>,
    logits: Vec<f32>,
}

/// Makes a buffer `len` long, whatever is in it.
fn size(buffer: &mut Vec<f32>, len: usize) -> Result<()> {
    buffer
        .try_reserve(len.saturating_sub(buffer.len()))
        .map_err(|_| Error::memory("a step of the model", len * size_of::<f32>()))?;
    buffer.resize(len, 0.0);
    Ok(())
}

impl Scratch {
    fn size(&mut self, model: &Model, tokens: usize, every: usize) -> Result<()> {
        let c = &model.config;
        for (buffer, width) in [
            (&mut self.residual, c.hidden),
            (&mut self.normed, c.hidden),
            (&mut self.q, c.width()),
            (&mut self.k, c.kv_width()),
            (&mut self.v, c.kv_width()),
            (&mut self.attended, c.width()),
            (&mut self.gate, c.neurons),
            (&mut self.up, c.neurons),
            (&mut self.output, c.hidden),
            (&mut self.every, every),
        ] {
            size(buffer, tokens * width)?;
        }
        Ok(())
    }

    /// `out = w x + b`, with the activations loaded.
    fn linear(&mut self, isa: Isa, w: &Linear, out: fn(&mut Self) -> &mut Vec<f32>) {
        self.product(isa, w, out);
        add_bias(out(self), w);
    }

    /// `out = w x`, without the bias.
    fn product(&mut self, isa: Isa, w: &Linear, out: fn(&mut Self) -> &mut Vec<f32>) {
        let mut to = std::mem::take(out(self));
        kernels::matmul(isa, &w.matrix, &self.activations, &mut to);
        *out(self) = to;
    }
}

impl Model {
    /// Reads each feed's tokens; `lanes` are theirs, in the same order. Appends to the lanes' caches and moves no position.
    pub(super) fn pass(
        &self,
        s: &mut Scratch,
        feeds: &[Feed<'_>],
        lanes: &mut [Lane],
        watch: &Watch,
    ) -> Result<Vec<Reading>> {
        let (c, isa) = (&self.config, self.isa);
        let tokens: usize = feeds.iter().map(|f| f.tokens.len()).sum();
        let top = watch.top(c);
        s.size(self, tokens, if top > 0 { c.neuron_count() } else { 0 })?;
        s.places.clear();
        for (l, f) in feeds.iter().enumerate() {
            s.places.extend((0..f.tokens.len()).map(|i| (l, i)));
        }
        let mut readings: Vec<Reading> = feeds
            .iter()
            .map(|f| Reading {
                logits: Vec::new(),
                choice: None,
                activity: match watch {
                    Watch::None => Vec::new(),
                    Watch::Chosen(_) | Watch::Top { .. } | Watch::All => {
                        vec![Activity::default(); f.tokens.len()]
                    }
                },
            })
            .collect();
        let ids = feeds
            .iter()
            .zip(&*lanes)
            .flat_map(|(f, lane)| f.tokens.iter().map(|&id| lane.token(id)));
        for (id, row) in ids.zip(s.residual.chunks_exact_mut(c.hidden)) {
            self.weights.embedding.dequantize_row(id? as usize, row);
            if c.embedding_scale != 1.0 {
                row.iter_mut().for_each(|x| *x *= c.embedding_scale);
            }
        }

        for (l, layer) in self.weights.layers.iter().enumerate() {
            let here = Place::Layer(l);
            // What is wrong with the stream here came from the layer before.
            let before = l.checked_sub(1).map_or(Place::Embedding, Place::Layer);
            self.normalize(&s.residual, &layer.attn_norm, before, &mut s.normed)?;
            s.activations.load(&s.normed, c.hidden);
            s.linear(isa, &layer.attn_q, |s| &mut s.q);
            s.linear(isa, &layer.attn_k, |s| &mut s.k);
            s.linear(isa, &layer.attn_v, |s| &mut s.v);
            for (vectors, width) in [
                (&s.q, c.width()),
                (&s.k, c.kv_width()),
                (&s.v, c.kv_width()),
            ] {
                check(vectors, width, l)?;
            }
            for (norm, vectors) in [(&layer.q_norm, &mut s.q), (&layer.k_norm, &mut s.k)] {
                if let Some(norm) = norm {
                    self.normalize_heads(vectors, norm, here)?;
                }
            }
            self.attend(s, l, lanes);
            s.activations.load(&s.attended, c.width());
            s.linear(isa, &layer.attn_output, |s| &mut s.output);
            self.add(s, layer.attn_post_norm.as_deref(), here)?;

            // The MLP, where the neurons are.
            self.normalize(&s.residual, &layer.ffn_norm, here, &mut s.normed)?;
            s.activations.load(&s.normed, c.hidden);
            s.linear(isa, &layer.ffn_gate, |s| &mut s.gate);
            s.linear(isa, &layer.ffn_up, |s| &mut s.up);
            match c.activation {
                Activation::Silu => math::silu_mul(&mut s.gate, &s.up),
                Activation::GeluTanh => math::gelu_mul(&mut s.gate, &s.up),
            }
            self.edit(s, l, lanes, watch, &mut readings);
            check(&s.gate, c.neurons, l)?;
            s.activations.load(&s.gate, c.neurons);
            s.product(isa, &layer.ffn_down, |s| &mut s.output);
            // Contributions are to what the neurons write: before the bias, and before the norm.
            self.norms(s, l, lanes, &mut readings);
            add_bias(&mut s.output, &layer.ffn_down);
            self.add(s, layer.ffn_post_norm.as_deref(), here)?;
        }
        if top > 0 {
            self.rank(s, top, &mut readings);
        }
        self.unembed(s, feeds, &mut readings)?;
        Ok(readings)
    }

    /// RMSNorm of each token's stream, which has come from `place`.
    fn normalize(&self, x: &[f32], weight: &[f32], place: Place, out: &mut [f32]) -> Result<()> {
        let width = weight.len();
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            if !math::rms_norm(x, weight, self.config.norm_eps, out) {
                return Err(not_finite(place));
            }
        }
        Ok(())
    }

    /// RMSNorm of each head in place.
    fn normalize_heads(&self, x: &mut [f32], weight: &[f32], place: Place) -> Result<()> {
        let mut plain = vec![0f32; weight.len()];
        for head in x.chunks_exact_mut(weight.len()) {
            plain.copy_from_slice(head);
            if !math::rms_norm(&plain, weight, self.config.norm_eps, head) {
                return Err(not_finite(place));
            }
        }
        Ok(())
    }

    /// Adds what a layer's half gives to the stream, through a norm where the architecture has one.
    fn add(&self, s: &mut Scratch, norm: Option<&[f32]>, place: Place) -> Result<()> {
        let Some(weight) = norm else {
            add(&mut s.residual, &s.output);
            return Ok(());
        };
        self.normalize(&s.output, weight, place, &mut s.normed)?;
        add(&mut s.residual, &s.normed);
        Ok(())
    }

    /// Turns queries and keys, appends to the caches, attends.
    fn attend(&self, s: &mut Scratch, l: usize, lanes: &mut [Lane]) {
        let c = &self.config;
        let (width, kv, dim) = (c.width(), c.kv_width(), c.head_dim);
        let (rope, window) = (self.ropes.of(l), c.window_of(l));
        for (t, &(lane, i)) in s.places.iter().enumerate() {
            let lane = &mut lanes[lane];
            let position = lane.position + i;
            let cache = &mut lane.cache[l];
            let q = &mut s.q[t * width..][..width];
            if let Some(rope) = rope {
                q.chunks_exact_mut(dim).for_each(|q| rope.turn(q, position));
            }
            let keys = s.k[t * kv..][..kv].chunks_exact_mut(dim);
            let values = s.v[t * kv..][..kv].chunks_exact(dim);
            for (head, (k, v)) in keys.zip(values).enumerate() {
                if let Some(rope) = rope {
                    rope.turn(k, position);
                }
                cache.push(head, position, k, v);
            }
            let end = position + 1;
            let first = window.map_or(0, |window| end.saturating_sub(window.width));
            let out = &mut s.attended[t * width..][..width];
            attention::attend(c, cache, first..end, q, &mut s.scores, out);
        }
    }

    /// Carries out the edits on z, and keeps what is watched as it was before them.
    fn edit(
        &self,
        s: &mut Scratch,
        l: usize,
        lanes: &[Lane],
        watch: &Watch,
        readings: &mut [Reading],
    ) {
        let (neurons, all) = (self.config.neurons, self.config.neuron_count());
        s.removed.clear();
        for (t, &(lane, i)) in s.places.iter().enumerate() {
            let z = &mut s.gate[t * neurons..][..neurons];
            if let Some(activity) = readings[lane].activity.get_mut(i) {
                capture(watch, l, z, &mut activity.z);
            }
            if !s.every.is_empty() {
                s.every[t * all + l * neurons..][..neurons].copy_from_slice(z);
            }
            for (e, edit) in lanes[lane].edits[l].iter().enumerate() {
                let before = z[edit.index];
                z[edit.index] = before * edit.alpha;
                if *watch != Watch::None {
                    s.removed.push((t, e, before - z[edit.index]));
                }
            }
        }
    }

    /// Takes the norms of the layer's outputs as they would be without the edits.
    fn norms(&self, s: &mut Scratch, l: usize, lanes: &[Lane], readings: &mut [Reading]) {
        let hidden = self.config.hidden;
        let mut removed = s.removed.iter().peekable();
        for (t, &(lane, i)) in s.places.iter().enumerate() {
            let Some(activity) = readings[lane].activity.get_mut(i) else {
                continue;
            };
            let mut h = &s.output[t * hidden..][..hidden];
            if removed.peek().is_some_and(|&&(at, ..)| at == t) {
                s.unedited.clear();
                s.unedited.extend_from_slice(h);
                while let Some((_, e, amount)) = removed.next_if(|&&(at, ..)| at == t) {
                    let column = &lanes[lane].edits[l][*e].column;
                    for (h, c) in s.unedited.iter_mut().zip(column) {
                        *h += amount * c;
                    }
                }
                h = &s.unedited;
            }
            activity.output_norms.push(math::norm(h));
        }
    }

    /// Names the neurons that contribute most.
    fn rank(&self, s: &Scratch, top: usize, readings: &mut [Reading]) {
        let c = &self.config;
        for (&(lane, i), z) in s.places.iter().zip(s.every.chunks_exact(c.neuron_count())) {
            let Some(activity) = readings[lane].activity.get_mut(i) else {
                continue;
            };
            let of_all: Vec<f32> = (z.iter().zip(self.column_norms.iter()).enumerate())
                .map(|(at, (&z, &norm))| {
                    contribution(z, norm, activity.output_norms[at / c.neurons])
                })
                .collect();
            activity.top = largest(&of_all, top, c);
        }
    }

    /// Logits, of the positions asked for only: the unembedding is a fifth of all weights.
    fn unembed(&self, s: &mut Scratch, feeds: &[Feed<'_>], readings: &mut [Reading]) -> Result<()> {
        let c = &self.config;
        s.wanted.clear();
        let mut end = 0;
        for feed in feeds {
            let start = end;
            end += feed.tokens.len();
            match feed.logits {
                Logits::None => {}
                Logits::Choice | Logits::Last => s.wanted.push(end - 1),
                Logits::All => s.wanted.extend(start..end),
            }
        }
        if s.wanted.is_empty() {
            return Ok(());
        }
        let width = s.wanted.len() * c.hidden;
        size(&mut s.normed, width)?;
        for (&t, out) in s.wanted.iter().zip(s.normed.chunks_exact_mut(c.hidden)) {
            let x = &s.residual[t * c.hidden..][..c.hidden];
            if !math::rms_norm(x, &self.weights.output_norm, c.norm_eps, out) {
                return Err(not_finite(Place::Layer(c.layers - 1)));
            }
        }
        s.activations.load(&s.normed, c.hidden);
        size(&mut s.logits, s.wanted.len() * c.vocabulary)?;
        let unembedding = self.weights.unembedding();
        kernels::matmul(self.isa, unembedding, &s.activations, &mut s.logits);
        if !math::all_finite(&s.logits) {
            return Err(not_finite(Place::Unembedding));
        }
        let mut rows = s.logits.chunks_exact(c.vocabulary);
        for (feed, reading) in feeds.iter().zip(readings) {
            match feed.logits {
                Logits::None => {}
                Logits::Choice => reading.choice = rows.next().map(Choice::of),
                Logits::Last | Logits::All => {
                    let n = match feed.logits {
                        Logits::All => feed.tokens.len(),
                        Logits::None | Logits::Choice | Logits::Last => 1,
                    };
                    let wanted = n * c.vocabulary;
                    reading
                        .logits
                        .try_reserve_exact(wanted)
                        .map_err(|_| Error::memory("the logits", wanted * size_of::<f32>()))?;
                    reading.logits.extend(rows.by_ref().take(n).flatten());
                }
            }
        }
        Ok(())
    }
}

/// Refuses vectors that hold NaN or infinity, or of which the sum of squares is infinite: products of two of them might
/// be. Softmax and the rounding of activations would otherwise turn these into ordinary numbers, in silence.
fn check(vectors: &[f32], width: usize, layer: usize) -> Result<()> {
    let finite = |x: &[f32]| math::dot(x, x).is_finite();
    if vectors.chunks_exact(width).all(finite) {
        Ok(())
    } else {
        Err(not_finite(Place::Layer(layer)))
    }
}

/// Adds a map's bias to each of its results.
fn add_bias(out: &mut [f32], w: &Linear) {
    if let Some(bias) = &w.bias {
        for row in out.chunks_exact_mut(bias.len()) {
            add(row, bias);
        }
    }
}

fn add(sum: &mut [f32], more: &[f32]) {
    for (s, m) in sum.iter_mut().zip(more) {
        *s += m;
    }
}

/// Appends the watched coordinates of layer `l` to `out`; chosen neurons come in the order asked for.
fn capture(watch: &Watch, l: usize, z: &[f32], out: &mut Vec<f32>) {
    match watch {
        Watch::None => {}
        Watch::All => out.extend_from_slice(z),
        Watch::Chosen(neurons) | Watch::Top { neurons, .. } => {
            out.resize(neurons.len(), 0.0);
            for (o, n) in out.iter_mut().zip(neurons) {
                if n.layer == l {
                    *o = z[n.index];
                }
            }
        }
    }
}
