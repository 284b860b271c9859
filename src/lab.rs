//! What the page and the command line are both built on: a loaded model, its artifact, and runs by set and alpha.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    candidates::{Candidate, most_probable},
    choose::{Chosen, GOLDEN_TEXT, Golden, Wanted, pace},
    engine::{
        Edits, Engine, Logits, Neuron, Reading, Watch, contributions,
        cpu::{Cpu, Isa},
        gpu::{Gpu, KernelTime, Options},
    },
    error::{Error, ErrorKind, Result},
    generate::{MAX_TOKENS, Plan, Sampling, Session, Step, check_prompt},
    model::ModelFile,
    neurons::{Artifact, Detector, matched_control},
    reread::{self, Rereading},
    text::{Conversation, Message, PromptToken, Tokenizer},
};

/// Longest text accepted in one message, in bytes: far more than the context holds, little enough to tokenize at once.
const MAX_TEXT: usize = 1 << 20;

/// How many tokens [`Lab::next`] gives.
const CANDIDATES: usize = 8;

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
            factors: Vec::new(),
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
    /// Neurons to show beside the H-Neurons and those that a lane edits.
    pub show: Vec<Neuron>,
    /// How many tokens to name that could have come at each token of the answer (see [`Plan::next`]); 0 for none.
    pub next: usize,
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
    engine: Running,
    /// Lanes of [`Lab::activity`] and [`Lab::next`], open in `engine`.
    rereading: Rereading,
    artifact: Option<Artifact>,
    /// What a visitor should be told about the engine, until somebody takes it.
    notice: Option<String>,
}

/// The engine in use.
enum Running {
    Cpu(Box<Cpu>),
    Gpu(Box<Gpu>),
    /// One that a caller brought.
    Other(Box<dyn Engine>),
}

impl Running {
    fn get(&self) -> &dyn Engine {
        match self {
            Self::Cpu(e) => e.as_ref(),
            Self::Gpu(e) => e.as_ref(),
            Self::Other(e) => e.as_ref(),
        }
    }

    fn get_mut(&mut self) -> &mut dyn Engine {
        match self {
            Self::Cpu(e) => e.as_mut(),
            Self::Gpu(e) => e.as_mut(),
            Self::Other(e) => e.as_mut(),
        }
    }
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

    /// Chooses the engine by running both, where there are two (see [`crate::choose`]); `now` is a clock in seconds. A GPU
    /// that is not there, or computes wrongly, leaves the CPU, and says why.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`], [`ErrorKind::Model`]: none of the GPU's.
    pub async fn choose(&mut self, wanted: Wanted, now: impl Fn() -> f64) -> Result<Chosen> {
        self.rereading.close(self.engine.get_mut());
        self.take_cpu()?;
        let mut chosen = Chosen {
            engine: "cpu",
            cpu: None,
            gpu: None,
            adapter: None,
            refused: None,
        };
        if wanted == Wanted::Cpu {
            chosen.cpu = Some(pace(self.engine.get_mut(), &now).await?);
            return Ok(chosen);
        }
        let norms = match &self.engine {
            Running::Cpu(cpu) => Some(cpu.shared_column_norms()),
            _ => None,
        };
        let options = Options {
            emulated: wanted == Wanted::Gpu,
            ..Options::default()
        };
        let measured = match Gpu::open(&self.file, norms, &options).await {
            Err(e) => Err(e),
            Ok(mut gpu) => {
                chosen.adapter = Some(gpu.adapter());
                let known = self.artifact.as_ref().and_then(|a| a.model.golden.clone());
                let golden = match known {
                    Some(golden) => golden,
                    None => Golden::make(self.engine.get_mut(), &self.text, GOLDEN_TEXT).await?,
                };
                if wanted == Wanted::Auto {
                    let run = golden.measure(self.engine.get_mut(), &self.text, &now);
                    chosen.cpu = Some(run.await?.tokens_per_second);
                }
                match golden.measure(&mut gpu, &self.text, &now).await {
                    Err(e) => Err(e),
                    Ok(run) => golden.check(&run).map(|()| (gpu, run)),
                }
            }
        };
        match measured {
            Err(e) => {
                chosen.refused = Some(e.to_string());
                if chosen.cpu.is_none() {
                    chosen.cpu = Some(pace(self.engine.get_mut(), &now).await?);
                }
            }
            Ok((gpu, run)) => {
                chosen.gpu = Some(run.tokens_per_second);
                if chosen.cpu.is_none_or(|cpu| run.tokens_per_second > cpu) {
                    chosen.engine = "gpu";
                    self.engine = Running::Gpu(Box::new(gpu));
                }
            }
        }
        Ok(chosen)
    }

    /// Something a visitor should know about the engine, once.
    pub fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// The GPU in use, if it is.
    pub fn gpu(&mut self) -> Option<&mut Gpu> {
        match &mut self.engine {
            Running::Gpu(gpu) => Some(gpu),
            _ => None,
        }
    }

    /// Time by kernel of `tokens` tokens decoded on the GPU with the H-Neurons silenced and shown, on a device of its own: each
    /// kernel is a pass there, so that it can be timed. Nothing where the adapter has no timestamps.
    ///
    /// # Errors
    /// [`ErrorKind::Gpu`] where there is no GPU; [`Lab::h_neurons`].
    pub async fn kernel_times(&self, tokens: usize) -> Result<Vec<KernelTime>> {
        let neurons = self.h_neurons()?;
        let edits = Edits::scale(&neurons, 0.0, self.file.blueprint())?;
        let options = Options {
            profile: true,
            ..Options::default()
        };
        let norms = self.engine.get().column_norms().into();
        let mut gpu = Gpu::open(&self.file, Some(norms), &options).await?;
        gpu.time_decoding(&edits, &Watch::Chosen(neurons), tokens)
            .await
    }

    /// The CPU engine in use, if it is.
    pub fn cpu(&self) -> Option<&Cpu> {
        match &self.engine {
            Running::Cpu(cpu) => Some(cpu),
            _ => None,
        }
    }

    /// Takes the CPU engine with the kernels of a named instruction set. For tests and benchmarks: the best are taken of themselves.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for one that this machine lacks; as [`Cpu::new`].
    pub fn use_isa(&mut self, name: &str) -> Result<()> {
        let sets = Isa::available();
        let isa = sets.iter().find(|isa| isa.name() == name).ok_or_else(|| {
            let names: Vec<&str> = sets.iter().map(|isa| isa.name()).collect();
            Error::input(format!(
                "there are no kernels '{name}' here: choose {}",
                names.join(", ")
            ))
        })?;
        self.rereading.close(self.engine.get_mut());
        self.engine = Running::Cpu(Box::new(Cpu::with_isa(&self.file, *isa)?));
        Ok(())
    }

    /// Puts the CPU in the engine's place, if it is not there.
    fn take_cpu(&mut self) -> Result<()> {
        if !matches!(self.engine, Running::Cpu(_)) {
            self.engine = Running::Cpu(Box::new(Cpu::new(&self.file)?));
        }
        Ok(())
    }

    /// After an error of the GPU: the CPU takes over, and goes on `whence`. Any other error is given back.
    fn fall_back(&mut self, error: Error, whence: &str) -> Result<()> {
        if error.kind() != ErrorKind::Gpu || !matches!(self.engine, Running::Gpu(_)) {
            return Err(error);
        }
        self.rereading.close(self.engine.get_mut());
        self.take_cpu()?;
        self.notice = Some(format!(
            "The GPU stopped working ({error}). The CPU goes on{whence}."
        ));
        Ok(())
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
        let neurons = self.engine.get().blueprint().neurons;
        match of {
            ControlOf::H => matched_control(&self.h_neurons()?, &[], neurons, seed),
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
                alpha,
                neurons,
            },
            edits,
        ))
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
