//! WebAssembly SIMD: four rows of a tile side by side in a 128-bit register.
//!
//! Weights are taken apart into 16-bit lanes by masks alone, as on x86-64 (see `x86.rs`). Engines compile straight-line code by
//! hoisting its loads, and a block of eight rows has more of them than there are registers; that is why one token takes both
//! halves of a tile at once, sharing the loads of activations, and several tokens take them one after the other.

use core::arch::wasm32::*;

use super::{Blocks, Out, TILE, TOKENS, Tiles, nibbles::Format, q8_0};

/// Four half-precision numbers as f32. Exact for all finite ones.
///
/// # Safety
/// `at` points to eight readable bytes.
#[inline(always)]
unsafe fn halves(at: *const u8) -> v128 {
    // SAFETY: as the caller says.
    let v = unsafe { i32x4_load_extend_i16x4(at.cast()) };
    // Moved into f32's fields the exponent is off by 127 - 15: one multiplication mends normal and subnormal alike.
    let moved = v128_and(i32x4_shl(v, 13), u32x4_splat(0x8fff_ffff));
    f32x4_mul(moved, u32x4_splat((127 + 112) << 23))
}

/// Two integers (or four bytes) of the activations, for each row.
///
/// # Safety
/// `at` points to four readable bytes.
#[inline(always)]
unsafe fn splat<X>(at: *const X) -> v128 {
    // SAFETY: as the caller says.
    unsafe { v128_load32_splat(at.cast()) }
}

/// # Safety
/// `at` points to sixteen readable bytes.
#[inline(always)]
unsafe fn load(at: *const u8) -> v128 {
    // SAFETY: as the caller says.
    unsafe { v128_load(at.cast()) }
}

/// Minima of four rows.
///
/// # Safety
/// `block` is a tile block of format `F`.
#[inline(always)]
unsafe fn minima<F: Format>(block: *const u8, half: usize, d: v128) -> v128 {
    if F::HAS_MINIMUM {
        // SAFETY: minima follow the scales of eight rows.
        unsafe { halves(block.add(2 * TILE + 8 * half)) }
    } else {
        f32x4_mul(d, f32x4_splat(-8.0))
    }
}

/// One block's part of a result.
#[inline(always)]
fn part(d: v128, m: v128, x: &Blocks, b: usize, sum: v128) -> v128 {
    let product = f32x4_mul(
        f32x4_mul(d, f32x4_splat(x.scales[b])),
        f32x4_convert_i32x4(sum),
    );
    f32x4_add(product, f32x4_mul(m, f32x4_splat(x.sums[b])))
}

#[inline(always)]
pub(super) fn nibbles<F: Format, const T: usize>(
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    if T == 1 {
        for (i, tile) in tiles.iter().enumerate() {
            one::<F>(tile, &x[0], out.of(0, i));
        }
        return;
    }
    for (i, tile, half) in halves_of(tiles) {
        let mut acc = [f32x4_splat(0.0); T];
        for (b, block) in tile.chunks_exact(F::BLOCK).enumerate() {
            let block = block.as_ptr();
            let mut sums = [i32x4_splat(0); T];
            let mask = u16x8_splat(15);
            for v in 0..4 {
                // SAFETY: a block of a tile has 4 x 32 bytes from `WEIGHTS` on, and `matmul` has seen to it that x has 32
                // integers for every block.
                unsafe {
                    let w = load(block.add(F::WEIGHTS + 32 * v + 16 * half));
                    let first = v128_and(w, mask);
                    let second = v128_and(u16x8_shr(w, 4), mask);
                    let third = v128_and(u16x8_shr(w, 8), mask);
                    let fourth = u16x8_shr(w, 12);
                    for t in 0..T {
                        let x = x[t].integers.as_ptr().add(32 * b + 8 * v);
                        let mut sum = sums[t];
                        sum = i32x4_add(sum, i32x4_dot_i16x8(first, splat(x)));
                        sum = i32x4_add(sum, i32x4_dot_i16x8(second, splat(x.add(4))));
                        sum = i32x4_add(sum, i32x4_dot_i16x8(third, splat(x.add(2))));
                        sum = i32x4_add(sum, i32x4_dot_i16x8(fourth, splat(x.add(6))));
                        sums[t] = sum;
                    }
                }
            }
            // SAFETY: scales and minima of eight rows come first.
            let (d, m) = unsafe {
                let d = halves(block.add(8 * half));
                (d, minima::<F>(block, half, d))
            };
            for t in 0..T {
                acc[t] = f32x4_add(acc[t], part(d, m, &x[t], b, sums[t]));
            }
        }
        store(acc, i, half, out);
    }
}

/// One token with both halves of a tile.
#[inline(always)]
fn one<F: Format>(tile: &[u8], x: &Blocks, out: &mut [f32; TILE]) {
    let zero = i32x4_splat(0);
    let (mut acc0, mut acc1) = (f32x4_splat(0.0), f32x4_splat(0.0));
    for (b, block) in tile.chunks_exact(F::BLOCK).enumerate() {
        let block = block.as_ptr();
        // The middle nibbles, left where they are, count 16 and 256 times; the sums stay below 2^29.
        let (mut ones0, mut ones1) = (zero, zero);
        let (mut sixteens0, mut sixteens1) = (zero, zero);
        let (mut many0, mut many1) = (zero, zero);
        for v in 0..4 {
            // SAFETY: as in `nibbles`.
            unsafe {
                let q = x.integers.as_ptr().add(32 * b + 8 * v);
                let (x0, x1, x2, x3) =
                    (splat(q), splat(q.add(4)), splat(q.add(2)), splat(q.add(6)));
                let w = load(block.add(F::WEIGHTS + 32 * v));
                ones0 = i32x4_add(ones0, i32x4_dot_i16x8(v128_and(w, u16x8_splat(0xf)), x0));
                sixteens0 = i32x4_add(
                    sixteens0,
                    i32x4_dot_i16x8(v128_and(w, u16x8_splat(0xf0)), x1),
                );
                many0 = i32x4_add(many0, i32x4_dot_i16x8(v128_and(w, u16x8_splat(0xf00)), x2));
                ones0 = i32x4_add(ones0, i32x4_dot_i16x8(u16x8_shr(w, 12), x3));
                let w = load(block.add(F::WEIGHTS + 32 * v + 16));
                ones1 = i32x4_add(ones1, i32x4_dot_i16x8(v128_and(w, u16x8_splat(0xf)), x0));
                sixteens1 = i32x4_add(
                    sixteens1,
                    i32x4_dot_i16x8(v128_and(w, u16x8_splat(0xf0)), x1),
                );
                many1 = i32x4_add(many1, i32x4_dot_i16x8(v128_and(w, u16x8_splat(0xf00)), x2));
                ones1 = i32x4_add(ones1, i32x4_dot_i16x8(u16x8_shr(w, 12), x3));
            }
        }
        let sum = |ones, sixteens, many| {
            i32x4_add(ones, i32x4_add(i32x4_shr(sixteens, 4), i32x4_shr(many, 8)))
        };
        // SAFETY: scales and minima of eight rows come first.
        unsafe {
            let d = halves(block);
            let m = minima::<F>(block, 0, d);
            acc0 = f32x4_add(acc0, part(d, m, x, b, sum(ones0, sixteens0, many0)));
            let d = halves(block.add(8));
            let m = minima::<F>(block, 1, d);
            acc1 = f32x4_add(acc1, part(d, m, x, b, sum(ones1, sixteens1, many1)));
        }
    }
    // SAFETY: `out` holds eight floats.
    unsafe {
        v128_store(out.as_mut_ptr().cast(), acc0);
        v128_store(out.as_mut_ptr().add(4).cast(), acc1);
    }
}

/// Quantizes a block of activations as `activations.rs` does, in its order: the same scale, integers and sum to the bit. Gives
/// the largest absolute value and the integers' sum.
#[inline(always)]
pub(in crate::engine::cpu) fn quantize_block(
    x: &[f32; 32],
    inverse: impl Fn(f32) -> f32,
    round: f32,
    most: i32,
    integers: &mut [i16; 32],
) -> (f32, i32) {
    // SAFETY: four floats of 32 from a multiple of four on.
    let x: [v128; 8] = std::array::from_fn(|i| unsafe { v128_load(x.as_ptr().add(4 * i).cast()) });
    // `pmax(a, b)` is b where it is the larger and a otherwise, so what is no number is passed over.
    let larger = x
        .iter()
        .fold(f32x4_splat(0.0), |m, &v| f32x4_pmax(m, f32x4_abs(v)));
    let larger = f32x4_pmax(larger, i32x4_shuffle::<2, 3, 0, 1>(larger, larger));
    let larger = f32x4_pmax(larger, i32x4_shuffle::<1, 0, 3, 2>(larger, larger));
    let max = f32x4_extract_lane::<0>(larger);

    let (factor, shift) = (f32x4_splat(inverse(max)), f32x4_splat(round));
    let (least, most) = (i32x4_splat(-most), i32x4_splat(most));
    let zero = i32x4_splat(round.to_bits() as i32);
    let rounded = |x| {
        let q = i32x4_sub(f32x4_add(f32x4_mul(x, factor), shift), zero);
        i32x4_max(i32x4_min(q, most), least)
    };
    let mut sums = i32x4_splat(0);
    for (i, pair) in x.as_chunks::<2>().0.iter().enumerate() {
        let (a, b) = (rounded(pair[0]), rounded(pair[1]));
        sums = i32x4_add(sums, i32x4_add(a, b));
        let q = i16x8_narrow_i32x4(a, b);
        let q = i16x8_shuffle::<0, 2, 1, 3, 4, 6, 5, 7>(q, q);
        // SAFETY: eight integers of 32 from a multiple of eight on.
        unsafe { v128_store(integers.as_mut_ptr().add(8 * i).cast(), q) };
    }
    let sums = i32x4_add(sums, i32x4_shuffle::<2, 3, 0, 1>(sums, sums));
    let sums = i32x4_add(sums, i32x4_shuffle::<1, 0, 3, 2>(sums, sums));
    (max, i32x4_extract_lane::<0>(sums))
}

/// Whether the processor multiplies and adds bytes in one instruction (ARM's dot product, VNNI), so that relaxed SIMD pays. For
/// arguments beyond seven bits the instruction may do what the processor does, and x86 without VNNI gives itself away: it sums
/// pairs in 16 bits, saturated.
#[cfg(target_feature = "relaxed-simd")]
pub(super) fn has_dot_product() -> bool {
    let (a, b) = std::hint::black_box((i8x16_splat(-128), u8x16_splat(255)));
    let sum = i32x4_relaxed_dot_i8x16_i7x16_add(a, b, i32x4_splat(0));
    i32x4_extract_lane::<0>(sum) != 2 * i32::from(i16::MIN)
}

/// As [`nibbles`] with the relaxed dot product of bytes. Activations are `128 * high + low`, two products a weight. Nibbles
/// are seven-bit numbers and their pair sums fit 16 bits (2 * 15 * 127), so the instruction has one possible result.
#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
pub(super) fn nibbles_relaxed<F: Format, const T: usize>(
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    for (i, tile, half) in halves_of(tiles) {
        let mut acc = [f32x4_splat(0.0); T];
        for (b, block) in tile.chunks_exact(F::BLOCK).enumerate() {
            let block = block.as_ptr();
            let (mut high, mut low) = ([i32x4_splat(0); T], [i32x4_splat(0); T]);
            for v in 0..4 {
                // SAFETY: as in `nibbles`; bytes are as many as integers.
                unsafe {
                    let w = load(block.add(F::WEIGHTS + 32 * v + 16 * half));
                    let first = v128_and(w, u8x16_splat(15));
                    let second = u8x16_shr(w, 4);
                    for t in 0..T {
                        let h = x[t].high.as_ptr().add(32 * b + 8 * v);
                        let l = x[t].low.as_ptr().add(32 * b + 8 * v);
                        let dot = i32x4_relaxed_dot_i8x16_i7x16_add;
                        high[t] = dot(splat(h), first, high[t]);
                        high[t] = dot(splat(h.add(4)), second, high[t]);
                        low[t] = dot(splat(l), first, low[t]);
                        low[t] = dot(splat(l.add(4)), second, low[t]);
                    }
                }
            }
            // SAFETY: scales and minima of eight rows come first.
            let (d, m) = unsafe {
                let d = halves(block.add(8 * half));
                (d, minima::<F>(block, half, d))
            };
            for t in 0..T {
                let sum = i32x4_add(i32x4_shl(high[t], 7), low[t]);
                acc[t] = f32x4_add(acc[t], part(d, m, &x[t], b, sum));
            }
        }
        store(acc, i, half, out);
    }
}

#[inline(always)]
pub(super) fn q8_0<const T: usize>(tiles: Tiles, x: &[Blocks; TOKENS], out: &mut Out) {
    if T == 1 {
        for (i, tile) in tiles.iter().enumerate() {
            one_q8_0(tile, &x[0], out.of(0, i));
        }
        return;
    }
    for (i, tile, half) in halves_of(tiles) {
        let mut acc = [f32x4_splat(0.0); T];
        for (b, block) in tile.chunks_exact(q8_0::BLOCK).enumerate() {
            let block = block.as_ptr();
            let mut sums = [i32x4_splat(0); T];
            for v in 0..8 {
                // SAFETY: a block of a tile has 8 x 32 bytes from `WEIGHTS` on; x as in `nibbles`.
                unsafe {
                    let w = load(block.add(q8_0::WEIGHTS + 32 * v + 16 * half));
                    let even = i16x8_shr(i16x8_shl(w, 8), 8);
                    let odd = i16x8_shr(w, 8);
                    for t in 0..T {
                        let x = x[t].integers.as_ptr().add(32 * b + 4 * v);
                        sums[t] = i32x4_add(sums[t], i32x4_dot_i16x8(even, splat(x)));
                        sums[t] = i32x4_add(sums[t], i32x4_dot_i16x8(odd, splat(x.add(2))));
                    }
                }
            }
            // SAFETY: the scales of eight rows come first.
            let d = unsafe { halves(block.add(8 * half)) };
            for t in 0..T {
                let d = f32x4_mul(d, f32x4_splat(x[t].scales[b]));
                acc[t] = f32x4_add(acc[t], f32x4_mul(d, f32x4_convert_i32x4(sums[t])));
            }
        }
        store(acc, i, half, out);
    }
}

/// One token with both halves of a tile.
#[inline(always)]
fn one_q8_0(tile: &[u8], x: &Blocks, out: &mut [f32; TILE]) {
    let (mut acc0, mut acc1) = (f32x4_splat(0.0), f32x4_splat(0.0));
    for (b, block) in tile.chunks_exact(q8_0::BLOCK).enumerate() {
        let block = block.as_ptr();
        let (mut sum0, mut sum1) = (i32x4_splat(0), i32x4_splat(0));
        for v in 0..8 {
            // SAFETY: a block of a tile has 8 x 32 bytes from `WEIGHTS` on; x as in `nibbles`.
            unsafe {
                let q = x.integers.as_ptr().add(32 * b + 4 * v);
                let (even, odd) = (splat(q), splat(q.add(2)));
                let w = load(block.add(q8_0::WEIGHTS + 32 * v));
                sum0 = i32x4_add(sum0, i32x4_dot_i16x8(i16x8_shr(i16x8_shl(w, 8), 8), even));
                sum0 = i32x4_add(sum0, i32x4_dot_i16x8(i16x8_shr(w, 8), odd));
                let w = load(block.add(q8_0::WEIGHTS + 32 * v + 16));
                sum1 = i32x4_add(sum1, i32x4_dot_i16x8(i16x8_shr(i16x8_shl(w, 8), 8), even));
                sum1 = i32x4_add(sum1, i32x4_dot_i16x8(i16x8_shr(w, 8), odd));
            }
        }
        let dx = f32x4_splat(x.scales[b]);
        // SAFETY: the scales of eight rows come first.
        let (d0, d1) = unsafe { (halves(block), halves(block.add(8))) };
        acc0 = f32x4_add(
            acc0,
            f32x4_mul(f32x4_mul(d0, dx), f32x4_convert_i32x4(sum0)),
        );
        acc1 = f32x4_add(
            acc1,
            f32x4_mul(f32x4_mul(d1, dx), f32x4_convert_i32x4(sum1)),
        );
    }
    // SAFETY: `out` holds eight floats.
    unsafe {
        v128_store(out.as_mut_ptr().cast(), acc0);
        v128_store(out.as_mut_ptr().add(4).cast(), acc1);
    }
}

/// Each tile's halves: which tile, it, and which half.
#[inline(always)]
fn halves_of(tiles: Tiles<'_>) -> impl Iterator<Item = (usize, &[u8], usize)> {
    let both = |(i, tile)| [(i, tile, 0), (i, tile, 1)];
    tiles.iter().enumerate().flat_map(both)
}

#[inline(always)]
fn store<const T: usize>(acc: [v128; T], tile: usize, half: usize, out: &mut Out) {
    for (t, acc) in acc.into_iter().enumerate() {
        // SAFETY: the results of a half are four floats.
        unsafe { v128_store(out.of(t, tile).as_mut_ptr().add(4 * half).cast(), acc) };
    }
}
