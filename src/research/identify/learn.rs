//! From a table of training answers to a set of neurons and its detector; nothing here sees another answer.

use super::{
    Candidate, Few, Fitting, Kept, Stable, Table, Tried,
    choice::{self, By, CANDIDATES, Choice, RULE},
    cross::{self, Held},
    few::standardized,
    path, random, stability,
};
use crate::{
    error::{Error, Result},
    research::{
        logistic::{Fit, Problem},
        stats::{Platt, accuracy, auroc},
    },
};

/// The detector's threshold on its logit: classes are balanced, so that an even chance is where they part.
const EVEN: f64 = 0.0;

/// As [`super::Silencing`], with the training part known.
type Kepts<'a> = dyn FnMut(&[Vec<usize>]) -> Result<Vec<Option<Kept>>> + 'a;

/// What the training answers give; the fields are those of [`super::Identified`].
pub(super) struct Learnt {
    pub(super) tried: Vec<Tried>,
    pub(super) c: f64,
    pub(super) h: Vec<(usize, f64)>,
    pub(super) negative: Vec<(usize, f64)>,
    pub(super) stability: Vec<u64>,
    pub(super) detector: Few,
    pub(super) calibration: Platt,
    pub(super) random: Vec<Few>,
    pub(super) like: Vec<Few>,
    pub(super) choice: Choice,
    pub(super) stable: Option<Stable>,
}

/// Chooses C, then between its set and that of stability selection, and fits the detector.
///
/// # Errors
/// As [`path::fits`], the solver and `kept`.
pub(super) fn learn(
    table: &Table,
    fitting: &Fitting,
    per_layer: usize,
    kept: &mut Kepts<'_>,
    say: &dyn Fn(&str),
) -> Result<Learnt> {
    let labels = &table.labels;
    let cap = fitting.cap(table.features.features());
    say("the whole training part");
    let (standard, scale) = standardized(&table.features)?;
    let fits = path::fits(&Problem::new(&standard, labels)?, &fitting.cs, cap, say)?;
    let cs: Vec<f64> = fits.iter().map(|f| f.c).collect();
    let held = cross::path(table, &cs, fitting, say)?;
    let tried = (fits.iter().zip(&held))
        .map(|(fit, held)| tried(fit, held, labels))
        .collect::<Result<Vec<_>>>()?;

    // The sets of the path within the cap that do best in cross-validation, and what each costs.
    let mut near: Vec<usize> = (0..fits.len())
        .filter(|&k| path::admissible(&fits[k], cap))
        .collect();
    near.sort_by(|&a, &b| {
        let order = tried[b].detector_auroc.total_cmp(&tried[a].detector_auroc);
        order.then(a.cmp(&b))
    });
    near.truncate(CANDIDATES);
    near.sort_unstable();
    say("what is still known with each set silenced");
    let sets: Vec<Vec<usize>> = near.iter().map(|&k| fits[k].model.positive()).collect();
    let known = kept(&sets)?;
    let mut candidates: Vec<Candidate> = (near.iter().zip(known))
        .map(|(&k, knowledge)| Candidate {
            by: By::L1,
            c: fits[k].c,
            neurons: tried[k].positive,
            auroc: tried[k].detector_auroc,
            accuracy: tried[k].detector_accuracy,
            knowledge,
        })
        .collect();
    let at = choice::best(&candidates)
        .ok_or_else(|| Error::internal("a path without a set was taken for one with sets"))?;
    let (fit, scores) = (&fits[near[at]], &held[near[at]].refitted);

    say("stability");
    let resampled = stability::resample(
        &standard,
        labels,
        &table.ids,
        fit,
        fitting.resamples,
        fitting.seed,
        say,
    )?;
    drop(standard);
    let stable = resampled.stable(fit.c, cap);
    let mut stable_scores = Vec::new();
    if let Some(stable) = &stable {
        say("stability selection anew in each fold");
        stable_scores = cross::stable(table, fit.c, fitting, say)?;
        candidates.push(Candidate {
            by: By::StabilitySelection,
            c: fit.c,
            neurons: stable.neurons.len(),
            auroc: auroc(&stable_scores, labels)?,
            accuracy: accuracy(&stable_scores, labels, EVEN)?,
            knowledge: kept(&[stable.places()])?.first().copied().flatten(),
        });
    }
    let chosen = choice::best(&candidates).unwrap_or(at);
    let taken = stable
        .as_ref()
        .filter(|_| candidates[chosen].by == By::StabilitySelection);
    let (h, scores) = match taken {
        Some(stable) => {
            let h = stable.neurons.iter().map(|(n, w, _)| (*n, *w)).collect();
            (h, &stable_scores)
        }
        None => (by_weight(fit, |w| w > 0.0), scores),
    };

    say("detector and random sets");
    let places: Vec<usize> = h.iter().map(|(n, _)| *n).collect();
    Ok(Learnt {
        c: fit.c,
        negative: by_weight(fit, |w| w < 0.0),
        stability: places.iter().map(|&n| resampled.times[n]).collect(),
        detector: Few::fit(places.clone(), &table.features, labels, fitting.refit_c)?,
        calibration: Platt::fit(scores, labels)?,
        random: random::same_layers(&places, table, per_layer, fitting)?,
        like: random::same_contributions(&places, &scale.mean, table, per_layer, fitting)?,
        choice: Choice {
            rule: RULE.into(),
            candidates,
            chosen,
        },
        tried,
        h,
        stable,
    })
}

fn tried(fit: &Fit, held: &Held, labels: &[bool]) -> Result<Tried> {
    let positive = path::size(fit);
    Ok(Tried {
        c: fit.c,
        auroc: auroc(&held.sparse, labels)?,
        positive,
        negative: fit.model.support().len() - positive,
        detector_auroc: auroc(&held.refitted, labels)?,
        detector_accuracy: accuracy(&held.refitted, labels, EVEN)?,
    })
}

/// The neurons of some weights, the largest in size first.
fn by_weight(fit: &Fit, which: impl Fn(f64) -> bool) -> Vec<(usize, f64)> {
    let all = fit.model.weights.iter().copied().enumerate();
    let mut list: Vec<(usize, f64)> = all.filter(|(_, w)| which(*w)).collect();
    list.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::research::{
        features::Features,
        split::stable_hash,
        stats::{Bootstrap, Units},
    };

    /// Neurons of three layers; the first six of the second layer say somewhat whether an answer is wrong.
    const LAYER: usize = 80;

    fn uniform(purpose: &str, key: &str) -> f64 {
        stable_hash(purpose, key, 5) as f64 / u64::MAX as f64
    }

    /// Answers `from` to `to`; `shuffled` answers have labels that were dealt out anew.
    fn answers(from: usize, to: usize, shuffled: bool) -> Table {
        let ids: Vec<String> = (from..to).map(|i| format!("q{i}")).collect();
        let own: Vec<bool> = ids.iter().map(|id| uniform("label", id) < 0.5).collect();
        let labels = match shuffled {
            false => own.clone(),
            true => ids
                .iter()
                .map(|id| uniform("other label", id) < 0.5)
                .collect(),
        };
        let mut data = Vec::new();
        for j in 0..3 * LAYER {
            let says = if (LAYER..LAYER + 6).contains(&j) {
                0.35
            } else {
                0.0
            };
            for (id, wrong) in ids.iter().zip(&own) {
                let noise = uniform("noise", &format!("{id} {j}"));
                data.push((noise + if *wrong { says } else { 0.0 }) as f32);
            }
        }
        Table {
            features: Features::from_columns(ids.len(), data).expect("a table"),
            labels,
            ids,
        }
    }

    fn fitting() -> Fitting {
        Fitting {
            most: 0.05,
            resamples: 20,
            controls: 5,
            ..Fitting::default()
        }
    }

    fn unmeasured(sets: &[Vec<usize>]) -> Result<Vec<Option<Kept>>> {
        Ok(vec![None; sets.len()])
    }

    fn held_out(learnt: &Learnt, test: &Table) -> crate::research::stats::Estimate {
        let scores = learnt.detector.scores(&test.features);
        let units = Units::items(scores.len());
        let bootstrap = Bootstrap::default();
        bootstrap
            .auroc(&units, &scores, &test.labels)
            .expect("both labels")
    }

    #[test]
    fn neurons_that_say_it_are_found_and_of_shuffled_labels_only_chance_is_left() {
        let real = learn(
            &answers(0, 320, false),
            &fitting(),
            LAYER,
            &mut unmeasured,
            &|_| (),
        );
        let real = real.expect("neurons that say it");
        let says = |n: &usize| (LAYER..LAYER + 6).contains(n);
        let found = real.h.iter().filter(|(n, _)| says(n)).count();
        assert_eq!(found, 6, "{:?}", real.h);
        assert!(held_out(&real, &answers(320, 560, false)).low > 0.85);
        let best = real.tried.iter().map(|t| t.auroc).fold(0.0, f64::max);
        assert!(best > 0.9, "{best}");

        let chance = learn(
            &answers(0, 320, true),
            &fitting(),
            LAYER,
            &mut unmeasured,
            &|_| (),
        );
        let chance = chance.expect("something is always found");
        for t in &chance.tried {
            // Twice and a half the deviation of an AUROC of 160 against 160 that says nothing.
            let told = (t.auroc, t.detector_auroc);
            assert!(told.0 < 0.58 && told.1 < 0.58, "C {}: {told:?}", t.c);
        }
        for candidate in &chance.choice.candidates {
            assert!(candidate.auroc < 0.58, "{candidate:?}");
        }
        let area = held_out(&chance, &answers(320, 560, true));
        assert!(area.low < 0.5 && 0.5 < area.high, "{area:?}");
    }

    #[test]
    fn what_silencing_costs_decides_between_sets_and_all_agree_on_the_stable_ones() {
        let table = answers(0, 320, false);
        // A set of more than three neurons costs all knowledge.
        let mut kept = |sets: &[Vec<usize>]| -> Result<Vec<Option<Kept>>> {
            let right = |set: &Vec<usize>| if set.len() > 3 { 0 } else { 100 };
            let of = |set| {
                Some(Kept {
                    right: right(set),
                    of: 100,
                })
            };
            Ok(sets.iter().map(of).collect())
        };
        let learnt = learn(&table, &fitting(), LAYER, &mut kept, &|_| ()).expect("some");
        let small = |c: &Candidate| c.by == By::L1 && c.neurons <= 3;
        let any_small = learnt.choice.candidates.iter().any(small);
        assert_eq!(any_small, learnt.h.len() <= 3, "{:?}", learnt.choice);
        let free = learn(&table, &fitting(), LAYER, &mut unmeasured, &|_| ()).expect("some");
        let stable = free.stable.expect("six neurons are in every half");
        assert!(
            (LAYER..LAYER + 6).all(|n| stable.places().contains(&n)),
            "{stable:?}"
        );
        let of_stability = |c: &&Candidate| c.by == By::StabilitySelection;
        let candidate = free
            .choice
            .candidates
            .iter()
            .find(of_stability)
            .expect("it");
        assert_eq!(candidate.neurons, stable.neurons.len());
        assert!(candidate.auroc > 0.9, "{candidate:?}");
        for ((n, _), times) in free.h.iter().zip(&free.stability) {
            assert!(
                *times >= 17 || !(LAYER..LAYER + 6).contains(n),
                "{n} {times}"
            );
        }
    }
}
