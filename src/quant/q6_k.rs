//! Q6_K: 256 weights in 16 parts. 128 bytes of low nibbles, 64 bytes of upper bits, 16 signed scales, half-precision `d`.
//! `w = d s (q - 32)` (`block_q6_K`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits};

pub(super) const FORMAT: Format = Format {
    name: "Q6_K",
    number: 14,
    block_len: 256,
    block_bytes: 210,
    halves: &[208],
    form: Form::Blocks(Integers::Sixes, Scales::Super16Centred),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 208);
    for (s, &byte) in out.s.iter_mut().zip(&block[192..208]) {
        *s = byte as i8;
    }
    for (i, q) in out.q.iter_mut().enumerate() {
        // Of each 128 weights, quarter `j` has its low bits in nibbles of 64 bytes, and its two upper bits at bit `2 j` of 32.
        let (half, j, l) = (i / 128, i / 32 % 4, i % 32);
        let low = block[64 * half + 32 * (j % 2) + l] >> (j / 2 * 4) & 15;
        let high = block[128 + 32 * half + l] >> (2 * j) & 3;
        *q = (low | high << 4) as i8;
    }
}
