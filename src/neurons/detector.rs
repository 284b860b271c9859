//! The detector: contributions averaged over a span of the answer -> probability that the answer is a hallucination.
//!
//! It is linear up to its last step, so its log-odds are a base and the mean of what each token of the span adds, its pull.

use super::{Artifact, DetectorSpec, Neuron};

/// A logistic classifier over a few neurons' mean contributions.
#[derive(Debug, Clone)]
pub struct Detector {
    pub(super) spec: DetectorSpec,
}

impl Detector {
    /// The detector of a checked artifact.
    pub fn of(artifact: &Artifact) -> Self {
        Self {
            spec: artifact.detector.clone(),
        }
    }

    /// The neurons it reads, in the order [`Detector::score`] takes their means.
    pub fn neurons(&self) -> impl Iterator<Item = Neuron> + '_ {
        self.spec.terms.iter().map(|t| t.neuron())
    }

    /// Probability, 0 to 1: `sigmoid(bias + sum_j weight_j (mean_j - m_j) / s_j)`, with the training set's mean `m`
    /// and deviation `s` of each neuron, then the calibration if there is one.
    pub fn score(&self, means: &[f64]) -> f64 {
        let mut logit = self.spec.bias;
        for (term, mean) in self.spec.terms.iter().zip(means) {
            logit += term.weight * (mean - term.mean) / term.std;
        }
        probability(self.slope() * logit + self.intercept())
    }

    /// What a token with these contributions, in the order of [`Detector::neurons`], adds to the log-odds before the average
    /// over the span: `slope * sum_j weight_j c_j / s_j`, with slope 1 where there is no calibration. For a span of n tokens,
    /// `log(p / (1 - p)) = base + (1 / n) * sum of their pulls`.
    pub fn pull(&self, contributions: &[f32]) -> f64 {
        let terms = self.spec.terms.iter().zip(contributions);
        self.slope()
            * terms
                .map(|(t, &c)| t.weight * f64::from(c) / t.std)
                .sum::<f64>()
    }

    /// The log-odds of a span whose tokens contribute nothing: `slope * (bias - sum_j weight_j m_j / s_j) + intercept`.
    pub fn base(&self) -> f64 {
        let terms = self.spec.terms.iter();
        let means: f64 = terms.map(|t| t.weight * t.mean / t.std).sum();
        self.slope() * (self.spec.bias - means) + self.intercept()
    }

    fn slope(&self) -> f64 {
        self.spec.calibration.as_ref().map_or(1.0, |c| c.slope)
    }

    fn intercept(&self) -> f64 {
        self.spec.calibration.as_ref().map_or(0.0, |c| c.intercept)
    }
}

/// The probability with these log-odds.
pub(super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}
