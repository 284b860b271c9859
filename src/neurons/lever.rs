//! Levers: published sets of neurons that were chosen for moving one behaviour, not for predicting errors.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    Neuron,
    artifact::{ArtifactModel, ControlSet},
};

/// Longest id of a lever, in characters: it stands in addresses.
const MAX_ID: usize = 60;

/// A set of neurons chosen for moving one behaviour. Fields are described in `docs/artifact.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lever {
    /// Its name in addresses and on the command line.
    pub id: String,
    /// Name of the behaviour it was chosen for.
    pub behaviour: String,
    /// The behaviour in plain words; completes "chosen for …".
    pub words: String,
    /// A prompt that shows the behaviour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<LeverExample>,
    /// The neurons, largest effect first.
    pub neurons: Vec<LeverNeuron>,
    /// Random sets matched to it layer by layer, by seed.
    #[serde(default)]
    pub controls: Vec<ControlSet>,
    /// What else it changes.
    #[serde(default)]
    pub harm: Vec<Harm>,
    /// How it was found and measured.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub evidence: serde_json::Value,
}

/// A prompt that shows a lever's behaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeverExample {
    /// The user message.
    pub prompt: String,
}

/// One neuron of a lever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeverNeuron {
    /// Layer, from 0.
    pub layer: usize,
    /// Index in the layer, from 0.
    pub index: usize,
    /// Change of the behaviour's log-odds per unit of its factor, in nats, as it was estimated for the choice.
    pub effect: f64,
}

/// What a lever changes beside its behaviour: one measure with all neurons as trained, and with the lever's off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Harm {
    /// What was counted, in plain words.
    pub measure: String,
    /// Share as trained, 0 to 1.
    pub as_trained: f64,
    /// Share with the lever's neurons times 0.
    pub off: f64,
    /// How many were counted.
    pub n: u64,
}

impl LeverNeuron {
    /// Where it is.
    pub fn neuron(&self) -> Neuron {
        Neuron {
            layer: self.layer,
            index: self.index,
        }
    }
}

impl Lever {
    /// The neurons, in the file's order.
    pub fn set(&self) -> Vec<Neuron> {
        self.neurons.iter().map(LeverNeuron::neuron).collect()
    }

    /// What is not sound about it in a model of this shape, in words.
    pub(super) fn wrong(&self, model: &ArtifactModel) -> Option<String> {
        let id = &self.id;
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(letters) {
            return Some(format!(
                "the lever id '{id}' is not 1 to {MAX_ID} letters a to z, digits and dashes"
            ));
        }
        if self.behaviour.trim().is_empty() || self.words.trim().is_empty() {
            return Some(format!(
                "the lever '{id}' does not say what it was chosen for"
            ));
        }
        if self.neurons.is_empty() {
            return Some(format!("the lever '{id}' lists no neurons"));
        }
        let mut seen = HashSet::new();
        for n in &self.neurons {
            if !model.has(n.neuron()) || !seen.insert(n.neuron()) {
                return Some(format!(
                    "neuron {}.{} of the lever '{id}' is outside the model, or listed twice",
                    n.layer, n.index
                ));
            }
            if !n.effect.is_finite() {
                return Some(format!(
                    "neuron {}.{} of the lever '{id}' has an effect that is not a number",
                    n.layer, n.index
                ));
            }
        }
        if let Some(unmatched) = self.controls.iter().find(|c| !c.matches(&seen, model)) {
            return Some(format!(
                "the control of seed {} does not match the lever '{id}' layer by layer",
                unmatched.seed
            ));
        }
        let share = |v: f64| (0.0..=1.0).contains(&v);
        let unsound = |h: &&Harm| {
            h.measure.trim().is_empty() || !share(h.as_trained) || !share(h.off) || h.n == 0
        };
        self.harm.iter().find(unsound).map(|h| {
            format!(
                "the harm '{}' of the lever '{id}' is not two shares of 0 to 1 of at least one answer",
                h.measure
            )
        })
    }
}
