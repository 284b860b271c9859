//! The forward pass on a GPU, through WebGPU: natively and in the browser.
//!
//! The whole token stays on the device: embedding, layers, unembedding and greedy choice are one command buffer, and the
//! chosen token is where the next submission looks for it. What comes back is the choice and what the page shows.
//!
//! Five dispatches a layer. RMSNorm has none: whoever writes the residual stream also multiplies it by the next norm's
//! weight and sums its squares, and the scale, one number a token, is applied after the product (`kernels/normed.wgsl`).
//! Lanes are tokens of a batch like any other, so none costs a dispatch, and none changes another's numbers.

mod bound;
mod device;
pub(crate) mod kernels;
mod lanes;
mod model;
mod readback;
mod weights;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

pub use device::Options;
pub use kernels::Tiling;

use super::{
    Activity, BoxFuture, CHOSEN, Choice, Counters, Edits, Engine, Feed, LaneId, Logits, Reading,
    Ticket, Watch, check_feeds, cpu::matrix, rope::Rope,
};
use crate::{
    error::{Error, Result},
    gguf::{Config, ModelFile, Quantization},
};
use bound::{Bound, FRAME, PLACE, State, batch_words, report_words};
use device::{Buffer, Device, gpu_error};
use kernels::{Form, Kernel, SHARES};
use lanes::Lanes;
use model::{CAPACITY, WANTED, Weights};
use readback::{Mapping, Staging};

/// Most tokens that share a read of a weight.
const MAX_GROUP: usize = 8;
/// Submissions worth having under way: the device works on one while the next waits and the last is read.
const DEPTH: usize = 3;

/// A model on the GPU.
pub struct Gpu {
    config: Config,
    device: Device,
    weights: Weights,
    /// `W_down` of each layer in the file: an edit needs a column of it.
    down: Vec<matrix::Matrix>,
    column_norms: Arc<[f32]>,
    rope: Rope,
    lanes: Lanes,
    state: State,
    bound: Option<(u64, u64, Bound)>,
    layouts: HashMap<Kernel, wgpu::BindGroupLayout>,
    pipelines: HashMap<Form, wgpu::ComputePipeline>,
    watched: Watch,
    staging: Staging,
    pending: VecDeque<Pending>,
    next: u32,
    counters: Counters,
    timers: Option<Timers>,
}

/// A submission not yet collected.
struct Pending {
    ticket: Ticket,
    mapping: Mapping,
    /// Where things are in what is read back, batch by batch.
    batches: Vec<Part>,
    /// What was asked of each feed.
    feeds: Vec<(usize, Logits)>,
    watch_all: bool,
    watched: usize,
    /// Kernels in the order of their timestamps, and where those are.
    timed: Option<(Vec<Kernel>, usize)>,
}

/// One batch's part of what is read back. Offsets are in words.
struct Part {
    ticket: u32,
    at: usize,
    /// Feed of each token.
    tokens: Vec<usize>,
    /// Feed of each row of logits.
    wanted: Vec<usize>,
    logits_at: Option<usize>,
    activity_at: Option<usize>,
    z_at: Option<usize>,
}

/// Timestamps of kernels, where they are measured.
struct Timers {
    set: wgpu::QuerySet,
    resolved: Buffer,
    /// Starts and nanoseconds by kernel.
    sums: BTreeMap<Kernel, (u64, f64)>,
}

/// Most kernels timed in one batch.
const TIMED: u32 = 2048;

/// How long a kernel took in all, as the device's own clock has it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct KernelTime {
    /// Its name.
    pub kernel: &'static str,
    /// How often it was started.
    pub starts: u64,
    /// Milliseconds in all.
    pub ms: f64,
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
        let config = file.config().clone();
        let device = Device::open(options, model::largest_binding(file)).await?;
        let down = file
            .tensors()
            .layers
            .iter()
            .map(|t| matrix::Matrix::new(file, &t.ffn_down))
            .collect::<Result<Vec<_>>>()?;
        let column_norms = match column_norms {
            Some(norms) => norms,
            None => super::cpu::column_norms(&config, down.iter())?.into(),
        };
        let weights = Weights::upload(&device, file)?;
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
            down,
            column_norms,
            rope: Rope::new(config.rope_dim, config.rope_base),
            lanes: Lanes::new(&device, &config),
            state: State::new(&device, &config),
            bound: None,
            layouts: Kernel::ALL.iter().map(|&k| (k, device.layout(k))).collect(),
            pipelines: HashMap::new(),
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

    /// Time by kernel since the last call, where [`Options::profile`] was asked for and the adapter can.
    pub fn take_times(&mut self) -> Vec<KernelTime> {
        let sums = self.timers.as_mut().map(|t| std::mem::take(&mut t.sums));
        sums.unwrap_or_default()
            .into_iter()
            .map(|(kernel, (starts, ns))| KernelTime {
                kernel: kernel.name(),
                starts,
                ms: ns / 1e6,
            })
            .collect()
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
            let mapping = Mapping::new(staging, 16, submission);
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

    fn pipeline(&mut self, kernel: Kernel, format: Quantization, tokens: usize) -> Form {
        let mut form = self.device.form(kernel, format, tokens);
        form.dims = self.config.head_dim.div_ceil(64);
        form.group = self.config.heads / self.config.kv_heads;
        if !self.pipelines.contains_key(&form) {
            let pipeline = self.device.pipeline(&form, &self.layouts[&kernel]);
            self.pipelines.insert(form, pipeline);
        }
        form
    }

    /// Writes the list of watched neurons, if it is another than before.
    fn watch(&mut self, watch: &Watch) {
        if *watch == self.watched {
            return;
        }
        if let Watch::Chosen(neurons) = watch {
            let words: Vec<u32> = neurons
                .iter()
                .flat_map(|n| [n.layer as u32, n.index as u32])
                .collect();
            self.device.write(&self.state.watched, 0, &words);
        }
        self.watched = watch.clone();
    }

    /// Writes what a batch is told; gives its part of what is read back.
    fn stage(&mut self, tokens: &[Token], watch: &Watch, lists: &[u32], ticket: u32) -> Part {
        let c = &self.config;
        let wanted: Vec<&Token> = tokens.iter().filter(|t| t.wanted).collect();
        let wanted_at = tokens.len() * (PLACE + c.head_dim);
        let pages_at = wanted_at + 2 * WANTED;
        let mut words = vec![0u32; pages_at];
        for (i, token) in tokens.iter().enumerate() {
            let turns = tokens.len() * PLACE + i * c.head_dim;
            words[i * PLACE..][..5].copy_from_slice(&[
                token.slot as u32,
                token.position as u32,
                token.id,
                (pages_at + token.pages) as u32,
                turns as u32,
            ]);
            // Pairs that RoPE leaves alone are turned by nothing.
            for pair in words[turns..][..c.head_dim].as_chunks_mut::<2>().0 {
                *pair = [1f32.to_bits(), 0];
            }
            let turned = self.rope.at(token.position);
            for (pair, (cos, sin)) in words[turns..].as_chunks_mut::<2>().0.iter_mut().zip(turned) {
                *pair = [cos.to_bits(), sin.to_bits()];
            }
        }
        let rows = tokens.iter().enumerate().filter(|(_, t)| t.wanted);
        for (i, (token, place)) in rows.enumerate() {
            words[wanted_at + 2 * i] = token as u32;
            words[wanted_at + 2 * i + 1] = place.slot as u32;
        }
        words.extend(lists);
        self.device.write(&self.state.batch, 0, &words);
        let watched = match watch {
            Watch::Chosen(neurons) => neurons.len(),
            _ => 0,
        };
        let report_at = 4 + 2 * WANTED;
        let frame: [u32; FRAME] = [
            tokens.len() as u32,
            wanted.len() as u32,
            wanted_at as u32,
            watched as u32,
            u32::from(*watch != Watch::None),
            report_at as u32,
            ticket,
            self.lanes.edit_words(c) as u32,
            self.lanes.edit_room as u32,
            0,
            0,
            0,
        ];
        self.device.write(&self.state.frame, 0, &frame);
        Part {
            ticket,
            at: 0,
            tokens: tokens.iter().map(|t| t.feed).collect(),
            wanted: wanted.iter().map(|t| t.feed).collect(),
            logits_at: None,
            activity_at: (*watch != Watch::None).then_some(report_at),
            z_at: None,
        }
    }

    /// The dispatches of a batch, in order: kernel, form, bind group, workgroups.
    fn dispatches(&mut self, part: &Part, choose: bool) -> Vec<(Form, usize, [u32; 2])> {
        let (n, wanted) = (part.tokens.len(), part.wanted.len());
        let none = Quantization::F32;
        let tile = self.device.tiling.tile();
        let group = |n: usize| n.clamp(1, MAX_GROUP);
        let mut list = Vec::with_capacity(5 * self.config.layers + 5);
        let embedding = self.weights.embedding.format;
        list.push((self.pipeline(Kernel::Embed, embedding, 1), 0, [n as u32, 1]));
        let product =
            |rows: usize, n: usize| [rows.div_ceil(tile) as u32, n.div_ceil(group(n)) as u32];
        for l in 0..self.config.layers {
            let layer = &self.weights.layers[l];
            let shapes = [
                (Kernel::Qkv, layer.qkv.format, layer.qkv.rows),
                (Kernel::Attention, none, 0),
                (Kernel::Output, layer.output.format, layer.output.rows),
                (Kernel::GateUp, layer.gate_up.format, layer.gate_up.rows),
                (Kernel::Down, layer.down.format, layer.down.rows),
            ];
            for (kernel, format, rows) in shapes {
                let (tokens, grid) = if kernel == Kernel::Attention {
                    (1, [self.config.kv_heads as u32, n as u32])
                } else {
                    (group(n), product(rows, n))
                };
                list.push((self.pipeline(kernel, format, tokens), l, grid));
            }
        }
        if wanted > 0 {
            let (format, rows) = {
                let u = self.weights.unembedding();
                (u.format, u.rows)
            };
            let form = self.pipeline(Kernel::Unembed, format, group(wanted));
            list.push((form, 0, product(rows, wanted)));
            if choose {
                let scan = self.pipeline(Kernel::SelectScan, none, 1);
                list.push((scan, 0, [SHARES as u32, wanted as u32]));
                let pick = self.pipeline(Kernel::SelectPick, none, 1);
                list.push((pick, 0, [wanted as u32, 1]));
            }
        }
        if part.activity_at.is_some() {
            let form = self.pipeline(Kernel::Activity, none, 1);
            list.push((form, 0, [self.config.layers as u32, n as u32]));
        }
        list
    }

    /// Encodes a batch.
    fn encode(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        part: &Part,
        choose: bool,
    ) -> Vec<Kernel> {
        let list = self.dispatches(part, choose);
        let (lanes, state) = (self.lanes.generation, self.state.generation);
        if !matches!(self.bound, Some((l, s, _)) if (l, s) == (lanes, state)) {
            let layout = |kernel| self.layouts[&kernel].clone();
            let bound = Bound::new(
                &self.device,
                layout,
                &self.weights,
                &self.state,
                &self.lanes,
            );
            self.bound = Some((lanes, state, bound));
        }
        let Some((_, _, bound)) = &self.bound else {
            return Vec::new();
        };
        let group = |form: &Form, layer: usize| match form.kernel {
            Kernel::Embed => &bound.embed,
            Kernel::Unembed => &bound.unembed,
            Kernel::SelectScan => &bound.select_scan,
            Kernel::SelectPick => &bound.select_pick,
            Kernel::Activity => &bound.activity,
            Kernel::Qkv => &bound.layers[layer][0].1,
            Kernel::Attention => &bound.layers[layer][1].1,
            Kernel::Output => &bound.layers[layer][2].1,
            Kernel::GateUp => &bound.layers[layer][3].1,
            Kernel::Down => &bound.layers[layer][4].1,
            // Run when the device is opened, and never here.
            Kernel::Halves => &bound.embed,
        };
        let mut timed = Vec::new();
        let each = if self.timers.is_some() { 1 } else { list.len() };
        for (i, chunk) in list.chunks(each).enumerate() {
            let writes = self
                .timers
                .as_ref()
                .map(|t| wgpu::ComputePassTimestampWrites {
                    query_set: &t.set,
                    beginning_of_pass_write_index: Some(2 * i as u32),
                    end_of_pass_write_index: Some(2 * i as u32 + 1),
                });
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: writes,
            });
            for (form, layer, [x, y]) in chunk {
                pass.set_pipeline(&self.pipelines[form]);
                pass.set_bind_group(0, group(form, *layer), &[]);
                pass.dispatch_workgroups(*x, *y, 1);
                self.counters.dispatches += 1;
                if !matches!(
                    form.kernel,
                    Kernel::Embed
                        | Kernel::Unembed
                        | Kernel::SelectScan
                        | Kernel::SelectPick
                        | Kernel::Activity
                ) {
                    self.counters.layer_dispatches += 1;
                }
            }
            if self.timers.is_some() {
                timed.extend(chunk.iter().map(|(form, ..)| form.kernel));
            }
        }
        timed
    }

    /// Submits checked feeds.
    fn run(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<Pending> {
        let config = self.config.clone();
        let c = &config;
        let choose = feeds.iter().any(|f| f.logits == Logits::Choice);
        // Page lists of the lanes, one after the other.
        let mut lists: Vec<u32> = Vec::new();
        let mut tokens: Vec<Token> = Vec::new();
        for (f, feed) in feeds.iter().enumerate() {
            let lane = self.lanes.get(feed.lane.0)?;
            let pages = lists.len();
            lists.extend(&lane.pages);
            let last = feed.tokens.len() - 1;
            tokens.extend(feed.tokens.iter().enumerate().map(|(i, &id)| Token {
                feed: f,
                slot: feed.lane.0,
                position: lane.position + i,
                id,
                pages,
                wanted: match feed.logits {
                    Logits::None => false,
                    Logits::Choice | Logits::Last => i == last,
                    Logits::All => true,
                },
            }));
        }
        let watched = match watch {
            Watch::Chosen(neurons) => neurons.len(),
            _ => 0,
        };
        let report = report_words(c, CAPACITY, watched);
        let batch = batch_words(c, CAPACITY, lists.len());
        self.state.make_room(&self.device, batch, watched, report);
        self.watch(watch);

        let batches = cut(tokens);
        // What will be read back, to know the staging buffer's size before anything is encoded.
        let rows_of = |batch: &[Token]| {
            let rows = batch.iter().filter(|t| t.wanted);
            rows.map(|t| feeds[t.feed].logits != Logits::Choice)
                .collect::<Vec<_>>()
        };
        let words: usize = batches
            .iter()
            .map(|b| {
                let rows = rows_of(b);
                let logits = if rows.contains(&true) {
                    rows.len() * c.vocabulary
                } else {
                    0
                };
                let z = match watch {
                    Watch::All => b.len() * c.neuron_count(),
                    _ => 0,
                };
                report_of(c, b.len(), watch, watched) + logits + z
            })
            .sum();
        let timestamps = self.timers.as_ref().map_or(0, |_| 2 * TIMED as usize);
        let size = ((words + timestamps) * 4) as u64;
        let staging = self.staging.take(&self.device, size);

        let ticket = Ticket(self.next);
        let mut parts = Vec::with_capacity(batches.len());
        let mut at = 0;
        let mut submission = None;
        let mut timed = None;
        let count = batches.len();
        for (i, batch) in batches.iter().enumerate() {
            let number = self.next;
            self.next = self.next.wrapping_add(1).max(1);
            let mut part = self.stage(batch, watch, &lists, number);
            let mut encoder = self
                .device
                .device
                .create_command_encoder(&Default::default());
            let kernels = self.encode(&mut encoder, &part, choose);
            if let Some(timers) = &self.timers {
                let n = 2 * kernels.len() as u32;
                encoder.resolve_query_set(&timers.set, 0..n, &timers.resolved, 0);
            }
            part.at = at;
            let mut copy = |from: &Buffer, offset: usize, words: usize| {
                encoder.copy_buffer_to_buffer(
                    from,
                    offset as u64 * 4,
                    &staging,
                    at as u64 * 4,
                    words as u64 * 4,
                );
                at += words;
                at - words
            };
            copy(
                &self.state.report,
                0,
                report_of(c, batch.len(), watch, watched),
            );
            let rows = rows_of(batch);
            if rows.contains(&true) {
                part.logits_at = Some(copy(&self.state.logits, 0, rows.len() * c.vocabulary));
            }
            if *watch == Watch::All {
                // By layer, then by token: a row of the batch at a time.
                for layer in 0..c.layers {
                    let from = layer * CAPACITY * c.neurons;
                    let to = copy(&self.state.activity, from, batch.len() * c.neurons);
                    part.z_at.get_or_insert(to);
                }
            }
            // Only the last batch of a step is timed; decoding has no other.
            if i + 1 == count
                && let Some(timers) = &self.timers
            {
                let words = 4 * kernels.len();
                timed = Some((kernels, copy(&timers.resolved, 0, words)));
            }
            submission = Some(self.device.queue.submit([encoder.finish()]));
            self.counters.submits += 1;
            parts.push(part);
        }
        let submission =
            submission.ok_or_else(|| Error::internal("a step of no tokens was asked for"))?;
        self.counters.bytes_read_back += at as u64 * 4;
        for feed in feeds {
            let lane = self.lanes.get_mut(feed.lane.0)?;
            lane.position += feed.tokens.len();
            lane.has_chosen = feed.logits == Logits::Choice;
        }
        Ok(Pending {
            ticket,
            mapping: Mapping::new(staging, at as u64 * 4, submission),
            batches: parts,
            feeds: feeds.iter().map(|f| (f.tokens.len(), f.logits)).collect(),
            watch_all: *watch == Watch::All,
            watched,
            timed,
        })
    }

    /// Waits for a submission and reads what it gave.
    async fn read(&mut self, pending: Pending) -> Result<Vec<Reading>> {
        let words = self.staging.read(&self.device, pending.mapping).await?;
        let c = &self.config;
        if let (Some((kernels, at)), Some(timers)) = (&pending.timed, &mut self.timers) {
            let period = f64::from(self.device.queue.get_timestamp_period());
            for (kernel, stamps) in kernels.iter().zip(words[*at..].as_chunks::<4>().0) {
                let [a, b, c, d] = stamps.map(u64::from);
                let (begin, end) = (a | b << 32, c | d << 32);
                let sum = timers.sums.entry(*kernel).or_default();
                sum.0 += 1;
                sum.1 += end.saturating_sub(begin) as f64 * period;
            }
        }
        let mut readings: Vec<Reading> = vec![Reading::default(); pending.feeds.len()];
        for part in &pending.batches {
            // A submission that the device refused leaves the report of an earlier one.
            if words[part.at] != part.ticket {
                return Err(gpu_error("it did not carry out what it was given"));
            }
            for (row, &feed) in part.wanted.iter().enumerate() {
                if pending.feeds[feed].1 == Logits::Choice {
                    let at = part.at + 4 + 2 * row;
                    readings[feed].choice = Some(Choice {
                        id: words[at],
                        logprob: f64::from(f32::from_bits(words[at + 1])),
                    });
                } else if let Some(at) = part.logits_at {
                    let row = &words[at + row * c.vocabulary..][..c.vocabulary];
                    readings[feed]
                        .logits
                        .extend(row.iter().map(|&w| f32::from_bits(w)));
                }
            }
            let Some(activity_at) = part.activity_at else {
                continue;
            };
            let each = c.layers + pending.watched;
            for (t, &feed) in part.tokens.iter().enumerate() {
                let own = &words[part.at + activity_at + t * each..][..each];
                let floats = |words: &[u32]| words.iter().map(|&w| f32::from_bits(w)).collect();
                let mut activity = Activity {
                    output_norms: floats(&own[..c.layers]),
                    z: floats(&own[c.layers..]),
                };
                if pending.watch_all
                    && let Some(z_at) = part.z_at
                {
                    for layer in 0..c.layers {
                        let at = z_at + (layer * part.tokens.len() + t) * c.neurons;
                        let z = words[at..at + c.neurons].iter();
                        activity.z.extend(z.map(|&w| f32::from_bits(w)));
                    }
                }
                readings[feed].activity.push(activity);
            }
        }
        Ok(readings)
    }
}

/// A token of a batch.
struct Token {
    feed: usize,
    slot: usize,
    position: usize,
    id: u32,
    /// Where its lane's page list begins, among the lists.
    pages: usize,
    wanted: bool,
}

/// Cuts a step into batches that the buffers hold.
fn cut(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let mut batches: Vec<Vec<Token>> = Vec::new();
    let mut wanted = 0;
    for token in tokens {
        let full = batches.last().is_none_or(|b| b.len() == CAPACITY)
            || (token.wanted && wanted == WANTED);
        if full {
            batches.push(Vec::with_capacity(CAPACITY));
            wanted = 0;
        }
        wanted += usize::from(token.wanted);
        if let Some(batch) = batches.last_mut() {
            batch.push(token);
        }
    }
    batches
}

/// Words of a report that are read back.
fn report_of(config: &Config, tokens: usize, watch: &Watch, watched: usize) -> usize {
    let head = 4 + 2 * WANTED;
    match watch {
        Watch::None => head,
        _ => head + tokens * (config.layers + watched),
    }
}

impl Engine for Gpu {
    fn config(&self) -> &Config {
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
            .open(&self.device, &self.config, edits, &self.down)?;
        Ok(LaneId(slot))
    }

    fn close(&mut self, lane: LaneId) {
        self.lanes.close(lane.0);
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
        self.rope.extend_to(end);
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
