//! A model's weights on the device, and what each of its dispatches is told.

use super::{
    device::{Buffer, Device},
    kernels::Kernel,
    weights::{Matrix, Order},
};
use crate::{
    error::Result,
    gguf::{Config, LayerTensors, ModelFile, TensorView},
};

/// Tokens of one batch: a longer step is cut, which changes no number.
pub(crate) const CAPACITY: usize = 64;
/// Tokens of one batch that may have logits.
pub(crate) const WANTED: usize = 16;
/// Words of a `Dims`, and the distance between two in their buffer (a limit of WebGPU).
const DIMS_WORDS: usize = 16;
pub(crate) const DIMS_STRIDE: u64 = 256;
/// Dispatches of a layer.
pub(crate) const PER_LAYER: usize = 5;

/// What a dispatch is told of its matrix and place; the rest of a `Dims` is the model's.
pub(crate) struct Dims {
    pub(crate) rows: usize,
    pub(crate) blocks: usize,
    pub(crate) layer: usize,
    /// Partial sums of squares a token.
    pub(crate) tiles: usize,
    /// Where the input begins, in blocks of 32.
    pub(crate) input: usize,
}

impl Dims {
    /// As `frame.wgsl` has it.
    pub(crate) fn words(&self, c: &Config) -> [u32; DIMS_WORDS] {
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

fn qkv(t: &LayerTensors) -> [&TensorView; 3] {
    [&t.attn_q, &t.attn_k, &t.attn_v]
}

fn gate_up(t: &LayerTensors) -> [&TensorView; 2] {
    [&t.ffn_gate, &t.ffn_up]
}

/// Width of a row of activations.
pub(crate) fn stride(columns: usize) -> usize {
    columns.next_multiple_of(32)
}

/// The largest binding that a model needs, in bytes.
pub(crate) fn largest_binding(file: &ModelFile) -> u64 {
    let t = file.tensors();
    let config = file.config();
    let layers = t.layers.iter().flat_map(|l| {
        [
            Matrix::binding(&qkv(l)),
            Matrix::binding(&gate_up(l)),
            Matrix::binding(&[&l.ffn_down]),
            Matrix::binding(&[&l.attn_output]),
        ]
    });
    layers
        .chain([
            Matrix::binding(&[&t.token_embd]),
            Matrix::binding(&[&t.output]),
            (config.neuron_count() * CAPACITY * 4) as u64,
            (config.vocabulary * WANTED * 4) as u64,
        ])
        .max()
        .unwrap_or(0)
}

impl Weights {
    pub(crate) fn upload(device: &Device, file: &ModelFile, column_norms: &[f32]) -> Result<Self> {
        let t = file.tensors();
        let vector = |view: &TensorView| {
            let words: Vec<u32> = file.bytes()[view.range.clone()]
                .as_chunks::<4>()
                .0
                .iter()
                .map(|w| u32::from_le_bytes(*w))
                .collect();
            device.filled(&view.name, &words)
        };
        let matrix = |label: &str, parts: &[&TensorView], order| {
            Matrix::upload(device, file.bytes(), label, parts, order)
        };
        let layers = t
            .layers
            .iter()
            .map(|l| {
                Ok(Layer {
                    qkv: matrix("qkv", &qkv(l), Order::Stacked)?,
                    output: matrix("output", &[&l.attn_output], Order::Stacked)?,
                    gate_up: matrix("gate_up", &gate_up(l), Order::InTurn)?,
                    down: matrix("down", &[&l.ffn_down], Order::Stacked)?,
                    attn_norm: vector(&l.attn_norm),
                    ffn_norm: vector(&l.ffn_norm),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let tied = t.output.range == t.token_embd.range;
        let mut weights = Self {
            embedding: matrix("embedding", &[&t.token_embd], Order::Stacked)?,
            unembedding: if tied {
                None
            } else {
                Some(matrix("unembedding", &[&t.output], Order::Stacked)?)
            },
            output_norm: vector(&t.output_norm),
            layers,
            column_norms: {
                let words: Vec<u32> = column_norms.iter().map(|v| v.to_bits()).collect();
                device.filled("column norms", &words)
            },
            dims: device.buffer(
                "dims",
                (t.layers.len() * PER_LAYER + 4) * DIMS_STRIDE as usize,
                wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            ),
        };
        weights.write_dims(device, file.config());
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

    fn write_dims(&mut self, device: &Device, c: &Config) {
        let tiles = tiles(device, c);
        let of = |matrix: Option<&Matrix>, layer: usize, input: usize| {
            Dims {
                rows: matrix.map_or(0, |m| m.rows),
                blocks: matrix.map_or(0, |m| m.blocks),
                layer,
                tiles,
                input,
            }
            .words(c)
        };
        // Where x * weight begins in the residual stream's buffer, in blocks of 32.
        let normed = CAPACITY * stride(c.hidden) / 32;
        let mut all = Vec::new();
        for (l, layer) in self.layers.iter().enumerate() {
            all.push(of(Some(&layer.qkv), l, normed));
            all.push(of(None, l, 0));
            all.push(of(Some(&layer.output), l, 0));
            all.push(of(Some(&layer.gate_up), l, normed));
            all.push(of(Some(&layer.down), l, 0));
        }
        all.push(of(Some(&self.embedding), 0, 0));
        all.push(of(Some(self.unembedding()), 0, normed));
        let words_apart = DIMS_STRIDE as usize / 4;
        let mut words = vec![0; all.len() * words_apart];
        for (to, dims) in words.chunks_exact_mut(words_apart).zip(&all) {
            to[..DIMS_WORDS].copy_from_slice(dims);
        }
        device.write(&self.dims, 0, &words);
    }

    /// Which `Dims` a kernel is told.
    pub(crate) fn dims_of(&self, kernel: Kernel, layer: usize) -> wgpu::BufferBinding<'_> {
        let first = layer * PER_LAYER;
        let others = self.layers.len() * PER_LAYER;
        let at = match kernel {
            Kernel::Qkv => first,
            Kernel::Attention => first + 1,
            Kernel::Output => first + 2,
            Kernel::GateUp => first + 3,
            Kernel::Down => first + 4,
            Kernel::Embed => others,
            Kernel::Unembed
            | Kernel::SelectScan
            | Kernel::SelectPick
            | Kernel::Activity
            | Kernel::Top
            | Kernel::Halves => others + 1,
        };
        wgpu::BufferBinding {
            buffer: &self.dims,
            offset: at as u64 * DIMS_STRIDE,
            size: std::num::NonZero::new(DIMS_WORDS as u64 * 4),
        }
    }
}

/// Partial sums of squares of a token: one a tile of the projections into the residual stream.
pub(crate) fn tiles(device: &Device, config: &Config) -> usize {
    config.hidden.div_ceil(device.tiling.tile())
}
