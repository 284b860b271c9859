//! The sets of neurons that margins are read under, and the log of what was read.
//!
//! One line of the log is one set at one factor on one behaviour: seconds to minutes of work, done once.

use std::{collections::HashMap, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    behaviour::Behaviour,
    items::Choice,
    measure::{Margin, margins},
};
use crate::{
    engine::{Edits, Engine, Neuron},
    error::Result,
    research::{log::Log, split::stable_hash},
};

/// A set of neurons, and why it is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// `h`, `h/without/L0N173`, `h/alone/L0N173`, `h/layer/7`, `h/activity/7`, `lever:opinion`, … A part after a slash
    /// names a set made of the one before it.
    pub name: String,
    /// Its neurons.
    pub neurons: Vec<Neuron>,
    /// How many of the choices are read under it, from the first on.
    pub choices: usize,
    /// At which factors.
    pub alphas: Vec<f32>,
}

/// What was read of a set at a factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// Which behaviour.
    pub behaviour: Behaviour,
    /// The set's name.
    pub set: String,
    /// The factor; 1 is the model as trained.
    pub alpha: f32,
    /// A hash of the neurons and the choices: what was read for others is not taken for this.
    pub key: u64,
    /// The margin of each choice, to a ten-thousandth of a nat.
    pub margins: Vec<Margin>,
}

fn key(neurons: &[Neuron], choices: &[Choice]) -> u64 {
    stable_hash("margins", &format!("{neurons:?} {choices:?}"), 0)
}

fn rounded(margin: Margin) -> Margin {
    let round = |x: f64| (x * 1e4).round() / 1e4;
    Margin {
        give: round(margin.give),
        stand: round(margin.stand),
    }
}

/// Reads the choices of one behaviour as trained and under every set at every factor; what the log at `path` has is not read
/// again. `progress` is told how many of all prompts are done.
///
/// # Errors
/// As [`margins`] and [`Log`].
pub fn study(
    engine: &mut dyn Engine,
    behaviour: Behaviour,
    choices: &[Choice],
    sets: &[Set],
    path: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Read>> {
    let (mut log, held) = Log::open::<Read>(path)?;
    let of = |read: &Read| {
        (
            read.behaviour,
            read.set.clone(),
            read.alpha.to_bits(),
            read.key,
        )
    };
    let mut held: HashMap<_, Read> = held.into_iter().map(|read| (of(&read), read)).collect();
    let as_trained = Set {
        name: "as-trained".into(),
        neurons: Vec::new(),
        choices: choices.len(),
        alphas: vec![1.0],
    };
    let all = std::iter::once(&as_trained).chain(sets);
    let wanted: Vec<(&Set, f32)> = all
        .flat_map(|set| set.alphas.iter().map(move |&alpha| (set, alpha)))
        .collect();
    let prompts = |set: &Set| set.choices.min(choices.len());
    let total = wanted.iter().map(|(set, _)| prompts(set)).sum();
    let (mut out, mut done) = (Vec::with_capacity(wanted.len()), 0);
    for (set, alpha) in wanted {
        let these = &choices[..prompts(set)];
        let key = key(&set.neurons, these);
        let named = (behaviour, set.name.clone(), alpha.to_bits(), key);
        let read = match held.remove(&named) {
            Some(read) => read,
            None => {
                let edits = Edits::scale(&set.neurons, alpha, engine.blueprint())?;
                let read = Read {
                    behaviour,
                    set: set.name.clone(),
                    alpha,
                    key,
                    margins: (margins(engine, these, &edits)?.into_iter().map(rounded)).collect(),
                };
                log.push(&read)?;
                read
            }
        };
        out.push(read);
        done += these.len();
        progress(done, total);
    }
    Ok(out)
}
