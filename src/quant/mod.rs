//! Storage formats of weights: a file of this folder each, and the few *forms* that kernels know.
//!
//! A format says how its blocks lie in a file ([`Format`]); [`Matrix`] takes them apart as they arrive and keeps them
//! in one of the forms (`form.rs`), exactly: no format loses a bit. Layouts are those of `ggml-common.h`.
//!
//! To add a format: write its file, and name it in `formats!` below.

#![warn(clippy::wildcard_enum_match_arm)]

mod form;
mod matrix;

pub(crate) use form::{Columns, Dense, Form, Integers, Scales, TILE, Unpacked};
pub(crate) use matrix::{Builder, Matrix};

/// Declares the formats' files, and lists what they say.
macro_rules! formats {
    ($($file:ident),+ $(,)?) => {
        $(mod $file;)+
        /// Every format that is read.
        static FORMATS: &[Format] = &[$($file::FORMAT),+];
    };
}

formats!(
    f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k,
);

/// How a file stores weights.
pub(crate) struct Format {
    /// The usual name, as `Q4_1`.
    name: &'static str,
    /// GGML's number (`enum ggml_type`).
    number: u32,
    /// Weights of a block.
    block_len: usize,
    /// Bytes of a block.
    block_bytes: usize,
    /// Where in a block its half-precision numbers are: the only ones that may be no numbers.
    halves: &'static [usize],
    /// What becomes of it in memory.
    form: Form,
    /// Takes a block apart; a dense format has nothing to take apart.
    unpack: fn(&[u8], &mut Unpacked),
}

/// A storage format of weights that the engine computes with.
#[derive(Clone, Copy)]
pub struct Quantization(&'static Format);

impl Quantization {
    /// The format of GGML's number, if this engine computes with it.
    pub(crate) fn of(number: u32) -> Option<Self> {
        FORMATS.iter().find(|f| f.number == number).map(Self)
    }

    /// Every format that is read.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().map(Self)
    }

    /// The format of a usual name, as `Q4_1`.
    pub fn named(name: &str) -> Option<Self> {
        FORMATS.iter().find(|f| f.name == name).map(Self)
    }

    /// Weights in one block.
    pub fn block_len(self) -> usize {
        self.0.block_len
    }

    /// Bytes of one block in a file.
    pub fn block_bytes(self) -> usize {
        self.0.block_bytes
    }

    /// Bytes of a row of `len` weights in a file; `None` if a row is not a whole number of blocks.
    pub fn row_bytes(self, len: usize) -> Option<usize> {
        (len.is_multiple_of(self.block_len()))
            .then(|| (len / self.block_len()).checked_mul(self.block_bytes()))
            .flatten()
    }

    /// The format's usual name, as `Q4_1`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    pub(crate) fn form(self) -> Form {
        self.0.form
    }

    /// Takes one block of a file apart.
    pub(crate) fn unpack(self, block: &[u8], out: &mut Unpacked) {
        (self.0.unpack)(block, out);
    }

    /// Whether all numbers in a row of blocks, as a file has them, are finite. Of a block format only the
    /// half-precision numbers can be no numbers.
    pub(crate) fn is_finite(self, row: &[u8]) -> bool {
        if let Form::Dense(dense) = self.form() {
            return dense.is_finite(row);
        }
        let blocks = row.chunks_exact(self.block_bytes());
        blocks.fold(true, |all, block| {
            let halves = self.0.halves.iter();
            all & halves.fold(true, |all, &at| {
                all & (u16::from_le_bytes([block[at], block[at + 1]]) & 0x7c00 != 0x7c00)
            })
        })
    }
}

impl PartialEq for Quantization {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for Quantization {}

impl std::hash::Hash for Quantization {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.number.hash(state);
    }
}

impl std::fmt::Debug for Quantization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

/// GGML's name of a format (`enum ggml_type`), whether or not the engine computes with it.
pub(crate) fn format_name(number: u32) -> Option<&'static str> {
    if let Some(known) = Quantization::of(number) {
        return Some(known.name());
    }
    Some(match number {
        4 => "Q4_2",
        5 => "Q4_3",
        9 => "Q8_1",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        31 => "Q4_0_4_4",
        32 => "Q4_0_4_8",
        33 => "Q4_0_8_8",
        34 => "TQ1_0",
        35 => "TQ2_0",
        36 => "IQ4_NL_4_4",
        37 => "IQ4_NL_4_8",
        38 => "IQ4_NL_8_8",
        39 => "MXFP4",
        40 => "NVFP4",
        _ => return None,
    })
}

/// A half-precision number's bits at a place of a block.
fn half_bits(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

/// A half-precision number. Exact for all finite ones; F16C's instruction gives the same for these.
#[inline(always)]
pub(crate) fn half(bits: u16) -> f32 {
    let bits = u32::from(bits);
    // Moved into f32's fields the exponent is off by 127 - 15: one multiplication mends normal and subnormal alike.
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
    f32::from_bits(magnitude.to_bits() | (bits & 0x8000) << 16)
}

/// For the table of a dense format.
fn nothing(_: &[u8], _: &mut Unpacked) {}

#[cfg(test)]
mod tests;
