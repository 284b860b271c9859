//! AVX2: one tile's blocks with 256-bit integer products; the f32 part has one lane a row, as everywhere.

use std::arch::x86_64::*;

use super::{Blocks, ROWS, RowTile, TOKENS, half_at, nibbles::Format, q8_0};

/// Sums each of four vectors of eight i32; lane `r` of the result is the sum of `v[r]`.
#[target_feature(enable = "avx2")]
#[inline]
fn sum4(v: [__m256i; ROWS]) -> __m128i {
    let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    _mm_add_epi32(
        _mm256_castsi256_si128(pairs),
        _mm256_extracti128_si256::<1>(pairs),
    )
}

/// The f32 part of the sum: `acc + ((d_w * d_x) * sum + extra)`, lane by lane.
#[target_feature(enable = "avx2")]
#[inline]
fn scaled(d: __m128, dx: f32, sum: __m128i) -> __m128 {
    _mm_mul_ps(_mm_mul_ps(d, _mm_set1_ps(dx)), _mm_cvtepi32_ps(sum))
}

/// The `b`-th block of activations as int8.
#[target_feature(enable = "avx2")]
#[inline]
fn load_x(x: &Blocks, b: usize) -> __m256i {
    let bytes = &x.bytes[b * 32..][..32];
    // SAFETY: the slice holds 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
pub(super) fn nibbles<F: Format, const T: usize>(
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    let low = _mm256_set1_epi8(15);
    let ones = _mm256_set1_epi16(1);
    let mut acc = [_mm_setzero_ps(); T];
    for b in 0..rows[0].len() / F::BYTES {
        let blocks: RowTile = std::array::from_fn(|r| &rows[r][b * F::BYTES..][..F::BYTES]);
        let scales = blocks.map(F::scales);
        let d = _mm_setr_ps(scales[0].0, scales[1].0, scales[2].0, scales[3].0);
        let m = _mm_setr_ps(scales[0].1, scales[1].1, scales[2].1, scales[3].1);
        let w: [__m256i; ROWS] = std::array::from_fn(|r| {
            // SAFETY: a block holds sixteen bytes of nibbles from `NIBBLES` on.
            let v = unsafe { _mm_loadu_si128(blocks[r].as_ptr().add(F::NIBBLES).cast()) };
            let both = _mm256_set_m128i(_mm_srli_epi16::<4>(v), v);
            _mm256_and_si256(both, low)
        });
        for t in 0..T {
            let q = load_x(&x[t], b);
            // Products of nibbles and int8 fit the 16-bit pairs: 2 * 15 * 127 < 2^15.
            let sums: [__m256i; ROWS] =
                std::array::from_fn(|r| _mm256_madd_epi16(_mm256_maddubs_epi16(w[r], q), ones));
            let product = scaled(d, x[t].scales[b], sum4(sums));
            let minimum = _mm_mul_ps(m, _mm_set1_ps(x[t].sums[b]));
            acc[t] = _mm_add_ps(acc[t], _mm_add_ps(product, minimum));
        }
    }
    store(acc, out);
}

#[target_feature(enable = "avx2")]
pub(super) fn q8_0<const T: usize>(
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    let mut acc = [_mm_setzero_ps(); T];
    for b in 0..rows[0].len() / q8_0::BYTES {
        let blocks: RowTile = std::array::from_fn(|r| &rows[r][b * q8_0::BYTES..][..q8_0::BYTES]);
        let d = blocks.map(half_at);
        let d = _mm_setr_ps(d[0], d[1], d[2], d[3]);
        let w: [(__m256i, __m256i); ROWS] = std::array::from_fn(|r| {
            // SAFETY: a block holds 32 bytes of weights after its scale.
            let v = unsafe { _mm256_loadu_si256(blocks[r].as_ptr().add(2).cast()) };
            (
                _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v)),
                _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(v)),
            )
        });
        for t in 0..T {
            let q = &x[t].wide[b * 32..][..32];
            // SAFETY: the slice holds 32 values of two bytes.
            let (q0, q1) = unsafe {
                (
                    _mm256_loadu_si256(q.as_ptr().cast()),
                    _mm256_loadu_si256(q.as_ptr().add(16).cast()),
                )
            };
            let sums: [__m256i; ROWS] = std::array::from_fn(|r| {
                _mm256_add_epi32(_mm256_madd_epi16(w[r].0, q0), _mm256_madd_epi16(w[r].1, q1))
            });
            acc[t] = _mm_add_ps(acc[t], scaled(d, x[t].scales[b], sum4(sums)));
        }
    }
    store(acc, out);
}

#[target_feature(enable = "avx2")]
#[inline]
fn store<const T: usize>(acc: [__m128; T], out: &mut [[f32; ROWS]; TOKENS]) {
    for (acc, out) in acc.iter().zip(out) {
        // SAFETY: `out` holds four floats.
        unsafe { _mm_storeu_ps(out.as_mut_ptr(), *acc) };
    }
}
