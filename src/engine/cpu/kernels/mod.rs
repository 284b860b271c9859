//! Matrix products with quantized weights: one file a format, its variants beside each other.
//!
//! `out[t][r] = sum_c w[r][c] * x[t][c]` for a batch of tokens `t`. A kernel works on a *tile* of four rows and up to
//! four tokens, so that each weight is unpacked once for all of them. Within a tile, one SIMD lane belongs to one row,
//! so every (row, token) result is the same chain of scalar operations in every variant and for every batch:
//!
//! > for each block, in order: `acc += (d_w * d_x) * (sum of integer products) + m_w * s_x`
//!
//! with `d_w`, `m_w` the block's scale and minimum, `d_x` the activation's scale and `s_x = d_x * sum(q_x)`. The
//! integer sum is exact, no fused multiply-add is used: all variants give the same bits, on every machine.

/// One value for each row of a tile, written out: a closure passed to `array::from_fn` or `map` would leave the
/// function's instruction set, and with it the hope of being inlined.
macro_rules! each_row {
    ($r:ident => $value:expr) => {
        [
            {
                let $r = 0;
                $value
            },
            {
                let $r = 1;
                $value
            },
            {
                let $r = 2;
                $value
            },
            {
                let $r = 3;
                $value
            },
        ]
    };
}

mod dense;
mod nibbles;
mod q8_0;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

use super::{
    activations::{Activations, Blocks},
    matrix::Matrix,
};
use crate::gguf::Quantization;

/// Rows of a tile.
pub(crate) const ROWS: usize = 4;
/// Most tokens of a tile.
const TOKENS: usize = 4;

/// An instruction set kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust: the reference.
    Scalar,
    /// 128-bit SIMD of WebAssembly.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
    /// The same with relaxed SIMD's dot product of bytes.
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    RelaxedSimd,
    /// 256-bit SIMD of x86-64.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Isa {
    /// Every set this machine runs, the reference first and the fastest last.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut sets = vec![Self::Scalar];
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        sets.push(Self::Simd128);
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        sets.push(Self::RelaxedSimd);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            sets.push(Self::Avx2);
        }
        sets
    }

    /// The fastest set this machine runs.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Scalar)
    }

    /// The name the page and the benchmarks show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => "simd128",
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Self::RelaxedSimd => "relaxed-simd",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
        }
    }
}

/// Four rows of a matrix, each a whole number of blocks.
pub(crate) type RowTile<'a> = [&'a [u8]; ROWS];

/// The product of every row of `w` with every vector of `x`; `out` is `x.tokens() x w.rows()`, token by token.
pub(crate) fn matmul(isa: Isa, w: &Matrix, x: &Activations, out: &mut [f32]) {
    let (rows, tokens) = (w.rows(), x.tokens());
    debug_assert_eq!(out.len(), rows * tokens);
    debug_assert_eq!(w.columns(), x.width());
    if matches!(w.quantization(), Quantization::F16 | Quantization::F32) {
        return dense::matmul(w, x, out);
    }
    // Tokens in tiles, made once: the row tiles that follow read them many times.
    let tiles: Vec<(usize, usize, [Blocks; TOKENS])> = (0..tokens)
        .step_by(TOKENS)
        .map(|t| {
            let n = (tokens - t).min(TOKENS);
            (t, n, std::array::from_fn(|i| x.blocks(t + i.min(n - 1))))
        })
        .collect();
    let full = rows - rows % ROWS;
    for r in (0..full).step_by(ROWS) {
        let tile: RowTile = std::array::from_fn(|i| w.row(r + i));
        for (t, n, blocks) in &tiles {
            let mut sums = [[0f32; ROWS]; TOKENS];
            match n {
                1 => run::<1>(isa, w.quantization(), tile, blocks, &mut sums),
                2 => run::<2>(isa, w.quantization(), tile, blocks, &mut sums),
                3 => run::<3>(isa, w.quantization(), tile, blocks, &mut sums),
                _ => run::<4>(isa, w.quantization(), tile, blocks, &mut sums),
            }
            for (i, sums) in sums[..*n].iter().enumerate() {
                out[(t + i) * rows + r..][..ROWS].copy_from_slice(sums);
            }
        }
    }
    // A last, incomplete tile: its missing rows repeat the last one and are dropped.
    if full < rows {
        let tile: RowTile = std::array::from_fn(|i| w.row((full + i).min(rows - 1)));
        for t in 0..tokens {
            let blocks = [x.blocks(t); TOKENS];
            let mut sums = [[0f32; ROWS]; TOKENS];
            run::<1>(isa, w.quantization(), tile, &blocks, &mut sums);
            out[t * rows + full..(t + 1) * rows].copy_from_slice(&sums[0][..rows - full]);
        }
    }
}

#[inline(always)]
fn run<const T: usize>(
    isa: Isa,
    quantization: Quantization,
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    match quantization {
        Quantization::Q4_0 => nibbles::tile::<nibbles::Q4_0, T>(isa, rows, x, out),
        Quantization::Q4_1 => nibbles::tile::<nibbles::Q4_1, T>(isa, rows, x, out),
        Quantization::Q8_0 => q8_0::tile::<T>(isa, rows, x, out),
        // Handled by `dense` before tiles are made.
        Quantization::F16 | Quantization::F32 => {}
    }
}

/// Writes the weights of one row in f32.
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
