//! The forward pass on a GPU, through WebGPU: natively and in the browser.
//!
//! The whole token stays on the device: embedding, layers, unembedding and greedy choice are one command buffer, and the
//! chosen token is where the next submission looks for it. What comes back is the choice and what the page shows.
//!
//! Five dispatches a layer, and seven where what attention and MLP add is normalized too. RMSNorm before them has none: whoever writes the residual stream also multiplies it by the next norm's
//! weight and sums its squares, and the scale, one number a token, is applied after the product (`kernels/normed.wgsl`).
//! Lanes are tokens of a batch like any other, so none costs a dispatch, and none changes another's numbers.

mod bound;
#[cfg(target_arch = "wasm32")]
mod browser;
mod device;
pub(crate) mod kernels;
mod lanes;
mod model;
mod pass;
mod profile;
mod readback;
mod results;
mod weights;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

pub use device::Options;
pub use kernels::Tiling;
pub use profile::KernelTime;

use super::{
    BoxFuture, CHOSEN, Counters, Edits, Engine, Feed, LaneId, Logits, Reading, Ticket, Watch,
    check_feeds, rope::Ropes,
};
use crate::{
    error::{Error, Result},
    model::{Blueprint, ModelFile, Weights as Source},
};
use bound::{Bound, State};
use device::Device;
use kernels::{Form, Kernel};
use lanes::Lanes;
use model::Weights;
use profile::{TIMED, Timers};
use readback::{Mapping, Staging};
use results::Pending;

/// Submissions worth having under way: the device works on one while the next waits and the last is read.
const DEPTH: usize = 3;

/// A model on the GPU.
pub struct Gpu {
    config: Arc<Blueprint>,
    device: Device,
    weights: Weights,
    /// The model's own weights: an edit needs a column of `W_down`.
    source: Arc<Source>,
    column_norms: Arc<[f32]>,
    ropes: Ropes,
    lanes: Lanes,
    state: State,
    bound: Option<(u64, u64, Bound)>,
    layouts: HashMap<Kernel, wgpu::BindGroupLayout>,
    pipelines: HashMap<Form, wgpu::ComputePipeline>,
    /// Whether one of them was made for the submission in hand.
    compiling: bool,
    watched: Watch,
    staging: Staging,
    pending: VecDeque<Pending>,
    next: u32,
    counters: Counters,
    timers: Option<Timers>,
}

impl Gpu {
    /// Opens the GPU and writes the model to it, tensor by tensor. `column_norms` are those of an engine of the same model,
    /// where there is one, which saves making them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gpu`] where there is no GPU or the model is too large for it.
    pub async fn open(
        file: &ModelFile,
        column_norms: Option<Arc<[f32]>>,
        options: &Options,
    ) -> Result<Self> {
        let config = Arc::new(file.blueprint().clone());
        model::check(&config)?;
        let source = file.weights().clone();
        let device = Device::open(options, model::largest_binding(&config, &source)).await?;
        let ropes = Ropes::new(&config, source.rope_factors.as_deref());
        let column_norms = match column_norms {
            Some(norms) => norms,
            None => super::cpu::column_norms(&config, &source)?.into(),
        };
        let weights = Weights::upload(&device, &config, &source, &ropes, &column_norms)?;
        let timers = device.timestamps.then(|| Timers {
            set: device.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("kernels"),
                ty: wgpu::QueryType::Timestamp,
                count: TIMED,
            }),
            resolved: device.buffer(
                "timestamps",
                TIMED as usize * 8,
                wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            ),
            sums: BTreeMap::new(),
        });
        let mut gpu = Self {
            weights,
            source,
            column_norms,
            ropes,
            lanes: Lanes::new(&device, &config),
            state: State::new(&device, &config),
            bound: None,
            layouts: Kernel::ALL.iter().map(|&k| (k, device.layout(k))).collect(),
            pipelines: HashMap::new(),
            compiling: false,
            watched: Watch::None,
            staging: Staging::default(),
            pending: VecDeque::new(),
            next: 1,
            counters: Counters::default(),
            timers,
            device,
            config,
        };
        gpu.counters.weight_bytes = gpu.weights.bytes() as u64;
        // Waits for the upload, and shows whether the device took it all.
        let lane = gpu.open(&Edits::none())?;
        let feed = Feed {
            lane,
            tokens: &[0],
            logits: Logits::Choice,
        };
        gpu.forward(&[feed], &Watch::None).await?;
        gpu.close(lane);
        gpu.counters = Counters {
            weight_bytes: gpu.counters.weight_bytes,
            ..Counters::default()
        };
        Ok(gpu)
    }

    /// The adapter's name, as the driver tells it.
    pub fn adapter(&self) -> String {
        let info = &self.device.info;
        let named = [&info.name, &info.driver_info];
        let named: Vec<&str> = named
            .iter()
            .map(|s| s.trim())
            .filter(|s| !s.is_empty())
            .collect();
        if named.is_empty() {
            "an adapter without a name".to_owned()
        } else {
            named.join(", ")
        }
    }

    /// Bytes per second that the device copies from one buffer to another, reading and writing counted both.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gpu`].
    pub async fn copy_bandwidth(&mut self, now: impl Fn() -> f64) -> Result<f64> {
        const SIZE: usize = 64 << 20;
        const TIMES: usize = 8;
        let from = self.device.storage("from", SIZE);
        let to = self.device.storage("to", SIZE);
        let mut best = 0f64;
        for round in 0..4 {
            let mut encoder = self
                .device
                .device
                .create_command_encoder(&Default::default());
            for _ in 0..TIMES {
                encoder.copy_buffer_to_buffer(&from, 0, &to, 0, SIZE as u64);
            }
            let staging = self.staging.take(&self.device, 16);
            encoder.copy_buffer_to_buffer(&to, 0, &staging, 0, 16);
            let begin = now();
            let submission = self.device.queue.submit([encoder.finish()]);
            let patience = self.device.patience(0, true);
            let mapping = Mapping::new(staging, 16, submission, patience);
            self.staging.read(&self.device, mapping).await?;
            let seconds = now() - begin;
            // The first round touches the memory for the first time.
            if round > 0 {
                best = best.max((2 * SIZE * TIMES) as f64 / seconds);
            }
        }
        Ok(best)
    }

    /// Gives the device up, as a browser or a driver may at any time. For tests.
    pub fn lose(&self) {
        self.device.device.destroy();
    }

    /// Asks the device for more memory than it gives, as a conversation that grows may. For tests.
    pub fn run_out(&self) {
        let most = self.device.device.limits().max_buffer_size;
        self.device.storage("too much", most as usize + 16);
    }
}

impl Engine for Gpu {
    fn blueprint(&self) -> &Blueprint {
        &self.config
    }

    fn description(&self) -> String {
        let mut build = "wgpu".to_owned();
        for (has, name) in [
            (self.device.subgroups, "subgroups"),
            (self.device.f16, "f16"),
        ] {
            if has {
                build = format!("{build}+{name}");
            }
        }
        format!("gpu/{build}")
    }

    fn column_norms(&self) -> &[f32] {
        &self.column_norms
    }

    fn open(&mut self, edits: &Edits) -> Result<LaneId> {
        self.device.check()?;
        let slot = self
            .lanes
            .open(&self.device, &self.config, edits, &self.source)?;
        Ok(LaneId(slot))
    }

    fn close(&mut self, lane: LaneId) {
        self.lanes.close(lane.0);
    }

    fn rewind(&mut self, lane: LaneId, position: usize) -> Result<bool> {
        self.lanes.rewind(lane.0, position)?;
        Ok(true)
    }

    fn position(&self, lane: LaneId) -> usize {
        self.lanes.get(lane.0).map_or(0, |l| l.position)
    }

    fn submit(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<Ticket> {
        self.device.check()?;
        let end = check_feeds(&self.config, feeds, watch, |id| {
            Ok(self.lanes.get(id.0)?.position)
        })?;
        for feed in feeds {
            let lane = self.lanes.get(feed.lane.0)?;
            let goes_on = feed.tokens[0] == CHOSEN && feed.tokens.len() == 1;
            if feed.tokens.contains(&CHOSEN) && !(goes_on && lane.has_chosen) {
                return Err(Error::internal(
                    "a lane was to go on from a choice it never made",
                ));
            }
        }
        let wanted: Vec<(usize, usize)> =
            feeds.iter().map(|f| (f.lane.0, f.tokens.len())).collect();
        self.lanes.reserve(&self.device, &self.config, &wanted)?;
        self.ropes.extend_to(end);
        let pending = self.run(feeds, watch)?;
        let ticket = pending.ticket;
        self.pending.push_back(pending);
        Ok(ticket)
    }

    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Reading>>> {
        Box::pin(async move {
            let at = self.pending.iter().position(|p| p.ticket == ticket);
            let pending = at
                .and_then(|at| self.pending.remove(at))
                .ok_or_else(|| Error::internal("a step was collected twice"))?;
            self.read(pending).await
        })
    }

    fn forget(&mut self, ticket: Ticket) {
        self.pending.retain(|p| p.ticket != ticket);
    }

    fn depth(&self) -> usize {
        DEPTH
    }

    fn counters(&self) -> Counters {
        Counters {
            device_bytes: self.device.bytes(),
            ..self.counters
        }
    }
}
