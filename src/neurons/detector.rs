//! The detector: contributions averaged over a span of the answer -> probability that the answer is a hallucination.

use super::{Artifact, DetectorSpec, Neuron};

/// A logistic classifier over a few neurons' mean contributions.
#[derive(Debug, Clone)]
pub struct Detector {
    spec: DetectorSpec,
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
        if let Some(c) = &self.spec.calibration {
            logit = c.slope * logit + c.intercept;
        }
        1.0 / (1.0 + libm::exp(-logit))
    }
}
