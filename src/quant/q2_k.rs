//! Q2_K: 256 weights in 16 parts. A byte a part (scale low, minimum high), 64 bytes of two-bit numbers, half-precision `d` and
//! `dmin`. `w = d s q - dmin n` (`block_q2_K`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits};

pub(super) const FORMAT: Format = Format {
    name: "Q2_K",
    number: 10,
    block_len: 256,
    block_bytes: 84,
    halves: &[80, 82],
    form: Form::Blocks(Integers::Nibbles, Scales::Super16Minimum),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 80);
    out.m = half_bits(block, 82) ^ 0x8000;
    for (part, &byte) in block[..16].iter().enumerate() {
        out.s[part] = (byte & 15) as i8;
        out.n[part] = (byte >> 4) as i8;
    }
    two_bits(&block[16..80], &mut out.q);
}

/// 64 bytes of two-bit numbers: of each 128 weights, byte `l` has weight `32 j + l` at bit `2 j`.
pub(super) fn two_bits(bytes: &[u8], q: &mut [i8; 256]) {
    for (i, q) in q.iter_mut().enumerate() {
        let (half, j, l) = (i / 128, i / 32 % 4, i % 32);
        *q = (bytes[32 * half + l] >> (2 * j) & 3) as i8;
    }
}
