//! How well scores tell the classes apart.

use super::{check_both_classes, check_scores, finite};
use crate::error::{Error, Result};

/// The area under the ROC curve: the share of pairs of a positive and a negative item in which the positive one has the
/// higher score, ties counted half (the Mann-Whitney U over the number of pairs).
///
/// # Errors
/// [`crate::ErrorKind::Input`] if there is no item, not one label for each, only one class, or a score is not finite.
pub fn auroc(scores: &[f64], labels: &[bool]) -> Result<f64> {
    check_scores(scores, labels)?;
    check_both_classes(labels)?;
    let all: Vec<usize> = (0..scores.len()).collect();
    auroc_of(scores, labels, &all)
        .ok_or_else(|| Error::internal("the AUROC of two classes is undefined"))
}

/// The AUROC of some of the items, each as often as it is named; None if they are of one class.
pub(super) fn auroc_of(scores: &[f64], labels: &[bool], of: &[usize]) -> Option<f64> {
    let mut sorted: Vec<(f64, bool)> = of.iter().map(|&i| (scores[i], labels[i])).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Counted in halves of a pair, which integers hold exactly.
    let (mut halves, mut below) = (0_u64, 0_u64);
    let mut positives = 0_u64;
    // By ==, because 0 and -0 tie though total_cmp tells them apart; it puts them side by side.
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let positive = tied.iter().filter(|(_, l)| *l).count() as u64;
        let negative = tied.len() as u64 - positive;
        halves += positive * (2 * below + negative);
        below += negative;
        positives += positive;
    }
    let pairs = positives * below;
    (pairs > 0).then(|| halves as f64 / (2 * pairs) as f64)
}

/// The share of items that are right if a score of `threshold` or more means positive.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if there is no item, not one label for each, or a number is not finite.
pub fn accuracy(scores: &[f64], labels: &[bool], threshold: f64) -> Result<f64> {
    check_scores(scores, labels)?;
    finite("threshold", &[threshold])?;
    let each = scores.iter().zip(labels);
    let right = each.filter(|(s, l)| (**s >= threshold) == **l).count();
    Ok(right as f64 / scores.len() as f64)
}

/// The threshold with the best [`accuracy`] on training scores, half-way between two neighbouring scores. Of equally
/// good ones the one with the widest gap around it, then the lowest. Of scores that are all the same it is that score,
/// or the next number above it if most items are negative.
///
/// # Errors
/// As [`auroc`].
pub fn best_threshold(scores: &[f64], labels: &[bool]) -> Result<f64> {
    check_scores(scores, labels)?;
    check_both_classes(labels)?;
    let mut sorted: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (lowest, highest) = (sorted[0].0, sorted[sorted.len() - 1].0);
    // Everything positive; then the threshold rises past each group of tied scores in turn.
    let mut right = labels.iter().filter(|l| **l).count();
    let mut best = (right, 0.0, lowest);
    let mut seen = 0;
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let positive = tied.iter().filter(|(_, l)| *l).count();
        right = right + tied.len() - 2 * positive;
        seen += tied.len();
        let from = tied[0].0;
        let (gap, threshold) = match sorted.get(seen) {
            // Halved first, so that it is within f64; and above `from`, should there be no number between.
            Some((to, _)) => {
                let middle = from / 2.0 + to / 2.0;
                (to - from, if middle > from { middle } else { *to })
            }
            None => (0.0, highest.next_up()),
        };
        if right > best.0 || (right == best.0 && gap > best.1) {
            best = (right, gap, threshold);
        }
    }
    if best.2.is_finite() {
        Ok(best.2)
    } else {
        Err(Error::input(
            "the scores are as large as numbers can be: scale them down",
        ))
    }
}
