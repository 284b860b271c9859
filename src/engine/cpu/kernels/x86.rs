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

/// `(d_w * d_x) * sum`, lane by lane.
#[target_feature(enable = "avx2")]
#[inline]
fn scaled(d: __m128, dx: f32, sum: __m128i) -> __m128 {
    _mm_mul_ps(_mm_mul_ps(d, _mm_set1_ps(dx)), _mm_cvtepi32_ps(sum))
}

/// The `b`-th block of activations: 2 x 16 integers.
#[target_feature(enable = "avx2")]
#[inline]
fn load_x(x: &Blocks, b: usize) -> [__m256i; 2] {
    let q = &x.integers[b * 32..][..32];
    // SAFETY: the slice holds 32 integers of two bytes.
    unsafe {
        [
            _mm256_loadu_si256(q.as_ptr().cast()),
            _mm256_loadu_si256(q.as_ptr().add(16).cast()),
        ]
    }
}

/// `w . q` as eight partial sums.
#[target_feature(enable = "avx2")]
#[inline]
fn dot(w: &[__m256i; 2], q: &[__m256i; 2]) -> __m256i {
    _mm256_add_epi32(_mm256_madd_epi16(w[0], q[0]), _mm256_madd_epi16(w[1], q[1]))
}

#[target_feature(enable = "avx2")]
pub(super) fn nibbles<F: Format, const T: usize>(
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    let low = _mm_set1_epi8(15);
    let mut acc = [_mm_setzero_ps(); T];
    for b in 0..rows[0].len() / F::BYTES {
        let blocks: RowTile = each_row!(r => &rows[r][b * F::BYTES..][..F::BYTES]);
        let scales = each_row!(r => F::scales(blocks[r]));
        let d = _mm_setr_ps(scales[0].0, scales[1].0, scales[2].0, scales[3].0);
        let m = _mm_setr_ps(scales[0].1, scales[1].1, scales[2].1, scales[3].1);
        let w: [[__m256i; 2]; ROWS] = each_row!(r => {
            // SAFETY: a block holds sixteen bytes of nibbles from `NIBBLES` on.
            let v = unsafe { _mm_loadu_si128(blocks[r].as_ptr().add(F::NIBBLES).cast()) };
            [
                _mm256_cvtepu8_epi16(_mm_and_si128(v, low)),
                _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16::<4>(v), low)),
            ]
        });
        for t in 0..T {
            let q = load_x(&x[t], b);
            let sums: [__m256i; ROWS] = each_row!(r => dot(&w[r], &q));
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
        let blocks: RowTile = each_row!(r => &rows[r][b * q8_0::BYTES..][..q8_0::BYTES]);
        let d = each_row!(r => half_at(blocks[r]));
        let d = _mm_setr_ps(d[0], d[1], d[2], d[3]);
        let w: [[__m256i; 2]; ROWS] = each_row!(r => {
            // SAFETY: a block holds 32 bytes of weights after its scale.
            let v = unsafe { _mm256_loadu_si256(blocks[r].as_ptr().add(2).cast()) };
            [
                _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v)),
                _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(v)),
            ]
        });
        for t in 0..T {
            let q = load_x(&x[t], b);
            let sums: [__m256i; ROWS] = each_row!(r => dot(&w[r], &q));
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
