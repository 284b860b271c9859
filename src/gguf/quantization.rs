//! How weights are stored in a tensor: the block formats of GGML that the engine can compute with.
//!
//! Layouts are those of `ggml-common.h`: every format holds 32 weights a block (or one, unquantized).

use candle_core::quantized::GgmlDType;

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
    /// The format candle calls `dtype`, if this engine computes with it.
    pub fn from_candle(dtype: GgmlDType) -> Option<Self> {
        Some(match dtype {
            GgmlDType::F32 => Self::F32,
            GgmlDType::F16 => Self::F16,
            GgmlDType::Q4_0 => Self::Q4_0,
            GgmlDType::Q4_1 => Self::Q4_1,
            GgmlDType::Q8_0 => Self::Q8_0,
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
