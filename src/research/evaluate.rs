//! How well the H-Neurons tell right answers from wrong ones, and whether that is more than random neurons and cheap scores do.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    answers::Greedy,
    features::{Features, Standardization},
    identify::{Few, Identified, Table},
    logistic::{Hooks, Logistic, Options, Problem, fit_l2},
    stats::{Bootstrap, Estimate, Tail, Units, accuracy, auroc, best_threshold, bins, empirical_p},
};
use crate::error::Result;

/// What is said of one data set; as in the artifact (docs/artifact.md).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Its name.
    pub dataset: String,
    /// Answers judged.
    pub n: usize,
    /// How many of them are wrong.
    pub wrong: usize,
    /// Area under the ROC curve of the detector.
    pub auroc: f64,
    /// Its 95 % interval.
    pub auroc_ci: [f64; 2],
    /// Share told right at the threshold that is best on the training answers.
    pub accuracy: f64,
    /// Its interval.
    pub accuracy_ci: [f64; 2],
    /// AUROC of random sets of the same layers, refitted as the detector is.
    pub random_auroc: Vec<f64>,
    /// Share of random sets, and this one, that do at least as well.
    pub random_p: f64,
    /// AUROC of the answer's mean log-probability (lower is more likely wrong).
    pub logprob_auroc: f64,
    /// Its interval.
    pub logprob_auroc_ci: [f64; 2],
    /// AUROC of the detector less that of the best of the cheap scores below, in pairs, with its interval.
    pub over_best_cheap: Estimate,
    /// The best of them.
    pub best_cheap: String,
    /// AUROC of other detectors: cheap ones, other sets of neurons, and all neurons together.
    pub baselines: BTreeMap<String, f64>,
    /// The calibration: answers by rising reading, in ten bins of equal size.
    pub reliability: Vec<Reliability>,
}

/// The answers of one bin of readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Their mean reading.
    pub mean: f64,
    /// The share of them that is wrong.
    pub share: f64,
    /// How many they are.
    pub n: usize,
}

/// Numbers of an answer that need no look inside the model.
pub(super) const CHEAP: [&str; 5] = [
    "mean log-probability",
    "lowest log-probability",
    "first log-probability",
    "sum of log-probabilities",
    "answer length",
];

/// Everything fitted on the training answers that data sets are judged with.
pub struct Judges<'a> {
    found: &'a Identified,
    threshold: f64,
    /// Logistic regression on the log-probabilities, and on these with the length.
    cheap: [(Logistic, Standardization); 2],
    /// On all neurons, L2.
    all: (Logistic, Standardization),
}

/// The cheap numbers of answers as a table, in the order of [`CHEAP`].
fn cheap_table(ids: &[String], greedy: &HashMap<&str, &Greedy>) -> Result<Features> {
    let rows: Vec<[f32; CHEAP.len()]> = ids
        .iter()
        .map(|id| {
            let l: &[f64] = greedy.get(id.as_str()).map_or(&[], |g| &g.answer.logprobs);
            let sum: f64 = l.iter().sum();
            let n = l.len().max(1) as f64;
            let lowest = l.iter().copied().fold(0.0, f64::min);
            let first = l.first().copied().unwrap_or(0.0);
            [sum / n, lowest, first, sum, l.len() as f64].map(|v| v as f32)
        })
        .collect();
    Features::from_rows(&rows)
}

/// The cheap numbers as scores of suspicion, by name: unlikely and long answers are the suspicious ones.
pub(super) fn cheap_scores(
    ids: &[String],
    greedy: &HashMap<&str, &Greedy>,
) -> Result<Vec<(String, Vec<f64>)>> {
    let table = cheap_table(ids, greedy)?;
    let of = |(j, name): (usize, &&str)| {
        let sign = if *name == "answer length" { 1.0 } else { -1.0 };
        let scores = table.column(j).iter().map(|&v| sign * f64::from(v));
        ((*name).to_owned(), scores.collect())
    };
    Ok(CHEAP.iter().enumerate().map(of).collect())
}

fn fitted(table: &Features, labels: &[bool], c: f64) -> Result<(Logistic, Standardization)> {
    let scale = Standardization::of(table);
    let mut table = table.clone();
    scale.apply(&mut table)?;
    let options = Options {
        tolerance: 1e-6,
        ..Options::default()
    };
    let fit = fit_l2(&Problem::new(&table, labels)?, c, &options, &Hooks::NONE)?;
    Ok((fit.model, scale))
}

fn scored((model, scale): &(Logistic, Standardization), table: &Features) -> Result<Vec<f64>> {
    let mut table = table.clone();
    scale.apply(&mut table)?;
    model.scores(&table)
}

/// By name, as a lookup.
pub fn by_id(greedy: &[Greedy]) -> HashMap<&str, &Greedy> {
    greedy.iter().map(|g| (g.id.as_str(), g)).collect()
}

impl<'a> Judges<'a> {
    /// Fits what is compared with, on the training answers.
    ///
    /// # Errors
    /// As the solver.
    pub fn new(
        found: &'a Identified,
        train: &Table,
        greedy: &HashMap<&str, &Greedy>,
    ) -> Result<Self> {
        let cheap = cheap_table(&train.ids, greedy)?;
        let logprobs = cheap.only_features(&[0, 1, 2, 3])?;
        Ok(Self {
            threshold: best_threshold(&found.detector.scores(&train.features), &train.labels)?,
            cheap: [
                fitted(&logprobs, &train.labels, 1.0)?,
                fitted(&cheap, &train.labels, 1.0)?,
            ],
            all: fitted(&train.features, &train.labels, 1e-3)?,
            found,
        })
    }

    /// Judges one data set.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] where it has answers of one kind only.
    pub fn evaluate(
        &self,
        dataset: &str,
        table: &Table,
        greedy: &HashMap<&str, &Greedy>,
        seed: u64,
    ) -> Result<Evaluation> {
        let labels = &table.labels;
        let of = |few: &Few| few.scores(&table.features);
        let scores = of(&self.found.detector);
        let platt = self.found.calibration;
        let readings: Vec<f64> = scores.iter().map(|&s| platt.probability(s)).collect();
        let bootstrap = Bootstrap {
            seed,
            ..Bootstrap::default()
        };
        let units = Units::items(labels.len());
        let pair = |e: Estimate| [e.low, e.high];
        let area = bootstrap.auroc(&units, &scores, labels)?;
        let right: Vec<f64> = scores
            .iter()
            .zip(labels)
            .map(|(s, wrong)| f64::from(u8::from((*s >= self.threshold) == *wrong)))
            .collect();
        let told = bootstrap.mean(&units, &right)?;

        let cheap = cheap_table(&table.ids, greedy)?;
        let logprobs = cheap.only_features(&[0, 1, 2, 3])?;
        let mut cheap_scores = cheap_scores(&table.ids, greedy)?;
        cheap_scores.push((
            "log-probabilities, fitted".into(),
            scored(&self.cheap[0], &logprobs)?,
        ));
        cheap_scores.push((
            "log-probabilities and length, fitted".into(),
            scored(&self.cheap[1], &cheap)?,
        ));
        let mut baselines = BTreeMap::new();
        let mut best: Option<(f64, usize)> = None;
        for (i, (name, scores)) in cheap_scores.iter().enumerate() {
            let area = auroc(scores, labels)?;
            baselines.insert(name.clone(), area);
            if best.is_none_or(|(most, _)| area > most) {
                best = Some((area, i));
            }
        }
        let best = best.map_or(0, |(_, i)| i);
        baselines.insert(
            "all neurons, L2".into(),
            auroc(&scored(&self.all, &table.features)?, labels)?,
        );
        baselines.insert(
            "3-vs-1".into(),
            auroc(&of(&self.found.three_vs_one), labels)?,
        );
        let areas = |sets: &[Few]| {
            sets.iter()
                .map(|few| auroc(&of(few), labels))
                .collect::<Result<Vec<f64>>>()
        };
        let (random, like) = (areas(&self.found.random)?, areas(&self.found.like)?);
        let mean = like.iter().sum::<f64>() / like.len().max(1) as f64;
        let most = like.iter().copied().fold(0.0, f64::max);
        baselines.insert("random, same contributions, mean".into(), mean);
        baselines.insert("random, same contributions, best".into(), most);
        let logprob = bootstrap.auroc(&units, &cheap_scores[0].1, labels)?;
        Ok(Evaluation {
            dataset: dataset.to_owned(),
            n: labels.len(),
            wrong: labels.iter().filter(|wrong| **wrong).count(),
            auroc: area.value,
            auroc_ci: pair(area),
            accuracy: accuracy(&scores, labels, self.threshold)?,
            accuracy_ci: pair(told),
            random_p: empirical_p(area.value, &random, Tail::Greater)?,
            random_auroc: random,
            logprob_auroc: logprob.value,
            logprob_auroc_ci: pair(logprob),
            over_best_cheap: bootstrap.auroc_difference(
                &units,
                &scores,
                &cheap_scores[best].1,
                labels,
            )?,
            best_cheap: cheap_scores[best].0.clone(),
            baselines,
            reliability: bins(&readings, labels, 10)?
                .into_iter()
                .map(|bin| Reliability {
                    mean: bin.probability,
                    share: bin.positive,
                    n: bin.items,
                })
                .collect(),
        })
    }
}

/// As many right as wrong answers of each length in tokens, so that length says nothing.
pub fn length_matched(table: &Table, greedy: &HashMap<&str, &Greedy>) -> Vec<usize> {
    let mut by_length: BTreeMap<usize, [Vec<usize>; 2]> = BTreeMap::new();
    for (i, (id, wrong)) in table.ids.iter().zip(&table.labels).enumerate() {
        let length = greedy.get(id.as_str()).map_or(0, |g| g.answer.ids.len());
        by_length.entry(length).or_default()[usize::from(*wrong)].push(i);
    }
    let mut kept: Vec<usize> = by_length
        .into_values()
        .flat_map(|[right, wrong]| {
            let n = right.len().min(wrong.len());
            [&right[..n], &wrong[..n]].concat()
        })
        .collect();
    kept.sort_unstable();
    kept
}

impl Table {
    /// These samples and those of another table.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for tables of different neurons.
    pub fn and(&self, other: &Self) -> Result<Self> {
        let samples = self.features.samples() + other.features.samples();
        let columns = self.features.columns().zip(other.features.columns());
        let data = columns
            .flat_map(|(a, b)| a.iter().chain(b).copied())
            .collect();
        Ok(Self {
            ids: self.ids.iter().chain(&other.ids).cloned().collect(),
            features: Features::from_columns(samples, data)?,
            labels: [&self.labels[..], &other.labels].concat(),
        })
    }

    /// Some of the samples.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for none.
    pub fn only(&self, samples: &[usize]) -> Result<Self> {
        Ok(Self {
            ids: samples.iter().map(|&i| self.ids[i].clone()).collect(),
            features: self.features.only_samples(samples)?,
            labels: samples.iter().map(|&i| self.labels[i]).collect(),
        })
    }
}
