//! The forward pass on the CPU: 15-bit integer activations, weights quantized as in the file.
//!
//! A layer is pre-norm attention with RoPE and grouped heads, then `h = W_down (act(W_gate x) * (W_up x))`, residual sums around
//! both (Touvron et al. 2023); what an architecture adds to that is in the model's [`Blueprint`].
//!
//! In a browser there is one thread. Natively a step's lanes are shared out among threads, each of which runs the whole pass
//! for its own; what a lane gives does not depend on it.

mod activations;
mod attention;
pub(crate) mod kernels;
mod lane;
mod limit;
mod pass;

use std::{future::ready, sync::Arc};

pub use kernels::Isa;
pub use limit::Limit;

use super::{BoxFuture, Edits, Engine, Feed, LaneId, Neuron, Reading, Ticket, Watch, check_feeds};
use crate::{
    engine::{edits::check_neuron, rope::Ropes},
    error::{Error, Result, try_vec},
    model::{Blueprint, ModelFile, Weights},
    quant::Matrix,
};
use activations::Activations;
use lane::Lane;
use pass::Scratch;

/// What a pass reads and never writes.
struct Model {
    config: Blueprint,
    isa: Isa,
    weights: Arc<Weights>,
    column_norms: Arc<[f32]>,
    ropes: Ropes,
}

/// A model on the CPU.
pub struct Cpu {
    model: Model,
    lanes: Vec<Option<Lane>>,
    /// One for each thread that may run.
    scratch: Vec<Scratch>,
    /// Readings not yet collected, and the number of the next.
    finished: Vec<(Ticket, Vec<Reading>)>,
    next: u32,
}

impl Cpu {
    /// Takes a checked model; its weights are shared, not copied.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Memory`] if the norms of the columns find no room.
    pub fn new(file: &ModelFile) -> Result<Self> {
        Self::with_isa(file, Isa::best())
    }

    /// As [`Cpu::new`] with a given instruction set; one that this machine lacks must not be asked for, and
    /// [`Isa::available`] names none such.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for an instruction set this machine lacks; as [`Cpu::new`].
    pub fn with_isa(file: &ModelFile, isa: Isa) -> Result<Self> {
        if !Isa::available().contains(&isa) {
            return Err(Error::input(format!(
                "this machine has no {}: leave the choice to the program",
                isa.name()
            )));
        }
        let config = file.blueprint().clone();
        let weights = file.weights().clone();
        let model = Model {
            ropes: Ropes::new(&config, weights.rope_factors.as_deref()),
            column_norms: column_norms(&config, &weights)?.into(),
            weights,
            isa,
            config,
        };
        let mut cpu = Self {
            model,
            lanes: Vec::new(),
            scratch: Vec::new(),
            finished: Vec::new(),
            next: 0,
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        cpu.set_threads(if cfg!(target_arch = "wasm32") {
            1
        } else {
            threads
        });
        Ok(cpu)
    }

    /// How many threads may share the lanes of a step, at least one; natively as many as the machine has cores unless set.
    pub fn set_threads(&mut self, threads: usize) {
        self.scratch.resize_with(threads.max(1), Scratch::default);
    }

    /// What one unit of a neuron's `z` adds to each logit if no layer came after it: its column of `W_down`, times the
    /// weights of the norms behind it, through the unembedding (the logit lens; the norms' scales are left out).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for a neuron outside the model, [`crate::ErrorKind::Memory`].
    pub fn direct_logits(&self, neuron: Neuron) -> Result<Vec<f32>> {
        let m = &self.model;
        check_neuron(neuron, &m.config)?;
        let layer = &m.weights.layers[neuron.layer];
        let down = &layer.ffn_down.matrix;
        let mut direction = vec![0f32; down.rows()];
        down.dequantize_column(neuron.index, &mut direction);
        for norm in layer.ffn_post_norm.iter().chain([&m.weights.output_norm]) {
            for (d, weight) in direction.iter_mut().zip(norm) {
                *d *= weight;
            }
        }
        let mut activations = Activations::default();
        activations.load(&direction, direction.len());
        let mut logits = try_vec(0f32, m.config.vocabulary, "the logits")?;
        kernels::matmul(m.isa, m.weights.unembedding(), &activations, &mut logits);
        Ok(logits)
    }

    /// The column norms, to be shared with an engine of the same model.
    pub(crate) fn shared_column_norms(&self) -> Arc<[f32]> {
        self.model.column_norms.clone()
    }

    fn lane(&self, id: LaneId) -> Result<&Lane> {
        self.lanes
            .get(id.0)
            .and_then(Option::as_ref)
            .ok_or_else(|| Error::internal("a lane was used after it was closed"))
    }

    fn keep(&mut self, lane: Lane) -> LaneId {
        let free = self.lanes.iter().position(Option::is_none);
        let id = free.unwrap_or(self.lanes.len());
        if free.is_none() {
            self.lanes.push(None);
        }
        self.lanes[id] = Some(lane);
        LaneId(id)
    }

    /// Checks a batch before anything is changed, and makes room for it.
    fn prepare(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<()> {
        let config = &self.model.config;
        let end = check_feeds(config, feeds, watch, |id| Ok(self.lane(id)?.position))?;
        for feed in feeds {
            if let Some(Some(lane)) = self.lanes.get_mut(feed.lane.0) {
                lane.reserve(feed.tokens.len(), config)?;
            }
        }
        self.model.ropes.extend_to(end);
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
        let readings = share_out(&self.model, &mut self.scratch, feeds, &mut lanes, watch);
        for (i, (feed, mut lane)) in feeds.iter().zip(lanes).enumerate() {
            match &readings {
                Ok(readings) => {
                    lane.position += feed.tokens.len();
                    let choice = readings.get(i).and_then(|r| r.choice);
                    lane.chosen = choice.map_or(lane.chosen, |c| Some(c.id));
                }
                Err(_) => lane.truncate(&self.model.config),
            }
            self.lanes[feed.lane.0] = Some(lane);
        }
        readings
    }
}

/// Runs a pass in as many threads as there are scratches and lanes for; each takes neighbouring lanes of about as many tokens.
fn share_out(
    model: &Model,
    scratch: &mut [Scratch],
    feeds: &[Feed<'_>],
    lanes: &mut [Lane],
    watch: &Watch,
) -> Result<Vec<Reading>> {
    let ([own, others @ ..], n) = (scratch, feeds.len()) else {
        return Err(Error::internal("an engine without a thread was run"));
    };
    if others.is_empty() || n < 2 {
        return model.pass(own, feeds, lanes, watch);
    }
    let threads = others.len() + 1;
    let mut left: usize = feeds.iter().map(|f| f.tokens.len()).sum();
    std::thread::scope(|scope| {
        let (mut feeds, mut lanes) = (feeds, lanes);
        let mut running = Vec::new();
        for (i, scratch) in others.iter_mut().enumerate() {
            let share = left.div_ceil(threads - i);
            let mut tokens = 0;
            let mut count = 0;
            while count + 1 < feeds.len() && tokens < share {
                tokens += feeds[count].tokens.len();
                count += 1;
            }
            if count == 0 {
                break;
            }
            left -= tokens;
            let (these, rest) = feeds.split_at(count);
            let (their, other_lanes) = lanes.split_at_mut(count);
            (feeds, lanes) = (rest, other_lanes);
            running.push(scope.spawn(move || model.pass(scratch, these, their, watch)));
        }
        let last = model.pass(own, feeds, lanes, watch);
        let mut readings = Vec::with_capacity(n);
        let mut failed = None;
        for thread in running {
            match thread.join() {
                Ok(Ok(some)) => readings.extend(some),
                Ok(Err(e)) => failed = Some(e),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        readings.extend(last?);
        failed.map_or(Ok(readings), Err)
    })
}

impl Engine for Cpu {
    fn blueprint(&self) -> &Blueprint {
        &self.model.config
    }

    fn description(&self) -> String {
        format!("cpu/{}", self.model.isa.name())
    }

    fn column_norms(&self) -> &[f32] {
        &self.model.column_norms
    }

    fn open(&mut self, edits: &Edits) -> Result<LaneId> {
        let lane = Lane::new(edits, &self.model.config, &self.model.weights)?;
        Ok(self.keep(lane))
    }

    fn fork(&mut self, lane: LaneId) -> Result<Option<LaneId>> {
        let lane = self.lane(lane)?.clone();
        Ok(Some(self.keep(lane)))
    }

    fn rewind(&mut self, lane: LaneId, position: usize) -> Result<bool> {
        if position > self.lane(lane)?.position {
            return Err(Error::internal(
                "a lane was to go back to what it has not read",
            ));
        }
        if let Some(Some(lane)) = self.lanes.get_mut(lane.0) {
            lane.position = position;
            lane.chosen = None;
            lane.truncate(&self.model.config);
        }
        Ok(true)
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

/// Norms of the columns of `W_down`, summed in f64 over the rows.
pub(crate) fn column_norms(config: &Blueprint, weights: &Weights) -> Result<Vec<f32>> {
    let mut out = try_vec(0f32, config.neuron_count(), "the norms of the columns")?;
    let mut row = vec![0f32; config.neurons];
    let mut squares = vec![0f64; config.neurons];
    let layers = out.chunks_exact_mut(config.neurons).zip(&weights.layers);
    for (out, layer) in layers {
        let down: &Matrix = &layer.ffn_down.matrix;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration to change for tests.
    pub(super) fn config() -> Blueprint {
        Blueprint {
            name: "test".into(),
            architecture: "llama".into(),
            hidden: 64,
            neurons: 64,
            layers: 1,
            heads: 1,
            kv_heads: 1,
            head_dim: 64,
            rope_dim: 64,
            context: 64,
            vocabulary: 8,
            ..Blueprint::llama()
        }
    }
}
