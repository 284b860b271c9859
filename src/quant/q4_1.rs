//! Q4_1: 32 weights. Half-precision scale `d` and minimum `m`, 16 bytes of nibbles as in Q4_0. `w = d q + m` (`block_q4_1`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits, q4_0::nibbles};

pub(super) const FORMAT: Format = Format {
    name: "Q4_1",
    number: 3,
    block_len: 32,
    block_bytes: 20,
    halves: &[0, 2],
    form: Form::Blocks(Integers::Nibbles, Scales::Minimum),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 0);
    out.m = half_bits(block, 2);
    nibbles(&block[4..20], &mut out.q);
}
