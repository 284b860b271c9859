//! Sets to hold the H-Neurons against: random ones, and those of the paper's other recipe.

use super::{
    Fitting, Labelled, Table,
    few::{Few, options},
};
use crate::{
    error::Result,
    neurons::{Neuron, matched_control},
    research::{
        alike::alike,
        contributions::{Contributions, Place},
        features::{Features, Standardization},
        logistic::{Hooks, Problem, fit_l1},
    },
};

/// Random sets of the same layers, with seeds from 1 on, refitted.
///
/// # Errors
/// As [`matched_control`] and the solver.
pub(super) fn same_layers(
    places: &[usize],
    table: &Table,
    per_layer: usize,
    fitting: &Fitting,
) -> Result<Vec<Few>> {
    let neuron = |&n: &usize| Neuron {
        layer: n / per_layer,
        index: n % per_layer,
    };
    let set: Vec<Neuron> = places.iter().map(neuron).collect();
    (1..=fitting.controls)
        .map(|seed| {
            let set = matched_control(&set, &[], per_layer, seed)?;
            let places = set.iter().map(|n| n.layer * per_layer + n.index).collect();
            Few::fit(places, &table.features, &table.labels, fitting.refit_c)
        })
        .collect()
}

/// Random sets of the same layers and like mean contributions, likewise.
///
/// # Errors
/// As the solver.
pub(super) fn same_contributions(
    places: &[usize],
    mean: &[f64],
    table: &Table,
    per_layer: usize,
    fitting: &Fitting,
) -> Result<Vec<Few>> {
    (1..=fitting.controls)
        .map(|seed| {
            let set = alike(places, mean, per_layer, seed);
            Few::fit(set, &table.features, &table.labels, fitting.refit_c)
        })
        .collect()
}

/// The paper's 3-vs-1: the words of wrong answers against those of right answers and the other tokens of both, classes weighted
/// alike. Its positive neurons, refitted on answers' words as the detector is.
///
/// # Errors
/// As [`Table::of`] and the solver.
pub(super) fn three_vs_one(
    contributions: &mut Contributions,
    train: &Labelled,
    table: &Table,
    c: f64,
    fitting: &Fitting,
) -> Result<Few> {
    let raw = &table.features;
    let other = Table::of(contributions, train, Place::Other)?.features;
    let rows = raw.samples() + other.samples();
    let mut columns = Vec::with_capacity(rows * raw.features());
    for (a, b) in raw.columns().zip(other.columns()) {
        columns.extend_from_slice(a);
        columns.extend_from_slice(b);
    }
    drop(other);
    let mut all = Features::from_columns(rows, columns)?;
    let mut wrong = table.labels.clone();
    wrong.resize(rows, false);
    Standardization::of(&all).apply(&mut all)?;
    let fit = fit_l1(
        &Problem::new(&all, &wrong)?.balanced(),
        c,
        &options(),
        None,
        &Hooks::NONE,
    )?;
    Few::fit(fit.model.positive(), raw, &table.labels, fitting.refit_c)
}
