//! Weights without blocks: unquantized tensors, multiplied in f32.

use crate::{
    engine::{cpu::activations::Activations, math},
    quant::{Dense, Matrix},
};

pub(super) fn matmul(dense: Dense, w: &Matrix, x: &Activations, out: &mut [f32]) {
    let mut row = vec![0f32; w.columns()];
    for r in 0..w.rows() {
        dense.read(w.dense_row(dense, r), &mut row);
        for t in 0..x.tokens() {
            out[t * w.rows() + r] = math::dot(&row, x.values(t));
        }
    }
}
