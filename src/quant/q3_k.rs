//! Q3_K: 256 weights in 16 parts. 32 bytes of third bits, 64 bytes of two-bit numbers as in Q2_K, 12 bytes of six-bit scales,
//! half-precision `d`. `w = d (s - 32) (q - 4)`, where `q` has three bits (`block_q3_K`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits, q2_k::two_bits};

pub(super) const FORMAT: Format = Format {
    name: "Q3_K",
    number: 11,
    block_len: 256,
    block_bytes: 110,
    halves: &[108],
    form: Form::Blocks(Integers::Nibbles, Scales::Super16Centred),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    let (thirds, twos, scales) = (&block[..32], &block[32..96], &block[96..108]);
    out.d = half_bits(block, 108);
    for (part, s) in out.s.iter_mut().enumerate() {
        // Four bits in the first eight bytes, two in the last four.
        let low = scales[part % 8] >> (part / 8 * 4) & 15;
        let high = scales[8 + part % 4] >> (part / 4 * 2) & 3;
        *s = (low | high << 4) as i8 - 32;
    }
    two_bits(twos, &mut out.q);
    for (i, q) in out.q.iter_mut().enumerate() {
        // Bit `i / 32` of byte `i % 32`. Four is added, for the middle of nibbles is eight.
        *q += 4 * (thirds[i % 32] >> (i / 32) & 1) as i8 + 4;
    }
}
