//! x86-64: the eight rows of a tile side by side in 256-bit registers.
//!
//! Weights are taken apart into 16-bit lanes by masks alone: of a vector's bytes `4 r + i`, the lane `(r, i / 2)` holds four
//! nibbles, and each mask leaves two columns a row to multiply and add. Activations come in the order that makes these
//! neighbours (see `activations.rs`), and one load serves all rows.

use std::arch::x86_64::*;

use super::{Blocks, Out, TOKENS, Tiles, nibbles::Format, q8_0};

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

macro_rules! kernels {
    ($features:literal, $dot:ident, $nibbles:ident, $q8_0:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $nibbles<F: Format, const T: usize>(
            tiles: Tiles,
            x: &[Blocks; TOKENS],
            out: &mut Out,
        ) {
            for (i, tile) in tiles.iter().enumerate() {
                let mask = _mm256_set1_epi16(15);
                let mut acc = [_mm256_setzero_ps(); T];
                for (b, block) in tile.chunks_exact(F::BLOCK).enumerate() {
                    let block = block.as_ptr();
                    let mut sums = [_mm256_setzero_si256(); T];
                    // A second sum a token, so that a product need not wait for the one before.
                    let mut others = [_mm256_setzero_si256(); T];
                    let (mut sum16, mut sum256) = (_mm256_setzero_si256(), _mm256_setzero_si256());
                    for v in 0..4 {
                        // SAFETY: a block of a tile has 4 x 32 bytes from `WEIGHTS` on, and `matmul` has seen to it that x
                        // has 32 integers for every block.
                        unsafe {
                            let w = _mm256_loadu_si256(block.add(F::WEIGHTS + 32 * v).cast());
                            let at = |t: usize| x[t].integers.as_ptr().add(32 * b + 8 * v);
                            let low = _mm256_and_si256(w, mask);
                            let high = _mm256_srli_epi16::<12>(w);
                            if T == 1 {
                                // Left where they are, the middle nibbles count 16 and 256 times; the sums stay below 2^29.
                                let x = at(0);
                                let (w16, w256) =
                                    (_mm256_slli_epi16::<4>(mask), _mm256_slli_epi16::<8>(mask));
                                sums[0] = $dot(sums[0], low, pair(x));
                                sum16 = $dot(sum16, _mm256_and_si256(w, w16), pair(x.add(4)));
                                sum256 = $dot(sum256, _mm256_and_si256(w, w256), pair(x.add(2)));
                                sums[0] = $dot(sums[0], high, pair(x.add(6)));
                                continue;
                            }
                            let second = _mm256_and_si256(_mm256_srli_epi16::<4>(w), mask);
                            let third = _mm256_and_si256(_mm256_srli_epi16::<8>(w), mask);
                            for t in 0..T {
                                let x = at(t);
                                sums[t] = $dot(sums[t], low, pair(x));
                                others[t] = $dot(others[t], second, pair(x.add(4)));
                                sums[t] = $dot(sums[t], third, pair(x.add(2)));
                                others[t] = $dot(others[t], high, pair(x.add(6)));
                            }
                        }
                    }
                    if T == 1 {
                        let more = _mm256_add_epi32(
                            _mm256_srai_epi32::<4>(sum16),
                            _mm256_srai_epi32::<8>(sum256),
                        );
                        sums[0] = _mm256_add_epi32(sums[0], more);
                    }
                    for t in 0..T {
                        sums[t] = _mm256_add_epi32(sums[t], others[t]);
                    }
                    // SAFETY: the scales of eight rows come first, then, where there are any, their minima.
                    let d = unsafe { halves(block) };
                    let m = if F::HAS_MINIMUM {
                        // SAFETY: as above.
                        unsafe { halves(block.add(16)) }
                    } else {
                        _mm256_mul_ps(d, _mm256_set1_ps(-8.0))
                    };
                    for t in 0..T {
                        let d = _mm256_mul_ps(d, _mm256_set1_ps(x[t].scales[b]));
                        let product = _mm256_mul_ps(d, _mm256_cvtepi32_ps(sums[t]));
                        let minimum = _mm256_mul_ps(m, _mm256_set1_ps(x[t].sums[b]));
                        acc[t] = _mm256_add_ps(acc[t], _mm256_add_ps(product, minimum));
                    }
                }
                store(acc, i, out);
            }
        }

        #[target_feature(enable = $features)]
        pub(super) fn $q8_0<const T: usize>(tiles: Tiles, x: &[Blocks; TOKENS], out: &mut Out) {
            for (i, tile) in tiles.iter().enumerate() {
                let mut acc = [_mm256_setzero_ps(); T];
                for (b, block) in tile.chunks_exact(q8_0::BLOCK).enumerate() {
                    let block = block.as_ptr();
                    let mut sums = [_mm256_setzero_si256(); T];
                    let mut others = [_mm256_setzero_si256(); T];
                    for v in 0..8 {
                        // SAFETY: as above; here a block has 8 x 32 bytes of weights.
                        unsafe {
                            let w = _mm256_loadu_si256(block.add(q8_0::WEIGHTS + 32 * v).cast());
                            let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(w));
                            let odd = _mm256_srai_epi16::<8>(w);
                            for t in 0..T {
                                let x = x[t].integers.as_ptr().add(32 * b + 4 * v);
                                sums[t] = $dot(sums[t], even, pair(x));
                                others[t] = $dot(others[t], odd, pair(x.add(2)));
                            }
                        }
                    }
                    for t in 0..T {
                        sums[t] = _mm256_add_epi32(sums[t], others[t]);
                    }
                    // SAFETY: the scales of eight rows come first.
                    let d = unsafe { halves(block) };
                    for t in 0..T {
                        let d = _mm256_mul_ps(d, _mm256_set1_ps(x[t].scales[b]));
                        acc[t] =
                            _mm256_add_ps(acc[t], _mm256_mul_ps(d, _mm256_cvtepi32_ps(sums[t])));
                    }
                }
                store(acc, i, out);
            }
        }
    };
}

kernels!("avx2,f16c", dot_avx2, nibbles, q8_0);
kernels!(
    "avx2,f16c,avx512vnni,avx512vl",
    dot_vnni,
    nibbles_vnni,
    q8_0_vnni
);

#[target_feature(enable = "avx2")]
#[inline]
fn store<const T: usize>(acc: [__m256; T], tile: usize, out: &mut Out) {
    for (t, acc) in acc.into_iter().enumerate() {
        // SAFETY: these are eight floats.
        unsafe { _mm256_storeu_ps(out.of(t, tile).as_mut_ptr(), acc) };
    }
}
