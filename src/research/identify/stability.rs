//! Stability selection (Meinshausen & Buehlmann, "Stability selection", JRSS B 72, 2010): the neurons that a fit chooses
//! again and again on random halves of the answers.
//!
//! Halves, as there: their bound on what is chosen by mistake holds for samples of half the size. A half counts double,
//! so that the penalty weighs as much against an answer as in the fit on all of them.

use std::num::NonZero;

use serde::{Deserialize, Serialize};

use super::few::options;
use crate::{
    error::Result,
    research::{
        features::Features,
        logistic::{Fit, Screen},
        split::stable_hash,
    },
};

/// Features with a gradient of this share of the penalty are looked at first. On random halves most of those that are
/// chosen were as close; the rest is found by the pass over all.
const NEAR: f64 = 0.6;
/// A neuron counts as stable from here on, in percent of the resamples: below half the bound says nothing.
const LEAST_PERCENT: u64 = 51;

/// What random halves chose at one C.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resampled {
    /// By neuron: how often it had a positive weight.
    pub(super) times: Vec<u64>,
    /// By neuron: the sum of its positive weights.
    weights: Vec<f64>,
    resamples: u64,
    /// Neurons of positive weight, over all resamples.
    chosen: u64,
}

/// The set that random halves agree on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stable {
    /// The C of the fits.
    pub c: f64,
    /// Share of the training answers in a resample.
    pub share: f64,
    /// Share of the resamples that chose each of these neurons with a positive weight: the least from .51 on, in steps of
    /// .01, that leaves no more neurons than the cap.
    pub threshold: f64,
    /// Neurons that a resample chose, on average.
    pub chosen_on_average: f64,
    /// Meinshausen and Buehlmann's bound on the expected number of these neurons that have nothing to do with the label,
    /// `q^2 / ((2 threshold - 1) p)`. It assumes that such neurons are exchangeable, which ours are only roughly.
    pub false_at_most: f64,
    /// Place in an array over all layers, mean of its positive weights, and how many resamples chose it; the largest
    /// weight first.
    pub neurons: Vec<(usize, f64, u64)>,
}

impl Stable {
    /// The neurons' places.
    pub fn places(&self) -> Vec<usize> {
        self.neurons.iter().map(|(place, ..)| *place).collect()
    }
}

/// Half of the samples of each label, drawn by the hash of their ids.
fn half(ids: &[String], labels: &[bool], seed: u64, resample: u64) -> Vec<usize> {
    let purpose = format!("half {seed}");
    let mut chosen = Vec::new();
    for label in [false, true] {
        let mut of: Vec<(u64, usize)> = (0..ids.len())
            .filter(|&i| labels[i] == label)
            .map(|i| (stable_hash(&purpose, &ids[i], resample), i))
            .collect();
        of.sort_unstable();
        // Of an odd number one more, so that no label is left without.
        chosen.extend(of[..of.len().div_ceil(2)].iter().map(|(_, i)| *i));
    }
    chosen.sort_unstable();
    chosen
}

/// Fits on random halves at the C of a fit on all samples; `say` is told how far it is.
///
/// # Errors
/// As the solver.
pub(super) fn resample(
    standard: &Features,
    labels: &[bool],
    ids: &[String],
    whole: &Fit,
    resamples: u64,
    seed: u64,
    say: &dyn Fn(&str),
) -> Result<Resampled> {
    let screen = Screen::around(standard, labels, whole, NEAR)?;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let mut out = Resampled {
        times: vec![0; standard.features()],
        weights: vec![0.0; standard.features()],
        resamples,
        chosen: 0,
    };
    let mut done = 0;
    while done < resamples {
        // In the order of their numbers, so that sums do not depend on which is done first.
        let some = done..resamples.min(done + threads);
        let fits: Vec<Result<Fit>> = std::thread::scope(|scope| {
            let running: Vec<_> = some
                .clone()
                .map(|resample| {
                    let screen = &screen;
                    scope.spawn(move || {
                        let samples = half(ids, labels, seed, resample);
                        let double = standard.samples() as f64 / samples.len() as f64;
                        screen.fit(&samples, double, &options())
                    })
                })
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|p| std::panic::resume_unwind(p))
            };
            running.into_iter().map(join).collect()
        });
        for fit in fits {
            let fit = fit?;
            for n in fit.model.positive() {
                out.times[n] += 1;
                out.weights[n] += fit.model.weights[n];
                out.chosen += 1;
            }
        }
        if some.end / 10 > done / 10 || some.end == resamples {
            say(&format!("resample {} of {resamples}", some.end));
        }
        done = some.end;
    }
    Ok(out)
}

impl Resampled {
    /// The stable set of at most `cap` neurons; None where no neuron is chosen by more than half of the resamples, or too
    /// many by all.
    pub(super) fn stable(&self, c: f64, cap: usize) -> Option<Stable> {
        let percent =
            (LEAST_PERCENT..=100).find(|percent| self.at_least(*percent).count() <= cap)?;
        let mut neurons: Vec<(usize, f64, u64)> = self
            .at_least(percent)
            .map(|n| {
                let times = self.times[n];
                (n, self.weights[n] / times as f64, times)
            })
            .collect();
        if neurons.is_empty() {
            return None;
        }
        neurons.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let q = self.chosen as f64 / self.resamples as f64;
        let threshold = percent as f64 / 100.0;
        Some(Stable {
            c,
            share: 0.5,
            threshold,
            chosen_on_average: q,
            false_at_most: q * q / ((2.0 * threshold - 1.0) * self.times.len() as f64),
            neurons,
        })
    }

    /// Neurons that at least so many percent of the resamples chose.
    fn at_least(&self, percent: u64) -> impl Iterator<Item = usize> {
        let enough = move |n: &usize| self.times[*n] * 100 >= percent * self.resamples;
        (0..self.times.len())
            .filter(enough)
            .filter(|&n| self.times[n] > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_hold_half_of_each_label_and_differ() {
        let ids: Vec<String> = (0..101).map(|i| format!("q{i}")).collect();
        let labels: Vec<bool> = (0..101).map(|i| i % 3 == 0).collect();
        let halves: Vec<Vec<usize>> = (0..20).map(|r| half(&ids, &labels, 1, r)).collect();
        for half in &halves {
            let wrong = half.iter().filter(|&&i| labels[i]).count();
            assert_eq!((wrong, half.len() - wrong), (17, 34));
        }
        // Two halves share about half of their answers.
        let shared = halves[0].iter().filter(|i| halves[1].contains(i)).count();
        assert!((17..34).contains(&shared), "{shared}");
        assert_ne!(halves[0], half(&ids, &labels, 2, 0), "the seed counts");
    }

    #[test]
    fn the_threshold_rises_until_the_set_is_within_the_cap() {
        let times = vec![100, 80, 60, 51, 50, 0];
        let resampled = Resampled {
            weights: times.iter().map(|t| *t as f64 * 0.5).collect(),
            chosen: times.iter().sum(),
            resamples: 100,
            times,
        };
        let of = |cap: usize| {
            let stable = resampled.stable(0.1, cap).expect("some");
            (stable.threshold, stable.places())
        };
        assert_eq!(of(6), (0.51, vec![0, 1, 2, 3]), "50 of 100 is no majority");
        assert_eq!(of(3), (0.52, vec![0, 1, 2]));
        assert_eq!(of(1), (0.81, vec![0]));
        assert_eq!(resampled.stable(0.1, 0), None);
        let stable = resampled.stable(0.1, 3).expect("some");
        assert_eq!(stable.neurons[2], (2, 0.5, 60));
        // q = 3.41 of p = 6 neurons.
        assert!((stable.false_at_most - 3.41 * 3.41 / (0.04 * 6.0)).abs() < 1e-9);
    }
}
