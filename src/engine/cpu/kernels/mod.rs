//! Matrix products with quantized weights: one file a format, its variants beside each other.
//!
//! `out[t][r] = sum_c w[r][c] * x[t][c]` for a batch of tokens `t`. A kernel works on a *tile* of eight rows
//! (`gguf/tiles.rs`) and up to four tokens, so that each weight is unpacked once for all of them. One SIMD lane belongs to
//! one row, so every (row, token) result is the same chain of scalar operations in every variant and for every batch:
//!
//! > for each block, in order: `acc += (d_w * d_x) * (sum of integer products) + m_w * s_x`
//!
//! with `d_w`, `m_w` the block's scale and minimum, `d_x` the activation's scale and `s_x = d_x * sum(q_x)`. The
//! integer sum is exact, no fused multiply-add is used: all variants give the same bits, on every machine.

mod dense;
mod nibbles;
mod q8_0;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

mod isa;

pub use isa::Isa;

use super::{
    activations::{Activations, Blocks},
    matrix::Matrix,
};
use crate::gguf::{Quantization, tiles::TILE};

/// Most tokens that a kernel takes at once.
const TOKENS: usize = 4;

/// Results of one tile: for each token those of the eight rows.
type Sums = [[f32; TILE]; TOKENS];

/// The product of every row of `w` with every vector of `x`; `out` is `x.tokens() x w.rows()`, token by token.
pub(crate) fn matmul(isa: Isa, w: &Matrix, x: &Activations, out: &mut [f32]) {
    let (rows, tokens) = (w.rows(), x.tokens());
    // The kernels rely on it.
    assert_eq!(w.columns(), x.width(), "a product of matching shapes");
    debug_assert_eq!(out.len(), rows * tokens);
    if matches!(w.quantization(), Quantization::F16 | Quantization::F32) {
        return dense::matmul(w, x, out);
    }
    let mut sums: Sums = [[0.0; TILE]; TOKENS];
    for (i, tile) in w.tiles().enumerate() {
        for t in (0..tokens).step_by(TOKENS) {
            let n = (tokens - t).min(TOKENS);
            let blocks = std::array::from_fn(|i| x.blocks(t + i.min(n - 1)));
            match n {
                1 => run::<1>(isa, w.quantization(), tile, &blocks, &mut sums),
                2 => run::<2>(isa, w.quantization(), tile, &blocks, &mut sums),
                3 => run::<3>(isa, w.quantization(), tile, &blocks, &mut sums),
                _ => run::<4>(isa, w.quantization(), tile, &blocks, &mut sums),
            }
            for (i_t, sums) in sums[..n].iter().enumerate() {
                out[(t + i_t) * rows + i * TILE..][..TILE].copy_from_slice(sums);
            }
        }
    }
    for (r, row) in w.other_rows() {
        for t in 0..tokens {
            out[t * rows + r] = match w.quantization() {
                Quantization::Q4_0 => nibbles::row::<nibbles::Q4_0>(row, &x.blocks(t)),
                Quantization::Q4_1 => nibbles::row::<nibbles::Q4_1>(row, &x.blocks(t)),
                _ => q8_0::row(row, &x.blocks(t)),
            };
        }
    }
}

#[inline(always)]
fn run<const T: usize>(
    isa: Isa,
    quantization: Quantization,
    tile: &[u8],
    x: &[Blocks; TOKENS],
    out: &mut Sums,
) {
    match quantization {
        Quantization::Q4_0 => nibbles::tile::<nibbles::Q4_0, T>(isa, tile, x, out),
        Quantization::Q4_1 => nibbles::tile::<nibbles::Q4_1, T>(isa, tile, x, out),
        Quantization::Q8_0 => q8_0::tile::<T>(isa, tile, x, out),
        // Handled by `dense` before.
        Quantization::F16 | Quantization::F32 => {}
    }
}

/// Writes the weights of a row in f32; `row` is as the file has it.
pub(crate) fn dequantize(quantization: Quantization, row: &[u8], out: &mut [f32]) {
    match quantization {
        Quantization::F32 | Quantization::F16 => dense::dequantize(quantization, row, out),
        Quantization::Q4_0 => nibbles::dequantize::<nibbles::Q4_0>(row, out),
        Quantization::Q4_1 => nibbles::dequantize::<nibbles::Q4_1>(row, out),
        Quantization::Q8_0 => q8_0::dequantize(row, out),
    }
}

/// A half-precision number at the start of `bytes`, which holds at least two. Exact for all finite ones; every variant
/// converts in this way, because it needs no instruction that some machines lack.
#[inline(always)]
fn half_at(bytes: &[u8]) -> f32 {
    let bits = u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    // Moved into f32's fields the exponent is off by 127 - 15: one multiplication mends normal and subnormal alike.
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
    f32::from_bits(magnitude.to_bits() | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests;
