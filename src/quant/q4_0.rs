//! Q4_0: 32 weights. Half-precision scale `d`, 16 bytes of nibbles; byte `i` holds weight `i` low and `i + 16` high.
//! `w = d (q - 8)` (`block_q4_0`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits};

pub(super) const FORMAT: Format = Format {
    name: "Q4_0",
    number: 2,
    block_len: 32,
    block_bytes: 18,
    halves: &[0],
    form: Form::Blocks(Integers::Nibbles, Scales::Centred),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 0);
    nibbles(&block[2..18], &mut out.q);
}

/// The sixteen bytes that the formats of 32 weights have in common.
pub(super) fn nibbles(bytes: &[u8], q: &mut [i8; 256]) {
    for (i, &byte) in bytes.iter().enumerate() {
        q[i] = (byte & 15) as i8;
        q[i + 16] = (byte >> 4) as i8;
    }
}
