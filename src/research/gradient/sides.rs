//! The margin between two sets of next tokens, and its derivative in the vector that is unembedded.

use std::{num::NonZero, thread};

use super::{Margin, norm::Norm};
use crate::{
    engine::{Place, math, not_finite},
    error::{Error, Result, try_vec},
    model::Weights,
    quant::Matrix,
};

/// The two sides that a margin holds against each other: token ids, none of them on both. An id that is listed twice counts once.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// What makes the margin larger.
    pub give: &'a [u32],
    /// What makes it smaller.
    pub stand: &'a [u32],
}

/// Sides of the model's vocabulary, sorted.
pub(super) struct Checked {
    give: Vec<u32>,
    stand: Vec<u32>,
}

/// What is read off the last position's stream.
pub(super) struct Read {
    pub(super) margin: Margin,
    /// `d margin / d y`, with `y` the vector after the final norm: the mean row of the unembedding of `give`, each row with
    /// its share of the side's probability, less that of `stand`. `hidden` numbers.
    pub(super) unembedded: Vec<f32>,
}

impl Sides<'_> {
    pub(super) fn check(&self, vocabulary: usize) -> Result<Checked> {
        let sorted = |side: &[u32]| {
            let mut side = side.to_vec();
            side.sort_unstable();
            side.dedup();
            side
        };
        let (give, stand) = (sorted(self.give), sorted(self.stand));
        if give.is_empty() || stand.is_empty() {
            return Err(Error::input(
                "a margin is between two sides, and one of them has no token: give each at least one",
            ));
        }
        check_ids(&give, vocabulary)?;
        check_ids(&stand, vocabulary)?;
        if let Some(id) = give.iter().find(|id| stand.binary_search(id).is_ok()) {
            return Err(Error::input(format!(
                "token {id} is on both sides of the margin: take it off one of them"
            )));
        }
        Ok(Checked { give, stand })
    }
}

/// Refuses ids outside the vocabulary.
pub(super) fn check_ids(ids: &[u32], vocabulary: usize) -> Result<()> {
    match ids.iter().find(|&&id| id as usize >= vocabulary) {
        None => Ok(()),
        Some(id) => Err(Error::input(format!(
            "token {id} does not exist: this model has {vocabulary}"
        ))),
    }
}

impl Checked {
    /// The margin at a position whose stream after the last layer is `last`.
    pub(super) fn read(&self, weights: &Weights, norm: Norm<'_>, last: &[f32]) -> Result<Read> {
        let here = Place::Layer(weights.layers.len().saturating_sub(1));
        let y = norm.forward(last, here)?;
        let unembedding = weights.unembedding();
        let mut sum = vec![0f64; y.len()];
        let give = side(unembedding, &self.give, &y, 1.0, &mut sum);
        let stand = side(unembedding, &self.stand, &y, -1.0, &mut sum);
        let logits = logits(unembedding, &y)?;
        let all = math::log_sum_exp(&logits, math::maximum(&logits));
        let margin = Margin {
            value: give - stand,
            mass: libm::exp(give - all) + libm::exp(stand - all),
        };
        if !margin.value.is_finite() || !margin.mass.is_finite() {
            return Err(not_finite(Place::Unembedding));
        }
        Ok(Read {
            margin,
            unembedded: sum.iter().map(|&x| x as f32).collect(),
        })
    }
}

/// `ln sum e^logit` of some tokens; adds `sign` times their mean row, weighted by `softmax(logits)`, to `sum`.
fn side(unembedding: &Matrix, ids: &[u32], y: &[f32], sign: f64, sum: &mut [f64]) -> f64 {
    let mut row = vec![0f32; y.len()];
    let mut logit = |id: u32| {
        unembedding.dequantize_row(id as usize, &mut row);
        // In f64, so that the margin of two tokens of nearly one probability keeps its digits.
        let terms = row.iter().zip(y);
        terms.map(|(w, y)| f64::from(*w) * f64::from(*y)).sum()
    };
    let logits: Vec<f64> = ids.iter().map(|&id| logit(id)).collect();
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: f64 = logits.iter().map(|l| libm::exp(l - most)).sum();
    let whole = most + libm::log(powers);
    for (&id, logit) in ids.iter().zip(&logits) {
        unembedding.dequantize_row(id as usize, &mut row);
        let share = sign * libm::exp(logit - whole);
        for (sum, w) in sum.iter_mut().zip(&row) {
            *sum += share * f64::from(*w);
        }
    }
    whole
}

/// All logits. Rows are dequantized as they are needed, in as many threads as there are cores: in f32 the unembedding of a
/// large vocabulary would take more memory than all layers of a small model.
fn logits(unembedding: &Matrix, y: &[f32]) -> Result<Vec<f32>> {
    let mut logits = try_vec(0f32, unembedding.rows(), "the logits")?;
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let part = logits.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (i, logits) in logits.chunks_mut(part).enumerate() {
            scope.spawn(move || {
                let mut row = vec![0f32; y.len()];
                for (id, logit) in (i * part..).zip(logits) {
                    unembedding.dequantize_row(id, &mut row);
                    *logit = math::dot(&row, y);
                }
            });
        }
    });
    Ok(logits)
}
