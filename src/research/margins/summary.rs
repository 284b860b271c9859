//! What the margins say: how far each set moves a behaviour, against how far random sets move it.

use serde::{Deserialize, Serialize};

use super::{behaviour::Behaviour, measure::Margin, study::Read, written::Written};
use crate::{
    error::{Error, Result},
    research::stats::{Bootstrap, Estimate, Tail, Units, empirical_p},
};

/// The model as trained on one behaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AsTrained {
    /// Choices read.
    pub n: usize,
    /// Mean log-odds of giving in, in nats, with its interval.
    pub margin: Estimate,
    /// Standard deviation of the log-odds over choices.
    pub deviation: f64,
    /// Share of the choices at which giving in is the more probable.
    pub rate: f64,
    /// Mean probability of the tokens of either kind.
    pub mass: f64,
}

/// A set at a factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The set's name (see [`super::Set`]).
    pub set: String,
    /// The factor.
    pub alpha: f32,
    /// Choices read, each under the set and as trained.
    pub n: usize,
    /// Mean change of the log-odds of giving in, in nats, with its interval over choices.
    pub effect: Estimate,
    /// Standard deviation of the change over choices.
    pub deviation: f64,
    /// Share of the choices at which giving in is now the more probable.
    pub rate: f64,
    /// Mean probability of the tokens of either kind.
    pub mass: f64,
    /// Against random sets of each kind.
    pub against: Vec<Against>,
    /// Of a single neuron: the mean change under all neurons of its set, on the same choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<f64>,
}

/// A set against random sets of one kind, all on the same choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// How they match the set: `layer`, or `activity` too.
    pub matched: String,
    /// How many there are.
    pub sets: usize,
    /// Choices they were read on, the first of all.
    pub n: usize,
    /// The set's own mean change on these choices.
    pub effect: f64,
    /// Mean change of the random sets.
    pub mean: f64,
    /// Standard deviation over the random sets.
    pub deviation: f64,
    /// `(effect - mean) / deviation`.
    pub z: f64,
    /// Two-sided empirical p: twice the share of sets, this one included, at least as far to one side.
    pub p: f64,
    /// The smallest change that a test at the 5 % level would find in four of five studies like this one: 2.8 times the root of
    /// the two variances in sum, between random sets and of the set's mean.
    pub smallest: f64,
}

/// One behaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Which.
    pub behaviour: Behaviour,
    /// The wording that was chosen.
    pub wording: String,
    /// The model as trained.
    pub as_trained: AsTrained,
    /// Every set that is not a random one, at every factor.
    pub effects: Vec<Effect>,
    /// Replies in the model's own words to some of the items; of harm none are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    values.sum::<f64>() / n
}

fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values.iter().copied());
    let squares: f64 = values.iter().map(|v| (v - middle).powi(2)).sum();
    (squares / values.len().saturating_sub(1).max(1) as f64).sqrt()
}

fn rate(margins: &[Margin]) -> f64 {
    mean(
        margins
            .iter()
            .map(|m| f64::from(u8::from(m.log_odds() > 0.0))),
    )
}

fn changes(read: &Read, trained: &Read) -> Vec<f64> {
    let pairs = read.margins.iter().zip(&trained.margins);
    pairs
        .map(|(now, then)| now.log_odds() - then.log_odds())
        .collect()
}

fn estimate(values: &[f64], seed: u64) -> Result<Estimate> {
    let bootstrap = Bootstrap {
        seed,
        ..Bootstrap::default()
    };
    bootstrap.mean(&Units::items(values.len()), values)
}

/// The kinds of random sets.
const MATCHED: [&str; 2] = ["layer", "activity"];

/// Sums up what [`super::study`] read of one behaviour.
///
/// # Errors
/// [`crate::ErrorKind::Input`] where there is nothing to sum up, or a margin is not finite.
pub fn summarize(reads: &[Read], wording: &str, seed: u64) -> Result<Summary> {
    let trained = reads
        .iter()
        .find(|read| read.set == "as-trained")
        .ok_or_else(|| Error::internal("margins without the model as trained"))?;
    let random = |name: &str| {
        MATCHED
            .iter()
            .any(|kind| name.contains(&format!("/{kind}/")))
    };
    let odds: Vec<f64> = trained.margins.iter().map(Margin::log_odds).collect();
    let as_trained = AsTrained {
        n: odds.len(),
        margin: estimate(&odds, seed)?,
        deviation: deviation(&odds),
        rate: rate(&trained.margins),
        mass: mean(trained.margins.iter().map(Margin::mass)),
    };
    let mut effects = Vec::new();
    for read in reads
        .iter()
        .filter(|r| r.set != "as-trained" && !random(&r.set))
    {
        let changed = changes(read, trained);
        let mut against = Vec::new();
        for kind in MATCHED {
            // Sets made of a set, such as the set without a neuron, are held against its random ones.
            let of = read.set.split('/').next().unwrap_or_default();
            let prefix = format!("{of}/{kind}/");
            let of_kind = reads
                .iter()
                .filter(|r| r.alpha == read.alpha && r.set.starts_with(&prefix));
            let changes: Vec<Vec<f64>> = of_kind.map(|r| changes(r, trained)).collect();
            let Some(n) = changes
                .iter()
                .map(Vec::len)
                .min()
                .filter(|&n| n <= changed.len() && n > 0)
            else {
                continue;
            };
            if read.set.contains("/alone/") {
                continue;
            }
            let means: Vec<f64> = changes
                .iter()
                .map(|c| mean(c[..n].iter().copied()))
                .collect();
            let own = mean(changed[..n].iter().copied());
            let (middle, spread) = (mean(means.iter().copied()), deviation(&means));
            let error = deviation(&changed[..n]) / (n as f64).sqrt();
            against.push(Against {
                matched: kind.into(),
                sets: means.len(),
                n,
                effect: own,
                mean: middle,
                deviation: spread,
                z: if spread > 0.0 {
                    (own - middle) / spread
                } else {
                    0.0
                },
                p: empirical_p(own, &means, Tail::Both)?,
                smallest: 2.8 * spread.hypot(error),
            });
        }
        let whole = read.set.split_once("/alone/").and_then(|(of, _)| {
            let mut all = reads.iter();
            let whole = all.find(|r| r.set == of && r.alpha == read.alpha)?;
            let changes = changes(whole, trained);
            Some(mean(changes.get(..changed.len())?.iter().copied()))
        });
        effects.push(Effect {
            set: read.set.clone(),
            alpha: read.alpha,
            n: changed.len(),
            effect: estimate(&changed, seed)?,
            deviation: deviation(&changed),
            rate: rate(&read.margins),
            mass: mean(read.margins.iter().map(Margin::mass)),
            against,
            whole,
        });
    }
    Ok(Summary {
        behaviour: trained.behaviour,
        wording: wording.into(),
        as_trained,
        effects,
        written: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set's margins: the model's own, changed by `by` and by 0.1 up and down in turn.
    fn read(set: &str, alpha: f32, n: usize, by: f64) -> Read {
        let one = |i: usize| {
            let own = if i.is_multiple_of(4) { 1.0 } else { -1.0 };
            let wobble = if i.is_multiple_of(2) { 0.1 } else { -0.1 };
            let odds = if alpha == 1.0 { own } else { own + by + wobble };
            Margin {
                give: odds / 2.0 - 2.0,
                stand: -odds / 2.0 - 2.0,
            }
        };
        Read {
            behaviour: Behaviour::Opinion,
            set: set.into(),
            alpha,
            key: 0,
            margins: (0..n).map(one).collect(),
        }
    }

    #[test]
    fn a_set_is_held_against_random_sets_of_its_own_on_the_items_they_share() {
        let mut reads = vec![
            read("as-trained", 1.0, 40, 0.0),
            read("h", 0.0, 40, -0.5),
            read("h/without/L0N1", 0.0, 40, -0.2),
            read("h/alone/L0N1", 0.0, 8, -0.3),
            read("lever:opinion", 0.0, 40, -2.5),
        ];
        for (seed, by) in [-0.2, 0.0, 0.1, 0.3, 0.05].into_iter().enumerate() {
            reads.push(read(&format!("h/layer/{}", seed + 1), 0.0, 8, by));
        }
        let summary = summarize(&reads, "a wording", 1).expect("a summary");
        let trained = &summary.as_trained;
        assert_eq!((trained.n, trained.rate), (40, 0.25));
        assert!((trained.margin.value + 0.5).abs() < 1e-12);
        let names: Vec<&str> = summary.effects.iter().map(|e| e.set.as_str()).collect();
        assert_eq!(
            names,
            ["h", "h/without/L0N1", "h/alone/L0N1", "lever:opinion"]
        );
        let [h, without, alone, lever] = &summary.effects[..] else {
            panic!("four sets");
        };
        assert!((h.effect.value + 0.5).abs() < 1e-12 && h.effect.high < -0.4);
        let against = &h.against[0];
        assert_eq!((against.sets, against.n), (5, 8));
        // Mean .05 and deviation .18 of the five: numpy.std(..., ddof=1).
        assert!((against.mean - 0.05).abs() < 1e-12);
        assert!((against.deviation - 0.180_277_563_773).abs() < 1e-9);
        assert!((against.z - (-0.55 / 0.180_277_563_773)).abs() < 1e-6);
        assert!((against.p - 2.0 / 6.0).abs() < 1e-12, "the furthest of six");
        assert!(against.smallest > 2.8 * against.deviation);
        assert_eq!(without.against[0].sets, 5, "the set's own random ones");
        assert!(alone.against.is_empty() && lever.against.is_empty());
        assert!((alone.whole.expect("the set was read") + 0.5).abs() < 1e-12);
        assert_eq!(h.whole, None);
        assert_eq!(lever.rate, 0.0, "a quarter gave in, none does now");
    }
}
