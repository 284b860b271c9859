//! Q5_K: 256 weights in 8 parts. As Q4_K, with 32 bytes of fifth bits before the nibbles. `w = d s q - dmin n` (`block_q5_K`).

use super::{
    Form, Format, Integers, Scales, Unpacked,
    q4_k::{nibbles, scales},
};

pub(super) const FORMAT: Format = Format {
    name: "Q5_K",
    number: 13,
    block_len: 256,
    block_bytes: 176,
    halves: &[0, 2],
    form: Form::Blocks(Integers::Fives, Scales::Super32),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    scales(block, out);
    nibbles(&block[48..176], &mut out.q);
    for (i, q) in out.q.iter_mut().enumerate() {
        // Bit `i / 32` of byte `i % 32`.
        *q |= ((block[16 + i % 32] >> (i / 32) & 1) << 4) as i8;
    }
}
