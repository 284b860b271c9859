//! A model's weights on the device, and what each of its dispatches is told.

use super::{
    device::{Buffer, Device},
    kernels::{Features, Kernel},
    lanes::PAGE,
    weights::{Matrix, Order},
};
use crate::{
    engine::rope::Ropes,
    error::{Error, ErrorKind, Result},
    model::{Activation, Blueprint, LayerWeights, Linear, Weights as Source},
    quant::Matrix as Stored,
};

/// Tokens of one batch: a longer step is cut, which changes no number.
pub(crate) const CAPACITY: usize = 64;
/// Tokens of one batch that may have logits.
pub(crate) const WANTED: usize = 16;
/// Words of a `Dims`, and the distance between two in their buffer (a limit of WebGPU).
const DIMS_WORDS: usize = 24;
pub(crate) const DIMS_STRIDE: u64 = 256;
/// Most dispatches of a layer.
const PER_LAYER: usize = 7;

/// The dispatches of a layer, in order.
pub(crate) fn sequence(c: &Blueprint) -> Vec<Kernel> {
    let mut list = vec![Kernel::Qkv, Kernel::Attention, Kernel::Output];
    list.extend(c.post_norms.then_some(Kernel::OutputNorm));
    list.extend([Kernel::GateUp, Kernel::Down]);
    list.extend(c.post_norms.then_some(Kernel::DownNorm));
    list
}

/// What the kernels do for this model beyond a plain Llama; biases are a matter of each matrix.
pub(crate) fn features(c: &Blueprint) -> Features {
    Features {
        bias: false,
        gelu: c.activation == Activation::GeluTanh,
        qk_norm: c.qk_norm,
        post_norm: c.post_norms,
        window: c.window.is_some(),
    }
}

/// Refuses a model whose shape the kernels do not know.
pub(crate) fn check(c: &Blueprint) -> Result<()> {
    if c.qk_norm && !c.head_dim.is_multiple_of(8) {
        return Err(Error::new(
            ErrorKind::Gpu,
            format!(
                "its kernels normalize heads whose width is a multiple of 8, and this model's is {}: use the CPU",
                c.head_dim
            ),
        ));
    }
    Ok(())
}

/// What a dispatch is told of its matrix and place; the rest of a `Dims` is the model's.
pub(crate) struct Dims {
    pub(crate) rows: usize,
    pub(crate) blocks: usize,
    pub(crate) layer: usize,
    /// Partial sums of squares a token.
    pub(crate) tiles: usize,
    /// Where the input begins, in blocks of 32.
    pub(crate) input: usize,
    /// Where the numbers of each row follow the matrix's scales.
    pub(crate) extras: usize,
    /// Where a layer's cosines and sines begin among a token's.
    pub(crate) turns: usize,
}

impl Dims {
    /// As `frame.wgsl` has it.
    pub(crate) fn words(&self, c: &Blueprint) -> [u32; DIMS_WORDS] {
        [
            self.rows,
            self.blocks,
            self.layer,
            self.tiles,
            c.hidden,
            stride(c.hidden),
            c.neurons,
            stride(c.neurons),
            c.heads,
            c.kv_heads,
            c.head_dim,
            c.layers,
            c.vocabulary,
            CAPACITY,
            c.norm_eps.to_bits() as usize,
            self.input,
            c.width(),
            stride(c.width()),
            c.window_of(self.layer).map_or(0, |w| w.width),
            self.turns,
            self.extras,
            page_words(c),
            c.embedding_scale.to_bits() as usize,
            0,
        ]
        .map(|v| v as u32)
    }
}

pub(crate) struct Layer {
    pub(crate) qkv: Matrix,
    pub(crate) output: Matrix,
    pub(crate) gate_up: Matrix,
    pub(crate) down: Matrix,
    pub(crate) attn_norm: Buffer,
    pub(crate) ffn_norm: Buffer,
    /// The norms of what is added, where there are any.
    pub(crate) post_norms: Option<[Buffer; 2]>,
    /// Whether a matrix has biases, by kernel.
    pub(crate) biased: Vec<Kernel>,
}

pub(crate) struct Weights {
    pub(crate) embedding: Matrix,
    /// `None` where the unembedding is the embedding.
    unembedding: Option<Matrix>,
    pub(crate) output_norm: Buffer,
    pub(crate) layers: Vec<Layer>,
    pub(crate) column_norms: Buffer,
    /// A `Dims` for each dispatch of each layer, then those of the others.
    pub(crate) dims: Buffer,
}

fn qkv(l: &LayerWeights) -> [&Linear; 3] {
    [&l.attn_q, &l.attn_k, &l.attn_v]
}

fn gate_up(l: &LayerWeights) -> [&Linear; 2] {
    [&l.ffn_gate, &l.ffn_up]
}

/// Words of a page of the cache (see `qkv.wgsl`).
pub(crate) fn page_words(c: &Blueprint) -> usize {
    let squares = if c.qk_norm { c.kv_width() / 8 } else { 0 };
    (2 * c.kv_width() + squares) * PAGE
}

/// A number for each row of maps that become one matrix: their biases. None where no map has any.
fn biases(maps: &[&Linear], order: Order) -> Option<Vec<f32>> {
    maps.iter().find(|m| m.bias.is_some())?;
    let of = |m: &Linear, r: usize| m.bias.as_ref().map_or(0.0, |bias| bias[r]);
    Some(match order {
        Order::Stacked => {
            let rows = maps
                .iter()
                .flat_map(|m| (0..m.matrix.rows()).map(|r| of(m, r)));
            rows.collect()
        }
        Order::InTurn => {
            let rows = 0..maps[0].matrix.rows();
            rows.flat_map(|r| maps.iter().map(move |m| of(m, r)))
                .collect()
        }
    })
}

/// The norms of query and key heads, a number for each row of the three projections.
fn head_norms(l: &LayerWeights) -> Option<Vec<f32>> {
    let (q, k) = (l.q_norm.as_ref()?, l.k_norm.as_ref()?);
    let [rows_q, rows_k, rows_v] = qkv(l).map(|map| map.matrix.rows());
    let mut out: Vec<f32> = q.iter().cycle().take(rows_q).copied().collect();
    out.extend(k.iter().cycle().take(rows_k));
    out.resize(out.len() + rows_v, 0.0);
    Some(out)
}

/// Width of a row of activations.
pub(crate) fn stride(columns: usize) -> usize {
    columns.next_multiple_of(32)
}

/// The largest binding that a model needs, in bytes.
pub(crate) fn largest_binding(config: &Blueprint, t: &Source) -> u64 {
    let layers = t.layers.iter().flat_map(|l| {
        [
            Matrix::binding(&qkv(l).map(|map| &map.matrix)),
            Matrix::binding(&gate_up(l).map(|map| &map.matrix)),
            Matrix::binding(&[&l.ffn_down.matrix]),
            Matrix::binding(&[&l.attn_output.matrix]),
        ]
    });
    layers
        .chain([
            Matrix::binding(&[&t.embedding]),
            Matrix::binding(&[t.unembedding()]),
            (config.neuron_count() * CAPACITY * 4) as u64,
            (config.vocabulary * WANTED * 4) as u64,
        ])
        .max()
        .unwrap_or(0)
}

impl Weights {
    pub(crate) fn upload(
        device: &Device,
        config: &Blueprint,
        t: &Source,
        ropes: &Ropes,
        column_norms: &[f32],
    ) -> Result<Self> {
        let vector = |label: &str, values: &[f32]| {
            let words: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
            device.filled(label, &words)
        };
        let alone = |label: &str, matrix: &Stored| {
            Matrix::upload(device, label, &[matrix], Order::Stacked, &[])
        };
        let layers = t.layers.iter().map(|l| {
            let mut biased = Vec::new();
            let mut map = |kernel: Kernel, maps: &[&Linear], order, norms: Option<Vec<f32>>| {
                let matrices: Vec<&Stored> = maps.iter().map(|map| &map.matrix).collect();
                let mut extras = Vec::new();
                if let Some(biases) = biases(maps, order) {
                    biased.push(kernel);
                    extras = biases;
                }
                if let Some(norms) = norms {
                    // The norms are the second list, whether or not there is a first.
                    extras.resize(norms.len(), 0.0);
                    extras.extend(norms);
                }
                Matrix::upload(device, kernel.name(), &matrices, order, &extras)
            };
            let post_norms = l.attn_post_norm.as_ref().zip(l.ffn_post_norm.as_ref());
            Ok(Layer {
                qkv: map(Kernel::Qkv, &qkv(l), Order::Stacked, head_norms(l))?,
                output: map(Kernel::Output, &[&l.attn_output], Order::Stacked, None)?,
                gate_up: map(Kernel::GateUp, &gate_up(l), Order::InTurn, None)?,
                down: map(Kernel::Down, &[&l.ffn_down], Order::Stacked, None)?,
                attn_norm: vector("attn_norm", &l.attn_norm),
                ffn_norm: vector("ffn_norm", &l.ffn_norm),
                post_norms: post_norms.map(|(attn, ffn)| {
                    [vector("post_attn_norm", attn), vector("post_ffn_norm", ffn)]
                }),
                biased,
            })
        });
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let mut weights = Self {
            embedding: alone("embedding", &t.embedding)?,
            unembedding: t
                .output
                .as_ref()
                .map(|output| alone("unembedding", output))
                .transpose()?,
            output_norm: vector("output_norm", &t.output_norm),
            column_norms: vector("column norms", column_norms),
            dims: device.buffer(
                "dims",
                (layers.len() * PER_LAYER + 4) * DIMS_STRIDE as usize,
                wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            ),
            layers,
        };
        weights.write_dims(device, config, ropes);
        Ok(weights)
    }

    pub(crate) fn unembedding(&self) -> &Matrix {
        self.unembedding.as_ref().unwrap_or(&self.embedding)
    }

    /// Bytes of weights that reading one token touches: every matrix once, the embedding only as the unembedding.
    pub(crate) fn bytes(&self) -> usize {
        let layers = self
            .layers
            .iter()
            .map(|l| l.qkv.bytes + l.output.bytes + l.gate_up.bytes + l.down.bytes);
        layers.sum::<usize>() + self.unembedding().bytes
    }

    fn write_dims(&mut self, device: &Device, c: &Blueprint, ropes: &Ropes) {
        let tiles = tiles(device, c);
        let of = |matrix: Option<&Matrix>, layer: usize, input: usize| {
            Dims {
                rows: matrix.map_or(0, |m| m.rows),
                blocks: matrix.map_or(0, |m| m.blocks),
                layer,
                tiles,
                input,
                extras: matrix.map_or(0, |m| m.extras),
                turns: ropes.table_of(layer) * c.head_dim,
            }
            .words(c)
        };
        // Where x * weight begins in the residual stream's buffer, in blocks of 32.
        let normed = CAPACITY * stride(c.hidden) / 32;
        let words_apart = DIMS_STRIDE as usize / 4;
        let others = self.layers.len() * PER_LAYER;
        let mut words = vec![0; (others + 2) * words_apart];
        let mut put = |at: usize, dims: [u32; DIMS_WORDS]| {
            words[at * words_apart..][..DIMS_WORDS].copy_from_slice(&dims);
        };
        for (l, layer) in self.layers.iter().enumerate() {
            for (i, kernel) in sequence(c).into_iter().enumerate() {
                let input = if matches!(kernel, Kernel::Qkv | Kernel::GateUp) {
                    normed
                } else {
                    0
                };
                put(l * PER_LAYER + i, of(layer.matrix(kernel), l, input));
            }
        }
        put(others, of(Some(&self.embedding), 0, 0));
        put(others + 1, of(Some(self.unembedding()), 0, normed));
        device.write(&self.dims, 0, &words);
    }

    /// What the dispatch at a place of a layer's sequence is told.
    pub(crate) fn dims_of_layer(&self, layer: usize, place: usize) -> wgpu::BufferBinding<'_> {
        self.dims_at(layer * PER_LAYER + place)
    }

    /// What a kernel outside the layers is told.
    pub(crate) fn dims_of(&self, kernel: Kernel) -> wgpu::BufferBinding<'_> {
        let others = self.layers.len() * PER_LAYER;
        self.dims_at(others + usize::from(kernel != Kernel::Embed))
    }

    fn dims_at(&self, at: usize) -> wgpu::BufferBinding<'_> {
        wgpu::BufferBinding {
            buffer: &self.dims,
            offset: at as u64 * DIMS_STRIDE,
            size: std::num::NonZero::new(DIMS_WORDS as u64 * 4),
        }
    }
}

impl Layer {
    /// The matrix of a kernel, where it multiplies with one.
    pub(crate) fn matrix(&self, kernel: Kernel) -> Option<&Matrix> {
        match kernel {
            Kernel::Qkv => Some(&self.qkv),
            Kernel::Output => Some(&self.output),
            Kernel::GateUp => Some(&self.gate_up),
            Kernel::Down => Some(&self.down),
            Kernel::Embed
            | Kernel::Attention
            | Kernel::OutputNorm
            | Kernel::DownNorm
            | Kernel::Unembed
            | Kernel::SelectScan
            | Kernel::SelectPick
            | Kernel::Activity
            | Kernel::Top
            | Kernel::Halves => None,
        }
    }
}

/// Partial sums of squares of a token: one a tile of the projections into the residual stream.
pub(crate) fn tiles(device: &Device, config: &Blueprint) -> usize {
    config.hidden.div_ceil(device.tiling.tile())
}
