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
#[cfg(target_arch = "aarch64")]
mod neon;
mod nibbles;
mod q8_0;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) use wasm::quantize_block;

mod isa;

pub use isa::Isa;

use super::{
    activations::{Activations, Blocks},
    matrix::Matrix,
};
use crate::gguf::{Quantization, tiles::TILE};

/// Most tokens that a kernel takes at once.
const TOKENS: usize = 4;

/// Bytes of weights that a kernel goes through before the next tokens have their turn: they should stay in a near cache.
const STRIPE: usize = 64 << 10;

/// Tiles of a matrix, one after the other.
#[derive(Clone, Copy)]
struct Tiles<'a> {
    bytes: &'a [u8],
    /// Bytes of one.
    each: usize,
}

impl<'a> Tiles<'a> {
    #[inline(always)]
    fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.bytes.chunks_exact(self.each)
    }
}

/// Where the results of some tiles and up to four tokens go.
struct Out<'a> {
    /// From the first token's result of the first tile on.
    values: &'a mut [f32],
    /// From one token's result to the next one's.
    rows: usize,
}

impl Out<'_> {
    /// The results of token `t` with tile `i`.
    #[inline(always)]
    fn of(&mut self, t: usize, i: usize) -> &mut [f32; TILE] {
        let at = t * self.rows + i * TILE;
        // A slice of this length is such an array.
        (&mut self.values[at..at + TILE])
            .try_into()
            .unwrap_or_else(|_| unreachable!("a slice of eight"))
    }
}

/// The product of every row of `w` with every vector of `x`; `out` is `x.tokens() x w.rows()`, token by token.
pub(crate) fn matmul(isa: Isa, w: &Matrix, x: &Activations, out: &mut [f32]) {
    let (rows, tokens) = (w.rows(), x.tokens());
    // The kernels rely on these.
    assert_eq!(w.columns(), x.width(), "a product of matching shapes");
    assert_eq!(out.len(), rows * tokens, "room for every result");
    if matches!(w.quantization(), Quantization::F16 | Quantization::F32) {
        return dense::matmul(w, x, out);
    }
    let (bytes, each) = w.tiles();
    // With few tokens everything is one stripe.
    let stripe = if tokens <= TOKENS {
        bytes.len()
    } else {
        (STRIPE / each).max(1) * each
    };
    let mut first = 0;
    for bytes in bytes.chunks(stripe.max(1)) {
        let tiles = Tiles { bytes, each };
        for t in (0..tokens).step_by(TOKENS) {
            let n = (tokens - t).min(TOKENS);
            let blocks = std::array::from_fn(|i| x.blocks(t + i.min(n - 1)));
            let mut out = Out {
                values: &mut out[t * rows + first..],
                rows,
            };
            match n {
                1 => run::<1>(isa, w.quantization(), tiles, &blocks, &mut out),
                2 => run::<2>(isa, w.quantization(), tiles, &blocks, &mut out),
                3 => run::<3>(isa, w.quantization(), tiles, &blocks, &mut out),
                _ => run::<4>(isa, w.quantization(), tiles, &blocks, &mut out),
            }
        }
        first += bytes.len() / each * TILE;
    }
    for (r, row) in w.other_rows() {
        for t in 0..tokens {
            out[t * rows + r] = match w.quantization() {
                Quantization::Q4_0 => nibbles::row::<nibbles::Q4_0>(row, &x.blocks(t)),
                Quantization::Q4_1 => nibbles::row::<nibbles::Q4_1>(row, &x.blocks(t)),
                Quantization::Q8_0 => q8_0::row(row, &x.blocks(t)),
                Quantization::F32 | Quantization::F16 => unreachable!("dense formats have left"),
            };
        }
    }
}

#[inline(always)]
fn run<const T: usize>(
    isa: Isa,
    quantization: Quantization,
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    match quantization {
        Quantization::Q4_0 => nibbles::tiles::<nibbles::Q4_0, T>(isa, tiles, x, out),
        Quantization::Q4_1 => nibbles::tiles::<nibbles::Q4_1, T>(isa, tiles, x, out),
        Quantization::Q8_0 => q8_0::tiles::<T>(isa, tiles, x, out),
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

/// A half-precision number at the start of `bytes`, which holds at least two. Exact for all finite ones; F16C's
/// instruction gives the same for these.
#[inline(always)]
fn half_at(bytes: &[u8]) -> f32 {
    let bits = u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    // Moved into f32's fields the exponent is off by 127 - 15: one multiplication mends normal and subnormal alike.
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
    f32::from_bits(magnitude.to_bits() | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests;
