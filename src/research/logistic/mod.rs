//! Logistic regression: the sparse one that finds neurons, and the ridge one to compare and to refit with.
//!
//! With `y` = 1 for a positive sample and -1 for a negative one, `f_i = w.x_i + b` the score and `c_i` the weight of
//! sample i, the losses minimized are liblinear's and scikit-learn's:
//!
//! ```text
//! L1:  |w|_1            (+ |b|)      + C sum_i c_i log(1 + exp(-y_i f_i))
//! L2:  1/2 (w.w         (+ b^2))     + C sum_i c_i log(1 + exp(-y_i f_i))
//! ```
//!
//! liblinear takes the intercept for one more feature that is always 1, and penalizes it like the others
//! ([`Options::penalize_bias`]); scikit-learn's other solvers do not. Both are deterministic: no random numbers, sums
//! in a fixed order, one thread.

mod linear;
mod ridge;
mod screened;
mod sparse;
#[cfg(test)]
mod tests;

pub use ridge::{fit_l2, path_l2};
pub use screened::Screen;
pub use sparse::{fit_l1, path_l1};

use super::Features;
use crate::error::{Error, Result};

/// What a fit learns from: a table, a label for each of its samples, and how much each sample counts.
#[derive(Debug, Clone)]
pub struct Problem<'a> {
    features: &'a Features,
    labels: &'a [bool],
    weights: Vec<f64>,
}

impl<'a> Problem<'a> {
    /// Samples that count 1 each; `labels[i]` says whether sample i is positive (here: hallucinated).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if there is not one label for each sample, or if all labels are the same.
    pub fn new(features: &'a Features, labels: &'a [bool]) -> Result<Self> {
        if labels.len() != features.samples() {
            return Err(Error::input(format!(
                "{} labels for {} samples: give each sample one",
                labels.len(),
                features.samples()
            )));
        }
        if labels.iter().all(|l| *l == labels[0]) {
            return Err(Error::input(format!(
                "all samples are {}: a fit needs some of both classes",
                if labels[0] { "positive" } else { "negative" }
            )));
        }
        Ok(Self {
            features,
            labels,
            weights: vec![1.0; labels.len()],
        })
    }

    /// The same samples with a weight `c_i` each (scikit-learn's `sample_weight`); a weight of 0 leaves one out.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if there is not one weight for each sample, if one is negative or not finite, or if
    /// all of one class are 0.
    pub fn weighted(mut self, weights: &[f64]) -> Result<Self> {
        if weights.len() != self.labels.len() {
            return Err(Error::input(format!(
                "{} weights for {} samples: give each sample one",
                weights.len(),
                self.labels.len()
            )));
        }
        if let Some(at) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            return Err(Error::input(format!(
                "the weight of sample {at} is {}: give one that is not negative",
                weights[at]
            )));
        }
        for class in [true, false] {
            let mut of_class = self
                .labels
                .iter()
                .zip(weights)
                .filter(|(l, _)| **l == class);
            if of_class.all(|(_, w)| *w == 0.0) {
                return Err(Error::input(
                    "a class has weight 0 in all: give some of its samples more",
                ));
            }
        }
        self.weights = weights.to_vec();
        Ok(self)
    }

    /// The same samples, each class counting as much as the other in all, and all samples together as much as before
    /// (scikit-learn's `class_weight="balanced"`): the weights times `sum_i c_i / (2 sum of the class)`.
    #[must_use]
    pub fn balanced(mut self) -> Self {
        // Neither class is empty or weighs nothing: `new` and `weighted` saw to that.
        let all: f64 = self.weights.iter().sum();
        let positive = self.positive_weight();
        for (weight, label) in self.weights.iter_mut().zip(self.labels) {
            let of_class = if *label { positive } else { all - positive };
            *weight *= all / (2.0 * of_class);
        }
        self
    }

    fn positive_weight(&self) -> f64 {
        let each = self.labels.iter().zip(&self.weights);
        each.filter(|(label, _)| **label).map(|(_, w)| w).sum()
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.labels.len()
    }

    /// How many features there are.
    pub fn features(&self) -> usize {
        self.features.features()
    }

    /// The derivative of the loss by the score of each sample, `C c_i (p_i - [y_i = 1])`, and its derivative,
    /// `C c_i p_i (1 - p_i)`, at the scores `f`.
    fn derivatives(&self, c: f64, f: &[f64], first: &mut [f64], second: &mut [f64]) {
        for (i, &f) in f.iter().enumerate() {
            let weight = c * self.weights[i];
            // Both from the smaller of p and 1 - p, which keeps its digits where the other is next to 1.
            let small = (-f.abs()).exp();
            let (tail, head) = (small / (1.0 + small), 1.0 / (1.0 + small));
            let p = if f >= 0.0 { head } else { tail };
            let q = if f >= 0.0 { tail } else { head };
            first[i] = if self.labels[i] {
                -weight * q
            } else {
                weight * p
            };
            second[i] = weight * tail * head;
        }
    }

    /// The derivative of the loss by the score of each sample, at a model.
    fn score_derivatives(&self, c: f64, model: &Logistic) -> Result<Vec<f64>> {
        let scores = model.scores(self.features)?;
        let (mut first, mut second) = (vec![0.0; scores.len()], vec![0.0; scores.len()]);
        self.derivatives(c, &scores, &mut first, &mut second);
        Ok(first)
    }

    /// The derivative of the loss by the weight of each feature, at a model. At the L1 fit it is at most 1 in size.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if the model has another number of features.
    pub fn gradients(&self, c: f64, model: &Logistic) -> Result<Vec<f64>> {
        let first = self.score_derivatives(c, model)?;
        let columns = self.features.columns();
        Ok(columns.map(|x| linear::dot(x, &first)).collect())
    }

    /// `C sum_i c_i log(1 + exp(-y_i f_i))`.
    fn loss(&self, c: f64, f: impl Iterator<Item = f64>) -> f64 {
        let each = f.zip(self.labels).zip(&self.weights);
        let sum: f64 = each
            .map(|((f, label), weight)| {
                let against = if *label { -f } else { f };
                weight * (against.max(0.0) + (-against.abs()).exp().ln_1p())
            })
            .sum();
        c * sum
    }

    fn start(&self, c: f64, from: Option<&Logistic>) -> Result<Logistic> {
        if !(c.is_finite() && c > 0.0) {
            return Err(Error::input(format!("C is {c}: give a number above 0")));
        }
        match from {
            Some(model) if model.weights.len() != self.features() => Err(Error::input(format!(
                "the fit to start from has {} features and the table {}: use the same features",
                model.weights.len(),
                self.features()
            ))),
            Some(model) if !model.is_finite() => Err(Error::input(
                "the fit to start from is not finite: start from nothing",
            )),
            Some(model) => Ok(model.clone()),
            None => Ok(Logistic {
                weights: vec![0.0; self.features()],
                intercept: 0.0,
            }),
        }
    }
}

/// How a fit is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Whether the intercept is penalized like a weight, as liblinear does.
    pub penalize_bias: bool,
    /// When the fit is done. L1: no coordinate's smallest subgradient is beyond this, against a penalty of 1. L2: no
    /// sample's dual residual (or weight's gradient) is beyond this, against the largest `C c_i`.
    pub tolerance: f64,
    /// The most Newton steps (L2) or passes over all features (L1) before it gives up.
    pub limit: usize,
}

impl Default for Options {
    /// liblinear's intercept, and a tolerance that leaves six or more digits of each weight right.
    fn default() -> Self {
        Self {
            penalize_bias: true,
            tolerance: 1e-7,
            limit: 200,
        }
    }
}

/// How someone follows a fit, and stops it.
#[derive(Clone, Copy)]
pub struct Hooks<'a> {
    /// Asked several times a second; once it says yes, the fit ends with [`Ending::Stopped`].
    pub should_stop: &'a dyn Fn() -> bool,
    /// Told after each pass or Newton step.
    pub progress: Option<&'a dyn Fn(&Progress)>,
}

impl Hooks<'_> {
    /// No one follows.
    pub const NONE: Hooks<'static> = Hooks {
        should_stop: &|| false,
        progress: None,
    };

    fn tell(&self, c: f64, round: usize, violation: f64, nonzero: usize) {
        if let Some(progress) = self.progress {
            progress(&Progress {
                c,
                round,
                violation,
                nonzero,
            });
        }
    }
}

/// How far a fit is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The C of this fit.
    pub c: f64,
    /// Passes over all features (L1) or Newton steps (L2) so far.
    pub round: usize,
    /// How far the optimality conditions are from being met, in the units of [`Options::tolerance`].
    pub violation: f64,
    /// How many weights are not 0.
    pub nonzero: usize,
}

/// Why a fit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The optimality conditions are met to within the tolerance.
    Converged,
    /// It was stopped; the weights are those so far.
    Stopped,
    /// [`Options::limit`] was reached; the weights are those so far.
    Limit,
}

/// A fitted model with how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The C it was fitted with.
    pub c: f64,
    /// Weights and intercept.
    pub model: Logistic,
    /// The value of what is minimized.
    pub objective: f64,
    /// How far the optimality conditions are from being met, in the units of [`Options::tolerance`].
    pub violation: f64,
    /// Passes or Newton steps taken.
    pub rounds: usize,
    /// Whether it is done. Only a fit that [`Ending::Converged`] may be published.
    pub ending: Ending,
}

/// Weights, one for each feature, and an intercept; the probability of a positive is `1 / (1 + exp(-(w.x + b)))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// `w`, by feature.
    pub weights: Vec<f64>,
    /// `b`.
    pub intercept: f64,
}

impl Logistic {
    /// `w.x + b` of each sample.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if the table has another number of features.
    pub fn scores(&self, table: &Features) -> Result<Vec<f64>> {
        if table.features() != self.weights.len() {
            return Err(Error::input(format!(
                "the table has {} features and the fit {}: use the same features",
                table.features(),
                self.weights.len()
            )));
        }
        let mut scores = vec![self.intercept; table.samples()];
        for (j, &weight) in self.weights.iter().enumerate() {
            if weight != 0.0 {
                linear::add_scaled(&mut scores, table.column(j), weight);
            }
        }
        Ok(scores)
    }

    /// The features whose weight is not 0, ascending.
    pub fn support(&self) -> Vec<usize> {
        self.at(|w| w != 0.0)
    }

    /// The features whose weight is positive, ascending: those that go with the positive class.
    pub fn positive(&self) -> Vec<usize> {
        self.at(|w| w > 0.0)
    }

    fn at(&self, which: impl Fn(f64) -> bool) -> Vec<usize> {
        let weights = self.weights.iter().enumerate();
        weights
            .filter(|(_, w)| which(**w))
            .map(|(j, _)| j)
            .collect()
    }

    fn is_finite(&self) -> bool {
        self.intercept.is_finite() && self.weights.iter().all(|w| w.is_finite())
    }
}

/// The C up to which every weight of the L1 fit is 0: `1 / max_j |sum_i c_i x_ij (p - [y_i = 1])|` with p as without
/// any feature (scikit-learn's `l1_min_c(loss="log")` where the intercept is penalized).
pub fn smallest_c(problem: &Problem, penalize_bias: bool) -> f64 {
    let all: f64 = problem.weights.iter().sum();
    let p = if penalize_bias {
        0.5
    } else {
        problem.positive_weight() / all
    };
    let each = problem.labels.iter().zip(&problem.weights);
    let residual: Vec<f64> = each.map(|(l, w)| w * (p - f64::from(*l))).collect();
    let bias = if penalize_bias {
        residual.iter().sum::<f64>().abs()
    } else {
        0.0
    };
    let columns = problem.features.columns();
    1.0 / columns.fold(bias, |most, x| most.max(linear::dot(x, &residual).abs()))
}

/// Fits for each C in turn, each starting from the one before; ends early when one is stopped.
fn path(
    cs: &[f64],
    mut fit: impl FnMut(f64, Option<&Logistic>) -> Result<Fit>,
) -> Result<Vec<Fit>> {
    if cs.windows(2).any(|c| c[0] >= c[1]) {
        return Err(Error::input(
            "the values of C do not ascend: sort them, each once",
        ));
    }
    let mut fits: Vec<Fit> = Vec::with_capacity(cs.len());
    for &c in cs {
        let next = fit(c, fits.last().map(|f| &f.model))?;
        let stopped = next.ending == Ending::Stopped;
        fits.push(next);
        if stopped {
            break;
        }
    }
    Ok(fits)
}
