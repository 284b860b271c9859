//! Intervals by resampling: percentile bootstrap (Efron 1979) over items, or over groups of items that belong together.

use std::collections::BTreeMap;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::{
    Estimate, check_both_classes, check_scores, checked_level, finite, quantile_sorted,
    ranking::auroc_of, same_length, slope_of,
};
use crate::error::{Error, Result};

/// Draws without a value (one class only, say) for each resample asked for, before it is given up.
const REDRAWS: usize = 10;

/// What is drawn as one: an item, or all items of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    members: Vec<Vec<usize>>,
    items: usize,
}

impl Units {
    /// Each item by itself.
    pub fn items(items: usize) -> Self {
        Self {
            members: (0..items).map(|i| vec![i]).collect(),
            items,
        }
    }

    /// Items with the same key together; `keys[i]` is item i's. Units are in the order of their first items.
    pub fn groups<K: Ord>(keys: &[K]) -> Self {
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut unit_of = BTreeMap::new();
        for (item, key) in keys.iter().enumerate() {
            let unit = *unit_of.entry(key).or_insert(members.len());
            if unit == members.len() {
                members.push(Vec::new());
            }
            members[unit].push(item);
        }
        Self {
            members,
            items: keys.len(),
        }
    }
}

/// How to resample. The same seed draws the same, everywhere: ChaCha8 is specified, and the draws are written out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// How many resamples are drawn.
    pub resamples: usize,
    /// The level of the interval: .95 takes the quantiles at .025 and .975.
    pub level: f64,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 2,000 resamples, 95 %.
    fn default() -> Self {
        Self {
            resamples: 2000,
            level: 0.95,
            seed: 1,
        }
    }
}

impl Bootstrap {
    /// A statistic of all items, with its percentile interval. `statistic` is given items by number, each as often as
    /// it was drawn, and says None where it has no value; such a resample is drawn anew.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if there is no item, no resample is asked for, the level is none, the statistic has
    /// no finite value for all items, or too many resamples have none.
    pub fn interval(
        &self,
        units: &Units,
        mut statistic: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Result<Estimate> {
        if units.items == 0 || self.resamples == 0 {
            return Err(Error::input(
                "an interval needs an item and a resample: give at least one of each",
            ));
        }
        let tail = (1.0 - checked_level(self.level)?) / 2.0;
        let mut value_of = |items: &[usize]| statistic(items).filter(|v| v.is_finite());
        let all: Vec<usize> = (0..units.items).collect();
        let value = value_of(&all)
            .ok_or_else(|| Error::input("the statistic has no value: give it more varied items"))?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let count = units.members.len();
        let mut values = Vec::with_capacity(self.resamples);
        let mut drawn = Vec::with_capacity(units.items);
        let mut redraws = REDRAWS * self.resamples;
        while values.len() < self.resamples {
            drawn.clear();
            for _ in 0..count {
                drawn.extend_from_slice(&units.members[below(&mut rng, count)]);
            }
            match value_of(&drawn) {
                Some(value) => values.push(value),
                None if redraws > 0 => redraws -= 1,
                None => {
                    return Err(Error::input(
                        "most resamples have no value, one class only, say: give more items",
                    ));
                }
            }
        }
        values.sort_unstable_by(f64::total_cmp);
        Ok(Estimate {
            value,
            low: quantile_sorted(&values, tail),
            high: quantile_sorted(&values, 1.0 - tail),
        })
    }

    /// [`auroc`](super::auroc) with its interval.
    ///
    /// # Errors
    /// As [`auroc`](super::auroc) and [`Bootstrap::interval`].
    pub fn auroc(&self, units: &Units, scores: &[f64], labels: &[bool]) -> Result<Estimate> {
        check_scores(scores, labels)?;
        check_both_classes(labels)?;
        same_length(units.items, labels.len(), "items to draw", "labels")?;
        self.interval(units, |of| auroc_of(scores, labels, of))
    }

    /// The AUROC of `a` less that of `b` on the same items, with its interval; both are taken on each resample, so what
    /// they share cancels out.
    ///
    /// # Errors
    /// As [`Bootstrap::auroc`].
    pub fn auroc_difference(
        &self,
        units: &Units,
        a: &[f64],
        b: &[f64],
        labels: &[bool],
    ) -> Result<Estimate> {
        check_scores(a, labels)?;
        check_scores(b, labels)?;
        check_both_classes(labels)?;
        same_length(units.items, labels.len(), "items to draw", "labels")?;
        self.interval(units, |of| {
            Some(auroc_of(a, labels, of)? - auroc_of(b, labels, of)?)
        })
    }

    /// The mean of the values, with its interval. Of differences within an item it is the paired difference; of zeros
    /// and ones, a share.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if a value is not finite or there is not one for each item; as
    /// [`Bootstrap::interval`].
    pub fn mean(&self, units: &Units, values: &[f64]) -> Result<Estimate> {
        finite("values", values)?;
        same_length(units.items, values.len(), "items to draw", "values")?;
        self.interval(units, |of| {
            Some(of.iter().map(|&i| values[i]).sum::<f64>() / of.len() as f64)
        })
    }

    /// The [`slope`](super::slope) of y on x (alpha, say), with its interval. One item is one point: to draw a question
    /// with all its alphas, group by question.
    ///
    /// # Errors
    /// As [`slope`](super::slope) and [`Bootstrap::interval`].
    pub fn slope(&self, units: &Units, x: &[f64], y: &[f64]) -> Result<Estimate> {
        super::slope(x, y)?;
        same_length(units.items, x.len(), "items to draw", "points")?;
        self.interval(units, |of| slope_of(x, y, of))
    }

    /// The null distribution of a statistic under shuffled items: `resamples` values of it, each for a random order
    /// of `0..items` that says which item's label goes where. For [`empirical_p`](super::empirical_p).
    ///
    /// # Errors
    /// What `statistic` returns.
    pub fn permuted(
        &self,
        items: usize,
        mut statistic: impl FnMut(&[usize]) -> Result<f64>,
    ) -> Result<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut order: Vec<usize> = (0..items).collect();
        (0..self.resamples)
            .map(|_| {
                // Fisher-Yates.
                for last in (1..items).rev() {
                    order.swap(last, below(&mut rng, last + 1));
                }
                statistic(&order)
            })
            .collect()
    }
}

/// A number below `count` (not 0), all equally likely to within 1 in 2^32: the high half of a product.
fn below(rng: &mut ChaCha8Rng, count: usize) -> usize {
    ((u128::from(rng.next_u64()) * count as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::super::{
        Tail, auroc, empirical_p, slope,
        tests::{ALPHA, GIVES_IN, S, bits, near, s_labels, why},
    };
    use super::*;

    #[test]
    fn bootstrap_intervals_are_scipy_s_to_within_chance() {
        let boot = Bootstrap {
            resamples: 20_000,
            ..Bootstrap::default()
        };
        // scipy.stats.bootstrap((GIVES_IN,), numpy.mean, method="percentile", n_resamples=200000): .772, .859
        let mean = boot.mean(&Units::items(10), &GIVES_IN).expect("varies");
        near(mean.value, 0.815, 1e-12);
        near(mean.low, 0.772, 0.0015);
        near(mean.high, 0.859, 0.0015);
        // numpy: 20,000 resamples of roc_auc_score by rng.integers, those of one class left out: .443, 1
        let auc = boot
            .auroc(&Units::items(12), &S, &s_labels())
            .expect("two classes");
        near(auc.value, 7.0 / 9.0, 1e-12);
        near(auc.low, 0.443, 0.012);
        near(auc.high, 1.0, 1e-12);
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let of = |seed| {
            let boot = Bootstrap {
                seed,
                ..Bootstrap::default()
            };
            boot.mean(&Units::items(12), &S).expect("varies")
        };
        assert_eq!(of(5), of(5));
        assert_ne!(of(5), of(6));
    }

    #[test]
    fn groups_are_drawn_whole() {
        // Each question five times over tells no more than once: the interval must not shrink.
        let values: Vec<f64> = GIVES_IN.iter().flat_map(|v| [*v; 5]).collect();
        let keys: Vec<String> = (0..50).map(|i| format!("question {}", i / 5)).collect();
        let boot = Bootstrap::default();
        let once = boot.mean(&Units::items(10), &GIVES_IN).expect("varies");
        let whole = boot.mean(&Units::groups(&keys), &values).expect("varies");
        let apart = boot.mean(&Units::items(50), &values).expect("varies");
        near(whole.low, once.low, 1e-12);
        near(whole.high, once.high, 1e-12);
        assert!(apart.high - apart.low < 0.6 * (once.high - once.low));
        let units = Units::groups(&["b", "a", "b", "c"]);
        boot.interval(&units, |of| {
            let count = |i| of.iter().filter(|&&j| j == i).count();
            assert_eq!(count(0), count(2));
            assert_eq!(count(0) + count(1) + count(3), 3);
            Some(0.0)
        })
        .expect("a constant");
    }

    #[test]
    fn what_two_scores_share_cancels_out() {
        let labels: Vec<bool> = (0..200).map(|i| i % 2 == 0).collect();
        let noise = |i: usize, by: usize| ((i * by) % 101) as f64 / 101.0;
        let a: Vec<f64> = (0..200)
            .map(|i| f64::from(labels[i]) * 0.4 + noise(i, 37))
            .collect();
        let b: Vec<f64> = a.iter().map(|x| x * 2.0 + 7.0).collect();
        let boot = Bootstrap {
            resamples: 500,
            ..Bootstrap::default()
        };
        let units = Units::items(200);
        let none = boot
            .auroc_difference(&units, &a, &b, &labels)
            .expect("two classes");
        assert_eq!((none.value, none.low, none.high), (0.0, 0.0, 0.0));
        let chance: Vec<f64> = (0..200).map(|i| noise(i, 53)).collect();
        let some = boot
            .auroc_difference(&units, &a, &chance, &labels)
            .expect("two classes");
        let (of_a, of_b) = (auroc(&a, &labels), auroc(&chance, &labels));
        near(some.value, of_a.expect("two") - of_b.expect("two"), 1e-12);
        assert!(some.low > 0.0 && some.low < some.value && some.value < some.high);
        assert!(boot.auroc_difference(&units, &a, &b[1..], &labels).is_err());
    }

    #[test]
    fn the_slope_s_interval_holds_the_slope() {
        let questions: Vec<usize> = (0..10).map(|i| i / 5).collect();
        let boot = Bootstrap::default();
        let it = boot
            .slope(&Units::groups(&questions), &ALPHA, &GIVES_IN)
            .expect("varies");
        // Two questions: either one alone, or both.
        near(
            it.low,
            slope(&ALPHA[..5], &GIVES_IN[..5]).expect("varies"),
            1e-12,
        );
        near(
            it.high,
            slope(&ALPHA[5..], &GIVES_IN[5..]).expect("varies"),
            1e-12,
        );
        assert!(
            boot.slope(&Units::items(10), &[1.0; 10], &GIVES_IN)
                .is_err()
        );
    }

    #[test]
    fn a_bootstrap_that_cannot_be_is_refused() {
        let boot = Bootstrap::default();
        assert!(boot.mean(&Units::items(0), &[]).is_err());
        assert!(boot.mean(&Units::items(2), &[1.0, f64::NAN]).is_err());
        assert!(why(boot.mean(&Units::items(3), &[1.0, 2.0])).contains("3 items to draw and 2"));
        let one = boot.mean(&Units::items(1), &[4.0]).expect("a single item");
        assert_eq!((one.low, one.high), (4.0, 4.0));
        assert!(
            boot.auroc(&Units::items(2), &[1.0, 2.0], &bits("11"))
                .is_err()
        );
        // One group holds all of a class and the other the rest: half of the resamples are of one class, and drawn anew.
        let whole = Units::groups(&[0, 0, 1, 1]);
        assert!(boot.auroc(&whole, &S[..4], &bits("0011")).is_ok());
        let no = Bootstrap {
            resamples: 0,
            ..boot
        };
        assert!(no.mean(&Units::items(1), &[1.0]).is_err());
        let no = Bootstrap { level: 1.0, ..boot };
        assert!(no.mean(&Units::items(1), &[1.0]).is_err());
        let mut first = true;
        let never = |_: &[usize]| std::mem::take(&mut first).then_some(1.0);
        assert!(why(boot.interval(&Units::items(3), never)).contains("most resamples"));
    }

    #[test]
    fn permuted_labels_know_nothing() {
        let labels: Vec<bool> = (0..60).map(|i| i % 3 == 0).collect();
        let scores: Vec<f64> = (0..60)
            .map(|i| f64::from(labels[i]) + (i as f64 * 0.7).sin())
            .collect();
        let boot = Bootstrap {
            resamples: 999,
            ..Bootstrap::default()
        };
        let null = boot
            .permuted(60, |order| {
                let mut seen = order.to_vec();
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..60));
                let shuffled: Vec<bool> = order.iter().map(|&i| labels[i]).collect();
                auroc(&scores, &shuffled)
            })
            .expect("two classes");
        near(null.iter().sum::<f64>() / 999.0, 0.5, 0.01);
        let observed = auroc(&scores, &labels).expect("two classes");
        assert!(empirical_p(observed, &null, Tail::Greater).expect("some") < 0.01);
    }
}
