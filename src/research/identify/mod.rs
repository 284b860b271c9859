//! Which neurons tell right answers from wrong ones: sparse logistic regression on all neurons' contributions.
//!
//! The recipe is the paper's (Gao et al., arXiv 2512.01797): answers given consistently, contributions over the answer's words, an
//! L1-regularized logistic regression, its positive weights are the H-Neurons. What is chosen here and why is in docs/science.md.

mod balance;
mod choice;
mod cross;
mod few;
mod learn;
mod path;
mod random;
mod stability;
mod table;

use serde::{Deserialize, Serialize};

pub use balance::{Labelled, balance, judged_on, shuffled};
pub use choice::{By, Candidate, Choice, Kept, RULE};
pub use cross::across_templates;
pub use few::Few;
pub use stability::Stable;
pub use table::Table;

use super::{
    answers::Consistent,
    contributions::{Contributions, Place},
    stats::Platt,
};
use crate::{error::Result, model::Blueprint, neurons::Neuron};

/// How the classifier is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitting {
    /// Share of the questions that the classifier never sees.
    pub test_share: f64,
    /// Folds of the cross-validation inside the training part.
    pub folds: usize,
    /// The C to choose from, ascending; none: a geometric series along the path, from the first C that gives a weight to
    /// those that leave more neurons than `most`.
    pub cs: Vec<f64>,
    /// Most H-Neurons, as a share of all neurons.
    pub most: f64,
    /// Random halves of the training part, to see how stable the choice is and for stability selection.
    pub resamples: u64,
    /// Random sets to compare with.
    pub controls: u64,
    /// C of the refits over few neurons (L2).
    pub refit_c: f64,
    /// Seed of balancing, splitting and resampling.
    pub seed: u64,
    /// Sources whose answers are measured and never learnt from.
    #[serde(default)]
    pub hold_out: Vec<String>,
    /// Known training questions that are asked with each candidate set silenced.
    #[serde(default)]
    pub knowledge: usize,
    /// A seed with which labels are dealt out anew within source and template: what is found then is chance.
    #[serde(default)]
    pub shuffle_labels: Option<u64>,
}

impl Default for Fitting {
    fn default() -> Self {
        Self {
            test_share: 0.25,
            folds: 5,
            cs: Vec::new(),
            most: 0.001,
            resamples: 100,
            controls: 50,
            refit_c: 1.0,
            seed: 1,
            hold_out: Vec::new(),
            knowledge: 200,
            shuffle_labels: None,
        }
    }
}

impl Fitting {
    /// The most H-Neurons, of so many neurons.
    fn cap(&self, neurons: usize) -> usize {
        (self.most * neurons as f64).floor() as usize
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
    /// AUROC over the held-out folds of the detector: the neurons of positive weight, refitted.
    #[serde(default)]
    pub detector_auroc: f64,
    /// Share of the answers in held-out folds that the detector tells right.
    #[serde(default)]
    pub detector_accuracy: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identified {
    /// Questions of the training part: id, and whether the answer is wrong.
    pub train: Labelled,
    /// Those of the part never seen.
    pub test: Labelled,
    /// The C tried.
    pub tried: Vec<Tried>,
    /// The one chosen.
    pub c: f64,
    /// H-Neurons, largest weight first: place in an array over all layers, weight in the sparse classifier. Of a set by
    /// stability selection the weight is the mean over the resamples that chose the neuron.
    pub h: Vec<(usize, f64)>,
    /// Neurons of negative weight in the sparse classifier, smallest first.
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
    /// The sets that were compared, and why this one was taken; results of earlier versions have none.
    #[serde(default)]
    pub choice: Option<Choice>,
    /// The set that stability selection gives at this C, taken or not, if there is one.
    #[serde(default)]
    pub stable: Option<Stable>,
}

impl Identified {
    /// How the published set was made.
    pub fn by(&self) -> By {
        let choice = self.choice.as_ref();
        choice
            .and_then(|c| c.candidates.get(c.chosen))
            .map_or(By::L1, |c| c.by)
    }
}

/// How much is still known while each of some sets, given by their places, is silenced; it is told the training part first.
/// None where it is not measured.
pub type Silencing<'a> = dyn FnMut(&Labelled, &[Vec<usize>]) -> Result<Vec<Option<Kept>>> + 'a;

/// Fits everything; `say` is told what is being done.
///
/// # Errors
/// [`crate::ErrorKind::Input`] for too few answers of a class; as the solver and `silencing`.
pub fn identify(
    contributions: &mut Contributions,
    items: &[Consistent<'_>],
    fitting: &Fitting,
    config: &Blueprint,
    silencing: &mut Silencing<'_>,
    say: &dyn Fn(&str),
) -> Result<Identified> {
    let (train, test) = balance::sides(items, fitting)?;
    let table = Table::of(contributions, &train, Place::Answer)?;
    let mut kept = |sets: &[Vec<usize>]| silencing(&train, sets);
    let learnt = learn::learn(&table, fitting, config.neurons, &mut kept, say)?;
    say("the other tokens as negatives");
    let three_vs_one = random::three_vs_one(contributions, &train, &table, learnt.c, fitting)?;
    Ok(Identified {
        train,
        test,
        tried: learnt.tried,
        c: learnt.c,
        h: learnt.h,
        negative: learnt.negative,
        stability: learnt.stability,
        detector: learnt.detector,
        calibration: learnt.calibration,
        random: learnt.random,
        like: learnt.like,
        three_vs_one,
        choice: Some(learnt.choice),
        stable: learnt.stable,
    })
}

/// The neuron at a place of an array over all layers.
pub fn neuron(place: usize, config: &Blueprint) -> Neuron {
    Neuron {
        layer: place / config.neurons,
        index: place % config.neurons,
    }
}
