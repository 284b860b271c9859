//! Q4_0 and Q4_1: 32 weights of four bits a block.
//!
//! Both keep sixteen bytes after their scales; byte `i` holds weight `i` in its low half and weight `i + 16` in its
//! high half (`block_q4_0`, `block_q4_1` of `ggml-common.h`). A Q4_0 weight `d * (q - 8)` is `d * q + m` with
//! `m = -8 d`, so one set of kernels serves both.

use super::{Blocks, Isa, ROWS, RowTile, TOKENS, half_at};

/// What tells the two formats apart.
pub(super) trait Format {
    /// Bytes of a block.
    const BYTES: usize;
    /// Where the sixteen bytes of nibbles begin.
    const NIBBLES: usize = Self::BYTES - 16;
    /// Whether the block stores its minimum after its scale.
    const HAS_MINIMUM: bool;

    /// Scale and minimum of a block.
    #[inline(always)]
    fn scales(block: &[u8]) -> (f32, f32) {
        let d = half_at(block);
        if Self::HAS_MINIMUM {
            (d, half_at(&block[2..]))
        } else {
            (d, -8.0 * d)
        }
    }
}

/// `w = d * (q - 8)`.
pub(super) struct Q4_0;
/// `w = d * q + m`.
pub(super) struct Q4_1;

impl Format for Q4_0 {
    const BYTES: usize = 18;
    const HAS_MINIMUM: bool = false;
}

impl Format for Q4_1 {
    const BYTES: usize = 20;
    const HAS_MINIMUM: bool = true;
}

#[inline(always)]
pub(super) fn tile<F: Format, const T: usize>(
    isa: Isa,
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    match isa {
        Isa::Scalar => scalar::<F, T>(rows, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Isa::Simd128 => super::wasm::nibbles::<F, T, false>(rows, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        Isa::RelaxedSimd => super::wasm::nibbles::<F, T, true>(rows, x, out),
        // SAFETY: `Isa::available` offers this set only where the processor has AVX2.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { super::x86::nibbles::<F, T>(rows, x, out) },
    }
}

fn scalar<F: Format, const T: usize>(
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    for (r, row) in rows.iter().enumerate() {
        for (b, block) in row.chunks_exact(F::BYTES).enumerate() {
            let (d, m) = F::scales(block);
            for t in 0..T {
                let q = &x[t].integers[b * 32..][..32];
                let mut sum = 0i32;
                for (i, &byte) in block[F::NIBBLES..].iter().enumerate() {
                    sum += i32::from(byte & 15) * i32::from(q[i]);
                    sum += i32::from(byte >> 4) * i32::from(q[i + 16]);
                }
                out[t][r] += (d * x[t].scales[b]) * sum as f32 + m * x[t].sums[b];
            }
        }
    }
}

pub(super) fn dequantize<F: Format>(row: &[u8], out: &mut [f32]) {
    for (block, out) in row
        .chunks_exact(F::BYTES)
        .zip(out.as_chunks_mut::<32>().0.iter_mut())
    {
        let (d, m) = F::scales(block);
        for (i, &byte) in block[F::NIBBLES..].iter().enumerate() {
            out[i] = d * f32::from(byte & 15) + m;
            out[i + 16] = d * f32::from(byte >> 4) + m;
        }
    }
}
