//! Buffers of a batch in progress, and the bind groups of every dispatch.

use super::{
    device::{Buffer, Device},
    kernels::{Kernel, SHARES},
    lanes::Lanes,
    model::{CAPACITY, WANTED, Weights, sequence, stride, tiles},
};
use crate::{
    engine::{Watch, rope::TABLES},
    model::Blueprint,
};

/// Vectors of the pass in progress. Each is tokens x width, token by token.
pub(crate) struct State {
    pub(crate) frame: Buffer,
    pub(crate) batch: Buffer,
    pub(crate) stream: Buffer,
    pub(crate) partials: Buffer,
    pub(crate) queries: Buffer,
    pub(crate) attended: Buffer,
    /// What attention or the MLP adds to the stream, where that is normalized first.
    pub(crate) added: Buffer,
    pub(crate) edited: Buffer,
    /// z before the edits, layers x capacity x neurons.
    pub(crate) activity: Buffer,
    /// `W_down z`, layers x capacity x hidden.
    pub(crate) outputs: Buffer,
    pub(crate) logits: Buffer,
    pub(crate) shares: Buffer,
    pub(crate) watched: Buffer,
    pub(crate) report: Buffer,
    /// Counts up whenever one of the buffers was replaced.
    pub(crate) generation: u64,
}

/// Words of a token's record in the batch.
pub(crate) const PLACE: usize = 8;
/// Words of a `Frame`.
pub(crate) const FRAME: usize = 12;

impl State {
    pub(crate) fn new(device: &Device, c: &Blueprint) -> Self {
        let tokens = |label, width: usize| device.storage(label, CAPACITY * width * 4);
        Self {
            frame: device.buffer(
                "frame",
                FRAME * 4,
                wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            ),
            batch: device.storage("batch", batch_words(c, CAPACITY, 256) * 4),
            stream: tokens("stream", 2 * stride(c.hidden)),
            partials: tokens("partials", tiles(device, c)),
            queries: tokens("queries", c.width() + c.width().div_ceil(8)),
            attended: tokens("attended", stride(c.width())),
            added: tokens("added", stride(c.hidden)),
            edited: tokens("edited", stride(c.neurons)),
            activity: tokens("activity", c.neuron_count()),
            outputs: tokens("outputs", c.layers * c.hidden),
            logits: device.storage("logits", WANTED * c.vocabulary * 4),
            shares: device.storage("shares", WANTED * SHARES * 12),
            watched: device.storage("watched", 128 * 8),
            report: device.storage(
                "report",
                report_words(c, CAPACITY, &Watch::Chosen(Vec::new())) * 4,
            ),
            generation: 0,
        }
    }

    /// Larger buffers where a batch needs them.
    pub(crate) fn make_room(
        &mut self,
        device: &Device,
        batch: usize,
        watched: usize,
        report: usize,
    ) {
        for (buffer, label, words) in [
            (&mut self.batch, "batch", batch),
            (&mut self.watched, "watched", 2 * watched),
            (&mut self.report, "report", report),
        ] {
            if ((words * 4) as u64) > buffer.size() {
                *buffer = device.storage(label, words.next_power_of_two() * 4);
                self.generation += 1;
            }
        }
    }
}

/// Words of a batch of `tokens` whose lanes have `pages` pages.
pub(crate) fn batch_words(config: &Blueprint, tokens: usize, pages: usize) -> usize {
    tokens * (PLACE + TABLES * config.head_dim) + 2 * WANTED + pages
}

/// Words of a report of `tokens` tokens.
pub(crate) fn report_words(config: &Blueprint, tokens: usize, watch: &Watch) -> usize {
    let head = 4 + 2 * WANTED;
    match watch {
        Watch::None => head,
        Watch::Chosen(_) | Watch::Top { .. } | Watch::All => {
            head + tokens * activity_words(config, watch)
        }
    }
}

/// Words of a token's activity in a report: norms, z of the watched neurons, and the largest contributions.
pub(crate) fn activity_words(config: &Blueprint, watch: &Watch) -> usize {
    config.layers + watch.neurons().len() + 2 * watch.top(config)
}

/// The bind groups of every dispatch.
pub(crate) struct Bound {
    pub(crate) embed: wgpu::BindGroup,
    /// Of each layer, in the order of their dispatch.
    pub(crate) layers: Vec<Vec<(Kernel, wgpu::BindGroup)>>,
    pub(crate) unembed: wgpu::BindGroup,
    pub(crate) select_scan: wgpu::BindGroup,
    pub(crate) select_pick: wgpu::BindGroup,
    pub(crate) activity: wgpu::BindGroup,
    pub(crate) top: wgpu::BindGroup,
}

impl Bound {
    pub(crate) fn new(
        device: &Device,
        layout: impl Fn(Kernel) -> wgpu::BindGroupLayout,
        w: &Weights,
        s: &State,
        lanes: &Lanes,
        c: &Blueprint,
    ) -> Self {
        let bind_with = |kernel: Kernel, dims: wgpu::BufferBinding<'_>, buffers: &[&Buffer]| {
            let bindings = kernel.bindings();
            let mut resources = Vec::with_capacity(bindings.len());
            if kernel != Kernel::SelectPick {
                resources.push(wgpu::BindingResource::Buffer(dims));
            }
            resources.extend(buffers.iter().map(|b| b.as_entire_binding()));
            let entries: Vec<_> = resources
                .into_iter()
                .zip(0..)
                .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
                .collect();
            device.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.name()),
                layout: &layout(kernel),
                entries: &entries,
            })
        };
        let bind =
            |kernel: Kernel, buffers: &[&Buffer]| bind_with(kernel, w.dims_of(kernel), buffers);
        let e = &w.embedding;
        let u = w.unembedding();
        let layers = (0..w.layers.len()).map(|i| {
            let kernels = sequence(c).into_iter().enumerate();
            kernels
                .map(|(place, kernel)| {
                    let buffers = of_layer(kernel, i, w, s, lanes);
                    let dims = w.dims_of_layer(i, place);
                    (kernel, bind_with(kernel, dims, &buffers))
                })
                .collect()
        });
        let layers = layers.collect();
        Self {
            embed: bind(
                Kernel::Embed,
                &[
                    &s.frame,
                    &e.quads,
                    &e.scales,
                    &s.batch,
                    &lanes.chosen,
                    &w.layers[0].attn_norm,
                    &s.stream,
                    &s.partials,
                    &s.report,
                ],
            ),
            layers,
            unembed: bind(
                Kernel::Unembed,
                &[
                    &s.frame,
                    &u.quads,
                    &u.scales,
                    &s.stream,
                    &s.partials,
                    &s.batch,
                    &s.logits,
                ],
            ),
            select_scan: bind(Kernel::SelectScan, &[&s.logits, &s.shares]),
            select_pick: bind(
                Kernel::SelectPick,
                &[&s.frame, &s.shares, &s.batch, &lanes.chosen, &s.report],
            ),
            activity: bind(
                Kernel::Activity,
                &[
                    &s.frame,
                    &s.batch,
                    &s.outputs,
                    &s.activity,
                    &lanes.edits,
                    &lanes.columns,
                    &s.watched,
                    &s.report,
                ],
            ),
            top: bind(
                Kernel::Top,
                &[&s.frame, &s.activity, &w.column_norms, &s.report],
            ),
        }
    }
}

/// The buffers of a layer's kernel, behind its `Dims`.
fn of_layer<'a>(
    kernel: Kernel,
    i: usize,
    w: &'a Weights,
    s: &'a State,
    lanes: &'a Lanes,
) -> Vec<&'a Buffer> {
    let l = &w.layers[i];
    let cache = &lanes.caches[i];
    // What follows a layer is the next one's attention, or the end.
    let next = w.layers.get(i + 1).map_or(&w.output_norm, |n| &n.attn_norm);
    // What is normalized before it is added does not go into the stream at once.
    let stream = if l.post_norms.is_some() {
        &s.added
    } else {
        &s.stream
    };
    let post_norm = |which: usize, next: &'a Buffer| match &l.post_norms {
        Some(norms) => vec![&s.added, &norms[which], next, &s.stream, &s.partials],
        None => Vec::new(),
    };
    match kernel {
        Kernel::Qkv => vec![
            &s.frame,
            &l.qkv.quads,
            &l.qkv.scales,
            &s.stream,
            &s.partials,
            &s.batch,
            &s.queries,
            cache,
        ],
        Kernel::Attention => vec![&s.queries, cache, &s.batch, &s.attended],
        Kernel::Output => vec![
            &s.frame,
            &l.output.quads,
            &l.output.scales,
            &s.attended,
            stream,
            &s.partials,
            &l.ffn_norm,
            &s.outputs,
        ],
        Kernel::OutputNorm => post_norm(0, &l.ffn_norm),
        Kernel::GateUp => vec![
            &s.frame,
            &l.gate_up.quads,
            &l.gate_up.scales,
            &s.stream,
            &s.partials,
            &s.batch,
            &lanes.factors,
            &s.edited,
            &s.activity,
        ],
        Kernel::Down => vec![
            &s.frame,
            &l.down.quads,
            &l.down.scales,
            &s.edited,
            stream,
            &s.partials,
            next,
            &s.outputs,
        ],
        Kernel::DownNorm => post_norm(1, next),
        Kernel::Embed
        | Kernel::Unembed
        | Kernel::SelectScan
        | Kernel::SelectPick
        | Kernel::Activity
        | Kernel::Top
        | Kernel::Halves => Vec::new(),
    }
}
