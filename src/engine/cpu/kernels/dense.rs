//! F32 and F16 weights: unquantized tensors, multiplied in f32.

use crate::{
    engine::{
        cpu::{activations::Activations, matrix::Matrix},
        math,
    },
    gguf::Quantization,
};

pub(super) fn matmul(w: &Matrix, x: &Activations, out: &mut [f32]) {
    let mut row = vec![0f32; w.columns()];
    // No row of these formats is in a tile.
    for (r, bytes) in w.other_rows() {
        dequantize(w.quantization(), bytes, &mut row);
        for t in 0..x.tokens() {
            out[t * w.rows() + r] = math::dot(&row, x.values(t));
        }
    }
}

pub(super) fn dequantize(quantization: Quantization, row: &[u8], out: &mut [f32]) {
    if quantization == Quantization::F16 {
        for (o, bytes) in out.iter_mut().zip(row.as_chunks::<2>().0) {
            *o = half::f16::from_le_bytes(*bytes).to_f32();
        }
    } else {
        for (o, bytes) in out.iter_mut().zip(row.as_chunks::<4>().0) {
            *o = f32::from_le_bytes(*bytes);
        }
    }
}
