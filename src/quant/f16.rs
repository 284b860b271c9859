//! F16: IEEE half precision.

use super::{Dense, Form, Format, nothing};

pub(super) const FORMAT: Format = Format {
    name: "F16",
    number: 1,
    block_len: 1,
    block_bytes: 2,
    halves: &[],
    form: Form::Dense(Dense::F16),
    unpack: nothing,
};
