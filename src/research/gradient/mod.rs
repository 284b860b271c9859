//! How a margin between next tokens changes with every MLP neuron's factor: a pass in f32, and its reverse.
//!
//! An [edit](crate::engine::Edits) multiplies a neuron's `z_j` by a factor at every position. The derivative of one number in all
//! factors costs one forward and one reverse pass, where an engine would need two runs a neuron. Weights have no derivatives
//! here: only activations and factors do, so a matrix is read once on the way there and once on the way back.
//!
//! | file | what it is for |
//! |---|---|
//! | `maps` | a layer's matrices in f32, as candle's tensors: `W x`, and `W^T g` |
//! | `norm` | RMSNorm |
//! | `attention` | RoPE and causal attention |
//! | `activation` | the MLP's activation and its derivative |
//! | `pass` | the layers, there and back |
//! | `sides` | the margin, from the last position's stream |
//!
//! Each of them has its function and, beside it, how a gradient comes back through that function: `back`. The forward pass is
//! that of [`crate::engine::cpu`], but for the rounding of activations.

mod activation;
mod attention;
mod maps;
mod norm;
mod pass;
mod sides;
#[cfg(test)]
mod tests;

pub use sides::Sides;

use crate::{
    engine::{Edits, check_neuron, math},
    error::{Error, ErrorKind, Result, try_vec},
    model::{Blueprint, ModelFile},
};
use maps::LayerMaps;

/// A model in f32, of which margins and their gradients are asked.
///
/// It holds the file's weights and, beside them, four bytes a weight of every layer; not of the embedding, whose rows are
/// dequantized as they are needed. A pass also keeps about `4 tokens layers (2 neurons + 2 width + 4 hidden)` bytes until it has
/// come back. Products run on all cores, or on as many as the environment variable `RAYON_NUM_THREADS` says.
pub struct MarginPass {
    file: ModelFile,
    maps: Vec<LayerMaps>,
}

/// A margin of the next token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// `ln sum_give p(token) - ln sum_stand p(token)`, in nats; above 0 where `give` is the more probable side.
    pub value: f64,
    /// `sum_give p(token) + sum_stand p(token)`, 0 to 1: how much of the next token the margin speaks of.
    pub mass: f64,
}

/// A margin with its derivatives. Neuron `j` of layer `l` stands at `l * neurons + j`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// The margin itself, under the edits that were given.
    pub margin: Margin,
    /// `d margin / d factor_j`, `layers * neurons` of them, in nats: `sum_t z_tj (W_down^T d margin / d h_t)_j` over all positions
    /// `t`, with `h_t` the layer's MLP output and `z` as it is before the factor. Through everything: later layers, attention
    /// and the norms' scales.
    pub factors: Vec<f32>,
    /// The part of it that goes straight to the unembedding, of the same shape and unit:
    /// `z_j W_down[:, j] . v` at the last position, where `v` is the margin's derivative in the logits, taken back
    /// through the unembedding, the final norm and the norm after the MLP (if there is one), the scales of both held as
    /// they are.
    pub direct: Vec<f32>,
}

impl MarginPass {
    /// Dequantizes the weights of every layer.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`] where four bytes a weight find no room.
    pub fn new(file: &ModelFile) -> Result<Self> {
        let maps = file.weights().layers.iter().enumerate();
        Ok(Self {
            maps: maps
                .map(|(l, layer)| LayerMaps::new(l, layer))
                .collect::<Result<_>>()?,
            file: file.clone(),
        })
    }

    /// The margin of the token after `ids`, with the edits' factors at every position. A forward pass only.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for ids, sides or neurons that the model does not have, for no ids, and for sides that are empty or
    /// share a token; [`ErrorKind::Context`] for more ids than the model reads; [`ErrorKind::Model`] for numbers that are not
    /// finite; [`ErrorKind::Memory`].
    pub fn margin(&self, ids: &[u32], sides: &Sides<'_>, edits: &Edits) -> Result<Margin> {
        let (factors, sides) = self.check(ids, sides, edits)?;
        let trace = self.forward(ids, &factors)?;
        let last = self.last(&trace.stream);
        Ok(sides
            .read(self.file.weights(), self.final_norm(), last)?
            .margin)
    }

    /// The margin of the token after `ids`, with its derivative in every neuron's factor at the edits' factors; of a model as
    /// trained (`Edits::none()`) these are 1.
    ///
    /// # Errors
    /// As [`MarginPass::margin`].
    pub fn gradient(&self, ids: &[u32], sides: &Sides<'_>, edits: &Edits) -> Result<Gradient> {
        let (factors, sides) = self.check(ids, sides, edits)?;
        let trace = self.forward(ids, &factors)?;
        let last = self.last(&trace.stream);
        let read = sides.read(self.file.weights(), self.final_norm(), last)?;
        let gradient = Gradient {
            margin: read.margin,
            direct: self.direct(&trace, &read.unembedded)?,
            factors: self.reverse(trace, &read.unembedded, &factors)?,
        };
        if !math::all_finite(&gradient.factors) || !math::all_finite(&gradient.direct) {
            return Err(Error::model(
                "the margin's gradient is not finite: the model's file is damaged, or an edit is too strong for it; \
                 download it again, choose another, or turn the neurons less far",
            ));
        }
        Ok(gradient)
    }

    fn blueprint(&self) -> &Blueprint {
        self.file.blueprint()
    }

    /// Refuses what cannot be computed. Gives every neuron's factor, and the sides without repetitions.
    fn check(
        &self,
        ids: &[u32],
        sides: &Sides<'_>,
        edits: &Edits,
    ) -> Result<(Vec<f32>, sides::Checked)> {
        let c = self.blueprint();
        if ids.is_empty() {
            return Err(Error::input(
                "a margin is of the token after a prompt, and the prompt is empty: write one",
            ));
        }
        if ids.len() > c.context {
            return Err(Error::new(
                ErrorKind::Context,
                format!(
                    "the prompt has {} tokens and the model reads at most {}: shorten it",
                    ids.len(),
                    c.context
                ),
            ));
        }
        sides::check_ids(ids, c.vocabulary)?;
        let mut factors = try_vec(1f32, c.neuron_count(), "the neurons' factors")?;
        for edit in edits.iter() {
            check_neuron(edit.neuron, c)?;
            factors[edit.neuron.layer * c.neurons + edit.neuron.index] = edit.alpha;
        }
        Ok((factors, sides.check(c.vocabulary)?))
    }
}
