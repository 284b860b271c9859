//! Whether tuning made the H-Neurons: how far their weights moved from a base model to the model tuned from it.
//!
//! A neuron's parameters are its row of `W_up` and its column of `W_down`; how far each turned is `1 - cos` of the angle between base
//! and tuned (Gao et al., section on origins). Neurons are ranked by both, and the H-Neurons' mean rank is compared with random
//! sets of the same layers: a mean rank above 0.5 means that tuning moved them more than others.

use serde::Serialize;

use crate::{
    error::{Error, Result},
    model::ModelFile,
    neurons::{Neuron, matched_control},
    quant::Matrix,
};

/// How far every neuron's weights turned, `layers * neurons` of each, layer by layer.
pub struct Change {
    /// `1 - cos` of the rows of `W_up`.
    pub up: Vec<f32>,
    /// `1 - cos` of the columns of `W_down`.
    pub down: Vec<f32>,
    neurons: usize,
}

/// What is said of a set of neurons.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// Mean over the set of the rank among all neurons, 0 (moved least) to 1, over `W_up` and `W_down`.
    pub mean_rank: f64,
    /// The same of each random set of the same layers.
    pub random: Vec<f64>,
    /// Share of random sets, and this one, at least as far from 0.5.
    pub p: f64,
}

/// How much two sets of neurons have in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overlap {
    /// Neurons of the set, of the other, and of both.
    pub sizes: (usize, usize, usize),
    /// How many of the other each random set of the same layers has.
    pub random: Vec<usize>,
    /// Share of random sets, and this one, that have at least as many.
    pub p: f64,
}

/// The overlap of a set with another against `controls` random sets of the same layers, with seeds from 1 on.
///
/// # Errors
/// As [`matched_control`].
pub fn overlap(
    set: &[Neuron],
    other: &[Neuron],
    per_layer: usize,
    controls: u64,
) -> Result<Overlap> {
    let common = |set: &[Neuron]| set.iter().filter(|n| other.contains(n)).count();
    let both = common(set);
    let random = (1..=controls)
        .map(|seed| Ok(common(&matched_control(set, &[], per_layer, seed)?)))
        .collect::<Result<Vec<_>>>()?;
    let as_many = random.iter().filter(|&&n| n >= both).count();
    Ok(Overlap {
        sizes: (set.len(), other.len(), both),
        p: (as_many + 1) as f64 / (random.len() + 1) as f64,
        random,
    })
}

/// Compares two files of one shape.
///
/// # Errors
/// [`crate::ErrorKind::Input`] for files of different shapes; [`crate::ErrorKind::Memory`].
pub fn change(base: &ModelFile, tuned: &ModelFile) -> Result<Change> {
    let (a, b) = (base.blueprint(), tuned.blueprint());
    if (a.layers, a.neurons, a.hidden) != (b.layers, b.neurons, b.hidden) {
        return Err(Error::input(format!(
            "the base model has {} layers of {} neurons and width {}, the tuned one {} of {} and {}: give the base that this \
             model was tuned from",
            a.layers, a.neurons, a.hidden, b.layers, b.neurons, b.hidden
        )));
    }
    let mut change = Change {
        up: Vec::with_capacity(a.neuron_count()),
        down: Vec::with_capacity(a.neuron_count()),
        neurons: a.neurons,
    };
    for (x, y) in base.weights().layers.iter().zip(&tuned.weights().layers) {
        rows_turned(&x.ffn_up.matrix, &y.ffn_up.matrix, &mut change.up);
        columns_turned(&x.ffn_down.matrix, &y.ffn_down.matrix, &mut change.down);
    }
    Ok(change)
}

/// `1 - cos` from the three sums; 0 where a vector is zero.
fn turned(ab: f64, aa: f64, bb: f64) -> f32 {
    if aa > 0.0 && bb > 0.0 {
        (1.0 - ab / (aa * bb).sqrt()).max(0.0) as f32
    } else {
        0.0
    }
}

/// Adds to the three sums that [`turned`] takes.
fn add([ab, aa, bb]: &mut [f64; 3], a: f32, b: f32) {
    let (a, b) = (f64::from(a), f64::from(b));
    *ab += a * b;
    *aa += a * a;
    *bb += b * b;
}

fn rows_turned(a: &Matrix, b: &Matrix, out: &mut Vec<f32>) {
    let (mut p, mut q) = (vec![0f32; a.columns()], vec![0f32; b.columns()]);
    for r in 0..a.rows() {
        a.dequantize_row(r, &mut p);
        b.dequantize_row(r, &mut q);
        let mut sums = [0f64; 3];
        for (p, q) in p.iter().zip(&q) {
            add(&mut sums, *p, *q);
        }
        out.push(turned(sums[0], sums[1], sums[2]));
    }
}

fn columns_turned(a: &Matrix, b: &Matrix, out: &mut Vec<f32>) {
    let (mut p, mut q) = (vec![0f32; a.columns()], vec![0f32; b.columns()]);
    let mut sums = vec![[0f64; 3]; a.columns()];
    for r in 0..a.rows() {
        a.dequantize_row(r, &mut p);
        b.dequantize_row(r, &mut q);
        for ((p, q), sums) in p.iter().zip(&q).zip(&mut sums) {
            add(sums, *p, *q);
        }
    }
    out.extend(sums.iter().map(|&[ab, aa, bb]| turned(ab, aa, bb)));
}

impl Change {
    /// Ranks, 0 to 1, averaged over `W_up` and `W_down`; equal values share their mean rank.
    pub fn ranks(&self) -> Vec<f64> {
        let (up, down) = (ranks(&self.up), ranks(&self.down));
        up.iter().zip(down).map(|(u, d)| (u + d) / 2.0).collect()
    }

    /// The mean rank of a set against `controls` random sets of the same layers, with seeds from 1 on.
    ///
    /// # Errors
    /// As [`matched_control`].
    pub fn moved(&self, set: &[Neuron], controls: u64) -> Result<Moved> {
        let ranks = self.ranks();
        let mean = |set: &[Neuron]| {
            let sum: f64 = set
                .iter()
                .map(|n| ranks[n.layer * self.neurons + n.index])
                .sum();
            sum / set.len().max(1) as f64
        };
        let mean_rank = mean(set);
        let random = (1..=controls)
            .map(|seed| Ok(mean(&matched_control(set, &[], self.neurons, seed)?)))
            .collect::<Result<Vec<f64>>>()?;
        let far = |v: f64| (v - 0.5).abs();
        let beyond = random.iter().filter(|&&v| far(v) >= far(mean_rank)).count();
        Ok(Moved {
            mean_rank,
            p: (beyond + 1) as f64 / (random.len() + 1) as f64,
            random,
        })
    }
}

/// Ranks of values, 0 to 1; equal ones share their mean rank.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let last = values.len().saturating_sub(1).max(1) as f64;
    let mut out = vec![0f64; values.len()];
    let mut at = 0;
    while at < order.len() {
        let same = order[at..]
            .iter()
            .take_while(|&&i| values[i] == values[order[at]])
            .count()
            .max(1);
        let rank = at as f64 + (same - 1) as f64 / 2.0;
        for &i in &order[at..at + same] {
            out[i] = rank / last;
        }
        at += same;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(
            ranks(&[3.0, 1.0, 3.0, 2.0, 0.0]),
            [0.875, 0.25, 0.875, 0.5, 0.0]
        );
        assert_eq!(ranks(&[1.0, 1.0]), [0.5, 0.5]);
        assert_eq!(ranks(&[7.0]), [0.0]);
    }

    #[test]
    fn an_overlap_is_held_against_chance() {
        let at = |layer, index| Neuron { layer, index };
        let set: Vec<Neuron> = (0..10).map(|i| at(i % 2, 7 * i)).collect();
        let same = overlap(&set, &set, 500, 99).expect("room for controls");
        assert_eq!((same.sizes, same.p), ((10, 10, 10), 0.01));
        let none = overlap(&set, &[at(0, 499)], 500, 99).expect("room for controls");
        assert_eq!((none.sizes, none.p), ((10, 1, 0), 1.0));
    }

    #[test]
    fn an_angle_is_told_from_a_length() {
        assert!(turned(2.0, 1.0, 4.0) < 1e-6, "twice as long, the same way");
        assert!(
            (turned(0.0, 1.0, 4.0) - 1.0).abs() < 1e-6,
            "at a right angle"
        );
        assert_eq!(turned(0.0, 0.0, 1.0), 0.0);
    }
}
