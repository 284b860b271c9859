//! How well the H-Neurons tell right answers from wrong ones, and whether that is more than random neurons and cheap scores do.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    answers::Greedy,
    features::{Features, Standardization},
    identify::{Few, Fitting, Identified, Table},
    logistic::{Hooks, Logistic, Options, Problem, fit_l2},
    split,
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
    /// AUROC of the detector less that of the cheap score that was the best on the training answers, in pairs, with its
    /// interval.
    pub over_best_cheap: Estimate,
    /// The best of them.
    pub best_cheap: String,
    /// On which answers it was the best: the training answers, or in evaluations of earlier versions these very ones.
    #[serde(default)]
    pub best_cheap_on: String,
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
    /// The place of the best of the cheap scores in [`Judges::cheap_scores`], by its AUROC on the training answers.
    best_cheap: usize,
    /// On all neurons, L2.
    all: (Logistic, Standardization),
    /// Sets that were not chosen for predicting, refitted as the detector is, by name.
    others: Vec<(String, Few)>,
}

/// The columns of [`CHEAP`] that the fits on them read: the log-probabilities, and these with the length.
const FITTED: [(&str, &[usize]); 2] = [
    ("log-probabilities, fitted", &[0, 1, 2, 3]),
    ("log-probabilities and length, fitted", &[0, 1, 2, 3, 4]),
];
/// C of these fits.
const FITTED_C: f64 = 1.0;

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

/// The scores of answers by fits on the other folds.
fn held_out_scores(table: &Features, train: &Table, fitting: &Fitting) -> Result<Vec<f64>> {
    let fold_of = split::folds(&train.ids, fitting.folds, fitting.seed)?;
    let mut scores = vec![0.0; train.labels.len()];
    for fold in 0..fitting.folds {
        let (left, out): (Vec<usize>, Vec<usize>) =
            (0..scores.len()).partition(|&i| fold_of[i] != fold);
        let labels: Vec<bool> = left.iter().map(|&i| train.labels[i]).collect();
        let fit = fitted(&table.only_samples(&left)?, &labels, FITTED_C)?;
        for (&i, score) in out.iter().zip(scored(&fit, &table.only_samples(&out)?)?) {
            scores[i] = score;
        }
    }
    Ok(scores)
}

/// The place of the scores with the largest AUROC, of equals the first.
fn best_of(scores: &[(String, Vec<f64>)], labels: &[bool]) -> Result<usize> {
    let (mut best, mut most) = (0, f64::NEG_INFINITY);
    for (at, (_, scores)) in scores.iter().enumerate() {
        let area = auroc(scores, labels)?;
        if area > most {
            (best, most) = (at, area);
        }
    }
    Ok(best)
}

/// By name, as a lookup.
pub fn by_id(greedy: &[Greedy]) -> HashMap<&str, &Greedy> {
    greedy.iter().map(|g| (g.id.as_str(), g)).collect()
}

impl<'a> Judges<'a> {
    /// Fits what is compared with, on the training answers, and chooses the best cheap score there; those that are fitted are
    /// judged in folds for that.
    ///
    /// # Errors
    /// As the solver.
    pub fn new(
        found: &'a Identified,
        train: &Table,
        greedy: &HashMap<&str, &Greedy>,
        fitting: &Fitting,
    ) -> Result<Self> {
        let cheap = cheap_table(&train.ids, greedy)?;
        let labels = &train.labels;
        let mut on_training = cheap_scores(&train.ids, greedy)?;
        for (name, columns) in FITTED {
            let scores = held_out_scores(&cheap.only_features(columns)?, train, fitting)?;
            on_training.push((name.to_owned(), scores));
        }
        let on = |columns: &[usize]| fitted(&cheap.only_features(columns)?, labels, FITTED_C);
        Ok(Self {
            threshold: best_threshold(&found.detector.scores(&train.features), labels)?,
            cheap: [on(FITTED[0].1)?, on(FITTED[1].1)?],
            best_cheap: best_of(&on_training, labels)?,
            all: fitted(&train.features, labels, 1e-3)?,
            others: Vec::new(),
            found,
        })
    }

    /// Judges a set of neurons (places in an array over all layers) that was not chosen for predicting beside the H-Neurons,
    /// refitted on the training answers as they are.
    ///
    /// # Errors
    /// As the solver.
    pub fn beside(
        &mut self,
        name: &str,
        neurons: Vec<usize>,
        train: &Table,
        fitting: &Fitting,
    ) -> Result<()> {
        let few = Few::fit(neurons, &train.features, &train.labels, fitting.refit_c)?;
        self.others.push((name.to_owned(), few));
        Ok(())
    }

    /// Those of [`cheap_scores`], and the fitted ones.
    fn cheap_scores(
        &self,
        ids: &[String],
        greedy: &HashMap<&str, &Greedy>,
    ) -> Result<Vec<(String, Vec<f64>)>> {
        let cheap = cheap_table(ids, greedy)?;
        let mut scores = cheap_scores(ids, greedy)?;
        for ((name, columns), fit) in FITTED.iter().zip(&self.cheap) {
            let of = scored(fit, &cheap.only_features(columns)?)?;
            scores.push(((*name).to_owned(), of));
        }
        Ok(scores)
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

        let cheap_scores = self.cheap_scores(&table.ids, greedy)?;
        let mut baselines = BTreeMap::new();
        for (name, scores) in &cheap_scores {
            baselines.insert(name.clone(), auroc(scores, labels)?);
        }
        let (best_cheap, best_scores) = &cheap_scores[self.best_cheap];
        baselines.insert(
            "all neurons, L2".into(),
            auroc(&scored(&self.all, &table.features)?, labels)?,
        );
        baselines.insert(
            "3-vs-1".into(),
            auroc(&of(&self.found.three_vs_one), labels)?,
        );
        for (name, few) in &self.others {
            baselines.insert(name.clone(), auroc(&of(few), labels)?);
        }
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
            over_best_cheap: bootstrap.auroc_difference(&units, &scores, best_scores, labels)?,
            best_cheap: best_cheap.clone(),
            best_cheap_on: "training answers".into(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::research::{bulk::Answer, judge::Verdict, stats::Platt};

    /// Sixty answers, every second one wrong; wrong ones are longer if `long`, and less likely if not.
    fn answers(name: &str, long: bool) -> (Table, Vec<Greedy>) {
        let labels: Vec<bool> = (0..60).map(|i| i % 2 == 1).collect();
        let ids: Vec<String> = (0..60).map(|i| format!("{name}{i}")).collect();
        let greedy = (ids.iter().zip(&labels).enumerate())
            .map(|(i, (id, wrong))| {
                let noise = (i / 2 * 7 % 10) as f64 * 0.3;
                let tokens = if long && *wrong { 6 } else { 3 };
                let each = -1.0 - noise - if !long && *wrong { 4.0 } else { 0.0 };
                Greedy {
                    id: id.clone(),
                    text: String::new(),
                    answer: Answer {
                        ids: vec![1; tokens],
                        logprobs: vec![each; tokens],
                        finished: true,
                    },
                    verdict: Verdict::Wrong,
                }
            })
            .collect();
        let rows: Vec<[f32; 2]> = (0..60)
            .map(|i| [(i * 7 % 10) as f32, (i % 3) as f32])
            .collect();
        let features = Features::from_rows(&rows).expect("a table");
        let table = Table {
            ids,
            features,
            labels,
        };
        (table, greedy)
    }

    #[test]
    fn the_best_cheap_score_is_the_best_on_the_training_answers() {
        let few = Few {
            neurons: vec![0],
            weights: vec![1.0],
            mean: vec![4.5],
            std: vec![3.0],
            bias: 0.0,
        };
        let found = Identified {
            train: Vec::new(),
            test: Vec::new(),
            tried: Vec::new(),
            c: 1.0,
            h: vec![(0, 1.0)],
            negative: Vec::new(),
            stability: Vec::new(),
            detector: few.clone(),
            calibration: Platt {
                slope: 1.0,
                intercept: 0.0,
            },
            random: vec![few.clone()],
            like: vec![few.clone()],
            three_vs_one: few,
            choice: None,
            stable: None,
        };
        // On the training answers the length tells all, on the others the log-probability does.
        let (train, said) = answers("train", true);
        let (test, said_then) = answers("test", false);
        let mut greedy = by_id(&said);
        greedy.extend(by_id(&said_then));
        let fitting = Fitting::default();
        let mut judges = Judges::new(&found, &train, &greedy, &fitting).expect("sound");
        let beside = judges.beside("another set", vec![0], &train, &fitting);
        beside.expect("it can be fitted");
        let told = judges.evaluate("test", &test, &greedy, 1).expect("sound");
        assert_eq!(told.baselines["mean log-probability"], 1.0);
        assert_eq!(told.baselines["answer length"], 0.5);
        assert_eq!(told.best_cheap, "answer length");
        assert_eq!(told.best_cheap_on, "training answers");
        assert!(told.baselines["another set"] >= 0.5);
        assert!((told.over_best_cheap.value - (told.auroc - 0.5)).abs() < 1e-12);
    }
}
