//! Matrices on the device: the file's own blocks, in another order.
//!
//! Quantized weights stay as they are, bit for bit; only the order changes, so that neighbouring threads, which own
//! neighbouring rows, read neighbouring words: by block of 32 columns, then by vec4 within the block, then by row. Scales
//! go into a buffer of their own, which aligns both.

use super::device::{Buffer, Device};
use crate::{
    engine::cpu::kernels::dequantize,
    error::{Error, Result},
    gguf::{Quantization, TensorView, tiles::copy_blocks},
};

/// Columns of a block.
const BLOCK: usize = 32;
/// Bytes written to the device at once, about: what is being reordered is held here too.
const CHUNK: usize = 4 << 20;

/// How 32 weights of a format lie in the file.
struct Layout {
    /// Bytes.
    bytes: usize,
    /// Where its integers (or floats) begin, and how many vec4<u32> they are.
    quads_at: usize,
    quads: usize,
    /// Bytes of its scales, which come first.
    scales: usize,
}

impl Layout {
    fn of(format: Quantization) -> Self {
        let (quads, scales) = match format {
            Quantization::F32 => (8, 0),
            Quantization::F16 => (4, 0),
            Quantization::Q4_0 => (1, 2),
            Quantization::Q4_1 => (1, 4),
            Quantization::Q8_0 => (2, 2),
        };
        Self {
            bytes: scales + quads * 16,
            quads_at: scales,
            quads,
            scales,
        }
    }
}

/// A matrix on the device: rows of one tensor, or of several one after the other.
pub(crate) struct Matrix {
    pub(crate) quads: Buffer,
    pub(crate) scales: Buffer,
    pub(crate) rows: usize,
    /// Blocks of 32 columns; the last one may be filled up with zeros.
    pub(crate) blocks: usize,
    pub(crate) format: Quantization,
    /// Bytes of weights.
    pub(crate) bytes: usize,
}

/// In which order the rows of several tensors stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// One tensor after the other.
    Stacked,
    /// A row of each in turn; all have the same number of rows.
    InTurn,
}

impl Matrix {
    /// Writes tensors of the file's bytes to the device. Those of different formats become F32, since a matrix has one format.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Memory`].
    pub(crate) fn upload(
        device: &Device,
        file: &[u8],
        label: &str,
        parts: &[&TensorView],
        order: Order,
    ) -> Result<Self> {
        let columns = parts[0].columns;
        let rows: usize = parts.iter().map(|p| p.rows).sum();
        let one = parts[0].quantization;
        let format = if parts.iter().all(|p| p.quantization == one) {
            one
        } else {
            Quantization::F32
        };
        let layout = Layout::of(format);
        let blocks = columns.div_ceil(BLOCK);
        let quads = device.storage(label, rows * blocks * layout.quads * 16);
        let mut scales = vec![0u8; rows * blocks * layout.scales];
        // The tensor and the row of it that each row is.
        let source = |r: usize| match order {
            Order::Stacked => {
                let mut r = r;
                for part in parts {
                    if r < part.rows {
                        return (*part, r);
                    }
                    r -= part.rows;
                }
                (parts[0], 0)
            }
            Order::InTurn => (parts[r % parts.len()], r / parts.len()),
        };
        let each = rows * layout.quads * 16;
        let step = (CHUNK / each).clamp(1, blocks);
        let mut chunk = Vec::new();
        chunk
            .try_reserve_exact(step * each)
            .map_err(|_| Error::memory("a matrix on its way to the GPU", step * each))?;
        let mut floats = vec![0f32; blocks * BLOCK];
        let mut bytes = Vec::new();
        for first in (0..blocks).step_by(step) {
            let n = step.min(blocks - first);
            chunk.clear();
            chunk.resize(n * each, 0);
            for r in 0..rows {
                let (part, row) = source(r);
                let tensor = &file[part.range.clone()];
                let padded = format != part.quantization || !columns.is_multiple_of(BLOCK);
                // The row as the file has it, or of a whole number of our blocks; from which block on.
                let from = if padded {
                    bytes.resize(tensor.len() / part.rows, 0);
                    copy_blocks(part, tensor, row, 0, &mut bytes);
                    if format == Quantization::F16 {
                        bytes.resize(blocks * layout.bytes, 0);
                    } else {
                        dequantize(part.quantization, &bytes, &mut floats[..columns]);
                        bytes.clear();
                        bytes.extend(floats.iter().flat_map(|v| v.to_le_bytes()));
                    }
                    first
                } else {
                    bytes.resize(n * layout.bytes, 0);
                    let per = BLOCK / part.quantization.block_len();
                    copy_blocks(part, tensor, row, first * per, &mut bytes);
                    0
                };
                for b in 0..n {
                    let block = &bytes[(from + b) * layout.bytes..][..layout.bytes];
                    for q in 0..layout.quads {
                        let to = ((b * layout.quads + q) * rows + r) * 16;
                        chunk[to..to + 16]
                            .copy_from_slice(&block[layout.quads_at + q * 16..][..16]);
                    }
                    let to = ((first + b) * rows + r) * layout.scales;
                    scales[to..to + layout.scales].copy_from_slice(&block[..layout.scales]);
                }
            }
            device
                .queue
                .write_buffer(&quads, (first * each) as u64, &chunk);
        }
        let size = rows * blocks * layout.quads * 16 + scales.len();
        scales.resize(scales.len().next_multiple_of(4), 0);
        let buffer = device.storage(label, scales.len());
        if !scales.is_empty() {
            device.queue.write_buffer(&buffer, 0, &scales);
        }
        Ok(Self {
            quads,
            scales: buffer,
            rows,
            blocks,
            format,
            bytes: size,
        })
    }

    /// Bytes of the largest binding that tensors need when they become one matrix.
    pub(crate) fn binding(parts: &[&TensorView]) -> u64 {
        let one = parts[0].quantization;
        let mixed = parts.iter().any(|p| p.quantization != one);
        let format = if mixed { Quantization::F32 } else { one };
        let layout = Layout::of(format);
        let rows: usize = parts.iter().map(|p| p.rows).sum();
        (rows * parts[0].columns.div_ceil(BLOCK) * layout.quads * 16) as u64
    }
}
