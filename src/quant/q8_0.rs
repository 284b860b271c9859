//! Q8_0: 32 weights. Half-precision scale `d`, 32 signed bytes. `w = d q` (`block_q8_0`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits};

pub(super) const FORMAT: Format = Format {
    name: "Q8_0",
    number: 8,
    block_len: 32,
    block_bytes: 34,
    halves: &[0],
    form: Form::Blocks(Integers::Bytes, Scales::Plain),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 0);
    for (q, &byte) in out.q.iter_mut().zip(&block[2..34]) {
        *q = byte as i8;
    }
}
