//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use super::{check_both_classes, check_scores};
use crate::error::{Error, Result};

/// Newton steps of Platt's fit; it takes about ten.
const STEPS: usize = 200;

/// Platt's calibration: the probability of a positive is `1 / (1 + exp(-(slope score + intercept)))`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// What a score is multiplied by.
    pub slope: f64,
    /// What is added.
    pub intercept: f64,
}

impl Platt {
    /// Fits by maximum likelihood to Platt's smoothed targets, `(N+ + 1) / (N+ + 2)` for a positive and `1 / (N- + 2)`
    /// for a negative (Platt 1999), which keep the slope finite where the classes are apart; by Newton's method with
    /// backtracking (Lin, Lin & Weng 2007). Fit it on scores that the detector's own weights have not seen.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if there is no item, not one label for each, only one class, or a score is not finite
    /// or too large.
    pub fn fit(scores: &[f64], labels: &[bool]) -> Result<Self> {
        check_scores(scores, labels)?;
        check_both_classes(labels)?;
        let n = scores.len() as f64;
        let positives = labels.iter().filter(|l| **l).count() as f64;
        let target_of = |label: &bool| match label {
            true => (positives + 1.0) / (positives + 2.0),
            false => 1.0 / (n - positives + 2.0),
        };
        let targets: Vec<f64> = labels.iter().map(target_of).collect();
        // On standardized scores, so that neither their unit nor their zero matters to the arithmetic.
        let mean = scores.iter().sum::<f64>() / n;
        let spread = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n).sqrt();
        let unit = if scores.iter().all(|s| *s == scores[0]) {
            1.0
        } else {
            spread
        };
        let z: Vec<f64> = scores.iter().map(|s| (s - mean) / unit).collect();
        if z.iter().any(|z| !z.is_finite()) {
            return Err(Error::input(
                "the scores are too large or too close together to calibrate: scale them",
            ));
        }
        let loss = |a: f64, b: f64| -> f64 {
            let each = z.iter().zip(&targets);
            each.map(|(z, t)| {
                let f = a * z + b;
                f.max(0.0) + (-f.abs()).exp().ln_1p() - t * f
            })
            .sum()
        };
        let (mut a, mut b) = (0.0, ((positives + 1.0) / (n - positives + 1.0)).ln());
        let mut at = loss(a, b);
        for _ in 0..STEPS {
            let (mut ga, mut gb) = (0.0, 0.0);
            // The ridge keeps scores that are all the same solvable; their slope stays 0.
            let (mut haa, mut hab, mut hbb) = (1e-12, 0.0, 1e-12);
            for (z, t) in z.iter().zip(&targets) {
                let p = sigmoid(a * z + b);
                let (g, h) = (p - t, p * (1.0 - p));
                ga += g * z;
                gb += g;
                haa += h * z * z;
                hab += h * z;
                hbb += h;
            }
            if ga.abs().max(gb.abs()) < 1e-10 * n {
                break;
            }
            let determinant = haa * hbb - hab * hab;
            let da = -(hbb * ga - hab * gb) / determinant;
            let db = -(haa * gb - hab * ga) / determinant;
            let slope = ga * da + gb * db;
            let mut t = 1.0;
            while t > 1e-10 {
                let new = loss(a + t * da, b + t * db);
                if new <= at + 1e-4 * t * slope + 1e-14 * n {
                    (a, b, at) = (a + t * da, b + t * db, new);
                    break;
                }
                t *= 0.5;
            }
            if t <= 1e-10 {
                // Rounding hides any further fall.
                break;
            }
        }
        let slope = a / unit;
        Ok(Self {
            slope,
            intercept: b - slope * mean,
        })
    }

    /// The probability of a positive at this score.
    pub fn probability(&self, score: f64) -> f64 {
        sigmoid(self.slope * score + self.intercept)
    }
}

fn sigmoid(f: f64) -> f64 {
    1.0 / (1.0 + (-f).exp())
}

/// Brier's score: the mean of `(probability - label)^2`. 0 is perfect, .25 is what saying .5 always gets.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if there is no item, not one label for each, or a probability is not in 0 ..= 1.
pub fn brier(probabilities: &[f64], labels: &[bool]) -> Result<f64> {
    check_probabilities(probabilities, labels)?;
    let each = probabilities.iter().zip(labels);
    let sum: f64 = each.map(|(p, l)| (p - f64::from(*l)).powi(2)).sum();
    Ok(sum / probabilities.len() as f64)
}

/// Items of neighbouring probability: what was said of them, and what they were.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// How many items.
    pub items: usize,
    /// The mean of their probabilities.
    pub probability: f64,
    /// The share of them that is positive.
    pub positive: f64,
}

/// The items in at most `count` bins of equal size, by rising probability: the points of a reliability diagram. Item
/// `i` of `n` sorted ones goes into bin `i count / n`, rounded down; items of equal probability go where the first of
/// them does, so that their order does not matter, and bins may differ in size or be fewer.
///
/// # Errors
/// As [`brier`]; [`crate::ErrorKind::Input`] if `count` is 0.
pub fn bins(probabilities: &[f64], labels: &[bool], count: usize) -> Result<Vec<Bin>> {
    check_probabilities(probabilities, labels)?;
    if count == 0 {
        return Err(Error::input("no bins hold nothing: ask for at least one"));
    }
    let each = probabilities.iter().copied().zip(labels.iter().copied());
    let mut sorted: Vec<(f64, bool)> = each.collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n = sorted.len();
    // The bin of each item, then runs of the same bin.
    let mut placed: Vec<(usize, f64, bool)> = Vec::with_capacity(n);
    for (i, (p, label)) in sorted.into_iter().enumerate() {
        let bin = match placed.last() {
            Some(before) if before.1 == p => before.0,
            _ => i * count / n,
        };
        placed.push((bin, p, label));
    }
    let bin = |of: &[(usize, f64, bool)]| Bin {
        items: of.len(),
        probability: of.iter().map(|(_, p, _)| p).sum::<f64>() / of.len() as f64,
        positive: of.iter().filter(|(_, _, l)| *l).count() as f64 / of.len() as f64,
    };
    Ok(placed.chunk_by(|a, b| a.0 == b.0).map(bin).collect())
}

/// The expected calibration error over [`bins`] of equal size: the mean over items of
/// `|probability - share of positives|` of their bin (Naeini et al. 2015, with equal-mass bins).
///
/// # Errors
/// As [`bins`].
pub fn calibration_error(probabilities: &[f64], labels: &[bool], count: usize) -> Result<f64> {
    let bins = bins(probabilities, labels, count)?;
    let off = bins
        .iter()
        .map(|b| b.items as f64 * (b.probability - b.positive).abs());
    Ok(off.sum::<f64>() / probabilities.len() as f64)
}

fn check_probabilities(probabilities: &[f64], labels: &[bool]) -> Result<()> {
    check_scores(probabilities, labels)?;
    match probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(p) => Err(Error::input(format!(
            "{p} is no probability: give numbers from 0 to 1"
        ))),
        None => Ok(()),
    }
}
