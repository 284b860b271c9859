//! A step becomes batches, and a batch becomes dispatches, one command buffer and one submission.

use super::{
    Gpu,
    bound::{Bound, FRAME, PLACE, activity_words, batch_words, report_words},
    device::Buffer,
    kernels::{Features, Form, Kernel, SHARES},
    model::{CAPACITY, WANTED, features, sequence},
    profile::TIMED,
    readback::Mapping,
    results::{Part, Pending},
};
use crate::{
    engine::{Feed, Logits, Ticket, Watch, rope::TABLES},
    error::{Error, Result},
    quant::{Dense, Form as Stored},
};

/// Most tokens that share a read of a weight.
const MAX_GROUP: usize = 8;

impl Gpu {
    fn pipeline(&mut self, kernel: Kernel, stored: Stored, tokens: usize, bias: bool) -> Form {
        let mut form = self.device.form(kernel, stored, tokens);
        form.features = Features {
            bias,
            ..features(&self.config)
        };
        form.dims = self.config.head_dim.div_ceil(64);
        form.group = self.config.heads / self.config.kv_heads;
        if !self.pipelines.contains_key(&form) {
            let pipeline = self.device.pipeline(&form, &self.layouts[&kernel]);
            self.pipelines.insert(form, pipeline);
            self.compiling = true;
        }
        form
    }

    /// Writes the list of watched neurons, if it is another than before.
    fn watch(&mut self, watch: &Watch) {
        if *watch == self.watched {
            return;
        }
        let words: Vec<u32> = watch
            .neurons()
            .iter()
            .flat_map(|n| [n.layer as u32, n.index as u32])
            .collect();
        if !words.is_empty() {
            self.device.write(&self.state.watched, 0, &words);
        }
        self.watched = watch.clone();
    }

    /// Writes what a batch is told; gives its part of what is read back.
    fn stage(&mut self, tokens: &[Token], watch: &Watch, lists: &[u32], ticket: u32) -> Part {
        let c = &self.config;
        let wanted: Vec<&Token> = tokens.iter().filter(|t| t.wanted).collect();
        let turned = TABLES * c.head_dim;
        let wanted_at = tokens.len() * (PLACE + turned);
        let pages_at = wanted_at + 2 * WANTED;
        let mut words = vec![0u32; pages_at];
        for (i, token) in tokens.iter().enumerate() {
            let turns = tokens.len() * PLACE + i * turned;
            words[i * PLACE..][..5].copy_from_slice(&[
                token.slot as u32,
                token.position as u32,
                token.id,
                (pages_at + token.pages) as u32,
                turns as u32,
            ]);
            // Pairs that RoPE leaves alone are turned by nothing.
            for pair in words[turns..][..turned].as_chunks_mut::<2>().0 {
                *pair = [1f32.to_bits(), 0];
            }
            for (number, table) in words[turns..][..turned]
                .chunks_exact_mut(c.head_dim)
                .enumerate()
            {
                let Some(rope) = self.ropes.table(number) else {
                    continue;
                };
                let pairs = table.as_chunks_mut::<2>().0.iter_mut();
                for (pair, (cos, sin)) in pairs.zip(rope.at(token.position)) {
                    *pair = [cos.to_bits(), sin.to_bits()];
                }
            }
        }
        let rows = tokens.iter().enumerate().filter(|(_, t)| t.wanted);
        for (i, (token, place)) in rows.enumerate() {
            words[wanted_at + 2 * i] = token as u32;
            words[wanted_at + 2 * i + 1] = place.slot as u32;
        }
        words.extend(lists);
        self.device.write(&self.state.batch, 0, &words);
        let report_at = 4 + 2 * WANTED;
        let frame: [u32; FRAME] = [
            tokens.len() as u32,
            wanted.len() as u32,
            wanted_at as u32,
            watch.neurons().len() as u32,
            u32::from(*watch != Watch::None),
            report_at as u32,
            ticket,
            self.lanes.edit_words(c) as u32,
            self.lanes.edit_room as u32,
            activity_words(c, watch) as u32,
            watch.top(c) as u32,
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

    /// The dispatches of a batch, in order: form, layer and place in its sequence, workgroups.
    fn dispatches(
        &mut self,
        part: &Part,
        choose: bool,
        top: bool,
    ) -> Vec<(Form, (usize, usize), [u32; 2])> {
        let (n, wanted) = (part.tokens.len(), part.wanted.len());
        let none = Stored::Dense(Dense::F32);
        let tile = self.device.tiling.tile();
        let group = |n: usize| n.clamp(1, MAX_GROUP);
        let mut list = Vec::with_capacity(5 * self.config.layers + 5);
        let embedding = self.weights.embedding.form;
        let embed = self.pipeline(Kernel::Embed, embedding, 1, false);
        list.push((embed, (0, 0), [n as u32, 1]));
        let product =
            |rows: usize, n: usize| [rows.div_ceil(tile) as u32, n.div_ceil(group(n)) as u32];
        for l in 0..self.config.layers {
            for (place, kernel) in sequence(&self.config).into_iter().enumerate() {
                let layer = &self.weights.layers[l];
                let bias = layer.biased.contains(&kernel);
                let (stored, tokens, grid) = match layer.matrix(kernel) {
                    Some(matrix) => (matrix.form, group(n), product(matrix.rows, n)),
                    None if kernel == Kernel::Attention => {
                        (none, 1, [self.config.kv_heads as u32, n as u32])
                    }
                    None => (none, 1, [n as u32, 1]),
                };
                list.push((
                    self.pipeline(kernel, stored, tokens, bias),
                    (l, place),
                    grid,
                ));
            }
        }
        if wanted > 0 {
            let (stored, rows) = {
                let u = self.weights.unembedding();
                (u.form, u.rows)
            };
            let form = self.pipeline(Kernel::Unembed, stored, group(wanted), false);
            list.push((form, (0, 0), product(rows, wanted)));
            if choose {
                let scan = self.pipeline(Kernel::SelectScan, none, 1, false);
                list.push((scan, (0, 0), [SHARES as u32, wanted as u32]));
                let pick = self.pipeline(Kernel::SelectPick, none, 1, false);
                list.push((pick, (0, 0), [wanted as u32, 1]));
            }
        }
        if part.activity_at.is_some() {
            let form = self.pipeline(Kernel::Activity, none, 1, false);
            list.push((form, (0, 0), [self.config.layers as u32, n as u32]));
            if top {
                let form = self.pipeline(Kernel::Top, none, 1, false);
                list.push((form, (0, 0), [n as u32, 1]));
            }
        }
        list
    }

    /// Encodes a batch.
    fn encode(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        part: &Part,
        choose: bool,
        top: bool,
    ) -> Vec<Kernel> {
        let list = self.dispatches(part, choose, top);
        let (lanes, state) = (self.lanes.generation, self.state.generation);
        if !matches!(self.bound, Some((l, s, _)) if (l, s) == (lanes, state)) {
            let layout = |kernel| self.layouts[&kernel].clone();
            let bound = Bound::new(
                &self.device,
                layout,
                &self.weights,
                &self.state,
                &self.lanes,
                &self.config,
            );
            self.bound = Some((lanes, state, bound));
        }
        let Some((_, _, bound)) = &self.bound else {
            return Vec::new();
        };
        let group = |form: &Form, (layer, place): (usize, usize)| match form.kernel {
            Kernel::Embed => &bound.embed,
            Kernel::Unembed => &bound.unembed,
            Kernel::SelectScan => &bound.select_scan,
            Kernel::SelectPick => &bound.select_pick,
            Kernel::Activity => &bound.activity,
            Kernel::Top => &bound.top,
            Kernel::Qkv
            | Kernel::Attention
            | Kernel::Output
            | Kernel::OutputNorm
            | Kernel::GateUp
            | Kernel::Down
            | Kernel::DownNorm => &bound.layers[layer][place].1,
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
                        | Kernel::Top
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
    pub(super) fn run(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<Pending> {
        let config = self.config.clone();
        let c = &config;
        self.compiling = false;
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
        let watched = watch.neurons().len();
        let report = report_words(c, CAPACITY, watch);
        let batch = batch_words(c, CAPACITY, lists.len());
        self.state.make_room(&self.device, batch, watched, report);
        self.watch(watch);

        let count = tokens.len();
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
                    Watch::None | Watch::Chosen(_) | Watch::Top { .. } => 0,
                };
                report_words(c, b.len(), watch) + logits + z
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
        for (i, batch) in batches.iter().enumerate() {
            let number = self.next;
            self.next = self.next.wrapping_add(1).max(1);
            let mut part = self.stage(batch, watch, &lists, number);
            let mut encoder = self
                .device
                .device
                .create_command_encoder(&Default::default());
            let kernels = self.encode(&mut encoder, &part, choose, watch.top(c) > 0);
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
            copy(&self.state.report, 0, report_words(c, batch.len(), watch));
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
            if i + 1 == batches.len()
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
            mapping: Mapping::new(
                staging,
                at as u64 * 4,
                submission,
                self.device.patience(count, self.compiling),
            ),
            batches: parts,
            feeds: feeds.iter().map(|f| (f.tokens.len(), f.logits)).collect(),
            watch_all: *watch == Watch::All,
            watched,
            top: watch.top(c),
            timed,
        })
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
