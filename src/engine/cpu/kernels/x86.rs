//! x86-64: the eight rows of a tile side by side in 256-bit registers.
//!
//! Weights are taken apart into 16-bit lanes by masks alone: of a vector's bytes `4 r + i`, the lane `(r, i / 2)` holds four
//! nibbles, and each mask leaves two columns a row to multiply and add; upper bits are moved beside their nibble first. Activations
//! come in the order that makes these neighbours (see `activations.rs`), and one load serves all rows.

use std::arch::x86_64::*;

use super::{Blocks, Out, Scaled, TOKENS, Tiles, Width, adds, middle};
use crate::quant::{Integers, TILE};

/// Adds the products of neighbouring 16-bit numbers to eight sums.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_avx2(sum: __m256i, w: __m256i, x: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(w, x))
}

#[target_feature(enable = "avx2,avx512vnni,avx512vl")]
#[inline]
fn dot_vnni(sum: __m256i, w: __m256i, x: __m256i) -> __m256i {
    _mm256_dpwssd_epi32(sum, w, x)
}

/// Eight half-precision numbers as f32.
///
/// # Safety
/// `at` points to sixteen readable bytes.
#[target_feature(enable = "avx2,f16c")]
#[inline]
unsafe fn halves(at: *const u8) -> __m256 {
    // SAFETY: as the caller says.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(at.cast()) })
}

/// Eight signed bytes as f32.
///
/// # Safety
/// `at` points to eight readable bytes.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn factors(at: *const u8) -> __m256 {
    // SAFETY: as the caller says.
    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(unsafe { _mm_loadl_epi64(at.cast()) }))
}

/// A pair of activations for each row.
///
/// # Safety
/// `at` points to two readable integers.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn pair(at: *const i16) -> __m256i {
    // SAFETY: as the caller says.
    _mm256_set1_epi32(unsafe { at.cast::<i32>().read_unaligned() })
}

/// Moves bits up by so many places, or down.
#[target_feature(enable = "avx2")]
#[inline]
fn moved(v: __m256i, by: i32) -> __m256i {
    if by >= 0 {
        _mm256_sll_epi16(v, _mm_cvtsi32_si128(by))
    } else {
        _mm256_srl_epi16(v, _mm_cvtsi32_si128(-by))
    }
}

/// The four numbers of each 16-bit lane of vector `v` of a block's `weights`, by masks: the first and the last where a number begins,
/// the middle ones 4 and 8 bits further up. A macro, because a function of this size is not always compiled into its caller, and
/// registers would then go through memory. To be used where `weights` points to a block's vectors.
macro_rules! planes {
    ($integers:expr, $weights:expr, $v:expr) => {{
        let w = _mm256_loadu_si256($weights.add(32 * $v).cast());
        let nibble = _mm256_set1_epi16(15);
        let low = _mm256_and_si256(w, nibble);
        let second = _mm256_and_si256(w, _mm256_slli_epi16::<4>(nibble));
        let third = _mm256_and_si256(w, _mm256_slli_epi16::<8>(nibble));
        let high = _mm256_srli_epi16::<12>(w);
        let bits = $integers.upper_bits() as i32;
        if bits == 0 {
            [low, second, third, high]
        } else {
            // The upper bits stand behind the nibbles.
            let (vector, bit) = $integers.upper($v);
            let h = _mm256_loadu_si256($weights.add(16 * TILE + 32 * vector).cast());
            let bit = bit as i32;
            let mask = _mm256_set1_epi16(((1 << bits) - 1) << 4);
            // Even bytes have the first two numbers' bits, odd ones those of the last two.
            let outer = moved(h, 4 - bit);
            let (inner, last) = (moved(h, 8 - bit - bits), moved(h, 4 - 8 - bit - bits));
            let (mask16, mask256) = (_mm256_slli_epi16::<4>(mask), _mm256_slli_epi16::<8>(mask));
            [
                _mm256_or_si256(low, _mm256_and_si256(outer, mask)),
                _mm256_or_si256(second, _mm256_and_si256(inner, mask16)),
                _mm256_or_si256(third, _mm256_and_si256(outer, mask256)),
                _mm256_or_si256(high, _mm256_and_si256(last, mask)),
            ]
        }
    }};
}

/// The integer sums of a part's vectors with each token, of nibbles with their upper bits or of bytes. A macro for the reason
/// above. To be used where x has 32 integers for block `b`.
macro_rules! sums {
    ($dot:ident, $T:ident, $integers:expr, $weights:expr, $x:expr, $b:expr, $p:expr, $parts:expr) => {{
        let zero = _mm256_setzero_si256();
        let mut sums = [zero; $T];
        // A second sum a token, so that a product need not wait for the one before.
        let mut others = [zero; $T];
        if matches!($integers, Integers::Bytes) {
            for v in 0..8 {
                if v * $parts / 8 != $p {
                    continue;
                }
                let w = _mm256_loadu_si256($weights.add(32 * v).cast());
                let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(w));
                let odd = _mm256_srai_epi16::<8>(w);
                for t in 0..$T {
                    let x = $x[t].integers.as_ptr().add(32 * $b + 4 * v);
                    sums[t] = $dot(sums[t], even, pair(x));
                    others[t] = $dot(others[t], odd, pair(x.add(2)));
                }
            }
        } else {
            let (mut sum16, mut sum256) = (zero, zero);
            for v in 0..4 {
                if v * $parts / 4 != $p {
                    continue;
                }
                let [low, second, third, high] = planes!($integers, $weights, v);
                let at = |t: usize| $x[t].integers.as_ptr().add(32 * $b + 8 * v);
                if $T == 1 {
                    // Left where they are, the middle nibbles count 16 and 256 times; the sums stay below 2^31.
                    let x = at(0);
                    sums[0] = $dot(sums[0], low, pair(x));
                    sum16 = $dot(sum16, second, pair(x.add(4)));
                    sum256 = $dot(sum256, third, pair(x.add(2)));
                    others[0] = $dot(others[0], high, pair(x.add(6)));
                    continue;
                }
                let second = _mm256_srli_epi16::<4>(second);
                let third = _mm256_srli_epi16::<8>(third);
                for t in 0..$T {
                    let x = at(t);
                    sums[t] = $dot(sums[t], low, pair(x));
                    others[t] = $dot(others[t], second, pair(x.add(4)));
                    sums[t] = $dot(sums[t], third, pair(x.add(2)));
                    others[t] = $dot(others[t], high, pair(x.add(6)));
                }
            }
            if $T == 1 {
                let (back16, back256) =
                    (_mm256_srai_epi32::<4>(sum16), _mm256_srai_epi32::<8>(sum256));
                sums[0] = _mm256_add_epi32(sums[0], _mm256_add_epi32(back16, back256));
            }
        }
        for t in 0..$T {
            sums[t] = _mm256_add_epi32(sums[t], others[t]);
        }
        sums
    }};
}

macro_rules! kernels {
    ($features:literal, $dot:ident, $tiles:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $tiles<W: Width, S: Scaled, const T: usize>(
            tiles: Tiles,
            x: &[Blocks; TOKENS],
            out: &mut Out,
        ) {
            let (integers, scales) = const { (W::INTEGERS, S::SCALES) };
            let parts = scales.parts();
            for (i, tile) in tiles.iter().enumerate() {
                let mut acc = [_mm256_setzero_ps(); T];
                let mut b = 0;
                for superblock in tile.chunks_exact(scales.superblock(integers)) {
                    let head = superblock.as_ptr();
                    // SAFETY: the scales of eight rows come first, then, where there are any, their minima.
                    let d = unsafe { halves(head) };
                    let m = if scales.has_minimum() {
                        // SAFETY: as above.
                        unsafe { halves(head.add(2 * TILE)) }
                    } else {
                        _mm256_mul_ps(d, _mm256_set1_ps(f32::from(-integers.centre())))
                    };
                    let blocks = superblock[scales.head()..].chunks_exact(scales.block(integers));
                    for block in blocks {
                        let block = block.as_ptr();
                        let mut total = [_mm256_setzero_ps(); T];
                        for p in 0..parts {
                            // SAFETY: a block has its vectors behind its factors, and `matmul` has seen to it that x has
                            // 32 integers for every block.
                            let sums = unsafe {
                                let weights = block.add(scales.factors());
                                sums!($dot, T, integers, weights, x, b, p, parts)
                            };
                            let (mut d, mut m) = (d, m);
                            if scales.has_factors() {
                                // SAFETY: eight factors a part come first, then, where there are any, those of the minima.
                                unsafe {
                                    let s = factors(block.add(p * TILE));
                                    d = _mm256_mul_ps(d, s);
                                    if scales.has_minimum() {
                                        m = _mm256_mul_ps(
                                            m,
                                            factors(block.add((parts + p) * TILE)),
                                        );
                                    }
                                }
                            }
                            for t in 0..T {
                                let middle = middle(integers, scales);
                                let mut sum = sums[t];
                                if middle != 0 {
                                    let away = middle * x[t].integer_sum(b, p, parts);
                                    sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(away));
                                }
                                let scale = _mm256_mul_ps(d, _mm256_set1_ps(x[t].scales[b]));
                                let mut part = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(sum));
                                if adds(integers, scales) {
                                    let sum = _mm256_set1_ps(x[t].sum(b, p, parts));
                                    part = _mm256_add_ps(part, _mm256_mul_ps(m, sum));
                                }
                                total[t] = if p == 0 {
                                    part
                                } else {
                                    _mm256_add_ps(total[t], part)
                                };
                            }
                        }
                        for t in 0..T {
                            acc[t] = _mm256_add_ps(acc[t], total[t]);
                        }
                        b += 1;
                    }
                }
                store(acc, i, out);
            }
        }
    };
}

kernels!("avx2,f16c", dot_avx2, tiles);
kernels!("avx2,f16c,avx512vnni,avx512vl", dot_vnni, tiles_vnni);

#[target_feature(enable = "avx2")]
#[inline]
fn store<const T: usize>(acc: [__m256; T], tile: usize, out: &mut Out) {
    for (t, acc) in acc.into_iter().enumerate() {
        // SAFETY: these are eight floats.
        unsafe { _mm256_storeu_ps(out.of(t, tile).as_mut_ptr(), acc) };
    }
}
