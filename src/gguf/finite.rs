//! Weights that are no numbers: a NaN or an infinity in a tensor is found when the file is read.
//!
//! One such scale makes every number after it none. Of a block format only the half-precision numbers
//! can be no numbers, so only they are looked at.

use super::{Quantization, TensorView};
use crate::error::{Error, Result};

/// Looks through a tensor's bytes as the file has them.
///
/// # Errors
/// [`crate::ErrorKind::Model`], naming tensor and layer.
pub(crate) fn check(view: &TensorView, bytes: &[u8]) -> Result<()> {
    let halves = |count: usize| {
        let blocks = bytes.chunks_exact(view.quantization.block_bytes());
        blocks.fold(true, |all, block| {
            let (halves, _) = block[..2 * count].as_chunks::<2>();
            all & halves.iter().all(|&h| is_finite(u16::from_le_bytes(h)))
        })
    };
    let finite = match view.quantization {
        Quantization::F32 => {
            let (values, _) = bytes.as_chunks::<4>();
            values.iter().all(|&v| f32::from_le_bytes(v).is_finite())
        }
        Quantization::F16 | Quantization::Q4_0 | Quantization::Q8_0 => halves(1),
        Quantization::Q4_1 => halves(2),
    };
    if finite {
        return Ok(());
    }
    let mut parts = view.name.split('.');
    let layer = match (parts.next(), parts.next()) {
        (Some("blk"), Some(layer)) => format!(" in layer {layer}"),
        _ => String::new(),
    };
    Err(Error::model(format!(
        "the model's numbers are not finite{layer}: its tensor '{}' holds NaN or infinity; download it again, \
         or choose another file",
        view.name
    )))
}

/// Whether an IEEE half-precision number is one: its exponent is not all ones.
fn is_finite(half: u16) -> bool {
    half & 0x7c00 != 0x7c00
}
