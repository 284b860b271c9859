//! A published detector on answers it was not fitted on: those of other questions, or of another model.
//!
//! An artifact holds the weights of its H-Neurons and only the places of its random sets. Whatever has no weights is fitted on
//! the answers at hand and scored on folds it did not see; the H-Neurons are scored in both ways, so that each is held
//! against its like.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{
    answers::Greedy,
    evaluate::{CHEAP, cheap_scores},
    identify::{Few, Fitting, Identified, Table},
    split,
    stats::{
        Bootstrap, Estimate, Platt, Tail, Units, accuracy, auroc, best_threshold, empirical_p,
    },
};
use crate::{
    error::{Error, Result},
    model::Blueprint,
    neurons::{Artifact, Neuron},
};

/// Answers of each kind that are the least to judge on.
const LEAST: usize = 10;

/// What a published detector needs to be judged.
pub struct Published {
    detector: Few,
    calibration: Option<Platt>,
    controls: Vec<Vec<usize>>,
}

/// How it did; `hneurons evaluate --artifact … --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transfer {
    /// Answers judged.
    pub n: usize,
    /// How many of them are wrong.
    pub wrong: usize,
    /// Area under the ROC curve of the detector as published.
    pub auroc: f64,
    /// Its 95 % interval.
    pub auroc_ci: [f64; 2],
    /// Share told right where its calibrated chance (or, without calibration, its logit) is even.
    pub accuracy: f64,
    /// Its interval.
    pub accuracy_ci: [f64; 2],
    /// The same at thresholds fitted on the other folds.
    pub accuracy_refitted: f64,
    /// The H-Neurons with weights fitted on the other folds, as the random sets have them.
    pub refitted_auroc: f64,
    /// Random sets of the same layers, with weights fitted on the other folds.
    pub random_auroc: Vec<f64>,
    /// Share of the random sets, and this one, that do at least as well as the refitted H-Neurons.
    pub random_p: f64,
    /// The answer's mean log-probability, lower being suspicious.
    pub logprob_auroc: f64,
    /// Its interval.
    pub logprob_auroc_ci: [f64; 2],
    /// The detector's AUROC less that of the best of `baselines`, in pairs.
    pub over_best_cheap: Estimate,
    /// The best of them.
    pub best_cheap: String,
    /// On which answers it was the best. There are no training answers here, so it is these very ones: what is held against
    /// the detector then is too good rather than too bad.
    pub best_cheap_on: String,
    /// AUROC of scores that need no look inside the model.
    pub baselines: BTreeMap<String, f64>,
}

impl Published {
    /// Takes an artifact's detector for a model of the same shape, which need not be the artifact's own.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Artifact`] where a neuron does not exist in the model.
    pub fn of(artifact: &Artifact, config: &Blueprint) -> Result<Self> {
        let model = &artifact.model;
        if (model.layers, model.neurons_per_layer) != (config.layers, config.neurons) {
            return Err(Error::artifact(format!(
                "the artifact is of a model with {} layers of {} neurons, this one has {} of {}: give the artifact of a model of \
                 this shape",
                model.layers, model.neurons_per_layer, config.layers, config.neurons
            )));
        }
        let place = |n: Neuron| n.layer * config.neurons + n.index;
        let terms = &artifact.detector.terms;
        Ok(Self {
            detector: Few {
                neurons: terms.iter().map(|t| place(t.neuron())).collect(),
                weights: terms.iter().map(|t| t.weight).collect(),
                mean: terms.iter().map(|t| t.mean).collect(),
                std: terms.iter().map(|t| t.std).collect(),
                bias: artifact.detector.bias,
            },
            calibration: artifact.detector.calibration.as_ref().map(|c| Platt {
                slope: c.slope,
                intercept: c.intercept,
            }),
            controls: artifact
                .controls
                .iter()
                .map(|set| {
                    let places = set.neurons.iter();
                    places
                        .map(|&(layer, index)| place(Neuron { layer, index }))
                        .collect()
                })
                .collect(),
        })
    }

    /// The same of what identify found.
    pub fn found(found: &Identified) -> Self {
        Self {
            detector: found.detector.clone(),
            calibration: Some(found.calibration),
            controls: found.random.iter().map(|few| few.neurons.clone()).collect(),
        }
    }

    /// Judges it on answers.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for too few answers of a kind; as the solver.
    pub fn judge(
        &self,
        table: &Table,
        greedy: &HashMap<&str, &Greedy>,
        fitting: &Fitting,
    ) -> Result<Transfer> {
        let labels = &table.labels;
        let wrong = labels.iter().filter(|wrong| **wrong).count();
        let right = labels.len() - wrong;
        if wrong.min(right) < LEAST {
            return Err(Error::input(format!(
                "{right} consistently right and {wrong} consistently wrong answers are too few to judge on, {LEAST} of each are the \
                 least: give more questions that the model may know"
            )));
        }
        let scores = self.detector.scores(&table.features);
        // Where the chance is even.
        let threshold = self
            .calibration
            .map_or(0.0, |platt| -platt.intercept / platt.slope);
        let bootstrap = Bootstrap {
            seed: fitting.seed,
            ..Bootstrap::default()
        };
        let units = Units::items(labels.len());
        let ends = |e: Estimate| [e.low, e.high];
        let area = bootstrap.auroc(&units, &scores, labels)?;
        let told: Vec<f64> = (scores.iter().zip(labels))
            .map(|(score, wrong)| f64::from(u8::from((*score >= threshold) == *wrong)))
            .collect();

        let folds = Folds::of(table, fitting)?;
        let refitted_auroc = auroc(&folds.scores(&self.detector.neurons)?, labels)?;
        let random_auroc = (self.controls.iter())
            .map(|set| auroc(&folds.scores(set)?, labels))
            .collect::<Result<Vec<_>>>()?;

        let mut baselines = BTreeMap::new();
        let mut best: Option<(f64, String, Vec<f64>)> = None;
        let mut logprob = None;
        for (name, scores) in cheap_scores(&table.ids, greedy)? {
            let area = auroc(&scores, labels)?;
            if name == CHEAP[0] {
                logprob = Some(bootstrap.auroc(&units, &scores, labels)?);
            }
            baselines.insert(name.clone(), area);
            if best.as_ref().is_none_or(|(most, ..)| area > *most) {
                best = Some((area, name, scores));
            }
        }
        let (Some((_, best_cheap, best)), Some(logprob)) = (best, logprob) else {
            return Err(Error::internal("there are no cheap scores"));
        };
        Ok(Transfer {
            n: labels.len(),
            wrong,
            auroc: area.value,
            auroc_ci: ends(area),
            accuracy: accuracy(&scores, labels, threshold)?,
            accuracy_ci: ends(bootstrap.mean(&units, &told)?),
            accuracy_refitted: folds.accuracy(&scores)?,
            refitted_auroc,
            random_p: empirical_p(refitted_auroc, &random_auroc, Tail::Greater)?,
            random_auroc,
            logprob_auroc: logprob.value,
            logprob_auroc_ci: ends(logprob),
            over_best_cheap: bootstrap.auroc_difference(&units, &scores, &best, labels)?,
            best_cheap,
            best_cheap_on: "these answers".into(),
            baselines,
        })
    }
}

/// Answers dealt out in folds, by the hash of their ids.
struct Folds<'a> {
    table: &'a Table,
    fitting: &'a Fitting,
    of: Vec<usize>,
}

impl<'a> Folds<'a> {
    fn of(table: &'a Table, fitting: &'a Fitting) -> Result<Self> {
        Ok(Self {
            of: split::folds(&table.ids, fitting.folds, fitting.seed)?,
            table,
            fitting,
        })
    }

    /// For each fold the answers in the others, and its own.
    fn each(&self) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> {
        (0..self.fitting.folds).map(|fold| (0..self.of.len()).partition(|&i| self.of[i] != fold))
    }

    /// Scores by some neurons, fitted on the other folds.
    fn scores(&self, neurons: &[usize]) -> Result<Vec<f64>> {
        let mut scores = vec![0.0; self.of.len()];
        for (others, own) in self.each() {
            let part = self.table.only(&others)?;
            let c = self.fitting.refit_c;
            let few = Few::fit(neurons.to_vec(), &part.features, &part.labels, c)?;
            let held = self.table.features.only_samples(&own)?;
            for (&i, score) in own.iter().zip(few.scores(&held)) {
                scores[i] = score;
            }
        }
        Ok(scores)
    }

    /// Share told right at the threshold that is best on the other folds.
    fn accuracy(&self, scores: &[f64]) -> Result<f64> {
        let labels = &self.table.labels;
        let mut right = 0;
        for (others, own) in self.each() {
            let of = |list: &[usize]| -> (Vec<f64>, Vec<bool>) {
                list.iter().map(|&i| (scores[i], labels[i])).unzip()
            };
            let (there, labels_there) = of(&others);
            let threshold = best_threshold(&there, &labels_there)?;
            right += (own.iter())
                .filter(|&&i| (scores[i] >= threshold) == labels[i])
                .count();
        }
        Ok(right as f64 / labels.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::research::{bulk::Answer, features::Features, judge::Verdict};

    /// Forty answers, every second one wrong: neuron 0 says so, neuron 1 says nothing, and so do log-probabilities and lengths.
    fn answers() -> (Table, Vec<Greedy>) {
        let labels: Vec<bool> = (0..40).map(|i| i % 2 == 1).collect();
        let noise = |i: usize, k: usize| ((i * 7 + k * 13) % 10) as f32 / 10.0;
        let rows: Vec<[f32; 2]> = (0..40)
            .map(|i| {
                [
                    f32::from(u8::from(labels[i])) + noise(i, 1),
                    noise(i / 2, 2),
                ]
            })
            .collect();
        let ids: Vec<String> = (0..40).map(|i| format!("q{i}")).collect();
        let greedy = (ids.iter().enumerate())
            .map(|(i, id)| Greedy {
                id: id.clone(),
                text: String::new(),
                answer: Answer {
                    ids: vec![1],
                    logprobs: vec![-f64::from(noise(i / 2, 3)) - 0.1],
                    finished: true,
                },
                verdict: Verdict::Right,
            })
            .collect();
        let features = Features::from_rows(&rows).expect("a table");
        let table = Table {
            ids,
            features,
            labels,
        };
        (table, greedy)
    }

    fn published() -> Published {
        Published {
            detector: Few {
                neurons: vec![0],
                weights: vec![2.0],
                mean: vec![0.95],
                std: vec![0.5],
                bias: 0.0,
            },
            calibration: Some(Platt {
                slope: 1.0,
                intercept: 0.0,
            }),
            controls: vec![vec![1]],
        }
    }

    #[test]
    fn a_detector_that_knows_is_told_from_a_random_set_that_does_not() {
        let (table, greedy) = answers();
        let by_id = super::super::evaluate::by_id(&greedy);
        let told = published()
            .judge(&table, &by_id, &Fitting::default())
            .expect("enough answers");
        assert_eq!((told.n, told.wrong), (40, 20));
        assert!(told.auroc > 0.95 && told.refitted_auroc > 0.95, "{told:?}");
        assert!(
            told.accuracy > 0.85 && told.accuracy_refitted > 0.85,
            "{told:?}"
        );
        assert!(
            told.random_auroc[0] < 0.7 && told.random_p <= 0.5,
            "{told:?}"
        );
        assert!((told.logprob_auroc - 0.5).abs() < 0.01, "{told:?}");
        assert!(told.over_best_cheap.low > 0.2, "{told:?}");
    }

    #[test]
    fn of_too_few_of_a_kind_nothing_is_said() {
        let (table, greedy) = answers();
        let by_id = super::super::evaluate::by_id(&greedy);
        let few: Vec<usize> = (0..40).filter(|i| i % 2 == 0 || *i < 19).collect();
        let table = table.only(&few).expect("some");
        let error = published().judge(&table, &by_id, &Fitting::default());
        let said = error.expect_err("nine wrong answers").to_string();
        assert!(said.contains("20 consistently right and 9"), "{said}");
    }
}
