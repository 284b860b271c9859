//! What the page and the command line are both built on: a loaded model, its artifact, and runs by set and alpha.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    engine::{Edits, Engine, Neuron, cpu::Cpu},
    error::{Error, Result},
    generate::{Plan, Sampling, Session, Step},
    gguf::ModelFile,
    neurons::{Artifact, Detector, matched_control},
    text::{Conversation, Tokenizer},
};

/// Longest text accepted in one message, in bytes: far more than the context holds, little enough to tokenize at once.
const MAX_TEXT: usize = 1 << 20;

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
}

/// What a random control is a control of.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ControlOf {
    /// The H-Neurons.
    #[default]
    H,
    /// These neurons.
    Custom(Vec<Neuron>),
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
            control_of: ControlOf::H,
            seed: 1,
        }
    }
}

/// A run asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What the model is asked.
    pub conversation: Conversation,
    /// The lanes, as trained first by custom.
    pub lanes: Vec<LaneRequest>,
    /// Longest answer, in tokens.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// How many of all neurons to name at each token; 0 for none.
    pub top: usize,
}

/// A lane as it was resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LanePlan {
    /// Which neurons are edited.
    pub set: Set,
    /// The factor on them; 1 for [`Set::None`].
    pub alpha: f32,
    /// The neurons edited, none for [`Set::None`].
    pub neurons: Vec<Neuron>,
}

/// A loaded model with its tokenizer, its engine and, once given, its artifact.
pub struct Lab {
    file: ModelFile,
    text: Tokenizer,
    engine: Box<dyn Engine>,
    artifact: Option<Artifact>,
}

impl Lab {
    /// Makes a model ready to run on the CPU.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`], [`crate::ErrorKind::Memory`].
    pub fn new(file: ModelFile) -> Result<Self> {
        let engine = Box::new(Cpu::new(&file)?);
        Self::with_engine(file, engine)
    }

    /// As [`Lab::new`], with an engine of the caller's choice, made from the same file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`].
    pub fn with_engine(file: ModelFile, engine: Box<dyn Engine>) -> Result<Self> {
        Ok(Self {
            text: Tokenizer::new(file.vocabulary())?,
            engine,
            file,
            artifact: None,
        })
    }

    /// The model file.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// The tokenizer.
    pub fn text(&self) -> &Tokenizer {
        &self.text
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut dyn Engine {
        self.engine.as_mut()
    }

    /// The artifact in use.
    pub fn artifact(&self) -> Option<&Artifact> {
        self.artifact.as_ref()
    }

    /// Takes an artifact, if it belongs to this model.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Artifact`].
    pub fn set_artifact(&mut self, artifact: Artifact) -> Result<()> {
        artifact.check_model(&self.file)?;
        self.artifact = Some(artifact);
        Ok(())
    }

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

    /// A random set matched layer by layer, drawn from neither the set itself nor the H-Neurons.
    ///
    /// # Errors
    /// As [`matched_control`]; [`Lab::h_neurons`] for [`ControlOf::H`].
    pub fn control(&self, of: &ControlOf, seed: u64) -> Result<Vec<Neuron>> {
        let neurons = self.engine.config().neurons;
        match of {
            ControlOf::H => matched_control(&self.h_neurons()?, &[], neurons, seed),
            ControlOf::Custom(set) => {
                let mut set = set.clone();
                set.sort_unstable();
                set.dedup();
                // Refuses neurons outside the model.
                Edits::scale(&set, 1.0, self.engine.config())?;
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
        let config = self.engine.config();
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
        };
        let edits = Edits::scale(&neurons, alpha, config)?;
        Ok((
            LanePlan {
                set: lane.set,
                alpha,
                neurons,
            },
            edits,
        ))
    }

    /// Starts a run. Shown are the H-Neurons, then every other neuron some lane edits.
    ///
    /// # Errors
    /// As [`Lab::resolve`], [`Conversation::encode`] and [`Session::start`].
    pub fn start(&mut self, request: &Request) -> Result<(Session, Vec<LanePlan>)> {
        let longest = match &request.conversation {
            Conversation::Raw(text) => text.len(),
            Conversation::Messages(m) => m.iter().map(|m| m.content.len()).max().unwrap_or(0),
        };
        if longest > MAX_TEXT {
            return Err(Error::input(format!(
                "the prompt has {longest} bytes, more than {MAX_TEXT}: shorten it"
            )));
        }
        let resolved = request
            .lanes
            .iter()
            .map(|l| self.resolve(l))
            .collect::<Result<Vec<_>>>()?;
        let mut shown = self.h_neurons().unwrap_or_default();
        let mut have: HashSet<Neuron> = shown.iter().copied().collect();
        for (plan, _) in &resolved {
            shown.extend(plan.neurons.iter().copied().filter(|n| have.insert(*n)));
        }
        let prompt = request
            .conversation
            .encode(&self.text, self.file.vocabulary())?;
        let (lanes, edits): (Vec<_>, Vec<_>) = resolved.into_iter().unzip();
        let plan = Plan {
            prompt,
            question: request.conversation.question().to_owned(),
            lanes: edits,
            shown,
            top: request.top,
            max_tokens: request.max_tokens,
            sampling: request.sampling,
        };
        let detector = self.artifact.as_ref().map(Detector::of);
        let session = Session::start(self.engine.as_mut(), plan, detector)?;
        Ok((session, lanes))
    }

    /// One step of a run.
    ///
    /// # Errors
    /// As [`Session::step`].
    pub async fn step(&mut self, session: &mut Session) -> Result<Step> {
        session.step(self.engine.as_mut(), &self.text).await
    }

    /// Ends a run early.
    pub fn stop(&mut self, session: &mut Session) -> Step {
        session.stop(self.engine.as_mut())
    }

    /// Gives up a run and frees its lanes.
    pub fn close(&mut self, session: Session) {
        session.close(self.engine.as_mut());
    }
}
