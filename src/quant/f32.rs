//! F32: IEEE single precision.

use super::{Dense, Form, Format, nothing};

pub(super) const FORMAT: Format = Format {
    name: "F32",
    number: 0,
    block_len: 1,
    block_bytes: 4,
    halves: &[],
    form: Form::Dense(Dense::F32),
    unpack: nothing,
};
