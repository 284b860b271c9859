//! Which of several sets is published: decided on training answers alone.

use serde::{Deserialize, Serialize};

/// Sets of the L1 path that are looked at closely.
pub(super) const CANDIDATES: usize = 5;

/// The rule, as it is written into the result.
pub const RULE: &str = "the set with the largest sum of (a) the detector's accuracy on held-out folds of the training \
    answers and (b) the share of the known training questions that are still answered right while the set is silenced; of \
    equals the smaller; where (b) was not measured, by (a) alone";

/// How many known questions are still answered right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Still right.
    pub right: usize,
    /// Asked.
    pub of: usize,
}

impl Kept {
    /// The share kept; None of none.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 / self.of as f64)
    }
}

/// How a set was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The neurons of positive weight in the L1 fit.
    L1,
    /// The neurons that random halves agree on.
    StabilitySelection,
}

/// A set that may be published, and what it is chosen by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// How it was made.
    pub by: By,
    /// At which C.
    pub c: f64,
    /// How many neurons it has.
    pub neurons: usize,
    /// AUROC over held-out folds of the detector, for which in each fold the set is chosen anew and refitted.
    pub auroc: f64,
    /// Share of the answers in held-out folds that this detector tells right.
    pub accuracy: f64,
    /// Known training questions that are still answered right while the set is silenced; None where not measured.
    pub knowledge: Option<Kept>,
}

impl Candidate {
    /// What the rule compares.
    pub fn sum(&self) -> f64 {
        self.accuracy + self.knowledge.and_then(Kept::share).unwrap_or(0.0)
    }
}

/// The sets that were compared, and which was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// By which rule.
    pub rule: String,
    /// The sets: those of the L1 path, then the one of stability selection, if there is one.
    pub candidates: Vec<Candidate>,
    /// The place of the one that is published.
    pub chosen: usize,
}

/// The place of the set that the rule takes; None of none.
pub(super) fn best(candidates: &[Candidate]) -> Option<usize> {
    let order = |(_, a): &(usize, &Candidate), (_, b): &(usize, &Candidate)| {
        // The greatest is taken: of equals that of fewer neurons, then the first.
        (a.sum().total_cmp(&b.sum())).then(b.neurons.cmp(&a.neurons))
    };
    let each = candidates.iter().enumerate().rev();
    each.max_by(order).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(neurons: usize, accuracy: f64, right: Option<usize>) -> Candidate {
        Candidate {
            by: By::L1,
            c: 0.1,
            neurons,
            auroc: 0.9,
            accuracy,
            knowledge: right.map(|right| Kept { right, of: 200 }),
        }
    }

    #[test]
    fn what_silencing_costs_counts_as_much_as_what_is_told_right() {
        let few = candidate(5, 0.70, Some(198));
        let many = candidate(40, 0.74, Some(150));
        let some = candidate(20, 0.73, Some(196));
        assert_eq!(best(&[few.clone(), many.clone(), some]), Some(2));
        assert_eq!(best(&[few, many]), Some(0));
        let unmeasured = [candidate(5, 0.70, None), candidate(40, 0.74, None)];
        assert_eq!(best(&unmeasured), Some(1));
        let equals = [
            candidate(9, 0.70, Some(100)),
            candidate(5, 0.70, Some(100)),
            candidate(5, 0.70, Some(100)),
        ];
        assert_eq!(best(&equals), Some(1), "the smaller, then the first");
        assert_eq!(best(&[]), None);
    }
}
