//! L1 fits on parts of the samples, made quick by looking at few features first.
//!
//! Fits on resamples differ little from the fit on all samples, so their weights lie on features whose gradient is
//! large there. A fit is made on these alone, from the weights of the fit on all; then one pass over all features
//! looks for any that violates its optimality condition, and the fit is made again with those. It ends when none
//! does, so the answer is that of the whole problem.

use super::{Ending, Fit, Hooks, Logistic, Options, Problem, fit_l1, linear};
use crate::{
    error::{Error, Result},
    research::Features,
};

/// The features to look at first, with the fit on all samples to start from.
pub struct Screen<'a> {
    table: &'a Features,
    labels: &'a [bool],
    c: f64,
    /// Ascending.
    columns: Vec<usize>,
    few: Features,
    /// The fit on all samples, by `columns`.
    start: Logistic,
}

impl<'a> Screen<'a> {
    /// Around a fit on all samples: the features whose gradient is at least `least` there (the penalty's is 1), and
    /// every feature of the fit.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if the fit is of another table; [`crate::ErrorKind::Memory`].
    pub fn around(table: &'a Features, labels: &'a [bool], fit: &Fit, least: f64) -> Result<Self> {
        let problem = Problem::new(table, labels)?;
        let gradients = problem.gradients(fit.c, &fit.model)?;
        let mut columns: Vec<usize> = (0..table.features())
            .filter(|&j| gradients[j].abs() >= least || fit.model.weights[j] != 0.0)
            .collect();
        if columns.is_empty() {
            // A table has a feature; which one is looked at first does not matter.
            columns.push(0);
        }
        Ok(Self {
            few: table.only_features(&columns)?,
            start: Logistic {
                weights: columns.iter().map(|&j| fit.model.weights[j]).collect(),
                intercept: fit.model.intercept,
            },
            c: fit.c,
            table,
            labels,
            columns,
        })
    }

    /// How many features are looked at first.
    pub fn features(&self) -> usize {
        self.columns.len()
    }

    /// The fit on some of the samples, each counting `weight`, at the C of the fit on all.
    ///
    /// # Errors
    /// As [`fit_l1`]; [`crate::ErrorKind::Internal`] if it does not converge.
    pub fn fit(&self, samples: &[usize], weight: f64, options: &Options) -> Result<Fit> {
        let labels: Vec<bool> = samples.iter().map(|&i| self.labels[i]).collect();
        let weights = vec![weight; samples.len()];
        let mut columns = self.columns.clone();
        let mut few = self.few.only_samples(samples)?;
        let mut start = self.start.clone();
        loop {
            let problem = Problem::new(&few, &labels)?.weighted(&weights)?;
            let mut fit = fit_l1(&problem, self.c, options, Some(&start), &Hooks::NONE)?;
            if fit.ending != Ending::Converged {
                return Err(Error::internal(format!(
                    "the fit of a resample at C = {} did not converge",
                    self.c
                )));
            }
            let mut derivatives = vec![0.0; self.table.samples()];
            for (&i, d) in samples
                .iter()
                .zip(problem.score_derivatives(self.c, &fit.model)?)
            {
                derivatives[i] = d;
            }
            let mut looked_at = columns.iter().copied().peekable();
            let mut violating = Vec::new();
            for (j, column) in self.table.columns().enumerate() {
                if looked_at.next_if_eq(&j).is_some() {
                    continue;
                }
                let beyond = linear::dot(column, &derivatives).abs() - 1.0;
                if beyond > options.tolerance {
                    violating.push(j);
                }
                fit.violation = fit.violation.max(beyond);
            }
            let mut weights = vec![0.0; self.table.features()];
            for (&j, w) in columns.iter().zip(&fit.model.weights) {
                weights[j] = *w;
            }
            if violating.is_empty() {
                fit.model.weights = weights;
                return Ok(fit);
            }
            columns.extend(violating);
            columns.sort_unstable();
            few = self.table.only_features(&columns)?.only_samples(samples)?;
            start = Logistic {
                weights: columns.iter().map(|&j| weights[j]).collect(),
                intercept: fit.model.intercept,
            };
        }
    }
}
