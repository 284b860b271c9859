//! The layers, there and back.
//!
//! Streams and gradients in them are `tokens x hidden`. A gradient is always that of the margin.

use super::{
    MarginPass, activation,
    attention::{Attention, Heads},
    maps::{LayerMaps, add},
    norm::Norm,
};
use crate::{
    engine::{Place, rope::Ropes},
    error::Result,
    model::LayerWeights,
};

/// What a forward pass leaves behind for the way back.
pub(super) struct Trace {
    pub(super) layers: Vec<LayerTrace>,
    /// The stream after the last layer.
    pub(super) stream: Vec<f32>,
    ropes: Ropes,
}

/// What one layer leaves behind.
pub(super) struct LayerTrace {
    /// The stream that came in.
    before: Vec<f32>,
    /// Queries and keys as the matrices gave them, where they have a norm.
    unnormed: Option<(Vec<f32>, Vec<f32>)>,
    /// Queries and keys as attention compares them, and values.
    heads: Heads,
    /// What attention gave before its norm, where it has one.
    attended: Option<Vec<f32>>,
    /// The stream between attention and MLP.
    middle: Vec<f32>,
    /// `W_gate x` and `W_up x`, `tokens x neurons`.
    pub(super) gate: Vec<f32>,
    pub(super) up: Vec<f32>,
    /// What the MLP gave before its norm, where it has one.
    pub(super) written: Option<Vec<f32>>,
}

/// Where a layer is, with what it computes with.
#[derive(Clone, Copy)]
struct Layer<'a> {
    index: usize,
    weights: &'a LayerWeights,
    maps: &'a LayerMaps,
}

impl MarginPass {
    pub(super) fn norm<'a>(&self, weight: &'a [f32]) -> Norm<'a> {
        let eps = self.blueprint().norm_eps;
        Norm { weight, eps }
    }

    pub(super) fn final_norm(&self) -> Norm<'_> {
        self.norm(&self.file.weights().output_norm)
    }

    /// The last token's row.
    pub(super) fn last<'a>(&self, stream: &'a [f32]) -> &'a [f32] {
        &stream[stream.len() - self.blueprint().hidden..]
    }

    fn layers(&self) -> impl DoubleEndedIterator<Item = Layer<'_>> + ExactSizeIterator {
        let weights = self.file.weights().layers.iter();
        let both = weights.zip(&self.maps).enumerate();
        both.map(|(index, (weights, maps))| Layer {
            index,
            weights,
            maps,
        })
    }

    /// Reads all of `ids`; `factors` are every neuron's, `layers * neurons`.
    pub(super) fn forward(&self, ids: &[u32], factors: &[f32]) -> Result<Trace> {
        let c = self.blueprint();
        let weights = self.file.weights();
        let mut ropes = Ropes::new(c, weights.rope_factors.as_deref());
        ropes.extend_to(ids.len());
        let mut stream = vec![0f32; ids.len() * c.hidden];
        for (&id, row) in ids.iter().zip(stream.chunks_exact_mut(c.hidden)) {
            weights.embedding.dequantize_row(id as usize, row);
            row.iter_mut().for_each(|x| *x *= c.embedding_scale);
        }
        let mut layers = Vec::with_capacity(c.layers);
        for (layer, factors) in self.layers().zip(factors.chunks_exact(c.neurons)) {
            let (trace, after) = self.layer(layer, &ropes, stream, factors)?;
            layers.push(trace);
            stream = after;
        }
        Ok(Trace {
            layers,
            stream,
            ropes,
        })
    }

    /// One layer: what it leaves behind, and the stream after it.
    fn layer(
        &self,
        layer: Layer<'_>,
        ropes: &Ropes,
        before: Vec<f32>,
        factors: &[f32],
    ) -> Result<(LayerTrace, Vec<f32>)> {
        let c = self.blueprint();
        let (w, maps, here) = (layer.weights, layer.maps, Place::Layer(layer.index));
        // What is wrong with the stream here came from the layer before.
        let from = layer
            .index
            .checked_sub(1)
            .map_or(Place::Embedding, Place::Layer);
        let normed = self.norm(&w.attn_norm).forward(&before, from)?;
        let mut heads = Heads {
            q: maps.q.forward(&normed)?,
            k: maps.k.forward(&normed)?,
            v: maps.v.forward(&normed)?,
        };
        let mut unnormed = None;
        if let (Some(of_q), Some(of_k)) = (&w.q_norm, &w.k_norm) {
            let q = self.norm(of_q).forward(&heads.q, here)?;
            let k = self.norm(of_k).forward(&heads.k, here)?;
            unnormed = Some((
                std::mem::replace(&mut heads.q, q),
                std::mem::replace(&mut heads.k, k),
            ));
        }
        let attention = Attention::of(c, layer.index, ropes);
        attention.turn(&mut heads);
        let out = maps.output.forward(&attention.forward(&heads))?;
        let mut middle = before.clone();
        let attended = self.join(&mut middle, out, w.attn_post_norm.as_deref(), here)?;

        let normed = self.norm(&w.ffn_norm).forward(&middle, here)?;
        let (gate, up) = (maps.gate.forward(&normed)?, maps.up.forward(&normed)?);
        let mut z = activation::z(c.activation, &gate, &up);
        scale(&mut z, factors);
        let out = maps.down.forward(&z)?;
        let mut after = middle.clone();
        let written = self.join(&mut after, out, w.ffn_post_norm.as_deref(), here)?;
        let trace = LayerTrace {
            before,
            unnormed,
            heads,
            attended,
            middle,
            gate,
            up,
            written,
        };
        Ok((trace, after))
    }

    /// Adds what a layer's half gave to the stream; through a norm, where there is one, which needs it again on the way back.
    fn join(
        &self,
        stream: &mut [f32],
        out: Vec<f32>,
        norm: Option<&[f32]>,
        place: Place,
    ) -> Result<Option<Vec<f32>>> {
        let Some(weight) = norm else {
            add(stream, &out);
            return Ok(None);
        };
        add(stream, &self.norm(weight).forward(&out, place)?);
        Ok(Some(out))
    }

    /// The gradient in every neuron's factor, from that in the last position's vector after the final norm.
    pub(super) fn reverse(
        &self,
        trace: Trace,
        unembedded: &[f32],
        factors: &[f32],
    ) -> Result<Vec<f32>> {
        let c = self.blueprint();
        let Trace {
            layers,
            stream,
            ropes,
        } = trace;
        // The margin sees the last position only.
        let last = self.last(&stream);
        let mut g = vec![0f32; stream.len()];
        let at = g.len() - c.hidden;
        g[at..].copy_from_slice(&self.final_norm().back(last, unembedded));
        let mut out = vec![0f32; factors.len()];
        let by_layer = factors
            .chunks_exact(c.neurons)
            .zip(out.chunks_exact_mut(c.neurons));
        let layers = self.layers().zip(layers).zip(by_layer);
        for ((layer, trace), (factors, out)) in layers.rev() {
            let of_z = self.back_to_z(layer, &trace, &g)?;
            let z = activation::z(c.activation, &trace.gate, &trace.up);
            for (z, g) in z.chunks_exact(c.neurons).zip(of_z.chunks_exact(c.neurons)) {
                for ((out, z), g) in out.iter_mut().zip(z).zip(g) {
                    *out += z * g;
                }
            }
            // No neuron stands before the first layer's.
            if layer.index > 0 {
                self.back_through_mlp(layer, &trace, of_z, factors, &mut g)?;
                self.back_through_attention(layer, &trace, &ropes, &mut g)?;
            }
        }
        Ok(out)
    }

    /// From the stream after a layer to z, behind its factors: `tokens x neurons`.
    fn back_to_z(&self, layer: Layer<'_>, trace: &LayerTrace, g: &[f32]) -> Result<Vec<f32>> {
        let norm = layer.weights.ffn_post_norm.as_deref();
        match norm.zip(trace.written.as_ref()) {
            Some((weight, written)) => layer.maps.down.back(&self.norm(weight).back(written, g)),
            None => layer.maps.down.back(g),
        }
    }

    /// From the stream after the MLP to that before it, past what [`MarginPass::back_to_z`] gave.
    fn back_through_mlp(
        &self,
        layer: Layer<'_>,
        trace: &LayerTrace,
        mut of_z: Vec<f32>,
        factors: &[f32],
        g: &mut [f32],
    ) -> Result<()> {
        scale(&mut of_z, factors);
        let activation = self.blueprint().activation;
        let (gate, up) = activation::back(activation, &trace.gate, &trace.up, &of_z);
        let mut of_normed = layer.maps.gate.back(&gate)?;
        add(&mut of_normed, &layer.maps.up.back(&up)?);
        let norm = self.norm(&layer.weights.ffn_norm);
        add(g, &norm.back(&trace.middle, &of_normed));
        Ok(())
    }

    /// From the stream after attention to that before the layer.
    fn back_through_attention(
        &self,
        layer: Layer<'_>,
        trace: &LayerTrace,
        ropes: &Ropes,
        g: &mut [f32],
    ) -> Result<()> {
        let (w, maps) = (layer.weights, layer.maps);
        let norm = w.attn_post_norm.as_deref();
        let of_output = match norm.zip(trace.attended.as_ref()) {
            Some((weight, attended)) => maps.output.back(&self.norm(weight).back(attended, g))?,
            None => maps.output.back(g)?,
        };
        let attention = Attention::of(self.blueprint(), layer.index, ropes);
        let mut heads = attention.back(&trace.heads, &of_output);
        attention.turn_back(&mut heads);
        if let (Some(of_q), Some(of_k), Some((q, k))) = (&w.q_norm, &w.k_norm, &trace.unnormed) {
            heads.q = self.norm(of_q).back(q, &heads.q);
            heads.k = self.norm(of_k).back(k, &heads.k);
        }
        let mut of_normed = maps.q.back(&heads.q)?;
        add(&mut of_normed, &maps.k.back(&heads.k)?);
        add(&mut of_normed, &maps.v.back(&heads.v)?);
        let norm = self.norm(&w.attn_norm);
        add(g, &norm.back(&trace.before, &of_normed));
        Ok(())
    }

    /// What each neuron writes at the last position, times what the margin takes of it straight away.
    pub(super) fn direct(&self, trace: &Trace, unembedded: &[f32]) -> Result<Vec<f32>> {
        let c = self.blueprint();
        let straight = self.final_norm().held(self.last(&trace.stream), unembedded);
        let mut out = Vec::with_capacity(c.neuron_count());
        for (layer, trace) in self.layers().zip(&trace.layers) {
            let norm = layer.weights.ffn_post_norm.as_deref();
            let of_z = match norm.zip(trace.written.as_ref()) {
                Some((weight, written)) => {
                    let held = self.norm(weight).held(self.last(written), &straight);
                    layer.maps.down.back(&held)?
                }
                None => layer.maps.down.back(&straight)?,
            };
            let last = |x: &'_ [f32]| x[x.len() - c.neurons..].to_vec();
            let z = activation::z(c.activation, &last(&trace.gate), &last(&trace.up));
            out.extend(z.iter().zip(&of_z).map(|(z, g)| z * g));
        }
        Ok(out)
    }
}

/// Multiplies every token's vector by `factors`; a factor of 1 changes no bit.
fn scale(z: &mut [f32], factors: &[f32]) {
    for z in z.chunks_exact_mut(factors.len()) {
        for (z, factor) in z.iter_mut().zip(factors) {
            *z *= factor;
        }
    }
}
