//! BF16: the upper half of a single-precision number.

use super::{Dense, Form, Format, nothing};

pub(super) const FORMAT: Format = Format {
    name: "BF16",
    number: 30,
    block_len: 1,
    block_bytes: 2,
    halves: &[],
    form: Form::Dense(Dense::Bf16),
    unpack: nothing,
};
