//! Q5_1: 32 weights. Half-precision scale `d` and minimum `m`, then as Q5_0. `w = d q + m` (`block_q5_1`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits, q5_0::five_bits};

pub(super) const FORMAT: Format = Format {
    name: "Q5_1",
    number: 7,
    block_len: 32,
    block_bytes: 24,
    halves: &[0, 2],
    form: Form::Blocks(Integers::Fives, Scales::Minimum),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 0);
    out.m = half_bits(block, 2);
    five_bits(&block[4..24], &mut out.q);
}
