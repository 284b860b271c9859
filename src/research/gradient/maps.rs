//! A layer's matrices in f32.

use candle_core::{Device, Tensor};

use crate::{
    engine::{Place, math, not_finite},
    error::{Error, Result, try_vec},
    model::{LayerWeights, Linear},
};

/// The linear maps of one layer.
pub(super) struct LayerMaps {
    pub(super) q: Map,
    pub(super) k: Map,
    pub(super) v: Map,
    pub(super) output: Map,
    pub(super) gate: Map,
    pub(super) up: Map,
    pub(super) down: Map,
}

/// `y = W x + b`.
pub(super) struct Map {
    layer: usize,
    /// `rows x columns`.
    matrix: Tensor,
    /// One number a row.
    bias: Option<Vec<f32>>,
}

impl LayerMaps {
    pub(super) fn new(layer: usize, weights: &LayerWeights) -> Result<Self> {
        let map = |linear: &Linear| Map::new(layer, linear);
        Ok(Self {
            q: map(&weights.attn_q)?,
            k: map(&weights.attn_k)?,
            v: map(&weights.attn_v)?,
            output: map(&weights.attn_output)?,
            gate: map(&weights.ffn_gate)?,
            up: map(&weights.ffn_up)?,
            down: map(&weights.ffn_down)?,
        })
    }
}

impl Map {
    fn new(layer: usize, linear: &Linear) -> Result<Self> {
        let (rows, columns) = (linear.matrix.rows(), linear.matrix.columns());
        let mut values = try_vec(0f32, rows * columns, "the model's weights in f32")?;
        for (r, row) in values.chunks_exact_mut(columns).enumerate() {
            linear.matrix.dequantize_row(r, row);
        }
        Ok(Self {
            layer,
            matrix: Tensor::from_vec(values, (rows, columns), &Device::Cpu).map_err(candle)?,
            bias: linear.bias.clone(),
        })
    }

    /// `y_t = W x_t + b`: `x` is `tokens x columns`, the result `tokens x rows`.
    pub(super) fn forward(&self, x: &[f32]) -> Result<Vec<f32>> {
        let transposed = self.matrix.t().map_err(candle)?;
        let mut y = product(x, &transposed).map_err(candle)?;
        if let Some(bias) = &self.bias {
            for row in y.chunks_exact_mut(bias.len()) {
                add(row, bias);
            }
        }
        if math::all_finite(&y) {
            Ok(y)
        } else {
            Err(not_finite(Place::Layer(self.layer)))
        }
    }

    /// `W^T g_t`: what a gradient in the map's results, `tokens x rows`, is in its arguments, `tokens x columns`.
    pub(super) fn back(&self, g: &[f32]) -> Result<Vec<f32>> {
        product(g, &self.matrix).map_err(candle)
    }
}

/// `x m`, with a row of `x` for each token.
fn product(x: &[f32], m: &Tensor) -> candle_core::Result<Vec<f32>> {
    let (inner, _) = m.dims2()?;
    let x = Tensor::from_slice(x, (x.len() / inner, inner), &Device::Cpu)?;
    x.matmul(m)?.flatten_all()?.to_vec1()
}

/// Of candle's error its first line; a backtrace may stand behind it.
fn candle(e: candle_core::Error) -> Error {
    let why = e.to_string();
    let why = why.lines().next().unwrap_or_default();
    Error::internal(format!("a product of the f32 pass failed: {why}"))
}

/// `sum += more`.
pub(super) fn add(sum: &mut [f32], more: &[f32]) {
    for (s, m) in sum.iter_mut().zip(more) {
        *s += m;
    }
}
