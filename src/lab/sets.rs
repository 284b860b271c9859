//! Which neurons a lane edits: sets, controls and selections become edits.

use serde::{Deserialize, Serialize};

use super::Lab;
use crate::{
    engine::{Edits, Neuron},
    error::{Error, Result},
    neurons::{Artifact, Lever, matched_control},
};

/// Which neurons a lane edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// None: the model as trained.
    None,
    /// The H-Neurons.
    H,
    /// A layer-matched random control.
    Random,
    /// A list of one's own.
    Custom,
    /// A lever of the artifact: a set chosen for moving one behaviour.
    Lever,
}

/// What a random control is a control of.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ControlOf {
    /// The H-Neurons.
    #[default]
    H,
    /// These neurons.
    Custom(Vec<Neuron>),
    /// The lever of this id, or the artifact's first.
    Lever(Option<String>),
}

/// One lane asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneRequest {
    /// Which neurons are edited.
    pub set: Set,
    /// The factor on them; of no effect for [`Set::None`].
    pub alpha: f32,
    /// The neurons of [`Set::Custom`].
    pub neurons: Vec<Neuron>,
    /// The id of [`Set::Lever`]; none for the artifact's first.
    pub lever: Option<String>,
    /// For a selection (or the control of one) the factors that some neurons have of their own, in the selection's order; the others
    /// have `alpha`. Empty where none has. A control's neurons take them over layer by layer.
    pub factors: Vec<Option<f32>>,
    /// What [`Set::Random`] is matched to.
    pub control_of: ControlOf,
    /// The seed of [`Set::Random`].
    pub seed: u64,
}

impl LaneRequest {
    /// A lane that edits `set` by `alpha`; controls are of the H-Neurons, with seed 1.
    pub fn new(set: Set, alpha: f32) -> Self {
        Self {
            set,
            alpha,
            neurons: Vec::new(),
            lever: None,
            factors: Vec::new(),
            control_of: ControlOf::H,
            seed: 1,
        }
    }
}

/// A lane as it was resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LanePlan {
    /// Which neurons are edited.
    pub set: Set,
    /// The lever that is edited, or that a random set is a control of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lever: Option<String>,
    /// The factor on them; 1 for [`Set::None`].
    pub alpha: f32,
    /// The neurons edited, none for [`Set::None`].
    pub neurons: Vec<Neuron>,
}

impl Lab {
    /// The H-Neurons.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Artifact`] while no artifact is loaded.
    pub fn h_neurons(&self) -> Result<Vec<Neuron>> {
        self.artifact
            .as_ref()
            .map(Artifact::h_neurons)
            .ok_or_else(|| {
                Error::artifact("no H-Neurons are known for this model: load its artifact first")
            })
    }

    /// The lever of an id, or the artifact's first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] where the artifact has none, or not this one; [`crate::ErrorKind::Artifact`] while none is
    /// loaded.
    pub fn lever(&self, id: Option<&str>) -> Result<&Lever> {
        let Some(artifact) = &self.artifact else {
            return Err(Error::artifact(
                "no levers are known for this model: load its artifact first",
            ));
        };
        let levers = &artifact.levers;
        if levers.is_empty() {
            return Err(Error::input(format!(
                "the artifact '{}' has no levers: choose the H-Neurons, random ones, or take another artifact",
                artifact.id
            )));
        }
        let found = match id {
            None => levers.first(),
            Some(id) => levers.iter().find(|lever| lever.id == id),
        };
        found.ok_or_else(|| {
            let ids: Vec<_> = levers.iter().map(|lever| lever.id.as_str()).collect();
            Error::input(format!(
                "the artifact '{}' has no lever '{}': choose {}",
                artifact.id,
                id.unwrap_or_default(),
                ids.join(" or ")
            ))
        })
    }

    /// A random set matched layer by layer, drawn from neither the set itself nor, for a selection, the H-Neurons. Of a lever it is
    /// the published one of this seed where there is one, since that is the one that was measured.
    ///
    /// # Errors
    /// As [`matched_control`]; [`Lab::h_neurons`] for [`ControlOf::H`], [`Lab::lever`] for [`ControlOf::Lever`].
    pub fn control(&self, of: &ControlOf, seed: u64) -> Result<Vec<Neuron>> {
        let neurons = self.engine.get().blueprint().neurons;
        match of {
            ControlOf::H => matched_control(&self.h_neurons()?, &[], neurons, seed),
            ControlOf::Lever(id) => {
                let lever = self.lever(id.as_deref())?;
                match lever.controls.iter().find(|control| control.seed == seed) {
                    Some(published) => {
                        let mut set = published.set();
                        set.sort_unstable();
                        Ok(set)
                    }
                    None => matched_control(&lever.set(), &[], neurons, seed),
                }
            }
            ControlOf::Custom(set) => {
                let mut set = set.clone();
                set.sort_unstable();
                set.dedup();
                // Refuses neurons outside the model.
                Edits::scale(&set, 1.0, self.engine.get().blueprint())?;
                let h = self.h_neurons().unwrap_or_default();
                matched_control(&set, &h, neurons, seed)
            }
        }
    }

    /// Which neurons a lane edits, and by how much.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for a bad alpha or neuron, [`crate::ErrorKind::Artifact`].
    pub fn resolve(&self, lane: &LaneRequest) -> Result<(LanePlan, Edits)> {
        let config = self.engine.get().blueprint();
        let (neurons, alpha) = match lane.set {
            Set::None => (Vec::new(), 1.0),
            Set::H => (self.h_neurons()?, lane.alpha),
            Set::Random => (self.control(&lane.control_of, lane.seed)?, lane.alpha),
            Set::Custom => {
                let mut set = lane.neurons.clone();
                set.sort_unstable();
                set.dedup();
                (set, lane.alpha)
            }
            Set::Lever => (self.lever(lane.lever.as_deref())?.set(), lane.alpha),
        };
        let lever = match (lane.set, &lane.control_of) {
            (Set::Lever, _) => Some(&lane.lever),
            (Set::Random, ControlOf::Lever(id)) => Some(id),
            _ => None,
        };
        let lever = match lever {
            Some(id) => Some(self.lever(id.as_deref())?.id.clone()),
            None => None,
        };
        let edits = match (lane.set, &lane.control_of) {
            _ if lane.factors.is_empty() => Edits::scale(&neurons, alpha, config)?,
            (Set::Custom, _) => {
                let own = own_factors(&lane.neurons, &lane.factors, alpha)?;
                Edits::each(&own, config)?
            }
            // As many neurons in each layer, in the same order: each takes the factor of its place.
            (Set::Random, ControlOf::Custom(of)) => {
                let own = own_factors(of, &lane.factors, alpha)?;
                let own = neurons.iter().zip(own).map(|(&n, (_, f))| (n, f));
                Edits::each(&own.collect::<Vec<_>>(), config)?
            }
            _ => {
                let why = "only a selection of one's own has factors of its own";
                return Err(Error::input(why));
            }
        };
        Ok((
            LanePlan {
                set: lane.set,
                lever,
                alpha,
                neurons,
            },
            edits,
        ))
    }
}

/// The lever that `lever` (the first: an inner none) or `lever:ID` names; none for another text.
pub fn lever_named(text: &str) -> Option<Option<String>> {
    match text.strip_prefix("lever")? {
        "" => Some(None),
        id => id.strip_prefix(':').map(|id| Some(id.to_owned())),
    }
}

/// Each neuron with its factor, by layer and index.
fn own_factors(
    neurons: &[Neuron],
    factors: &[Option<f32>],
    alpha: f32,
) -> Result<Vec<(Neuron, f32)>> {
    if neurons.len() != factors.len() {
        return Err(Error::input(format!(
            "{} neurons and {} factors: give a factor, or null, for each",
            neurons.len(),
            factors.len()
        )));
    }
    let factors = factors.iter().map(|f| f.unwrap_or(alpha));
    let mut own: Vec<_> = neurons.iter().copied().zip(factors).collect();
    own.sort_by_key(|(neuron, _)| *neuron);
    own.dedup_by_key(|(neuron, _)| *neuron);
    Ok(own)
}
