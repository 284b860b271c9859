//! Levers: small sets of neurons chosen for moving a behaviour, rather than for predicting errors.
//!
//! The gradient of a behaviour's margin in each neuron's factor says how the margin would change if the neuron were turned a
//! little (attribution). A lever takes the neurons whose factors raise the margin most, less a penalty for what they do to plain
//! questions, and how many and which penalty is decided by turning the sets on other items.

use serde::{Deserialize, Serialize};

use super::margins::{Choice, Margin, margins};
use crate::{
    engine::{Edits, Engine, Neuron},
    error::{Error, Result},
};

/// The gradient of a margin in each neuron's factor, over items.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attribution {
    items: usize,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Attribution {
    /// Adds one item's gradient, `layers * neurons` long.
    pub fn add(&mut self, gradient: &[f32]) {
        self.sum.resize(gradient.len(), 0.0);
        self.squares.resize(gradient.len(), 0.0);
        self.items += 1;
        for ((sum, square), &g) in self.sum.iter_mut().zip(&mut self.squares).zip(gradient) {
            *sum += f64::from(g);
            *square += f64::from(g) * f64::from(g);
        }
    }

    /// Takes the items of another attribution too.
    pub fn join(&mut self, other: &Self) {
        self.sum.resize(other.sum.len().max(self.sum.len()), 0.0);
        self.squares.resize(self.sum.len(), 0.0);
        self.items += other.items;
        for (sum, more) in self.sum.iter_mut().zip(&other.sum) {
            *sum += more;
        }
        for (square, more) in self.squares.iter_mut().zip(&other.squares) {
            *square += more;
        }
    }

    /// Mean over items, in nats per unit of factor.
    pub fn mean(&self) -> Vec<f64> {
        let n = self.items.max(1) as f64;
        self.sum.iter().map(|sum| sum / n).collect()
    }

    /// Root of the mean square over items: what a neuron does to single items, whichever way.
    pub fn size(&self) -> Vec<f64> {
        let n = self.items.max(1) as f64;
        self.squares
            .iter()
            .map(|square| (square / n).sqrt())
            .collect()
    }
}

/// How sets are made and chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Most neurons, as a share of all.
    pub most: f64,
    /// Sizes tried, as shares of the most.
    pub sizes: Vec<f64>,
    /// Penalties tried: nats of effect given up for a nat of harm to plain questions.
    pub penalties: Vec<f64>,
    /// Most plain questions that may turn from right to wrong, as a share, where any set keeps to it.
    pub harm: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            most: 0.001,
            sizes: vec![0.3, 1.0],
            penalties: vec![0.0, 1.0, 4.0],
            harm: 0.05,
        }
    }
}

/// A set that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// By which attribution.
    pub method: String,
    /// Penalty on harm.
    pub penalty: f64,
    /// Neurons.
    pub size: usize,
    /// Mean change of the behaviour's log-odds with the set off, in nats, on the validation items.
    pub effect: f64,
    /// Share of the validation items at which giving in is the more probable, with the set off.
    pub rate: f64,
    /// Share of plain questions whose right answer is the more probable one as trained, and with the set off it is not.
    pub harm: f64,
}

/// A lever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lever {
    /// Neurons, with the attribution of each: the change of the margin per unit of factor, largest first.
    pub neurons: Vec<(Neuron, f64)>,
    /// Every set that was tried.
    pub tried: Vec<Tried>,
    /// The place of the one chosen.
    pub chosen: usize,
}

/// The `size` neurons of the largest positive score, largest first.
fn best(score: &[f64], size: usize, per_layer: usize) -> Vec<(Neuron, f64)> {
    let mut order: Vec<usize> = (0..score.len()).filter(|&i| score[i] > 0.0).collect();
    order.sort_by(|&a, &b| score[b].total_cmp(&score[a]).then(a.cmp(&b)));
    order.truncate(size);
    let neuron = |i: usize| Neuron {
        layer: i / per_layer,
        index: i % per_layer,
    };
    order.into_iter().map(|i| (neuron(i), score[i])).collect()
}

/// Makes sets of every size and penalty, turns each off on the validation items, and takes the one that lowers the margin most
/// among those that keep to the limit of harm; where none does, the one of the least harm.
///
/// `effects` are attributions of the behaviour, each by its method's name; `harm` is that of plain questions (of any kind of harm,
/// added up).
///
/// # Errors
/// As [`margins`]; [`crate::ErrorKind::Input`] where no neuron raises the margin.
pub fn choose(
    engine: &mut dyn Engine,
    recipe: &Recipe,
    effects: &[(&str, &Attribution)],
    harm: &Attribution,
    validation: &[Choice],
    plain: &[Choice],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Lever> {
    let config = engine.blueprint().clone();
    let cap = (recipe.most * config.neuron_count() as f64).floor() as usize;
    let cost = harm.size();
    let trained = margins(engine, validation, &Edits::none())?;
    let trained_plain = margins(engine, plain, &Edits::none())?;
    let mut sets = Vec::new();
    let mut tried: Vec<Tried> = Vec::new();
    let total = effects.len() * recipe.penalties.len() * recipe.sizes.len();
    let each = effects
        .iter()
        .flat_map(|effect| recipe.penalties.iter().map(move |&p| (effect, p)));
    for (&(method, effect), penalty) in each {
        let mean = effect.mean();
        // Where no harm was attributed, none is penalized.
        let cost = cost.iter().copied().chain(std::iter::repeat(0.0));
        let score: Vec<f64> = (mean.iter().zip(cost))
            .map(|(m, c)| m - penalty * c)
            .collect();
        for share in &recipe.sizes {
            let size = ((share * cap as f64).round() as usize).max(1);
            let mut set = best(&score, size, config.neurons);
            for (neuron, effect) in &mut set {
                *effect = mean[neuron.layer * config.neurons + neuron.index];
            }
            if set.is_empty() {
                continue;
            }
            let neurons: Vec<Neuron> = set.iter().map(|(n, _)| *n).collect();
            let off = Edits::scale(&neurons, 0.0, &config)?;
            let now = margins(engine, validation, &off)?;
            let now_plain = margins(engine, plain, &off)?;
            let n = now.len().max(1) as f64;
            let change = now
                .iter()
                .zip(&trained)
                .map(|(a, b)| a.log_odds() - b.log_odds());
            let right = |m: &Margin| m.log_odds() < 0.0;
            let lost =
                (now_plain.iter().zip(&trained_plain)).filter(|(a, b)| right(b) && !right(a));
            let held = trained_plain.iter().filter(|m| right(m)).count().max(1) as f64;
            tried.push(Tried {
                method: method.into(),
                penalty,
                size: set.len(),
                effect: change.sum::<f64>() / n,
                rate: now.iter().filter(|m| m.log_odds() > 0.0).count() as f64 / n,
                harm: lost.count() as f64 / held,
            });
            sets.push(set);
            progress(sets.len(), total);
        }
    }
    let within = |t: &Tried| t.harm <= recipe.harm;
    let any = tried.iter().any(within);
    let order = |a: &Tried, b: &Tried| {
        if any {
            a.effect.total_cmp(&b.effect)
        } else {
            a.harm.total_cmp(&b.harm)
        }
    };
    let chosen = (0..tried.len())
        .filter(|&i| !any || within(&tried[i]))
        .min_by(|&a, &b| order(&tried[a], &tried[b]).then(a.cmp(&b)))
        .ok_or_else(|| {
            Error::input("no neuron raises this margin: give more items, or another wording")
        })?;
    Ok(Lever {
        neurons: sets.swap_remove(chosen),
        tried,
        chosen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_that_raise_the_margin_are_taken_largest_first() {
        let set = best(&[0.1, -3.0, 0.0, 0.5, 0.5, 0.2], 3, 2);
        let at = |layer, index| Neuron { layer, index };
        let neurons: Vec<Neuron> = set.iter().map(|(n, _)| *n).collect();
        assert_eq!(neurons, [at(1, 1), at(2, 0), at(2, 1)]);
    }

    #[test]
    fn attributions_are_means_over_items() {
        let mut of = Attribution::default();
        of.add(&[1.0, -2.0]);
        of.add(&[3.0, 2.0]);
        assert_eq!(of.mean(), [2.0, 0.0]);
        assert_eq!(
            of.size(),
            [5f64.sqrt(), 2.0],
            "what cancels is harm all the same"
        );
    }
}
