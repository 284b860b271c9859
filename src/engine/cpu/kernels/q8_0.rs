//! Q8_0: 32 weights of eight bits a block, `w = d * q` (`block_q8_0` of `ggml-common.h`).

use super::{Blocks, Isa, ROWS, RowTile, TOKENS, half_at};

/// Bytes of a block: a half-precision scale and 32 signed bytes.
pub(super) const BYTES: usize = 34;

#[inline(always)]
pub(super) fn tile<const T: usize>(
    isa: Isa,
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    match isa {
        Isa::Scalar => scalar::<T>(rows, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Isa::Simd128 => super::wasm::q8_0::<T>(rows, x, out),
        // Relaxed SIMD's dot product of bytes takes seven-bit weights only.
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        Isa::RelaxedSimd => super::wasm::q8_0::<T>(rows, x, out),
        // SAFETY: `Isa::available` offers this set only where the processor has AVX2.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { super::x86::q8_0::<T>(rows, x, out) },
    }
}

fn scalar<const T: usize>(rows: RowTile, x: &[Blocks; TOKENS], out: &mut [[f32; ROWS]; TOKENS]) {
    for (r, row) in rows.iter().enumerate() {
        for (b, block) in row.chunks_exact(BYTES).enumerate() {
            let d = half_at(block);
            for t in 0..T {
                let mut sum = 0i32;
                for (&w, &q) in block[2..].iter().zip(&x[t].integers[b * 32..][..32]) {
                    sum += i32::from(w as i8) * i32::from(q);
                }
                out[t][r] += (d * x[t].scales[b]) * sum as f32;
            }
        }
    }
}

pub(super) fn dequantize(row: &[u8], out: &mut [f32]) {
    for (block, out) in row
        .chunks_exact(BYTES)
        .zip(out.as_chunks_mut::<32>().0.iter_mut())
    {
        let d = half_at(block);
        for (o, &q) in out.iter_mut().zip(&block[2..]) {
            *o = d * f32::from(q as i8);
        }
    }
}
