//! Q5_0: 32 weights. Half-precision scale `d`, 32 fifth bits, 16 bytes of nibbles as in Q4_0. `w = d (q - 16)`
//! (`block_q5_0`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits, q4_0::nibbles};

pub(super) const FORMAT: Format = Format {
    name: "Q5_0",
    number: 6,
    block_len: 32,
    block_bytes: 22,
    halves: &[0],
    form: Form::Blocks(Integers::Fives, Scales::Centred),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 0);
    five_bits(&block[2..22], &mut out.q);
}

/// Four bytes of fifth bits, bit `i` that of weight `i`, and the nibbles.
pub(super) fn five_bits(bytes: &[u8], q: &mut [i8; 256]) {
    nibbles(&bytes[4..], q);
    for (i, q) in q[..32].iter_mut().enumerate() {
        *q |= ((bytes[i / 8] >> (i % 8) & 1) << 4) as i8;
    }
}
