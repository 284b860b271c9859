//! Cross-validation inside the training part: scores of answers by sets that were chosen without them.

use super::{
    Fitting, Table,
    choice::By,
    few::{Few, options, standardized},
    stability,
};
use crate::{
    error::Result,
    research::{
        logistic::{Hooks, Problem, fit_l1, path_l1},
        split,
    },
};

/// Scores of answers that a fit did not see.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Of the sparse classifier itself.
    pub(super) sparse: Vec<f64>,
    /// Of its neurons of positive weight, refitted.
    pub(super) refitted: Vec<f64>,
}

/// For each fold the answers to fit on, and those held out.
fn folds(table: &Table, fitting: &Fitting) -> Result<Vec<(Vec<usize>, Vec<usize>)>> {
    let of = split::folds(&table.ids, fitting.folds, fitting.seed)?;
    let each = 0..fitting.folds;
    Ok(each
        .map(|fold| (0..of.len()).partition(|&i| of[i] != fold))
        .collect())
}

/// Held-out scores at each of `cs`, ascending.
///
/// # Errors
/// As the solver.
pub(super) fn path(
    table: &Table,
    cs: &[f64],
    fitting: &Fitting,
    say: &dyn Fn(&str),
) -> Result<Vec<Held>> {
    let none = vec![0.0; table.labels.len()];
    let mut held = vec![
        Held {
            sparse: none.clone(),
            refitted: none,
        };
        cs.len()
    ];
    for (fold, (left, out)) in folds(table, fitting)?.iter().enumerate() {
        say(&format!("fold {} of {}", fold + 1, fitting.folds));
        let part = table.only(left)?;
        let (standard, scale) = standardized(&part.features)?;
        let problem = Problem::new(&standard, &part.labels)?;
        let fits = path_l1(&problem, cs, &options(), &Hooks::NONE)?;
        drop(standard);
        let own = table.features.only_samples(out)?;
        for (held, fit) in held.iter_mut().zip(&fits) {
            let sparse = Few::of(&fit.model, &scale).scores(&own);
            let few = Few::fit(
                fit.model.positive(),
                &part.features,
                &part.labels,
                fitting.refit_c,
            )?;
            for ((&i, sparse), refitted) in out.iter().zip(sparse).zip(few.scores(&own)) {
                (held.sparse[i], held.refitted[i]) = (sparse, refitted);
            }
        }
    }
    Ok(held)
}

/// The set that is chosen from a table at a C.
///
/// # Errors
/// As the solver.
pub(super) fn select(
    table: &Table,
    by: By,
    c: f64,
    fitting: &Fitting,
    say: &dyn Fn(&str),
) -> Result<Vec<usize>> {
    let (standard, _) = standardized(&table.features)?;
    let problem = Problem::new(&standard, &table.labels)?;
    let fit = fit_l1(&problem, c, &options(), None, &Hooks::NONE)?;
    if by == By::L1 {
        return Ok(fit.model.positive());
    }
    let resampled = stability::resample(
        &standard,
        &table.labels,
        &table.ids,
        &fit,
        fitting.resamples,
        fitting.seed,
        say,
    )?;
    let stable = resampled.stable(c, fitting.cap(standard.features()));
    Ok(stable.map_or(Vec::new(), |s| s.places()))
}

/// Held-out scores of a set that is chosen anew in each of the groups of answers given, and refitted: each is scored by the
/// fit on the others.
///
/// # Errors
/// As the solver.
pub(super) fn chosen_anew(
    table: &Table,
    folds: &[(Vec<usize>, Vec<usize>)],
    by: By,
    c: f64,
    fitting: &Fitting,
    say: &dyn Fn(&str),
) -> Result<Vec<f64>> {
    let mut scores = vec![0.0; table.labels.len()];
    for (fold, (left, out)) in folds.iter().enumerate() {
        let part = table.only(left)?;
        let say = |what: &str| say(&format!("fold {} of {}: {what}", fold + 1, folds.len()));
        let set = select(&part, by, c, fitting, &say)?;
        let few = Few::fit(set, &part.features, &part.labels, fitting.refit_c)?;
        let own = table.features.only_samples(out)?;
        for (&i, score) in out.iter().zip(few.scores(&own)) {
            scores[i] = score;
        }
    }
    Ok(scores)
}

/// As [`chosen_anew`] in the folds of [`path`], by stability selection.
///
/// # Errors
/// As the solver.
pub(super) fn stable(
    table: &Table,
    c: f64,
    fitting: &Fitting,
    say: &dyn Fn(&str),
) -> Result<Vec<f64>> {
    let folds = folds(table, fitting)?;
    chosen_anew(table, &folds, By::StabilitySelection, c, fitting, say)
}

/// Scores of answers by a detector that never saw their template: the templates are dealt out in folds, and for each fold
/// H-Neurons are chosen, in this way and at this C, and refitted on the others.
///
/// # Errors
/// As the solver; [`crate::ErrorKind::Input`] for fewer templates than folds.
pub fn across_templates(
    table: &Table,
    template_of: &std::collections::HashMap<&str, &str>,
    by: By,
    c: f64,
    fitting: &Fitting,
) -> Result<Vec<f64>> {
    let templates: Vec<&str> = table
        .ids
        .iter()
        .map(|id| template_of.get(id.as_str()).copied().unwrap_or_default())
        .collect();
    let of = split::folds(&templates, fitting.folds, fitting.seed)?;
    let folds: Vec<_> = (0..fitting.folds)
        .map(|fold| (0..of.len()).partition(|&i| of[i] != fold))
        .collect();
    chosen_anew(table, &folds, by, c, fitting, &|_| ())
}
