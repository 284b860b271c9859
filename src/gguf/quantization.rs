//! How weights are stored in a tensor: the block formats of GGML that the engine can compute with.
//!
//! Layouts are those of `ggml-common.h`: every format holds 32 weights a block (or one, unquantized).

/// A storage format of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantization {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// 32 weights: half-precision scale `d`, 16 bytes of nibbles; `w = d * (q - 8)`.
    Q4_0,
    /// 32 weights: half-precision scale `d` and minimum `m`, 16 bytes of nibbles; `w = d * q + m`.
    Q4_1,
    /// 32 weights: half-precision scale `d`, 32 signed bytes; `w = d * q`.
    Q8_0,
}

impl Quantization {
    /// The format of GGML's number `number` (`enum ggml_type`), if this engine computes with it.
    pub(crate) fn of(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            8 => Self::Q8_0,
            _ => return None,
        })
    }

    /// Weights in one block.
    pub fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q8_0 => 32,
        }
    }

    /// Bytes of one block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q8_0 => 34,
        }
    }

    /// Bytes of a row of `len` weights; `None` if a row is not a whole number of blocks.
    pub fn row_bytes(self, len: usize) -> Option<usize> {
        (len.is_multiple_of(self.block_len()))
            .then(|| (len / self.block_len()).checked_mul(self.block_bytes()))
            .flatten()
    }

    /// The format's usual name, as in `Q4_1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q8_0 => "Q8_0",
        }
    }
}

/// GGML's name of a format (`enum ggml_type`), whether or not the engine computes with it.
pub(crate) fn format_name(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        4 => "Q4_2",
        5 => "Q4_3",
        6 => "Q5_0",
        7 => "Q5_1",
        8 => "Q8_0",
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        12 => "Q4_K",
        13 => "Q5_K",
        14 => "Q6_K",
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
        30 => "BF16",
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
