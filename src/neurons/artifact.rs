//! The artifact: the published file of one model's H-Neurons (`hneurons.json`, schema `hneurons/1`).
//!
//! The page shows nothing about the H-Neurons that is not in this file, so it is checked as strictly as a model file:
//! a set of neurons of another model would light up just as prettily, and mean nothing.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Neuron, lever::Lever};
use crate::{
    choose::Golden,
    error::{Error, Result},
    model::ModelFile,
};

/// The schema this crate reads and writes.
pub const SCHEMA: &str = "hneurons/1";

/// Largest artifact read, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// The published file of one model's H-Neurons. Fields are described in `docs/artifact.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The artifact's own id, also its folder's name.
    pub id: String,
    /// Whether the neurons come from a study that this tool has not yet redone.
    #[serde(default)]
    pub provisional: bool,
    /// What a reader must know before believing it, in plain words.
    #[serde(default)]
    pub notice: String,
    /// The model it belongs to.
    pub model: ArtifactModel,
    /// The H-Neurons, largest weight first.
    pub neurons: Vec<HNeuron>,
    /// The classifier.
    pub detector: DetectorSpec,
    /// Layer-matched random sets, by seed.
    pub controls: Vec<ControlSet>,
    /// Sets chosen for moving one behaviour; the first is the usual one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levers: Vec<Lever>,
    /// How good the detector is, per data set; empty while nothing was measured.
    #[serde(default)]
    pub evaluation: Vec<serde_json::Value>,
    /// What editing does, per benchmark and alpha; empty while nothing was measured.
    #[serde(default)]
    pub impact: Vec<serde_json::Value>,
    /// How each benchmark goes with alpha, against random sets.
    #[serde(default)]
    pub trends: Vec<serde_json::Value>,
    /// How far sets move each behaviour's log-odds, against random sets; empty while nothing was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub margins: Vec<serde_json::Value>,
    /// Perplexity of ordinary text, per alpha.
    #[serde(default)]
    pub language: Vec<serde_json::Value>,
    /// What identification had, and tried.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub identification: serde_json::Value,
    /// Everything needed to redo it.
    pub recipe: serde_json::Value,
}

/// Which model file an artifact belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactModel {
    /// Short id, as in URLs.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// GGUF architecture.
    pub architecture: String,
    /// File name.
    pub file: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
    /// Where the file can be had.
    pub urls: Vec<String>,
    /// Licence of the weights (SPDX).
    pub license: String,
    /// Layers.
    pub layers: usize,
    /// Neurons of one layer.
    pub neurons_per_layer: usize,
    /// All neurons.
    pub neuron_count: usize,
    /// What the model says after a fixed text: an engine that says anything else computes wrongly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden: Option<Golden>,
}

/// One H-Neuron.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HNeuron {
    /// Layer, from 0.
    pub layer: usize,
    /// Index in the layer, from 0.
    pub index: usize,
    /// Its positive weight in the classifier, on the standardized contribution.
    pub weight: f64,
    /// Quantiles of its contribution on reference text, by probability ("0.5", "0.99" …).
    #[serde(default)]
    pub quantiles: BTreeMap<String, f32>,
    /// Its contributions on reference text, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// Share of resamples of the training answers that chose it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// Tokens its column of `W_down` raises most through the unembedding.
    #[serde(default)]
    pub promotes: Vec<String>,
    /// Tokens it lowers most.
    #[serde(default)]
    pub suppresses: Vec<String>,
}

/// Contributions counted on a logarithmic scale: step `k` is a contribution of `from * 10^(k / per_decade)`; step 0 counts
/// what is smaller, the last one what is larger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The contribution of step 0.
    pub from: f64,
    /// Steps in a factor of ten.
    pub per_decade: f64,
    /// Tokens at each step.
    pub counts: Vec<u32>,
}

/// The definition of a contribution that this program measures: `h` is `W_down z`, before a bias and before any norm of what the MLP
/// adds (see [`super::contribution`]).
pub const FEATURE_VERSION: u32 = 1;

fn first_version() -> u32 {
    1
}

fn is_first_version(version: &u32) -> bool {
    *version == 1
}

/// The classifier as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorSpec {
    /// Intercept.
    pub bias: f64,
    /// What is measured; `mean_contribution`.
    pub feature: String,
    /// Which definition of it; absent for the first.
    #[serde(default = "first_version", skip_serializing_if = "is_first_version")]
    pub feature_version: u32,
    /// Over which tokens; `answer_words` (see [`super::answer_words`]).
    pub span: String,
    /// One entry a neuron; includes neurons of negative weight, which are not H-Neurons.
    pub terms: Vec<DetectorTerm>,
    /// Platt scaling of the logit, where it was fitted.
    #[serde(default)]
    pub calibration: Option<Calibration>,
}

/// One neuron of the classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorTerm {
    /// Layer, from 0.
    pub layer: usize,
    /// Index in the layer, from 0.
    pub index: usize,
    /// Weight on the standardized contribution.
    pub weight: f64,
    /// Mean of the contribution on the training set.
    pub mean: f64,
    /// Standard deviation there; positive.
    pub std: f64,
}

/// `slope * logit + intercept`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Factor on the logit.
    pub slope: f64,
    /// Added to it.
    pub intercept: f64,
}

/// One random set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlSet {
    /// The seed it is drawn from (see [`super::matched_control`]).
    pub seed: u64,
    /// `[layer, index]` of each neuron.
    pub neurons: Vec<(usize, usize)>,
}

impl ArtifactModel {
    /// Whether there is such a neuron.
    pub(super) fn has(&self, neuron: Neuron) -> bool {
        neuron.layer < self.layers && neuron.index < self.neurons_per_layer
    }
}

impl ControlSet {
    /// Its neurons.
    pub fn set(&self) -> Vec<Neuron> {
        let neuron = |&(layer, index)| Neuron { layer, index };
        self.neurons.iter().map(neuron).collect()
    }

    /// Whether it has as many neurons in each layer as `set`, none twice, none of `set`, and all in the model.
    pub(super) fn matches(&self, set: &HashSet<Neuron>, model: &ArtifactModel) -> bool {
        let own = self.set();
        let distinct: HashSet<Neuron> = own.iter().copied().collect();
        distinct.len() == own.len()
            && own.iter().all(|n| model.has(*n) && !set.contains(n))
            && by_layer(&own) == by_layer(set)
    }
}

/// How many neurons each layer has.
fn by_layer<'a>(set: impl IntoIterator<Item = &'a Neuron>) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for n in set {
        *counts.entry(n.layer).or_default() += 1;
    }
    counts
}

impl HNeuron {
    /// Where it is.
    pub fn neuron(&self) -> Neuron {
        Neuron {
            layer: self.layer,
            index: self.index,
        }
    }
}

impl DetectorTerm {
    /// Where it is.
    pub fn neuron(&self) -> Neuron {
        Neuron {
            layer: self.layer,
            index: self.index,
        }
    }
}

impl Artifact {
    /// Reads and checks an artifact.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Artifact`], naming the field.
    pub fn parse(json: &str) -> Result<Self> {
        if json.len() > MAX_BYTES {
            return Err(Error::artifact(format!(
                "the artifact has {} bytes, more than the {MAX_BYTES} an artifact may have: take another file",
                json.len()
            )));
        }
        let artifact: Self = serde_json::from_str(json).map_err(|e| {
            Error::artifact(format!(
                "the artifact is not a valid {SCHEMA} file ({e}): download it again, or make it anew"
            ))
        })?;
        artifact.check()?;
        Ok(artifact)
    }

    /// Refuses to be used with a model it does not belong to.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Artifact`].
    pub fn check_model(&self, file: &ModelFile) -> Result<()> {
        let config = file.blueprint();
        if !self.model.sha256.eq_ignore_ascii_case(file.sha256()) {
            return Err(Error::artifact(format!(
                "the artifact '{}' belongs to another model file ({}, SHA-256 {}…), not to the one loaded ({}…): \
                 load that model, or take this model's artifact",
                self.id,
                self.model.name,
                self.model.sha256.get(..12).unwrap_or_default(),
                &file.sha256()[..12],
            )));
        }
        if (self.model.layers, self.model.neurons_per_layer) != (config.layers, config.neurons) {
            return Err(Error::artifact(format!(
                "the artifact '{}' counts {} layers of {} neurons, the model has {} of {}: make the artifact anew",
                self.id,
                self.model.layers,
                self.model.neurons_per_layer,
                config.layers,
                config.neurons
            )));
        }
        Ok(())
    }

    /// The H-Neurons, in the file's order.
    pub fn h_neurons(&self) -> Vec<Neuron> {
        self.neurons.iter().map(HNeuron::neuron).collect()
    }

    fn check(&self) -> Result<()> {
        let model = &self.model;
        let bad = |what: String| {
            Err(Error::artifact(format!(
                "the artifact is not sound: {what}; make it anew"
            )))
        };
        if self.schema != SCHEMA {
            return Err(Error::artifact(format!(
                "the artifact has the schema '{}', and this program reads '{SCHEMA}': update the one or the other",
                self.schema
            )));
        }
        if model.layers == 0
            || model.neurons_per_layer == 0
            || model.layers.checked_mul(model.neurons_per_layer) != Some(model.neuron_count)
        {
            return bad("model.neuron_count is not layers x neurons_per_layer".into());
        }
        if model.sha256.len() != 64 || !model.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return bad("model.sha256 is not 64 hexadecimal digits".into());
        }
        let inside = |n: Neuron| model.has(n);
        if self.neurons.is_empty() {
            return bad("it lists no neurons".into());
        }
        let mut seen = HashSet::new();
        for n in &self.neurons {
            if !inside(n.neuron()) || !seen.insert(n.neuron()) {
                return bad(format!(
                    "neuron {}.{} is outside the model, or listed twice",
                    n.layer, n.index
                ));
            }
            if !(n.weight.is_finite() && n.weight > 0.0) {
                return bad(format!(
                    "neuron {}.{} has weight {}, and H-Neurons have positive ones",
                    n.layer, n.index, n.weight
                ));
            }
            if n.quantiles.values().any(|q| !q.is_finite() || *q < 0.0) {
                return bad(format!(
                    "neuron {}.{} has a negative quantile",
                    n.layer, n.index
                ));
            }
        }
        let detector = &self.detector;
        if detector.feature_version != FEATURE_VERSION {
            return bad(format!(
                "the detector reads version {} of '{}', and this program measures version {FEATURE_VERSION}",
                detector.feature_version, detector.feature
            ));
        }
        if detector.feature != "mean_contribution" || detector.span != "answer_words" {
            return bad(format!(
                "the detector reads '{}' over '{}', which this program does not measure",
                detector.feature, detector.span
            ));
        }
        let mut terms = HashSet::new();
        for t in &detector.terms {
            let numbers = [t.weight, t.mean, t.std].iter().all(|v| v.is_finite());
            if !inside(t.neuron()) || !terms.insert(t.neuron()) || !numbers || t.std <= 0.0 {
                return bad(format!(
                    "the detector's term for {}.{} is not usable",
                    t.layer, t.index
                ));
            }
        }
        let calibrated = detector
            .calibration
            .as_ref()
            .is_none_or(|c| c.slope.is_finite() && c.intercept.is_finite());
        if !detector.bias.is_finite() || !calibrated {
            return bad("the detector's bias or calibration is not a number".into());
        }
        if let Some(unmatched) = self.controls.iter().find(|c| !c.matches(&seen, model)) {
            return bad(format!(
                "the control of seed {} does not match the H-Neurons layer by layer",
                unmatched.seed
            ));
        }
        let mut ids = HashSet::new();
        for lever in &self.levers {
            if let Some(what) = lever.wrong(model) {
                return bad(what);
            }
            if !ids.insert(&lever.id) {
                return bad(format!("two levers have the id '{}'", lever.id));
            }
        }
        Ok(())
    }
}
