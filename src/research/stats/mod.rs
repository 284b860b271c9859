//! Numbers with their uncertainty: how well scores tell classes apart, intervals by resampling, and calibration.
//!
//! A label is true for the positive class (here: hallucinated), and a higher score speaks for it. Nothing here guesses:
//! a number that is not finite, an empty list, or one class only where two are needed is an error that says so.

mod bootstrap;
mod calibration;
mod ranking;

pub use bootstrap::{Bootstrap, Units};
pub use calibration::{Bin, Platt, bins, brier, calibration_error};
pub use ranking::{accuracy, auroc, best_threshold};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A number with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What was measured.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// Which values of a null distribution count as extreme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Those as large as the one observed, or larger.
    Greater,
    /// Those as small as the one observed, or smaller.
    Less,
    /// Twice the smaller of both, at most 1 (as scipy's `permutation_test` does).
    Both,
}

/// The empirical p-value `(1 + extreme) / (1 + n)` of a value among `n` of its null distribution (permutations, or
/// random control sets); never 0, because the observed one is itself a possible draw (Phipson & Smyth 2010). Ties count
/// as extreme.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if `null` is empty or a number is not finite.
pub fn empirical_p(observed: f64, null: &[f64], tail: Tail) -> Result<f64> {
    finite("observed value", &[observed])?;
    finite("null distribution", null)?;
    let p = |extreme: &dyn Fn(f64) -> bool| {
        let count = null.iter().filter(|x| extreme(**x)).count();
        (1 + count) as f64 / (1 + null.len()) as f64
    };
    let (greater, less) = (p(&|x| x >= observed), p(&|x| x <= observed));
    Ok(match tail {
        Tail::Greater => greater,
        Tail::Less => less,
        Tail::Both => (2.0 * greater.min(less)).min(1.0),
    })
}

/// The value below which a share `p` of the values lies, between two values by their distance (numpy's default,
/// Hyndman & Fan's type 7).
///
/// # Errors
/// [`crate::ErrorKind::Input`] if there is no value, one is not finite, or `p` is not in 0 ..= 1.
pub fn quantile(values: &[f64], p: f64) -> Result<f64> {
    finite("values", values)?;
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::input(format!(
            "a quantile at {p} does not exist: ask for one from 0 to 1"
        )));
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(quantile_sorted(&sorted, p))
}

/// As [`quantile`], of values that are sorted and not none.
fn quantile_sorted(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (at - at.floor()) * (sorted[above] - sorted[below])
}

/// The slope of the straight line through the points `(x, y)` by least squares: the change of y per unit of x.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if there are not as many x as y, a number is not finite, or x never varies.
pub fn slope(x: &[f64], y: &[f64]) -> Result<f64> {
    finite("x", x)?;
    finite("y", y)?;
    same_length(x.len(), y.len(), "x", "y")?;
    let all: Vec<usize> = (0..x.len()).collect();
    slope_of(x, y, &all).ok_or_else(|| {
        Error::input("x has one value only, which gives no slope: measure at two or more")
    })
}

/// The slope through some of the points; None if their x does not vary.
fn slope_of(x: &[f64], y: &[f64], of: &[usize]) -> Option<f64> {
    let first = x[*of.first()?];
    if of.iter().all(|&i| x[i] == first) {
        return None;
    }
    let n = of.len() as f64;
    let mean = |v: &[f64]| of.iter().map(|&i| v[i]).sum::<f64>() / n;
    let (mx, my) = (mean(x), mean(y));
    let both: f64 = of.iter().map(|&i| (x[i] - mx) * (y[i] - my)).sum();
    let square: f64 = of.iter().map(|&i| (x[i] - mx).powi(2)).sum();
    Some(both / square)
}

/// Wilson's interval for a share of `hits` in `of` (Wilson 1927), without continuity correction. `level` is .95 for a
/// 95 % interval.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if `of` is 0, `hits` are more than `of`, or `level` is not between 0 and 1.
pub fn wilson(hits: usize, of: usize, level: f64) -> Result<Estimate> {
    if of == 0 || hits > of {
        return Err(Error::input(format!(
            "{hits} of {of} is no share: count at least one, and no more hits than that"
        )));
    }
    let z = normal_quantile(0.5 + checked_level(level)? / 2.0);
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Ok(Estimate {
        value: p,
        // Exactly 0 and 1 at the ends, which rounding would miss.
        low: if hits == 0 {
            0.0
        } else {
            (middle - half).max(0.0)
        },
        high: if hits == of {
            1.0
        } else {
            (middle + half).min(1.0)
        },
    })
}

/// The z with `Phi(z) = p`, by bisection of the series `Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + …)` (Marsaglia
/// 2004); for p between 1e-9 and 1 - 1e-9.
fn normal_quantile(p: f64) -> f64 {
    let phi = |x: f64| {
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        // The terms of a fixed x fall faster and faster, so this ends.
        while term.abs() > 1e-17 * sum.abs() {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    };
    let (mut low, mut high) = (-6.0, 6.0);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if phi(middle) < p {
            low = middle
        } else {
            high = middle
        }
    }
    0.5 * (low + high)
}

fn checked_level(level: f64) -> Result<f64> {
    if (1e-6..=1.0 - 1e-6).contains(&level) {
        Ok(level)
    } else {
        Err(Error::input(format!(
            "an interval of level {level} does not exist: ask for one like 0.95"
        )))
    }
}

fn finite(what: &str, values: &[f64]) -> Result<()> {
    if values.is_empty() {
        return Err(Error::input(format!(
            "there is nothing in the {what}: give at least one number"
        )));
    }
    match values.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::input(format!(
            "number {at} of the {what} is {}: leave that item out",
            values[at]
        ))),
        None => Ok(()),
    }
}

fn same_length(a: usize, b: usize, what_a: &str, what_b: &str) -> Result<()> {
    if a == b {
        Ok(())
    } else {
        Err(Error::input(format!(
            "there are {a} {what_a} and {b} {what_b}: give as many of both"
        )))
    }
}

/// Scores that are finite, with as many labels.
fn check_scores(scores: &[f64], labels: &[bool]) -> Result<()> {
    finite("scores", scores)?;
    same_length(scores.len(), labels.len(), "scores", "labels")
}

fn check_both_classes(labels: &[bool]) -> Result<()> {
    if labels.iter().all(|l| *l == labels[0]) {
        return Err(Error::input(format!(
            "all {} items are {}: this needs some of both classes",
            labels.len(),
            if labels[0] { "positive" } else { "negative" }
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
