//! Which neurons tell right answers from wrong ones: sparse logistic regression on all neurons' contributions.
//!
//! The recipe is the paper's (Gao et al., arXiv 2512.01797): answers given consistently, contributions over the answer's words, an
//! L1-regularized logistic regression, its positive weights are the H-Neurons. What is chosen here and why is in docs/science.md.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    answers::Consistent,
    contributions::{Contributions, Place},
    features::{Features, Standardization},
    logistic::{Ending, Hooks, Logistic, Options, Problem, fit_l1, fit_l2, path_l1},
    split::{self, Part, Within},
    stats::{Platt, auroc},
};
use crate::{
    error::{Error, Result},
    model::Blueprint,
    neurons::{Neuron, matched_control},
};

/// How the classifier is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitting {
    /// Share of the questions that the classifier never sees.
    pub test_share: f64,
    /// Folds of the cross-validation inside the training part.
    pub folds: usize,
    /// The C to choose from, ascending.
    pub cs: Vec<f64>,
    /// Most H-Neurons, as a share of all neurons.
    pub most: f64,
    /// Resamples of 80 % of the training part, to see how stable the choice is.
    pub resamples: u64,
    /// Random sets to compare with.
    pub controls: u64,
    /// C of the refits over few neurons (L2).
    pub refit_c: f64,
    /// Seed of balancing, splitting and resampling.
    pub seed: u64,
}

impl Default for Fitting {
    fn default() -> Self {
        Self {
            test_share: 0.25,
            folds: 5,
            cs: vec![0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.1],
            most: 0.001,
            resamples: 10,
            controls: 20,
            refit_c: 1.0,
            seed: 1,
        }
    }
}

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
    pub(super) fn fit(
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
}

fn options() -> Options {
    Options {
        tolerance: 1e-6,
        ..Options::default()
    }
}

/// How one C did in cross-validation, and what it chose on the whole training part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The C.
    pub c: f64,
    /// AUROC over the held-out folds together, of the sparse classifier itself.
    pub auroc: f64,
    /// Neurons of positive and of negative weight.
    pub positive: usize,
    /// See `positive`.
    pub negative: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identified {
    /// Questions of the training part: id, and whether the answer is wrong.
    pub train: Vec<(String, bool)>,
    /// Those of the part never seen.
    pub test: Vec<(String, bool)>,
    /// The C tried.
    pub tried: Vec<Tried>,
    /// The one chosen.
    pub c: f64,
    /// H-Neurons, largest weight first: place in an array over all layers, weight in the sparse classifier.
    pub h: Vec<(usize, f64)>,
    /// Neurons of negative weight, smallest first.
    pub negative: Vec<(usize, f64)>,
    /// How many resamples chose each H-Neuron, in their order.
    pub stability: Vec<u64>,
    /// The detector: the H-Neurons refitted.
    pub detector: Few,
    /// Its calibration, on held-out folds.
    pub calibration: Platt,
    /// Random sets of the same layers, refitted, with seeds from 1 on.
    pub random: Vec<Few>,
    /// Random sets of the same layers and like contributions, likewise.
    pub like: Vec<Few>,
    /// H-Neurons of the other recipe, in which the other tokens of responses are negatives too.
    pub three_vs_one: Few,
}

/// As many right as wrong answers of each source and template: neither may be a cue. Where nothing can be balanced, none.
pub fn balance<'a, 'b>(items: &'b [Consistent<'a>], seed: u64) -> Vec<&'b Consistent<'a>> {
    let of: Vec<split::Item<'_>> = items
        .iter()
        .map(|i| split::Item {
            id: &i.question.id,
            source: &i.question.source,
            template: Some(&i.question.template),
            wrong: i.wrong,
        })
        .collect();
    let chosen = split::balanced(&of, Within::Template, seed).unwrap_or_default();
    chosen.into_iter().map(|at| &items[at]).collect()
}

/// What a detector is judged on: with several templates as [`balance`]; with one, which then is no cue, every consistent answer
/// (an AUROC does not depend on how many are wrong).
pub fn judged_on<'a, 'b>(items: &'b [Consistent<'a>], seed: u64) -> Vec<&'b Consistent<'a>> {
    let mut templates = items
        .iter()
        .map(|i| (&i.question.source, &i.question.template));
    let first = templates.next();
    if templates.all(|t| Some(t) == first) {
        return items.iter().collect();
    }
    balance(items, seed)
}

/// One place's contributions, whose they are, and who of them is wrong.
pub struct Table {
    /// Ids of the questions, in the order of the samples.
    pub ids: Vec<String>,
    /// Answers by neurons.
    pub features: Features,
    /// Whether each is wrong.
    pub labels: Vec<bool>,
}

impl Table {
    /// Of some questions, given with whether their answer is wrong; those without tokens in that place are left out.
    ///
    /// # Errors
    /// As [`Contributions::matrix`] and [`Features::from_rows`].
    pub fn of(
        contributions: &mut Contributions,
        items: &[(String, bool)],
        place: Place,
    ) -> Result<Self> {
        let ids: Vec<&str> = items.iter().map(|(id, _)| id.as_str()).collect();
        let (kept, values) = contributions.matrix(&ids, place)?;
        let wrong: HashMap<&str, bool> = items.iter().map(|(id, w)| (id.as_str(), *w)).collect();
        let width = values.len() / kept.len().max(1);
        let rows: Vec<&[f32]> = values.chunks_exact(width.max(1)).collect();
        Ok(Self {
            features: Features::from_rows(&rows)?,
            labels: kept.iter().map(|id| wrong[id]).collect(),
            ids: kept.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// Fits everything; `say` is told what is being done.
///
/// # Errors
/// [`crate::ErrorKind::Input`] for too few answers of a class; as the solver.
pub fn identify(
    contributions: &mut Contributions,
    items: &[Consistent<'_>],
    fitting: &Fitting,
    config: &Blueprint,
    say: &dyn Fn(&str),
) -> Result<Identified> {
    let balanced = balance(items, fitting.seed);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    if !balanced.is_empty() {
        let ids: Vec<&str> = balanced.iter().map(|i| i.question.id.as_str()).collect();
        let parts = split::parts(&ids, fitting.test_share, fitting.seed)?;
        for (item, part) in balanced.iter().zip(parts) {
            let to = match part {
                Part::Train => &mut train,
                Part::Test => &mut test,
            };
            to.push((item.question.id.clone(), item.wrong));
        }
    }
    let least = train
        .iter()
        .filter(|t| t.1)
        .count()
        .min(train.iter().filter(|t| !t.1).count());
    if least < 20 {
        return Err(Error::input(format!(
            "only {least} consistently right or wrong answers are left to learn from after balancing, and 20 of each are the \
             least: give more questions that the model knows (of {} consistent answers {} are wrong)",
            items.len(),
            items.iter().filter(|i| i.wrong).count()
        )));
    }
    let Table {
        ids: kept,
        features: raw,
        labels,
    } = Table::of(contributions, &train, Place::Answer)?;
    let fold_of = split::folds(&kept, fitting.folds, fitting.seed)?;

    // Cross-validation, and for the calibration the scores of those held out.
    let mut held: Vec<Vec<f64>> = vec![vec![0.0; labels.len()]; fitting.cs.len()];
    let mut refitted = held.clone();
    for fold in 0..fitting.folds {
        say(&format!("fold {} of {}", fold + 1, fitting.folds));
        let inside = |out: bool| -> Vec<usize> {
            (0..labels.len())
                .filter(|&i| (fold_of[i] == fold) == out)
                .collect()
        };
        let (left, out) = (inside(false), inside(true));
        if out.is_empty() {
            continue;
        }
        let part = raw.only_samples(&left)?;
        let labels_left: Vec<bool> = left.iter().map(|&i| labels[i]).collect();
        let scale = Standardization::of(&part);
        let mut standard = part.clone();
        scale.apply(&mut standard)?;
        let fits = path_l1(
            &Problem::new(&standard, &labels_left)?,
            &fitting.cs,
            &options(),
            &Hooks::NONE,
        )?;
        let raw_out = raw.only_samples(&out)?;
        for (k, fit) in fits.iter().enumerate() {
            let few = few_of(&fit.model, &scale);
            for (&i, score) in out.iter().zip(few.scores(&raw_out)) {
                held[k][i] = score;
            }
            let few = Few::fit(fit.model.positive(), &part, &labels_left, fitting.refit_c)?;
            for (&i, score) in out.iter().zip(few.scores(&raw_out)) {
                refitted[k][i] = score;
            }
        }
    }

    say("the whole training part");
    let scale = Standardization::of(&raw);
    let mut standard = raw.clone();
    scale.apply(&mut standard)?;
    let problem = Problem::new(&standard, &labels)?;
    let fits = path_l1(&problem, &fitting.cs, &options(), &Hooks::NONE)?;
    if let Some(fit) = fits.iter().find(|f| f.ending != Ending::Converged) {
        return Err(Error::internal(format!(
            "the fit at C = {} did not converge",
            fit.c
        )));
    }
    let tried = fits
        .iter()
        .zip(&held)
        .map(|(fit, held)| {
            let positive = fit.model.positive().len();
            Ok(Tried {
                c: fit.c,
                auroc: auroc(held, &labels)?,
                positive,
                negative: fit.model.support().len() - positive,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    // The best in cross-validation among those within the cap; of equals the sparser.
    let cap = (fitting.most * config.neuron_count() as f64).floor() as usize;
    let best = tried
        .iter()
        .enumerate()
        .filter(|(_, t)| t.positive > 0 && t.positive <= cap)
        .max_by(|(i, a), (j, b)| a.auroc.total_cmp(&b.auroc).then(j.cmp(i)))
        .map(|(k, _)| k)
        .ok_or_else(|| {
            Error::input(format!(
                "no C gives between 1 and {cap} H-Neurons (it gave {:?}): give other values of C",
                tried.iter().map(|t| t.positive).collect::<Vec<_>>()
            ))
        })?;
    let model = &fits[best].model;
    let by_weight = |mut list: Vec<(usize, f64)>| {
        list.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        list
    };
    let with = |which: &dyn Fn(f64) -> bool| -> Vec<(usize, f64)> {
        let all = model.weights.iter().copied().enumerate();
        all.filter(|(_, w)| which(*w)).collect()
    };
    let h = by_weight(with(&|w| w > 0.0));
    let negative = by_weight(with(&|w| w < 0.0));
    let c = fits[best].c;

    say("stability");
    let mut stability = vec![0; h.len()];
    for resample in 0..fitting.resamples {
        let some: Vec<usize> = (0..labels.len())
            .filter(|&i| split::stable_hash("resample", &kept[i], resample) % 10 < 8)
            .collect();
        let mut part = raw.only_samples(&some)?;
        let labels: Vec<bool> = some.iter().map(|&i| labels[i]).collect();
        Standardization::of(&part).apply(&mut part)?;
        let fit = fit_l1(
            &Problem::new(&part, &labels)?,
            c,
            &options(),
            None,
            &Hooks::NONE,
        )?;
        for (count, (neuron, _)) in stability.iter_mut().zip(&h) {
            *count += u64::from(fit.model.weights[*neuron] > 0.0);
        }
    }

    say("detector and random sets");
    let places: Vec<usize> = h.iter().map(|(n, _)| *n).collect();
    let detector = Few::fit(places.clone(), &raw, &labels, fitting.refit_c)?;
    let calibration = Platt::fit(&refitted[best], &labels)?;
    let set: Vec<Neuron> = places.iter().map(|&n| neuron(n, config)).collect();
    let place = |n: &Neuron| n.layer * config.neurons + n.index;
    let random = (1..=fitting.controls)
        .map(|seed| {
            let set = matched_control(&set, &[], config.neurons, seed)?;
            Few::fit(
                set.iter().map(place).collect(),
                &raw,
                &labels,
                fitting.refit_c,
            )
        })
        .collect::<Result<Vec<_>>>()?;
    let like = (1..=fitting.controls)
        .map(|seed| {
            let set = alike(&places, &scale.mean, config.neurons, seed);
            Few::fit(set, &raw, &labels, fitting.refit_c)
        })
        .collect::<Result<Vec<_>>>()?;

    say("the other tokens as negatives");
    let three_vs_one = three_vs_one(contributions, &train, &raw, &labels, c, fitting)?;
    Ok(Identified {
        train,
        test,
        tried,
        c,
        h,
        negative,
        stability,
        detector,
        calibration,
        random,
        like,
        three_vs_one,
    })
}

/// The neuron at a place of an array over all layers.
pub fn neuron(place: usize, config: &Blueprint) -> Neuron {
    Neuron {
        layer: place / config.neurons,
        index: place % config.neurons,
    }
}

/// A sparse model over all neurons as one over few.
fn few_of(model: &Logistic, scale: &Standardization) -> Few {
    let neurons = model.support();
    Few {
        weights: neurons.iter().map(|&n| model.weights[n]).collect(),
        mean: neurons.iter().map(|&n| scale.mean[n]).collect(),
        std: neurons.iter().map(|&n| scale.std[n]).collect(),
        bias: model.intercept,
        neurons,
    }
}

/// A random set like `set` in layers and in mean contribution: for each of its neurons one of the forty in its layer whose
/// contribution is nearest, none twice and none of the set.
fn alike(set: &[usize], mean: &[f64], per_layer: usize, seed: u64) -> Vec<usize> {
    let mut taken: std::collections::HashSet<usize> = set.iter().copied().collect();
    let mut out = Vec::with_capacity(set.len());
    for &n in set {
        let layer = n / per_layer * per_layer;
        let mut near: Vec<usize> = (layer..layer + per_layer)
            .filter(|m| !taken.contains(m))
            .collect();
        near.sort_by(|a, b| {
            (mean[*a] - mean[n])
                .abs()
                .total_cmp(&(mean[*b] - mean[n]).abs())
        });
        near.truncate(40);
        let pick = near
            .into_iter()
            .min_by_key(|m| split::stable_hash("alike", &m.to_string(), seed));
        if let Some(pick) = pick {
            taken.insert(pick);
            out.push(pick);
        }
    }
    out.sort_unstable();
    out
}

/// The paper's 3-vs-1: the words of wrong answers against those of right answers and the other tokens of both, classes weighted
/// alike. Its positive neurons, refitted on answers' words as the detector is.
fn three_vs_one(
    contributions: &mut Contributions,
    train: &[(String, bool)],
    raw: &Features,
    labels: &[bool],
    c: f64,
    fitting: &Fitting,
) -> Result<Few> {
    let other = Table::of(contributions, train, Place::Other)?.features;
    let rows = raw.samples() + other.samples();
    let mut columns = Vec::with_capacity(rows * raw.features());
    for (a, b) in raw.columns().zip(other.columns()) {
        columns.extend_from_slice(a);
        columns.extend_from_slice(b);
    }
    let mut all = Features::from_columns(rows, columns)?;
    let mut wrong = labels.to_vec();
    wrong.resize(rows, false);
    Standardization::of(&all).apply(&mut all)?;
    let fit = fit_l1(
        &Problem::new(&all, &wrong)?.balanced(),
        c,
        &options(),
        None,
        &Hooks::NONE,
    )?;
    Few::fit(fit.model.positive(), raw, labels, fitting.refit_c)
}

/// Scores of answers by a detector that never saw their template: the templates are dealt out in folds, and for each fold H-Neurons
/// are chosen, at this C, and refitted on the others.
///
/// # Errors
/// As the solver; [`crate::ErrorKind::Input`] for fewer templates than folds.
pub fn across_templates(
    table: &Table,
    template_of: &HashMap<&str, &str>,
    c: f64,
    fitting: &Fitting,
) -> Result<Vec<f64>> {
    let templates: Vec<&str> = table
        .ids
        .iter()
        .map(|id| template_of.get(id.as_str()).copied().unwrap_or_default())
        .collect();
    let fold_of = split::folds(&templates, fitting.folds, fitting.seed)?;
    let mut scores = vec![0.0; templates.len()];
    for fold in 0..fitting.folds {
        let inside = |out: bool| -> Vec<usize> {
            let all = 0..templates.len();
            all.filter(|&i| (fold_of[i] == fold) == out).collect()
        };
        let (part, out) = (table.only(&inside(false))?, inside(true));
        let mut standard = part.features.clone();
        Standardization::of(&part.features).apply(&mut standard)?;
        let problem = Problem::new(&standard, &part.labels)?;
        let fit = fit_l1(&problem, c, &options(), None, &Hooks::NONE)?;
        let few = Few::fit(
            fit.model.positive(),
            &part.features,
            &part.labels,
            fitting.refit_c,
        )?;
        let held = table.features.only_samples(&out)?;
        for (&i, score) in out.iter().zip(few.scores(&held)) {
            scores[i] = score;
        }
    }
    Ok(scores)
}
