//! A classifier over a few neurons: what is published of a fit, and what it is compared with.

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    research::{
        features::{Features, Standardization},
        logistic::{Hooks, Logistic, Options, Problem, fit_l2},
    },
};

/// A classifier over a few neurons: weights on standardized mean contributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Few {
    /// Which, as places in an array over all layers.
    pub neurons: Vec<usize>,
    /// The weight of each.
    pub weights: Vec<f64>,
    /// Mean and deviation of each on the training answers.
    pub mean: Vec<f64>,
    /// See `mean`.
    pub std: Vec<f64>,
    /// Intercept.
    pub bias: f64,
}

impl Few {
    /// The logit of each sample of a table of all neurons, as they were measured.
    pub fn scores(&self, table: &Features) -> Vec<f64> {
        let mut out = vec![self.bias; table.samples()];
        for (j, &neuron) in self.neurons.iter().enumerate() {
            for (out, &x) in out.iter_mut().zip(table.column(neuron)) {
                *out += self.weights[j] * (f64::from(x) - self.mean[j]) / self.std[j];
            }
        }
        out
    }

    /// Fits these neurons on the training answers, weakly regularized.
    pub(in crate::research) fn fit(
        neurons: Vec<usize>,
        train: &Features,
        labels: &[bool],
        c: f64,
    ) -> Result<Self> {
        if neurons.is_empty() {
            let bias = 0.0;
            let none = Vec::new;
            return Ok(Self {
                neurons,
                weights: none(),
                mean: none(),
                std: none(),
                bias,
            });
        }
        let mut table = train.only_features(&neurons)?;
        let scale = Standardization::of(&table);
        scale.apply(&mut table)?;
        let fit = fit_l2(&Problem::new(&table, labels)?, c, &options(), &Hooks::NONE)?;
        Ok(Self {
            neurons,
            weights: fit.model.weights,
            mean: scale.mean,
            std: scale.std,
            bias: fit.model.intercept,
        })
    }

    /// A sparse model over all neurons as one over few.
    pub(super) fn of(model: &Logistic, scale: &Standardization) -> Self {
        let neurons = model.support();
        Self {
            weights: neurons.iter().map(|&n| model.weights[n]).collect(),
            mean: neurons.iter().map(|&n| scale.mean[n]).collect(),
            std: neurons.iter().map(|&n| scale.std[n]).collect(),
            bias: model.intercept,
            neurons,
        }
    }
}

/// How every fit of the identification is made.
pub(super) fn options() -> Options {
    Options {
        tolerance: 1e-6,
        ..Options::default()
    }
}

/// A table with every feature at mean 0 and deviation 1, and what made it so.
pub(super) fn standardized(raw: &Features) -> Result<(Features, Standardization)> {
    let scale = Standardization::of(raw);
    let mut table = raw.clone();
    scale.apply(&mut table)?;
    Ok((table, scale))
}
