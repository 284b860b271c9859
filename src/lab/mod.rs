//! What the page and the command line are both built on: a loaded model, its artifact, and runs by set and alpha.

mod engines;
mod sets;

use std::collections::HashSet;

pub use sets::{ControlOf, LanePlan, LaneRequest, Set, lever_named};

use engines::Running;

use crate::{
    engine::{Edits, Engine, Logits, Neuron, Reading, Watch, contributions, cpu::Cpu},
    error::{Error, ErrorKind, Result},
    model::ModelFile,
    neurons::{Artifact, Detector},
    session::{
        Candidate, MAX_TOKENS, Plan, Sampling, Session, Step, check_prompt, most_probable,
        reread::{self, Rereading},
    },
    text::{Conversation, Message, PromptToken, Tokenizer},
};

/// Longest text accepted in one message, in bytes: far more than the context holds, little enough to tokenize at once.
const MAX_TEXT: usize = 1 << 20;

/// How many tokens [`Lab::next`] gives.
const CANDIDATES: usize = 8;

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
    /// Neurons to show beside the H-Neurons and those that a lane edits.
    pub show: Vec<Neuron>,
    /// How many tokens to name that could have come at each token of the answer (see [`Plan::next`]); 0 for none.
    pub next: usize,
}

/// A loaded model with its tokenizer, its engine and, once given, its artifact.
pub struct Lab {
    file: ModelFile,
    text: Tokenizer,
    engine: Running,
    /// Lanes of [`Lab::activity`] and [`Lab::next`], open in `engine`.
    rereading: Rereading,
    artifact: Option<Artifact>,
    /// What a visitor should be told about the engine, until somebody takes it.
    notice: Option<String>,
}

impl Lab {
    /// Makes a model ready to run on the CPU.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`], [`crate::ErrorKind::Memory`].
    pub fn new(file: ModelFile) -> Result<Self> {
        let engine = Running::Cpu(Box::new(Cpu::new(&file)?));
        Self::running(file, engine)
    }

    /// As [`Lab::new`], with an engine of the caller's choice, made from the same file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`].
    pub fn with_engine(file: ModelFile, engine: Box<dyn Engine>) -> Result<Self> {
        Self::running(file, Running::Other(engine))
    }

    fn running(file: ModelFile, engine: Running) -> Result<Self> {
        Ok(Self {
            text: Tokenizer::new(file.vocabulary())?,
            engine,
            rereading: Rereading::default(),
            file,
            artifact: None,
            notice: None,
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
        self.engine.get_mut()
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

    /// The contributions of all neurons, layer by layer, at position `at` of what a lane has read: the conversation's
    /// tokens, then `tokens`. It is read again for this, in a lane of its own that stays open for the next question, as far as
    /// one that is open has not read it. If the GPU is lost meanwhile, the CPU reads it, and [`Lab::take_notice`] says so.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a position that is not there, [`ErrorKind::Context`] for one beyond the model's context; as
    /// [`Lab::resolve`] and, but for the GPU's, [`Engine::forward`].
    pub async fn activity(
        &mut self,
        conversation: &Conversation,
        lane: &LaneRequest,
        tokens: &[u32],
        at: usize,
    ) -> Result<Vec<f32>> {
        let all = reread::Wanted {
            watch: Watch::All,
            logits: Logits::None,
        };
        let reading = self
            .read_again(conversation, lane, tokens, at, &all)
            .await?;
        let activity = reading.activity.first();
        let activity = activity.ok_or_else(|| Error::internal("no neuron was read"))?;
        let engine = self.engine.get();
        let (norms, config) = (engine.column_norms(), engine.blueprint());
        Ok(contributions(&all.watch, activity, norms, config))
    }

    /// The most probable tokens after position `at` of what a lane has read, the most probable first: what could come in the
    /// place of the token there is, or come next. It is read again as by [`Lab::activity`], in the same lanes.
    ///
    /// # Errors
    /// As [`Lab::activity`].
    pub async fn next(
        &mut self,
        conversation: &Conversation,
        lane: &LaneRequest,
        tokens: &[u32],
        at: usize,
    ) -> Result<Vec<Candidate>> {
        let last = reread::Wanted {
            watch: Watch::None,
            logits: Logits::Last,
        };
        let reading = self
            .read_again(conversation, lane, tokens, at, &last)
            .await?;
        Ok(most_probable(&reading.logits, CANDIDATES, &self.text))
    }

    /// What is wanted of position `at`, read again: the checks and the falling back that all such questions share.
    async fn read_again(
        &mut self,
        conversation: &Conversation,
        lane: &LaneRequest,
        tokens: &[u32],
        at: usize,
        wanted: &reread::Wanted,
    ) -> Result<Reading> {
        let (_, edits) = self.resolve(lane)?;
        let prompt = self.encode(conversation)?;
        let config = self.file.blueprint();
        check_prompt(prompt.len(), config.context)?;
        if tokens.len() > MAX_TOKENS {
            return Err(Error::input(format!(
                "the answer has {} tokens, more than {MAX_TOKENS}: ask about a shorter one",
                tokens.len()
            )));
        }
        if let Some(id) = tokens.iter().find(|&&id| id as usize >= config.vocabulary) {
            return Err(Error::input(format!(
                "token {id} does not exist: this model has {}",
                config.vocabulary
            )));
        }
        if at >= prompt.len() + tokens.len() {
            return Err(Error::input(format!(
                "there is no token at position {at}: choose one that was read"
            )));
        }
        if at >= config.context {
            return Err(Error::new(
                ErrorKind::Context,
                format!(
                    "position {at} is beyond the {} tokens that the model reads: choose an earlier one",
                    config.context
                ),
            ));
        }
        let ids = prompt.iter().map(|t| t.id).chain(tokens.iter().copied());
        let ids: Vec<u32> = ids.take(at + 1).collect();
        let engine = self.engine.get_mut();
        match self.rereading.ask(engine, &edits, &ids, wanted).await {
            Err(e) => {
                self.fall_back(e, "")?;
                let engine = self.engine.get_mut();
                self.rereading.ask(engine, &edits, &ids, wanted).await
            }
            reading => reading,
        }
    }

    /// The conversation's tokens, if its texts are not too long to make any.
    fn encode(&self, conversation: &Conversation) -> Result<Vec<PromptToken>> {
        let longest = match conversation {
            Conversation::Raw(text) => text.len(),
            Conversation::Messages(m) => m.iter().map(|m| m.content.len()).max().unwrap_or(0),
        };
        if longest > MAX_TEXT {
            return Err(Error::input(format!(
                "the prompt has {longest} bytes, more than {MAX_TEXT}: shorten it"
            )));
        }
        conversation.encode(&self.text, self.file.vocabulary())
    }

    /// Starts a run. Shown are the H-Neurons, then those asked for, then every other neuron some lane edits.
    ///
    /// # Errors
    /// As [`Lab::resolve`], [`Conversation::encode`] and [`Session::start`].
    pub fn start(&mut self, request: &Request) -> Result<(Session, Vec<LanePlan>)> {
        self.rereading.close(self.engine.get_mut());
        let resolved = request
            .lanes
            .iter()
            .map(|l| self.resolve(l))
            .collect::<Result<Vec<_>>>()?;
        let mut shown = self.h_neurons().unwrap_or_default();
        let mut have: HashSet<Neuron> = shown.iter().copied().collect();
        // Refuses neurons outside the model.
        Edits::scale(&request.show, 1.0, self.engine.get().blueprint())?;
        shown.extend(request.show.iter().copied().filter(|n| have.insert(*n)));
        for (plan, _) in &resolved {
            shown.extend(plan.neurons.iter().copied().filter(|n| have.insert(*n)));
        }
        let prompt = self.encode(&request.conversation)?;
        let (lanes, edits): (Vec<_>, Vec<_>) = resolved.into_iter().unzip();
        let plan = Plan {
            prompt,
            question: request.conversation.question().to_owned(),
            lanes: edits,
            shown,
            top: request.top,
            next: request.next,
            max_tokens: request.max_tokens,
            sampling: request.sampling,
        };
        let detector = self.artifact.as_ref().map(Detector::of);
        let session = match Session::start(self.engine.get_mut(), plan.clone(), detector.clone()) {
            Err(e) => {
                self.fall_back(e, "")?;
                Session::start(self.engine.get_mut(), plan, detector)?
            }
            started => started?,
        };
        Ok((session, lanes))
    }

    /// One step of a run. If the GPU is lost meanwhile, the run goes on from the same token on the CPU, and
    /// [`Lab::take_notice`] says so.
    ///
    /// # Errors
    /// As [`Session::step`], but for the GPU's.
    pub async fn step(&mut self, session: &mut Session) -> Result<Step> {
        match session.step(self.engine.get_mut(), &self.text).await {
            Err(e) => {
                self.fall_back(e, " from the same token")?;
                let engine = self.engine.get_mut();
                session.move_to(engine)?;
                session.step(engine, &self.text).await
            }
            step => step,
        }
    }

    /// The conversation in which the as-trained answer to `request` is doubted.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a raw text; as [`Lab::start`] and [`Lab::step`].
    pub async fn doubted(&mut self, request: &Request, doubt: &str) -> Result<Conversation> {
        let Conversation::Messages(mut messages) = request.conversation.clone() else {
            return Err(Error::input("a doubt needs a conversation, not a raw text"));
        };
        let first = Request {
            lanes: vec![LaneRequest::new(Set::None, 1.0)],
            top: 0,
            next: 0,
            ..request.clone()
        };
        let (mut session, _) = self.start(&first)?;
        let mut answer = String::new();
        loop {
            let step = self.step(&mut session).await?;
            for lane in &step.lanes {
                answer.push_str(lane.token.as_ref().map_or("", |t| &t.text));
            }
            if step.done {
                break;
            }
        }
        messages.push(Message::assistant(answer));
        messages.push(Message::user(doubt));
        Ok(Conversation::Messages(messages))
    }

    /// Ends a run early.
    pub fn stop(&mut self, session: &mut Session) -> Step {
        session.stop(self.engine.get_mut())
    }

    /// Gives up a run and frees its lanes.
    pub fn close(&mut self, session: Session) {
        session.close(self.engine.get_mut());
    }
}
