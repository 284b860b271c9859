//! WebAssembly SIMD: simd128, and relaxed SIMD's dot product of bytes where the module is built for it.

use core::arch::wasm32::*;

use super::{Blocks, ROWS, RowTile, TOKENS, nibbles::Format, q8_0};

/// Sums each of four vectors of four i32; lane `r` of the result is the sum of `v[r]`.
#[inline(always)]
fn sum4(v: [v128; ROWS]) -> v128 {
    let ab = i32x4_add(
        i32x4_shuffle::<0, 4, 1, 5>(v[0], v[1]),
        i32x4_shuffle::<2, 6, 3, 7>(v[0], v[1]),
    );
    let cd = i32x4_add(
        i32x4_shuffle::<0, 4, 1, 5>(v[2], v[3]),
        i32x4_shuffle::<2, 6, 3, 7>(v[2], v[3]),
    );
    i32x4_add(
        i32x4_shuffle::<0, 1, 4, 5>(ab, cd),
        i32x4_shuffle::<2, 3, 6, 7>(ab, cd),
    )
}

/// Four half-precision numbers in the low halves of four u32, as f32. Exact for all finite ones.
#[inline(always)]
fn halves(v: v128) -> v128 {
    // Moved into f32's fields the exponent is off by 127 - 15: one multiplication mends normal and subnormal alike.
    let magnitude = u32x4_shl(v128_and(v, u32x4_splat(0x7fff)), 13);
    let scaled = f32x4_mul(magnitude, u32x4_splat((127 + 112) << 23));
    v128_or(scaled, u32x4_shl(v128_and(v, u32x4_splat(0x8000)), 16))
}

/// The 32-bit words at the start of four blocks.
#[inline(always)]
fn words(blocks: &RowTile) -> v128 {
    let w = |r: usize| u32::from_le_bytes([blocks[r][0], blocks[r][1], blocks[r][2], blocks[r][3]]);
    u32x4(w(0), w(1), w(2), w(3))
}

#[inline(always)]
fn load(bytes: &[u8]) -> v128 {
    let bytes = &bytes[..16];
    // SAFETY: the slice holds sixteen bytes.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn load_x(bytes: &[i8]) -> v128 {
    let bytes = &bytes[..16];
    // SAFETY: the slice holds sixteen bytes.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn load_wide(values: &[i16]) -> v128 {
    let values = &values[..8];
    // SAFETY: the slice holds eight values of two bytes.
    unsafe { v128_load(values.as_ptr().cast()) }
}

/// Sixteen-bit weights of one block against the activations: four partial sums.
#[inline(always)]
fn dot_wide(w: &[v128; 4], q: &[v128; 4]) -> v128 {
    i32x4_add(
        i32x4_add(i32x4_dot_i16x8(w[0], q[0]), i32x4_dot_i16x8(w[1], q[1])),
        i32x4_add(i32x4_dot_i16x8(w[2], q[2]), i32x4_dot_i16x8(w[3], q[3])),
    )
}

#[inline(always)]
fn wide_block(x: &Blocks, b: usize) -> [v128; 4] {
    let q = &x.integers[b * 32..][..32];
    [
        load_wide(q),
        load_wide(&q[8..]),
        load_wide(&q[16..]),
        load_wide(&q[24..]),
    ]
}

#[inline(always)]
pub(super) fn nibbles<F: Format, const T: usize, const RELAXED: bool>(
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    let mut acc = [f32x4_splat(0.0); T];
    for b in 0..rows[0].len() / F::BYTES {
        let blocks: RowTile = each_row!(r => &rows[r][b * F::BYTES..][..F::BYTES]);
        let words = words(&blocks);
        let d = halves(words);
        let m = if F::HAS_MINIMUM {
            halves(u32x4_shr(words, 16))
        } else {
            f32x4_mul(d, f32x4_splat(-8.0))
        };
        let low: [v128; ROWS] =
            each_row!(r => v128_and(load(&blocks[r][F::NIBBLES..]), u8x16_splat(15)));
        let high: [v128; ROWS] = each_row!(r => u8x16_shr(load(&blocks[r][F::NIBBLES..]), 4));
        for t in 0..T {
            let sums: [v128; ROWS] = if RELAXED {
                let (qh, ql) = (&x[t].high[b * 32..][..32], &x[t].low[b * 32..][..32]);
                let qh = [load_x(qh), load_x(&qh[16..])];
                let ql = [load_x(ql), load_x(&ql[16..])];
                each_row!(r => {
                    let w = [low[r], high[r]];
                    let (h, l) = (dot_relaxed(&qh, &w), dot_relaxed(&ql, &w));
                    i32x4_add(i32x4_shl(h, 7), l)
                })
            } else {
                let q = wide_block(&x[t], b);
                each_row!(r => {
                    let w = [
                        u16x8_extend_low_u8x16(low[r]),
                        u16x8_extend_high_u8x16(low[r]),
                        u16x8_extend_low_u8x16(high[r]),
                        u16x8_extend_high_u8x16(high[r]),
                    ];
                    dot_wide(&w, &q)
                })
            };
            let product = scaled(d, x[t].scales[b], sum4(sums));
            let minimum = f32x4_mul(m, f32x4_splat(x[t].sums[b]));
            acc[t] = f32x4_add(acc[t], f32x4_add(product, minimum));
        }
    }
    store(acc, out);
}

/// Bytes of activations against nibbles, as four partial sums. Nibbles are seven-bit numbers and their pair sums fit 16
/// bits (2 * 15 * 127), so the relaxed instruction has one possible result.
#[inline(always)]
#[allow(unused_variables)]
fn dot_relaxed(q: &[v128; 2], w: &[v128; 2]) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    {
        let sum = i32x4_relaxed_dot_i8x16_i7x16_add(q[0], w[0], i32x4_splat(0));
        i32x4_relaxed_dot_i8x16_i7x16_add(q[1], w[1], sum)
    }
    #[cfg(not(target_feature = "relaxed-simd"))]
    unreachable!("the relaxed variant exists in builds with relaxed SIMD only")
}

#[inline(always)]
pub(super) fn q8_0<const T: usize>(
    rows: RowTile,
    x: &[Blocks; TOKENS],
    out: &mut [[f32; ROWS]; TOKENS],
) {
    let mut acc = [f32x4_splat(0.0); T];
    for b in 0..rows[0].len() / q8_0::BYTES {
        let blocks: RowTile = each_row!(r => &rows[r][b * q8_0::BYTES..][..q8_0::BYTES]);
        let d = halves(words(&blocks));
        let w: [[v128; 4]; ROWS] = each_row!(r => {
            let (w0, w1) = (load(&blocks[r][2..]), load(&blocks[r][18..]));
            [
                i16x8_extend_low_i8x16(w0),
                i16x8_extend_high_i8x16(w0),
                i16x8_extend_low_i8x16(w1),
                i16x8_extend_high_i8x16(w1),
            ]
        });
        for t in 0..T {
            let q = wide_block(&x[t], b);
            let sums: [v128; ROWS] = each_row!(r => dot_wide(&w[r], &q));
            acc[t] = f32x4_add(acc[t], scaled(d, x[t].scales[b], sum4(sums)));
        }
    }
    store(acc, out);
}

/// `(d_w * d_x) * sum`, lane by lane.
#[inline(always)]
fn scaled(d: v128, dx: f32, sum: v128) -> v128 {
    f32x4_mul(f32x4_mul(d, f32x4_splat(dx)), f32x4_convert_i32x4(sum))
}

#[inline(always)]
fn store<const T: usize>(acc: [v128; T], out: &mut [[f32; ROWS]; TOKENS]) {
    for (acc, out) in acc.iter().zip(out) {
        *out = [
            f32x4_extract_lane::<0>(*acc),
            f32x4_extract_lane::<1>(*acc),
            f32x4_extract_lane::<2>(*acc),
            f32x4_extract_lane::<3>(*acc),
        ];
    }
}
