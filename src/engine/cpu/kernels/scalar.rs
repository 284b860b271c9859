//! Plain Rust: the reference of every other file here.

use super::{Blocks, Out, Scaled, TOKENS, Tiles, Width, adds, middle};
use crate::quant::{Integers, Scales, TILE, half};

pub(super) fn tiles<W: Width, S: Scaled, const T: usize>(
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    for (i, tile) in tiles.iter().enumerate() {
        for (t, x) in x[..T].iter().enumerate() {
            for r in 0..TILE {
                out.of(t, i)[r] = row(W::INTEGERS, S::SCALES, tile, r, x);
            }
        }
    }
}

/// The product of row `r` of a tile with one vector.
#[inline(always)]
fn row(integers: Integers, scales: Scales, tile: &[u8], r: usize, x: &Blocks) -> f32 {
    let parts = scales.parts();
    let mut acc = 0f32;
    let mut b = 0;
    for superblock in tile.chunks_exact(scales.superblock(integers)) {
        let at = |i: usize| half(u16::from_le_bytes([superblock[i], superblock[i + 1]]));
        let d = at(2 * r);
        let m = match scales {
            Scales::Centred => f32::from(-integers.centre()) * d,
            Scales::Minimum | Scales::Super32 | Scales::Super16Minimum => at(2 * (TILE + r)),
            Scales::Plain | Scales::Super16Centred => 0.0,
        };
        for block in superblock[scales.head()..].chunks_exact(scales.block(integers)) {
            let factor = |part: usize| f32::from(block[part * TILE + r] as i8);
            let mut total = 0f32;
            for p in 0..parts {
                let mut sum = sum(integers, &block[scales.factors()..], r, x, b, p, parts);
                sum -= middle(integers, scales) * x.integer_sum(b, p, parts);
                let (mut d, mut m) = (d, m);
                if scales.has_factors() {
                    d *= factor(p);
                    if scales.has_minimum() {
                        m *= factor(parts + p);
                    }
                }
                let mut part = (d * x.scales[b]) * sum as f32;
                if adds(integers, scales) {
                    part += m * x.sum(b, p, parts);
                }
                total = if p == 0 { part } else { total + part };
            }
            acc += total;
            b += 1;
        }
    }
    acc
}

/// The integer products of a part's columns.
#[inline(always)]
fn sum(
    integers: Integers,
    weights: &[u8],
    r: usize,
    x: &Blocks,
    b: usize,
    p: usize,
    parts: usize,
) -> i32 {
    let mut sum = 0i32;
    match integers {
        Integers::Nibbles | Integers::Fives | Integers::Sixes => {
            let bits = integers.upper_bits();
            let mask = (1 << bits) - 1;
            for v in p * 4 / parts..(p + 1) * 4 / parts {
                let (vector, bit) = integers.upper(v);
                for (i, &byte) in weights[32 * v + 4 * r..][..4].iter().enumerate() {
                    let (mut low, mut high) = (byte & 15, byte >> 4);
                    if bits > 0 {
                        let upper = weights[16 * TILE + 32 * vector + 4 * r + i] >> bit;
                        low |= (upper & mask) << 4;
                        high |= (upper >> bits & mask) << 4;
                    }
                    let c = b * 32 + 8 * v + i;
                    sum += i32::from(low) * i32::from(x.integer(c));
                    sum += i32::from(high) * i32::from(x.integer(c + 4));
                }
            }
        }
        Integers::Bytes => {
            for v in p * 8 / parts..(p + 1) * 8 / parts {
                for (i, &byte) in weights[32 * v + 4 * r..][..4].iter().enumerate() {
                    let c = b * 32 + 4 * v + i;
                    sum += i32::from(byte as i8) * i32::from(x.integer(c));
                }
            }
        }
    }
    sum
}
