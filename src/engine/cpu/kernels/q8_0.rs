//! Q8_0: 32 weights of eight bits a block, `w = d * q` (`block_q8_0` of `ggml-common.h`); tiles: `gguf/tiles.rs`.

use super::{Blocks, Isa, Out, TILE, TOKENS, Tiles, half_at};

/// Bytes of a block of one row: a half-precision scale and 32 signed bytes.
pub(super) const BYTES: usize = 34;
/// Bytes of a block of a tile, and where its weights begin.
pub(super) const BLOCK: usize = BYTES * TILE;
pub(super) const WEIGHTS: usize = 2 * TILE;

#[inline(always)]
pub(super) fn tiles<const T: usize>(isa: Isa, tiles: Tiles, x: &[Blocks; TOKENS], out: &mut Out) {
    match isa {
        Isa::Scalar => scalar::<T>(tiles, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Isa::Simd128 => super::wasm::q8_0::<T>(tiles, x, out),
        // Relaxed SIMD's dot product of bytes takes seven-bit weights only.
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        Isa::RelaxedSimd => super::wasm::q8_0::<T>(tiles, x, out),
        // SAFETY: `Isa::available` offers this set only where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { super::x86::q8_0::<T>(tiles, x, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "x86_64")]
        Isa::Vnni => unsafe { super::x86::q8_0_vnni::<T>(tiles, x, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { super::neon::q8_0::<T>(tiles, x, out) },
    }
}

fn scalar<const T: usize>(tiles: Tiles, x: &[Blocks; TOKENS], out: &mut Out) {
    for (i, tile) in tiles.iter().enumerate() {
        for (t, x) in x[..T].iter().enumerate() {
            for r in 0..TILE {
                out.of(t, i)[r] = scalar_row(tile, r, x);
            }
        }
    }
}

fn scalar_row(tile: &[u8], r: usize, x: &Blocks) -> f32 {
    let mut acc = 0f32;
    for (b, block) in tile.chunks_exact(BLOCK).enumerate() {
        let mut sum = 0i32;
        for v in 0..8 {
            let bytes = &block[WEIGHTS + 32 * v + 4 * r..][..4];
            for (i, &w) in bytes.iter().enumerate() {
                sum += i32::from(w as i8) * i32::from(x.integer(b * 32 + 4 * v + i));
            }
        }
        acc += (half_at(&block[2 * r..]) * x.scales[b]) * sum as f32;
    }
    acc
}

/// The product of one row, as the file has it, with one vector.
pub(super) fn row(row: &[u8], x: &Blocks) -> f32 {
    let mut acc = 0f32;
    for (b, block) in row.chunks_exact(BYTES).enumerate() {
        let mut sum = 0i32;
        for (i, &w) in block[2..].iter().enumerate() {
            sum += i32::from(w as i8) * i32::from(x.integer(b * 32 + i));
        }
        acc += (half_at(block) * x.scales[b]) * sum as f32;
    }
    acc
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
