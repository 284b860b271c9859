//! AArch64: four rows of a tile side by side in a 128-bit register, and two of these for a tile.
//!
//! Weights are taken apart by masks alone, as on x86-64 (see `x86.rs`): of a vector's bytes `4 r + i`, the 16-bit lane
//! `(r, i / 2)` holds four nibbles. NEON multiplies eight lanes by one lane of another register and sums no pairs. So the lanes
//! are sorted first, `(r, 0)` of all eight rows into one register and `(r, 1)` into another: then a mask leaves one column of
//! eight rows. The activations of four such columns, in the order of `activations.rs`, are one load and need not be spread.

use std::{arch::aarch64::*, ops::Range};

use super::{Blocks, Out, Scaled, TOKENS, Tiles, Width, adds, middle};
use crate::quant::{Integers, TILE};

/// A sum for each row of a tile.
type Sums = [int32x4_t; 2];

/// A number for each row of a tile.
type Floats = [float32x4_t; 2];

/// The lanes `(r, 0)` and the lanes `(r, 1)` of eight rows, or what a mask leaves of them: two columns.
type Columns = [int16x8_t; 2];

/// A vector of 32 bytes of a tile, its 16-bit lanes sorted.
///
/// # Safety
/// `at` points to 32 readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn load(at: *const u8) -> Columns {
    // SAFETY: as the caller says.
    let (a, b) = unsafe { (vld1q_u8(at), vld1q_u8(at.add(16))) };
    let (a, b) = (vreinterpretq_s16_u8(a), vreinterpretq_s16_u8(b));
    [vuzp1q_s16(a, b), vuzp2q_s16(a, b)]
}

#[target_feature(enable = "neon")]
#[inline]
fn and(w: Columns, mask: i16) -> Columns {
    let mask = vdupq_n_s16(mask);
    [vandq_s16(w[0], mask), vandq_s16(w[1], mask)]
}

/// Shifts all bits to the right; what comes in is 0.
#[target_feature(enable = "neon")]
#[inline]
fn shift<const BITS: i32>(w: Columns) -> Columns {
    let bits = |w| vreinterpretq_s16_u16(vshrq_n_u16::<BITS>(vreinterpretq_u16_s16(w)));
    [bits(w[0]), bits(w[1])]
}

/// The lower bytes of the lanes, with their signs.
#[target_feature(enable = "neon")]
#[inline]
fn lower(w: Columns) -> Columns {
    upper([vshlq_n_s16::<8>(w[0]), vshlq_n_s16::<8>(w[1])])
}

/// The upper bytes of the lanes, with their signs.
#[target_feature(enable = "neon")]
#[inline]
fn upper(w: Columns) -> Columns {
    [vshrq_n_s16::<8>(w[0]), vshrq_n_s16::<8>(w[1])]
}

/// Adds the products of two columns with the activations `A` and `B` of four.
#[target_feature(enable = "neon")]
#[inline]
fn dot<const A: i32, const B: i32>(sums: Sums, w: Columns, x: int16x4_t) -> Sums {
    let first = vmlal_lane_s16::<A>(sums[0], vget_low_s16(w[0]), x);
    let second = vmlal_high_lane_s16::<A>(sums[1], w[0], x);
    [
        vmlal_lane_s16::<B>(first, vget_low_s16(w[1]), x),
        vmlal_high_lane_s16::<B>(second, w[1], x),
    ]
}

#[target_feature(enable = "neon")]
#[inline]
fn add(a: Sums, b: Sums) -> Sums {
    [vaddq_s32(a[0], b[0]), vaddq_s32(a[1], b[1])]
}

/// Eight half-precision numbers as f32.
///
/// # Safety
/// `at` points to sixteen readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn halves(at: *const u8) -> Floats {
    // SAFETY: as the caller says.
    let h = vreinterpretq_f16_u8(unsafe { vld1q_u8(at) });
    [vcvt_f32_f16(vget_low_f16(h)), vcvt_high_f32_f16(h)]
}

/// Eight signed bytes as f32.
///
/// # Safety
/// `at` points to eight readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn factors(at: *const u8) -> Floats {
    // SAFETY: as the caller says.
    let s = vmovl_s8(unsafe { vld1_s8(at.cast()) });
    [
        vcvtq_f32_s32(vmovl_s16(vget_low_s16(s))),
        vcvtq_f32_s32(vmovl_high_s16(s)),
    ]
}

#[target_feature(enable = "neon")]
#[inline]
fn product(a: Floats, b: Floats) -> Floats {
    [vmulq_f32(a[0], b[0]), vmulq_f32(a[1], b[1])]
}

#[target_feature(enable = "neon")]
#[inline]
fn sum(a: Floats, b: Floats) -> Floats {
    [vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1])]
}

#[target_feature(enable = "neon")]
#[inline]
fn times(a: Floats, b: f32) -> Floats {
    [vmulq_n_f32(a[0], b), vmulq_n_f32(a[1], b)]
}

/// Moves bits up by so many places, or down; what comes in is 0.
#[target_feature(enable = "neon")]
#[inline]
fn moved(w: Columns, by: i16) -> Columns {
    let by = vdupq_n_s16(by);
    w.map(|w| vreinterpretq_s16_u16(vshlq_u16(vreinterpretq_u16_s16(w), by)))
}

#[target_feature(enable = "neon")]
#[inline]
fn or(a: Columns, b: Columns) -> Columns {
    [vorrq_s16(a[0], b[0]), vorrq_s16(a[1], b[1])]
}

/// The four numbers of a 16-bit lane of vector `v`, by masks: the first and the last where a number begins, the middle ones 4 and
/// 8 bits further up.
///
/// # Safety
/// `weights` points to the vectors of a block of a tile.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn planes(integers: Integers, weights: *const u8, v: usize) -> [Columns; 4] {
    // SAFETY: as the caller says.
    let w = unsafe { load(weights.add(32 * v)) };
    let plain = [and(w, 0xf), and(w, 0xf0), and(w, 0xf00), shift::<12>(w)];
    let bits = integers.upper_bits() as i16;
    if bits == 0 {
        return plain;
    }
    let (vector, bit) = integers.upper(v);
    // SAFETY: upper bits stand behind the nibbles.
    let h = unsafe { load(weights.add(16 * TILE + 32 * vector)) };
    let (bit, mask) = (bit as i16, ((1 << bits) - 1) << 4);
    // Even bytes have the first two numbers' bits, odd ones those of the last two.
    let outer = moved(h, 4 - bit);
    [
        or(plain[0], and(outer, mask)),
        or(plain[1], and(moved(h, 8 - bit - bits), mask << 4)),
        or(plain[2], and(outer, mask << 8)),
        or(plain[3], and(moved(h, 4 - 8 - bit - bits), mask)),
    ]
}

/// The integer sums of some vectors of nibbles, with their upper bits.
///
/// # Safety
/// `weights` points to the vectors of a block of a tile, and x has 32 integers for block `b`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn nibbles<W: Width, const T: usize>(
    weights: *const u8,
    x: &[Blocks; TOKENS],
    b: usize,
    vectors: Range<usize>,
) -> [Sums; T] {
    let zero = [vdupq_n_s32(0); 2];
    let mut sums = [zero; T];
    let (mut sum16, mut sum256) = (zero, zero);
    for v in vectors {
        // SAFETY: as the caller says.
        let [low, second, third, high] = unsafe { planes(W::INTEGERS, weights, v) };
        // SAFETY: as the caller says; these are eight of the integers.
        let eight = |t: usize| unsafe {
            let at = x[t].integers.as_ptr().add(32 * b + 8 * v);
            (vld1_s16(at), vld1_s16(at.add(4)))
        };
        if T == 1 {
            // Left where they are, the middle nibbles count 16 and 256 times; the sums stay below 2^31.
            let (x0, x4) = eight(0);
            sums[0] = dot::<0, 1>(sums[0], low, x0);
            sum16 = dot::<0, 1>(sum16, second, x4);
            sum256 = dot::<2, 3>(sum256, third, x0);
            sums[0] = dot::<2, 3>(sums[0], high, x4);
            continue;
        }
        let (second, third) = (shift::<4>(second), shift::<8>(third));
        for (t, sums) in sums.iter_mut().enumerate() {
            let (x0, x4) = eight(t);
            *sums = dot::<0, 1>(*sums, low, x0);
            *sums = dot::<0, 1>(*sums, second, x4);
            *sums = dot::<2, 3>(*sums, third, x0);
            *sums = dot::<2, 3>(*sums, high, x4);
        }
    }
    if T == 1 {
        let back = |i: usize| vaddq_s32(vshrq_n_s32::<4>(sum16[i]), vshrq_n_s32::<8>(sum256[i]));
        sums[0] = add(sums[0], [back(0), back(1)]);
    }
    sums
}

/// The integer sums of some vectors of bytes.
///
/// # Safety
/// As [`nibbles`].
#[target_feature(enable = "neon")]
#[inline]
unsafe fn bytes<const T: usize>(
    weights: *const u8,
    x: &[Blocks; TOKENS],
    b: usize,
    vectors: Range<usize>,
) -> [Sums; T] {
    let zero = [vdupq_n_s32(0); 2];
    let mut sums = [zero; T];
    // A second sum a token, so that a product need not wait for the one before.
    let mut others = [zero; T];
    for v in vectors {
        // SAFETY: as the caller says.
        let w = unsafe { load(weights.add(32 * v)) };
        let (even, odd) = (lower(w), upper(w));
        for t in 0..T {
            // SAFETY: as the caller says; these are four of the integers.
            let x = unsafe { vld1_s16(x[t].integers.as_ptr().add(32 * b + 4 * v)) };
            sums[t] = dot::<0, 1>(sums[t], even, x);
            others[t] = dot::<2, 3>(others[t], odd, x);
        }
    }
    for t in 0..T {
        sums[t] = add(sums[t], others[t]);
    }
    sums
}

#[target_feature(enable = "neon")]
pub(super) fn tiles<W: Width, S: Scaled, const T: usize>(
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    let (integers, scales) = const { (W::INTEGERS, S::SCALES) };
    let parts = scales.parts();
    for (i, tile) in tiles.iter().enumerate() {
        let mut acc = [[vdupq_n_f32(0.0); 2]; T];
        let mut b = 0;
        for superblock in tile.chunks_exact(scales.superblock(integers)) {
            let head = superblock.as_ptr();
            // SAFETY: the scales of eight rows come first, then, where there are any, their minima.
            let d = unsafe { halves(head) };
            let m = if scales.has_minimum() {
                // SAFETY: as above.
                unsafe { halves(head.add(2 * TILE)) }
            } else {
                times(d, f32::from(-integers.centre()))
            };
            for block in superblock[scales.head()..].chunks_exact(scales.block(integers)) {
                let block = block.as_ptr();
                let mut total = [[vdupq_n_f32(0.0); 2]; T];
                for p in 0..parts {
                    // SAFETY: a block has its vectors behind its factors, and `matmul` has seen to it that x has 32 integers
                    // for every block.
                    let sums = unsafe {
                        let weights = block.add(scales.factors());
                        match integers {
                            Integers::Nibbles | Integers::Fives | Integers::Sixes => {
                                nibbles::<W, T>(weights, x, b, p * 4 / parts..(p + 1) * 4 / parts)
                            }
                            Integers::Bytes => {
                                bytes::<T>(weights, x, b, p * 8 / parts..(p + 1) * 8 / parts)
                            }
                        }
                    };
                    let (mut d, mut m) = (d, m);
                    if scales.has_factors() {
                        // SAFETY: eight factors a part come first, then, where there are any, those of the minima.
                        unsafe {
                            let s = factors(block.add(p * TILE));
                            d = product(d, s);
                            if scales.has_minimum() {
                                m = product(m, factors(block.add((parts + p) * TILE)));
                            }
                        }
                    }
                    for t in 0..T {
                        let away = middle(integers, scales) * x[t].integer_sum(b, p, parts);
                        let centred = sums[t].map(|sum| vsubq_s32(sum, vdupq_n_s32(away)));
                        let floats = centred.map(|sum| vcvtq_f32_s32(sum));
                        // `vfmaq_f32` would give other bits.
                        let mut part = product(times(d, x[t].scales[b]), floats);
                        if adds(integers, scales) {
                            part = sum(part, times(m, x[t].sum(b, p, parts)));
                        }
                        total[t] = if p == 0 { part } else { sum(total[t], part) };
                    }
                }
                for t in 0..T {
                    acc[t] = sum(acc[t], total[t]);
                }
                b += 1;
            }
        }
        store(acc, i, out);
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn store<const T: usize>(acc: [Floats; T], tile: usize, out: &mut Out) {
    for (t, acc) in acc.into_iter().enumerate() {
        let to = out.of(t, tile).as_mut_ptr();
        // SAFETY: these are eight floats.
        unsafe {
            vst1q_f32(to, acc[0]);
            vst1q_f32(to.add(4), acc[1]);
        }
    }
}
