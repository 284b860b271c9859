//! RMSNorm: `y_i = x_i s w_i` with `s = (mean(x^2) + eps)^(-1/2)`.

use crate::{
    engine::{Place, math, not_finite},
    error::Result,
};

/// An RMSNorm of vectors as long as its weight; several of them lie one behind the other.
#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) weight: &'a [f32],
    pub(super) eps: f32,
}

impl Norm<'_> {
    /// The norm of each vector of `x`, which has come from `place`.
    pub(super) fn forward(&self, x: &[f32], place: Place) -> Result<Vec<f32>> {
        let width = self.weight.len();
        let mut out = vec![0f32; x.len()];
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            if !math::rms_norm(x, self.weight, self.eps, out) {
                return Err(not_finite(place));
            }
        }
        Ok(out)
    }

    /// A gradient in the results as one in `x`: `s w_i g_i - s^3 x_i mean(x w g)`.
    pub(super) fn back(&self, x: &[f32], g: &[f32]) -> Vec<f32> {
        let mut out = self.held(x, g);
        let width = self.weight.len();
        let vectors = x.chunks_exact(width).zip(out.chunks_exact_mut(width));
        for (x, out) in vectors {
            let s = self.scale(x);
            // `out` is `s w g` already.
            let along = s * s * math::dot(x, out) / width as f32;
            for (out, x) in out.iter_mut().zip(x) {
                *out -= along * x;
            }
        }
        out
    }

    /// As [`Norm::back`], with the scale held as it is: `s w_i g_i`.
    pub(super) fn held(&self, x: &[f32], g: &[f32]) -> Vec<f32> {
        let width = self.weight.len();
        let mut out = g.to_vec();
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let s = self.scale(x);
            for (out, w) in out.iter_mut().zip(self.weight) {
                *out *= s * w;
            }
        }
        out
    }

    fn scale(&self, x: &[f32]) -> f32 {
        1.0 / (math::dot(x, x) / x.len() as f32 + self.eps).sqrt()
    }
}
