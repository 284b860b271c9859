//! Q4_0 and Q4_1: 32 weights of four bits a block.
//!
//! In the file both keep sixteen bytes after their scales; byte `i` holds weight `i` in its low half and weight `i + 16` in its
//! high half (`block_q4_0`, `block_q4_1` of `ggml-common.h`). How tiles have them is said in `gguf/tiles.rs`. A Q4_0 weight
//! `d * (q - 8)` is `d * q + m` with `m = -8 d`, so one set of kernels serves both.

use super::{Blocks, Isa, Out, TILE, TOKENS, Tiles, half_at};

/// What tells the two formats apart.
pub(super) trait Format {
    /// Bytes of a block of one row.
    const BYTES: usize;
    /// Where the nibbles begin in it.
    const NIBBLES: usize = Self::BYTES - 16;
    /// Bytes of a block of a tile.
    const BLOCK: usize = Self::BYTES * TILE;
    /// Where the nibbles begin in that.
    const WEIGHTS: usize = Self::NIBBLES * TILE;
    /// Whether the block stores its minimum after its scale.
    const HAS_MINIMUM: bool;

    /// Scale and minimum of a block, of one row or (`r` not 0) of a tile's row.
    #[inline(always)]
    fn scales(block: &[u8], r: usize, rows: usize) -> (f32, f32) {
        let d = half_at(&block[2 * r..]);
        if Self::HAS_MINIMUM {
            (d, half_at(&block[2 * (rows + r)..]))
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
pub(super) fn tiles<F: Format, const T: usize>(
    isa: Isa,
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    match isa {
        Isa::Scalar => scalar::<F, T>(tiles, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Isa::Simd128 => super::wasm::nibbles::<F, T>(tiles, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        Isa::RelaxedSimd => super::wasm::nibbles_relaxed::<F, T>(tiles, x, out),
        // SAFETY: `Isa::available` offers this set only where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { super::x86::nibbles::<F, T>(tiles, x, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "x86_64")]
        Isa::Vnni => unsafe { super::x86::nibbles_vnni::<F, T>(tiles, x, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { super::neon::nibbles::<F, T>(tiles, x, out) },
    }
}

fn scalar<F: Format, const T: usize>(tiles: Tiles, x: &[Blocks; TOKENS], out: &mut Out) {
    for (i, tile) in tiles.iter().enumerate() {
        for (t, x) in x[..T].iter().enumerate() {
            for r in 0..TILE {
                out.of(t, i)[r] = scalar_row::<F>(tile, r, x);
            }
        }
    }
}

fn scalar_row<F: Format>(tile: &[u8], r: usize, x: &Blocks) -> f32 {
    let mut acc = 0f32;
    for (b, block) in tile.chunks_exact(F::BLOCK).enumerate() {
        let (d, m) = F::scales(block, r, TILE);
        let mut sum = 0i32;
        for v in 0..4 {
            let bytes = &block[F::WEIGHTS + 32 * v + 4 * r..][..4];
            for (i, &byte) in bytes.iter().enumerate() {
                let c = b * 32 + 8 * v + i;
                sum += i32::from(byte & 15) * i32::from(x.integer(c));
                sum += i32::from(byte >> 4) * i32::from(x.integer(c + 4));
            }
        }
        acc += (d * x.scales[b]) * sum as f32 + m * x.sums[b];
    }
    acc
}

/// The product of one row, as the file has it, with one vector.
pub(super) fn row<F: Format>(row: &[u8], x: &Blocks) -> f32 {
    let mut acc = 0f32;
    for (b, block) in row.chunks_exact(F::BYTES).enumerate() {
        let (d, m) = F::scales(block, 0, 1);
        let mut sum = 0i32;
        for (i, &byte) in block[F::NIBBLES..].iter().enumerate() {
            sum += i32::from(byte & 15) * i32::from(x.integer(b * 32 + i));
            sum += i32::from(byte >> 4) * i32::from(x.integer(b * 32 + i + 16));
        }
        acc += (d * x.scales[b]) * sum as f32 + m * x.sums[b];
    }
    acc
}

pub(super) fn dequantize<F: Format>(row: &[u8], out: &mut [f32]) {
    for (block, out) in row
        .chunks_exact(F::BYTES)
        .zip(out.as_chunks_mut::<32>().0.iter_mut())
    {
        let (d, m) = F::scales(block, 0, 1);
        for (i, &byte) in block[F::NIBBLES..].iter().enumerate() {
            out[i] = d * f32::from(byte & 15) + m;
            out[i + 16] = d * f32::from(byte >> 4) + m;
        }
    }
}
