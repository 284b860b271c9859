//! WebAssembly SIMD: four rows of a tile side by side in a 128-bit register.
//!
//! Weights are taken apart into 16-bit lanes by masks alone, as on x86-64 (see `x86.rs`). Engines compile straight-line code by
//! hoisting its loads, and a block of eight rows has more of them than there are registers; that is why one token takes both
//! halves of a tile at once, sharing the loads of activations, and several tokens take them one after the other.

use core::{arch::wasm32::*, ops::Range};

use super::{Blocks, Out, Scaled, TOKENS, Tiles, Width, adds, middle};
use crate::quant::{Integers, Scales, TILE};

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

/// Four signed bytes as f32.
///
/// # Safety
/// `at` points to four readable bytes.
#[inline(always)]
unsafe fn factors(at: *const u8) -> v128 {
    // SAFETY: as the caller says.
    let bytes = unsafe { v128_load32_zero(at.cast()) };
    f32x4_convert_i32x4(i32x4_extend_low_i16x8(i16x8_extend_low_i8x16(bytes)))
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

/// What four rows of a superblock have in common.
#[derive(Clone, Copy)]
struct Head {
    d: v128,
    m: v128,
}

impl Head {
    /// # Safety
    /// `superblock` points to one of these scales.
    #[inline(always)]
    unsafe fn of(integers: Integers, scales: Scales, superblock: *const u8, half: usize) -> Self {
        // SAFETY: scales of eight rows come first, then, where there are any, their minima.
        unsafe {
            let d = halves(superblock.add(8 * half));
            let m = if scales.has_minimum() {
                halves(superblock.add(2 * TILE + 8 * half))
            } else {
                f32x4_mul(d, f32x4_splat(f32::from(-integers.centre())))
            };
            Self { d, m }
        }
    }

    /// Those of a part of a block.
    ///
    /// # Safety
    /// `block` points to a block of these scales.
    #[inline(always)]
    unsafe fn part(self, scales: Scales, block: *const u8, half: usize, p: usize) -> Self {
        if !scales.has_factors() {
            return self;
        }
        // SAFETY: eight factors a part come first, then, where there are any, those of the minima.
        unsafe {
            let of = |part: usize| factors(block.add(part * TILE + 4 * half));
            let s = of(p);
            Self {
                d: f32x4_mul(self.d, s),
                m: if scales.has_minimum() {
                    f32x4_mul(self.m, of(scales.parts() + p))
                } else {
                    self.m
                },
            }
        }
    }

    /// A part's share of a result.
    #[inline(always)]
    fn share(
        self,
        integers: Integers,
        scales: Scales,
        x: &Blocks,
        b: usize,
        p: usize,
        mut sum: v128,
    ) -> v128 {
        let middle = middle(integers, scales);
        if middle != 0 {
            let away = middle * x.integer_sum(b, p, scales.parts());
            sum = i32x4_sub(sum, i32x4_splat(away));
        }
        let scale = f32x4_mul(self.d, f32x4_splat(x.scales[b]));
        let product = f32x4_mul(scale, f32x4_convert_i32x4(sum));
        if !adds(integers, scales) {
            return product;
        }
        let sum = f32x4_splat(x.sum(b, p, scales.parts()));
        f32x4_add(product, f32x4_mul(self.m, sum))
    }
}

/// The vectors of a part.
#[inline(always)]
fn vectors(integers: Integers, scales: Scales, p: usize) -> Range<usize> {
    let all = match integers {
        Integers::Nibbles | Integers::Fives | Integers::Sixes => 4,
        Integers::Bytes => 8,
    };
    p * all / scales.parts()..(p + 1) * all / scales.parts()
}

/// The products of tiles of one form, with a way to sum up integers.
///
/// # Safety
/// `sums` is given the weights of a block of the form, and a block that each token has.
#[inline(always)]
unsafe fn by_halves<W: Width, S: Scaled, const T: usize>(
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
    sums: impl Fn(*const u8, usize, Range<usize>) -> [v128; T],
) {
    let (integers, scales) = const { (W::INTEGERS, S::SCALES) };
    for (i, tile, half) in halves_of(tiles) {
        let mut acc = [f32x4_splat(0.0); T];
        let mut b = 0;
        for superblock in tile.chunks_exact(scales.superblock(integers)) {
            // SAFETY: this is a superblock of these scales.
            let head = unsafe { Head::of(integers, scales, superblock.as_ptr(), half) };
            for block in superblock[scales.head()..].chunks_exact(scales.block(integers)) {
                let block = block.as_ptr();
                let mut total = [f32x4_splat(0.0); T];
                for p in 0..scales.parts() {
                    // SAFETY: the weights stand behind the factors; 16 bytes of each vector belong to a half.
                    let (sums, of_part) = unsafe {
                        let weights = block.add(scales.factors() + 16 * half);
                        (
                            sums(weights, b, vectors(integers, scales, p)),
                            head.part(scales, block, half, p),
                        )
                    };
                    for t in 0..T {
                        let share = of_part.share(integers, scales, &x[t], b, p, sums[t]);
                        total[t] = if p == 0 {
                            share
                        } else {
                            f32x4_add(total[t], share)
                        };
                    }
                }
                for t in 0..T {
                    acc[t] = f32x4_add(acc[t], total[t]);
                }
                b += 1;
            }
        }
        store(acc, i, half, out);
    }
}

#[inline(always)]
pub(super) fn tiles<W: Width, S: Scaled, const T: usize>(
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    if T == 1 {
        for (i, tile) in tiles.iter().enumerate() {
            one::<W, S>(tile, &x[0], out.of(0, i));
        }
        return;
    }
    // SAFETY: `matmul` has seen to it that x has 32 integers for every block.
    unsafe {
        match W::INTEGERS {
            Integers::Nibbles | Integers::Fives | Integers::Sixes => {
                by_halves::<W, S, T>(tiles, x, out, |w, b, vectors| {
                    nibbles::<W, T>(w, x, b, vectors)
                });
            }
            Integers::Bytes => {
                by_halves::<W, S, T>(tiles, x, out, |w, b, vectors| bytes(w, x, b, vectors));
            }
        }
    }
}

/// Moves the bits of 16-bit lanes up by so many places, or down.
#[inline(always)]
fn moved(v: v128, by: i32) -> v128 {
    if by >= 0 {
        u16x8_shl(v, by as u32)
    } else {
        u16x8_shr(v, -by as u32)
    }
}

/// The four numbers of a 16-bit lane of vector `v`, by masks: the first and the last where a number begins, the middle ones 4 and
/// 8 bits further up.
///
/// # Safety
/// `weights` points to a half of a block's vectors.
#[inline(always)]
unsafe fn planes(integers: Integers, weights: *const u8, v: usize) -> [v128; 4] {
    // SAFETY: as the caller says; upper bits stand behind the nibbles.
    let (w, h) = unsafe {
        let w = load(weights.add(32 * v));
        let (vector, _) = integers.upper(v);
        let h = if integers.upper_bits() > 0 {
            load(weights.add(16 * TILE + 32 * vector))
        } else {
            w
        };
        (w, h)
    };
    let and = |v: v128, mask: i16| v128_and(v, i16x8_splat(mask));
    let plain = [and(w, 0xf), and(w, 0xf0), and(w, 0xf00), u16x8_shr(w, 12)];
    let bits = integers.upper_bits() as i32;
    if bits == 0 {
        return plain;
    }
    let bit = integers.upper(v).1 as i32;
    let mask = ((1i16 << bits) - 1) << 4;
    // Even bytes have the first two numbers' bits, odd ones those of the last two.
    let outer = moved(h, 4 - bit);
    [
        v128_or(plain[0], and(outer, mask)),
        v128_or(plain[1], and(moved(h, 8 - bit - bits), mask << 4)),
        v128_or(plain[2], and(outer, mask << 8)),
        v128_or(plain[3], and(moved(h, 4 - 8 - bit - bits), mask)),
    ]
}

/// The integer sums of four rows of nibbles, with their upper bits, with several tokens.
///
/// # Safety
/// `weights` points to a half of a block's vectors, and x has 32 integers for block `b`.
#[inline(always)]
unsafe fn nibbles<W: Width, const T: usize>(
    weights: *const u8,
    x: &[Blocks; TOKENS],
    b: usize,
    vectors: Range<usize>,
) -> [v128; T] {
    let mut sums = [i32x4_splat(0); T];
    for v in vectors {
        // SAFETY: as the caller says.
        unsafe {
            let [first, second, third, fourth] = planes(W::INTEGERS, weights, v);
            let (second, third) = (u16x8_shr(second, 4), u16x8_shr(third, 8));
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
    sums
}

/// The integer sums of four rows of bytes with several tokens.
///
/// # Safety
/// As [`nibbles`].
#[inline(always)]
unsafe fn bytes<const T: usize>(
    weights: *const u8,
    x: &[Blocks; TOKENS],
    b: usize,
    vectors: Range<usize>,
) -> [v128; T] {
    let mut sums = [i32x4_splat(0); T];
    for v in vectors {
        // SAFETY: as the caller says.
        unsafe {
            let w = load(weights.add(32 * v));
            let even = i16x8_shr(i16x8_shl(w, 8), 8);
            let odd = i16x8_shr(w, 8);
            for t in 0..T {
                let x = x[t].integers.as_ptr().add(32 * b + 4 * v);
                sums[t] = i32x4_add(sums[t], i32x4_dot_i16x8(even, splat(x)));
                sums[t] = i32x4_add(sums[t], i32x4_dot_i16x8(odd, splat(x.add(2))));
            }
        }
    }
    sums
}

/// One token with both halves of a tile.
#[inline(always)]
fn one<W: Width, S: Scaled>(tile: &[u8], x: &Blocks, out: &mut [f32; TILE]) {
    let (integers, scales) = const { (W::INTEGERS, S::SCALES) };
    let (mut acc0, mut acc1) = (f32x4_splat(0.0), f32x4_splat(0.0));
    let mut b = 0;
    for superblock in tile.chunks_exact(scales.superblock(integers)) {
        let head = superblock.as_ptr();
        for block in superblock[scales.head()..].chunks_exact(scales.block(integers)) {
            let block = block.as_ptr();
            let zero = f32x4_splat(0.0);
            let (mut total0, mut total1) = (zero, zero);
            for p in 0..scales.parts() {
                let vectors = vectors(integers, scales, p);
                // SAFETY: a block has its vectors behind its factors, and `matmul` has seen to it that x has 32 integers
                // for every block.
                unsafe {
                    let weights = block.add(scales.factors());
                    let (sum0, sum1) = match integers {
                        Integers::Nibbles | Integers::Fives | Integers::Sixes => {
                            one_nibbles::<W>(weights, x, b, vectors)
                        }
                        Integers::Bytes => one_bytes(weights, x, b, vectors),
                    };
                    let half = Head::of(integers, scales, head, 0).part(scales, block, 0, p);
                    let share0 = half.share(integers, scales, x, b, p, sum0);
                    let half = Head::of(integers, scales, head, 1).part(scales, block, 1, p);
                    let share1 = half.share(integers, scales, x, b, p, sum1);
                    if p == 0 {
                        (total0, total1) = (share0, share1);
                    } else {
                        total0 = f32x4_add(total0, share0);
                        total1 = f32x4_add(total1, share1);
                    }
                }
            }
            acc0 = f32x4_add(acc0, total0);
            acc1 = f32x4_add(acc1, total1);
            b += 1;
        }
    }
    // SAFETY: `out` holds eight floats.
    unsafe {
        v128_store(out.as_mut_ptr().cast(), acc0);
        v128_store(out.as_mut_ptr().add(4).cast(), acc1);
    }
}

/// The integer sums of eight rows of nibbles, with their upper bits, with one token.
///
/// # Safety
/// `weights` points to a block's vectors, and x has 32 integers for block `b`.
#[inline(always)]
unsafe fn one_nibbles<W: Width>(
    weights: *const u8,
    x: &Blocks,
    b: usize,
    vectors: Range<usize>,
) -> (v128, v128) {
    let zero = i32x4_splat(0);
    // The middle nibbles, left where they are, count 16 and 256 times; the sums stay below 2^31.
    let (mut ones0, mut ones1) = (zero, zero);
    let (mut sixteens0, mut sixteens1) = (zero, zero);
    let (mut many0, mut many1) = (zero, zero);
    for v in vectors {
        // SAFETY: as the caller says.
        unsafe {
            let q = x.integers.as_ptr().add(32 * b + 8 * v);
            let (x0, x1, x2, x3) = (splat(q), splat(q.add(4)), splat(q.add(2)), splat(q.add(6)));
            let w = planes(W::INTEGERS, weights, v);
            ones0 = i32x4_add(ones0, i32x4_dot_i16x8(w[0], x0));
            sixteens0 = i32x4_add(sixteens0, i32x4_dot_i16x8(w[1], x1));
            many0 = i32x4_add(many0, i32x4_dot_i16x8(w[2], x2));
            ones0 = i32x4_add(ones0, i32x4_dot_i16x8(w[3], x3));
            let w = planes(W::INTEGERS, weights.add(16), v);
            ones1 = i32x4_add(ones1, i32x4_dot_i16x8(w[0], x0));
            sixteens1 = i32x4_add(sixteens1, i32x4_dot_i16x8(w[1], x1));
            many1 = i32x4_add(many1, i32x4_dot_i16x8(w[2], x2));
            ones1 = i32x4_add(ones1, i32x4_dot_i16x8(w[3], x3));
        }
    }
    let sum = |ones, sixteens, many| {
        i32x4_add(ones, i32x4_add(i32x4_shr(sixteens, 4), i32x4_shr(many, 8)))
    };
    (sum(ones0, sixteens0, many0), sum(ones1, sixteens1, many1))
}

/// The integer sums of eight rows of bytes with one token.
///
/// # Safety
/// As [`one_nibbles`].
#[inline(always)]
unsafe fn one_bytes(
    weights: *const u8,
    x: &Blocks,
    b: usize,
    vectors: Range<usize>,
) -> (v128, v128) {
    let (mut sum0, mut sum1) = (i32x4_splat(0), i32x4_splat(0));
    for v in vectors {
        // SAFETY: as the caller says.
        unsafe {
            let q = x.integers.as_ptr().add(32 * b + 4 * v);
            let (even, odd) = (splat(q), splat(q.add(2)));
            let w = load(weights.add(32 * v));
            sum0 = i32x4_add(sum0, i32x4_dot_i16x8(i16x8_shr(i16x8_shl(w, 8), 8), even));
            sum0 = i32x4_add(sum0, i32x4_dot_i16x8(i16x8_shr(w, 8), odd));
            let w = load(weights.add(32 * v + 16));
            sum1 = i32x4_add(sum1, i32x4_dot_i16x8(i16x8_shr(i16x8_shl(w, 8), 8), even));
            sum1 = i32x4_add(sum1, i32x4_dot_i16x8(i16x8_shr(w, 8), odd));
        }
    }
    (sum0, sum1)
}

/// Quantizes a block of activations as `activations.rs` does, in its order: the same scale, integers and sums to the
/// bit. Gives the largest absolute value and the sums of the halves' integers.
#[inline(always)]
pub(in crate::engine::cpu) fn quantize_block(
    x: &[f32; 32],
    inverse: impl Fn(f32) -> f32,
    round: f32,
    most: i32,
    integers: &mut [i16; 32],
) -> (f32, [i32; 2]) {
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
    let mut sums = [i32x4_splat(0); 2];
    for (i, pair) in x.as_chunks::<2>().0.iter().enumerate() {
        let (a, b) = (rounded(pair[0]), rounded(pair[1]));
        sums[i / 2] = i32x4_add(sums[i / 2], i32x4_add(a, b));
        let q = i16x8_narrow_i32x4(a, b);
        let q = i16x8_shuffle::<0, 2, 1, 3, 4, 6, 5, 7>(q, q);
        // SAFETY: eight integers of 32 from a multiple of eight on.
        unsafe { v128_store(integers.as_mut_ptr().add(8 * i).cast(), q) };
    }
    let all = |sum| {
        let sum = i32x4_add(sum, i32x4_shuffle::<2, 3, 0, 1>(sum, sum));
        let sum = i32x4_add(sum, i32x4_shuffle::<1, 0, 3, 2>(sum, sum));
        i32x4_extract_lane::<0>(sum)
    };
    (max, sums.map(all))
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

/// The two numbers of each byte of vector `v`.
///
/// # Safety
/// `weights` points to a half of a block's vectors.
#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
unsafe fn byte_planes(integers: Integers, weights: *const u8, v: usize) -> [v128; 2] {
    // SAFETY: as the caller says.
    let w = unsafe { load(weights.add(32 * v)) };
    let plain = [v128_and(w, u8x16_splat(15)), u8x16_shr(w, 4)];
    let bits = integers.upper_bits() as i32;
    if bits == 0 {
        return plain;
    }
    let (vector, bit) = integers.upper(v);
    // SAFETY: upper bits stand behind the nibbles.
    let h = unsafe { load(weights.add(16 * TILE + 32 * vector)) };
    let mask = u8x16_splat(((1u8 << bits) - 1) << 4);
    let upper = |by: i32| {
        let moved = if by >= 0 {
            u8x16_shl(h, by as u32)
        } else {
            u8x16_shr(h, -by as u32)
        };
        v128_and(moved, mask)
    };
    let bit = bit as i32;
    [
        v128_or(plain[0], upper(4 - bit)),
        v128_or(plain[1], upper(4 - bit - bits)),
    ]
}

/// As [`tiles`] with the relaxed dot product of bytes. Activations are `128 * high + low`, two products a weight. Numbers of
/// four to six bits are seven-bit numbers and their pair sums fit 16 bits (2 * 63 * 127), so the instruction has one possible
/// result. Weights of eight bits are none, and go the other way.
#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
pub(super) fn tiles_relaxed<W: Width, S: Scaled, const T: usize>(
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    if W::INTEGERS == Integers::Bytes {
        return self::tiles::<W, S, T>(tiles, x, out);
    }
    // SAFETY: `matmul` has seen to it that x has 32 integers for every block; bytes are as many.
    unsafe {
        by_halves::<W, S, T>(tiles, x, out, |weights, b, vectors| {
            let (mut high, mut low) = ([i32x4_splat(0); T], [i32x4_splat(0); T]);
            for v in vectors {
                let [first, second] = byte_planes(W::INTEGERS, weights, v);
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
            std::array::from_fn(|t| i32x4_add(i32x4_shl(high[t], 7), low[t]))
        });
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
