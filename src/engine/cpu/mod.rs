//! The forward pass on the CPU: one thread, 15-bit integer activations, weights quantized as in the file.
//!
//! It follows the Llama architecture (Touvron et al. 2023): pre-norm attention with RoPE and grouped heads, then
//! `h = W_down (silu(W_gate x) * (W_up x))`, residual sums around both.

mod activations;
mod attention;
pub(crate) mod kernels;
mod lane;
pub(crate) mod matrix;

use std::{future::ready, sync::Arc};

pub use kernels::Isa;

use super::{
    Activity, BoxFuture, Choice, Edits, Engine, Feed, LaneId, Logits, Neuron, Reading, Ticket,
    Watch, check_feeds, contribution, largest,
};
use crate::{
    engine::{edits::check_neuron, math, rope::Rope},
    error::{Error, Result, try_vec},
    gguf::{Config, LayerTensors, ModelFile, TensorView},
};
use activations::Activations;
use lane::Lane;
use matrix::Matrix;

/// Weights of one layer.
struct Layer {
    attn_norm: Vec<f32>,
    attn_q: Matrix,
    attn_k: Matrix,
    attn_v: Matrix,
    attn_output: Matrix,
    ffn_norm: Vec<f32>,
    ffn_gate: Matrix,
    ffn_up: Matrix,
    ffn_down: Matrix,
}

/// Vectors of the pass in progress, kept from call to call. Each is `tokens x width`, token by token.
#[derive(Default)]
struct Scratch {
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
    unedited: Vec<f32>,
    scores: Vec<f32>,
    /// z of all layers, where the largest contributions are wanted.
    every: Vec<f32>,
}

/// A model on the CPU.
pub struct Cpu {
    config: Config,
    isa: Isa,
    embedding: Matrix,
    output_norm: Vec<f32>,
    unembedding: Matrix,
    layers: Vec<Layer>,
    column_norms: Arc<[f32]>,
    rope: Rope,
    lanes: Vec<Option<Lane>>,
    scratch: Scratch,
    /// Readings not yet collected, and the number of the next.
    finished: Vec<(Ticket, Vec<Reading>)>,
    next: u32,
}

impl Cpu {
    /// Takes a checked file; its bytes are shared, not copied.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`] if the norms of the columns find no room.
    pub fn new(file: &ModelFile) -> Result<Self> {
        Self::with_isa(file, Isa::best())
    }

    /// As [`Cpu::new`] with a given instruction set; one that this machine lacks must not be asked for, and
    /// [`Isa::available`] names none such.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for an instruction set this machine lacks; as [`Cpu::new`].
    pub fn with_isa(file: &ModelFile, isa: Isa) -> Result<Self> {
        if !Isa::available().contains(&isa) {
            return Err(Error::input(format!(
                "this machine has no {}: leave the choice to the program",
                isa.name()
            )));
        }
        let config = file.config().clone();
        let tensors = file.tensors();
        let layers = tensors
            .layers
            .iter()
            .map(|t| Layer::new(file, t))
            .collect::<Result<Vec<_>>>()?;
        let column_norms = column_norms(&config, layers.iter().map(|l| &l.ffn_down))?.into();
        Ok(Self {
            embedding: Matrix::new(file, &tensors.token_embd)?,
            output_norm: vector(file, &tensors.output_norm)?,
            unembedding: Matrix::new(file, &tensors.output)?,
            rope: Rope::new(config.rope_dim, config.rope_base),
            layers,
            column_norms,
            isa,
            lanes: Vec::new(),
            scratch: Scratch::default(),
            finished: Vec::new(),
            next: 0,
            config,
        })
    }

    /// What one unit of a neuron's `z` adds to each logit if no layer came after it: its column of `W_down`, times the
    /// final norm's weight, through the unembedding (the logit lens; the norm's scale is left out).
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a neuron outside the model, [`ErrorKind::Memory`].
    pub fn direct_logits(&self, neuron: Neuron) -> Result<Vec<f32>> {
        check_neuron(neuron, &self.config)?;
        let down = &self.layers[neuron.layer].ffn_down;
        let mut row = vec![0f32; down.columns()];
        let direction: Vec<f32> = (0..down.rows())
            .zip(&self.output_norm)
            .map(|(r, weight)| {
                down.dequantize_row(r, &mut row);
                row[neuron.index] * weight
            })
            .collect();
        let mut activations = Activations::default();
        activations.load(&direction, direction.len());
        let mut logits = try_vec(0f32, self.config.vocabulary, "the logits")?;
        kernels::matmul(self.isa, &self.unembedding, &activations, &mut logits);
        Ok(logits)
    }

    /// The column norms, to be shared with an engine of the same model.
    pub(crate) fn shared_column_norms(&self) -> Arc<[f32]> {
        self.column_norms.clone()
    }

    fn lane(&self, id: LaneId) -> Result<&Lane> {
        self.lanes
            .get(id.0)
            .and_then(Option::as_ref)
            .ok_or_else(|| Error::internal("a lane was used after it was closed"))
    }

    /// Checks a batch before anything is changed, and makes room for it.
    fn prepare(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<()> {
        let end = check_feeds(&self.config, feeds, watch, |id| Ok(self.lane(id)?.position))?;
        for feed in feeds {
            let config = &self.config;
            if let Some(Some(lane)) = self.lanes.get_mut(feed.lane.0) {
                lane.reserve(feed.tokens.len(), config)?;
            }
        }
        self.rope.extend_to(end);
        Ok(())
    }

    /// The forward pass of checked feeds.
    fn run(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<Vec<Reading>> {
        self.prepare(feeds, watch)?;
        // The lanes fed are taken out while the pass runs, so that an early return leaves them as they were.
        let mut lanes = Vec::with_capacity(feeds.len());
        for feed in feeds {
            lanes.push(
                self.lanes[feed.lane.0].take().ok_or_else(|| {
                    Error::internal("a lane vanished between checking and running")
                })?,
            );
        }
        let readings = self.pass(feeds, &mut lanes, watch);
        for (feed, mut lane) in feeds.iter().zip(lanes) {
            if readings.is_ok() {
                lane.position += feed.tokens.len();
            } else {
                lane.truncate(&self.config);
            }
            self.lanes[feed.lane.0] = Some(lane);
        }
        readings
    }

    fn pass(
        &mut self,
        feeds: &[Feed<'_>],
        lanes: &mut [Lane],
        watch: &Watch,
    ) -> Result<Vec<Reading>> {
        let Self {
            config,
            isa,
            embedding,
            output_norm,
            unembedding,
            layers,
            column_norms,
            rope,
            scratch: s,
            ..
        } = self;
        let (hidden, neurons, kv) = (config.hidden, config.neurons, config.kv_width());
        let tokens: usize = feeds.iter().map(|f| f.tokens.len()).sum();
        // Which lane each token of the batch belongs to, and where it stands in it.
        let places: Vec<(usize, usize)> = feeds
            .iter()
            .enumerate()
            .flat_map(|(l, f)| (0..f.tokens.len()).map(move |i| (l, i)))
            .collect();
        let mut readings: Vec<Reading> = feeds
            .iter()
            .map(|f| Reading {
                logits: Vec::new(),
                choice: None,
                activity: match watch {
                    Watch::None => Vec::new(),
                    _ => vec![Activity::default(); f.tokens.len()],
                },
            })
            .collect();

        for (buffer, width) in [
            (&mut s.residual, hidden),
            (&mut s.normed, hidden),
            (&mut s.q, hidden),
            (&mut s.k, kv),
            (&mut s.v, kv),
            (&mut s.attended, hidden),
            (&mut s.gate, neurons),
            (&mut s.up, neurons),
            (&mut s.output, hidden),
        ] {
            buffer.clear();
            buffer
                .try_reserve(tokens * width)
                .map_err(|_| Error::memory("a step of the model", tokens * width * 4))?;
            buffer.resize(tokens * width, 0.0);
        }
        let top = watch.top(config);
        let every = if top > 0 { config.neuron_count() } else { 0 };
        s.every.clear();
        s.every
            .try_reserve(tokens * every)
            .map_err(|_| Error::memory("a step of the model", tokens * every * 4))?;
        s.every.resize(tokens * every, 0.0);

        let ids = feeds
            .iter()
            .zip(&*lanes)
            .flat_map(|(f, lane)| f.tokens.iter().map(|&id| lane.token(id)));
        for (id, row) in ids.zip(s.residual.chunks_exact_mut(hidden)) {
            embedding.dequantize_row(id? as usize, row);
        }

        for (l, layer) in layers.iter().enumerate() {
            // Attention.
            normalize(&s.residual, &layer.attn_norm, config, &mut s.normed);
            s.activations.load(&s.normed, hidden);
            kernels::matmul(*isa, &layer.attn_q, &s.activations, &mut s.q);
            kernels::matmul(*isa, &layer.attn_k, &s.activations, &mut s.k);
            kernels::matmul(*isa, &layer.attn_v, &s.activations, &mut s.v);
            for (t, &(lane, i)) in places.iter().enumerate() {
                let lane = &mut lanes[lane];
                let position = lane.position + i;
                let cache = &mut lane.cache[l];
                let q = &mut s.q[t * hidden..][..hidden];
                for head in q.chunks_exact_mut(config.head_dim) {
                    rope.turn(head, position);
                }
                let k = &mut s.k[t * kv..][..kv];
                let v = &s.v[t * kv..][..kv];
                for (head, k) in k.chunks_exact_mut(config.head_dim).enumerate() {
                    rope.turn(k, position);
                    cache.keys[head].extend_from_slice(k);
                }
                for (head, v) in v.chunks_exact(config.head_dim).enumerate() {
                    cache.values[head].extend_from_slice(v);
                }
                let out = &mut s.attended[t * hidden..][..hidden];
                attention::attend(config, cache, position + 1, q, &mut s.scores, out);
            }
            s.activations.load(&s.attended, hidden);
            kernels::matmul(*isa, &layer.attn_output, &s.activations, &mut s.output);
            add(&mut s.residual, &s.output);

            // The MLP, where the neurons are.
            normalize(&s.residual, &layer.ffn_norm, config, &mut s.normed);
            s.activations.load(&s.normed, hidden);
            kernels::matmul(*isa, &layer.ffn_gate, &s.activations, &mut s.gate);
            kernels::matmul(*isa, &layer.ffn_up, &s.activations, &mut s.up);
            math::silu_mul(&mut s.gate, &s.up);
            // What the edits take away, kept so that activity can be reported as it was without them.
            let mut removed: Vec<(usize, usize, f32)> = Vec::new();
            for (t, &(lane, i)) in places.iter().enumerate() {
                let z = &mut s.gate[t * neurons..][..neurons];
                if let Some(activity) = readings[lane].activity.get_mut(i) {
                    capture(watch, l, z, &mut activity.z);
                }
                if top > 0 {
                    s.every[t * every + l * neurons..][..neurons].copy_from_slice(z);
                }
                for (e, edit) in lanes[lane].edits[l].iter().enumerate() {
                    let before = z[edit.index];
                    z[edit.index] = before * edit.alpha;
                    if *watch != Watch::None {
                        removed.push((t, e, before - z[edit.index]));
                    }
                }
            }
            s.activations.load(&s.gate, neurons);
            kernels::matmul(*isa, &layer.ffn_down, &s.activations, &mut s.output);
            let mut removed = removed.into_iter().peekable();
            for (t, &(lane, i)) in places.iter().enumerate() {
                let Some(activity) = readings[lane].activity.get_mut(i) else {
                    continue;
                };
                let h = &s.output[t * hidden..][..hidden];
                let unedited = &mut s.unedited;
                let mut h = h;
                if removed.peek().is_some_and(|&(at, ..)| at == t) {
                    unedited.clear();
                    unedited.extend_from_slice(h);
                    while let Some((_, e, amount)) = removed.next_if(|&(at, ..)| at == t) {
                        for (h, c) in unedited.iter_mut().zip(&lanes[lane].edits[l][e].column) {
                            *h += amount * c;
                        }
                    }
                    h = unedited;
                }
                activity.output_norms.push(math::norm(h));
            }
            add(&mut s.residual, &s.output);
        }

        if top > 0 {
            for (&(lane, i), z) in places.iter().zip(s.every.chunks_exact(every)) {
                let Some(activity) = readings[lane].activity.get_mut(i) else {
                    continue;
                };
                let of_all: Vec<f32> = (z.iter().zip(column_norms.iter()).enumerate())
                    .map(|(at, (&z, &norm))| {
                        contribution(z, norm, activity.output_norms[at / neurons])
                    })
                    .collect();
                activity.top = largest(&of_all, top, config);
            }
        }

        // Logits, of the positions asked for only: the unembedding is a fifth of all weights.
        let mut wanted: Vec<usize> = Vec::new();
        let mut end = 0;
        for feed in feeds {
            let start = end;
            end += feed.tokens.len();
            match feed.logits {
                Logits::None => {}
                Logits::Choice | Logits::Last => wanted.push(end - 1),
                Logits::All => wanted.extend(start..end),
            }
        }
        if !wanted.is_empty() {
            s.normed.resize(wanted.len() * hidden, 0.0);
            for (&t, out) in wanted.iter().zip(s.normed.chunks_exact_mut(hidden)) {
                let x = &s.residual[t * hidden..][..hidden];
                math::rms_norm(x, output_norm, config.norm_eps, out);
            }
            s.activations.load(&s.normed, hidden);
            let mut logits = try_vec(0f32, wanted.len() * config.vocabulary, "the logits")?;
            kernels::matmul(*isa, unembedding, &s.activations, &mut logits);
            let mut rest = logits;
            for ((feed, reading), lane) in feeds.iter().zip(&mut readings).zip(lanes) {
                let n = match feed.logits {
                    Logits::None => 0,
                    Logits::Choice | Logits::Last => 1,
                    Logits::All => feed.tokens.len(),
                };
                if feed.logits == Logits::Choice {
                    let logits: Vec<f32> = rest.drain(..config.vocabulary).collect();
                    let choice = Choice::of(&logits);
                    lane.chosen = Some(choice.id);
                    reading.choice = Some(choice);
                    continue;
                }
                let tail = rest.split_off(n * config.vocabulary);
                reading.logits = std::mem::replace(&mut rest, tail);
            }
        }
        Ok(readings)
    }
}

impl Engine for Cpu {
    fn config(&self) -> &Config {
        &self.config
    }

    fn description(&self) -> String {
        format!("cpu/{}", self.isa.name())
    }

    fn column_norms(&self) -> &[f32] {
        &self.column_norms
    }

    fn open(&mut self, edits: &Edits) -> Result<LaneId> {
        let down: Vec<&Matrix> = self.layers.iter().map(|l| &l.ffn_down).collect();
        let lane = Lane::new(edits, &self.config, &down)?;
        let free = self.lanes.iter().position(Option::is_none);
        let id = free.unwrap_or(self.lanes.len());
        if free.is_none() {
            self.lanes.push(None);
        }
        self.lanes[id] = Some(lane);
        Ok(LaneId(id))
    }

    fn close(&mut self, lane: LaneId) {
        if let Some(slot) = self.lanes.get_mut(lane.0) {
            *slot = None;
        }
    }

    fn position(&self, lane: LaneId) -> usize {
        self.lane(lane).map_or(0, |l| l.position)
    }

    fn submit(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<Ticket> {
        let readings = self.run(feeds, watch)?;
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        self.finished.push((ticket, readings));
        Ok(ticket)
    }

    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Reading>>> {
        let at = self.finished.iter().position(|(t, _)| *t == ticket);
        Box::pin(ready(match at {
            Some(at) => Ok(self.finished.swap_remove(at).1),
            None => Err(Error::internal("a step was collected twice")),
        }))
    }

    fn forget(&mut self, ticket: Ticket) {
        self.finished.retain(|(t, _)| *t != ticket);
    }
}

impl Layer {
    fn new(file: &ModelFile, t: &LayerTensors) -> Result<Self> {
        Ok(Self {
            attn_norm: vector(file, &t.attn_norm)?,
            attn_q: Matrix::new(file, &t.attn_q)?,
            attn_k: Matrix::new(file, &t.attn_k)?,
            attn_v: Matrix::new(file, &t.attn_v)?,
            attn_output: Matrix::new(file, &t.attn_output)?,
            ffn_norm: vector(file, &t.ffn_norm)?,
            ffn_gate: Matrix::new(file, &t.ffn_gate)?,
            ffn_up: Matrix::new(file, &t.ffn_up)?,
            ffn_down: Matrix::new(file, &t.ffn_down)?,
        })
    }
}

/// A one-row tensor in f32.
fn vector(file: &ModelFile, view: &TensorView) -> Result<Vec<f32>> {
    let mut out = try_vec(0f32, view.columns, "a weight vector")?;
    Matrix::new(file, view)?.dequantize_row(0, &mut out);
    Ok(out)
}

/// Norms of the columns of `W_down`, summed in f64 over the rows.
pub(crate) fn column_norms<'a>(
    config: &Config,
    down: impl Iterator<Item = &'a Matrix>,
) -> Result<Vec<f32>> {
    let mut out = try_vec(0f32, config.neuron_count(), "the norms of the columns")?;
    let mut row = vec![0f32; config.neurons];
    let mut squares = vec![0f64; config.neurons];
    for (down, out) in down.zip(out.chunks_exact_mut(config.neurons)) {
        squares.fill(0.0);
        for r in 0..config.hidden {
            down.dequantize_row(r, &mut row);
            for (sum, &w) in squares.iter_mut().zip(&row) {
                *sum += f64::from(w) * f64::from(w);
            }
        }
        for (o, &sum) in out.iter_mut().zip(&squares) {
            *o = sum.sqrt() as f32;
        }
    }
    Ok(out)
}

fn normalize(x: &[f32], weight: &[f32], config: &Config, out: &mut [f32]) {
    let width = weight.len();
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        math::rms_norm(x, weight, config.norm_eps, out);
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
