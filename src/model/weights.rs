//! A model's tensors, ready for the engines.

use std::collections::HashMap;

use super::Blueprint;
use crate::{
    error::{Error, Result},
    quant::Matrix,
};

/// A linear map, with its bias where the file has one.
pub(crate) struct Linear {
    pub(crate) matrix: Matrix,
    /// One number a row.
    pub(crate) bias: Option<Vec<f32>>,
}

/// The tensors of one layer. Shapes are `rows x columns`; `width` is `heads * head_dim`.
pub(crate) struct LayerWeights {
    /// RMSNorm weight before attention, `hidden`.
    pub(crate) attn_norm: Vec<f32>,
    /// `width x hidden`.
    pub(crate) attn_q: Linear,
    /// `kv_width x hidden`.
    pub(crate) attn_k: Linear,
    /// `kv_width x hidden`.
    pub(crate) attn_v: Linear,
    /// RMSNorm weights of each query and key head, `head_dim`.
    pub(crate) q_norm: Option<Vec<f32>>,
    pub(crate) k_norm: Option<Vec<f32>>,
    /// `hidden x width`.
    pub(crate) attn_output: Linear,
    /// RMSNorm weight of what attention adds to the stream, `hidden`.
    pub(crate) attn_post_norm: Option<Vec<f32>>,
    /// RMSNorm weight before the MLP, `hidden`.
    pub(crate) ffn_norm: Vec<f32>,
    /// `W_gate`, `neurons x hidden`.
    pub(crate) ffn_gate: Linear,
    /// `W_up`, `neurons x hidden`.
    pub(crate) ffn_up: Linear,
    /// `W_down`, `hidden x neurons`.
    pub(crate) ffn_down: Linear,
    /// RMSNorm weight of what the MLP adds to the stream, `hidden`.
    pub(crate) ffn_post_norm: Option<Vec<f32>>,
}

/// All tensors of a model.
pub(crate) struct Weights {
    /// Token embedding, `vocabulary x hidden`.
    pub(crate) embedding: Matrix,
    /// Unembedding, `vocabulary x hidden`; none where it is the embedding.
    pub(crate) output: Option<Matrix>,
    /// Final RMSNorm weight, `hidden`.
    pub(crate) output_norm: Vec<f32>,
    /// Divisors of RoPE's frequencies, `rope_dim / 2`.
    pub(crate) rope_factors: Option<Vec<f32>>,
    pub(crate) layers: Vec<LayerWeights>,
}

/// Finished tensors by their names in the file. A vector is a matrix of one column.
pub(super) struct Found(pub(super) HashMap<String, Matrix>);

impl Found {
    fn matrix(&mut self, name: &str) -> Result<Matrix> {
        self.0
            .remove(name)
            .ok_or_else(|| Error::internal(format!("tensor '{name}' was not read")))
    }

    fn vector(&mut self, name: &str) -> Result<Option<Vec<f32>>> {
        let Some(column) = self.0.remove(name) else {
            return Ok(None);
        };
        let mut out = vec![0f32; column.rows()];
        column.dequantize_column(0, &mut out);
        Ok(Some(out))
    }

    fn required(&mut self, name: &str) -> Result<Vec<f32>> {
        self.vector(name)?
            .ok_or_else(|| Error::internal(format!("tensor '{name}' was not read")))
    }

    fn linear(&mut self, name: &str) -> Result<Linear> {
        Ok(Linear {
            matrix: self.matrix(&format!("{name}.weight"))?,
            bias: self.vector(&format!("{name}.bias"))?,
        })
    }
}

impl Weights {
    /// Puts finished tensors into their places; those that a blueprint needs are there, for the reader has seen to it.
    pub(super) fn assemble(blueprint: &Blueprint, mut found: Found) -> Result<Self> {
        let layers = (0..blueprint.layers)
            .map(|l| {
                let name = |part: &str| format!("blk.{l}.{part}");
                let weight = |part: &str| format!("blk.{l}.{part}.weight");
                Ok(LayerWeights {
                    attn_norm: found.required(&weight("attn_norm"))?,
                    attn_q: found.linear(&name("attn_q"))?,
                    attn_k: found.linear(&name("attn_k"))?,
                    attn_v: found.linear(&name("attn_v"))?,
                    q_norm: found.vector(&weight("attn_q_norm"))?,
                    k_norm: found.vector(&weight("attn_k_norm"))?,
                    attn_output: found.linear(&name("attn_output"))?,
                    attn_post_norm: found.vector(&weight("post_attention_norm"))?,
                    ffn_norm: found.required(&weight("ffn_norm"))?,
                    ffn_gate: found.linear(&name("ffn_gate"))?,
                    ffn_up: found.linear(&name("ffn_up"))?,
                    ffn_down: found.linear(&name("ffn_down"))?,
                    ffn_post_norm: found.vector(&weight("post_ffw_norm"))?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            embedding: found.matrix("token_embd.weight")?,
            output: found.0.remove("output.weight"),
            output_norm: found.required("output_norm.weight")?,
            rope_factors: found.vector("rope_freqs.weight")?,
            layers,
        })
    }

    /// The unembedding, which may be the embedding.
    pub(crate) fn unembedding(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// Every matrix once, embedding first.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        let layers = self.layers.iter().flat_map(LayerWeights::matrices);
        std::iter::once(&self.embedding)
            .chain(layers)
            .chain(&self.output)
    }
}

impl LayerWeights {
    /// The layer's matrices, in the order of the pass.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        [
            &self.attn_q,
            &self.attn_k,
            &self.attn_v,
            &self.attn_output,
            &self.ffn_gate,
            &self.ffn_up,
            &self.ffn_down,
        ]
        .into_iter()
        .map(|linear| &linear.matrix)
    }
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.matrices()).finish()
    }
}
