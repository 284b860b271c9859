//! What the page's worker calls: a thin coat of JavaScript over [`crate::lab`].
//!
//! A call that fails throws a JavaScript `Error` whose `message` is for the visitor and whose `kind` is for the code
//! (see [`crate::ErrorKind::name`]).

use js_sys::{Array, Float32Array, Object, Reflect, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::{
    choose::Wanted,
    error::{Error, Result},
    lab::{ControlOf, LaneRequest, Request, Set, lever_named},
    model::ModelReader,
    neurons::{Artifact, Neuron},
    session::{LaneStep, Sampling, Session, Step},
    text::{Conversation, Message, deserialize_messages},
};

type JsResult<T> = std::result::Result<T, JsValue>;

/// `[layer, index]`, as the page writes neurons.
type Pair = (usize, usize);

impl From<Error> for JsValue {
    fn from(e: Error) -> Self {
        let error = js_sys::Error::new(&e.to_string());
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&error, &"kind".into(), &e.kind().name().into());
        error.into()
    }
}

fn neuron((layer, index): Pair) -> Neuron {
    Neuron { layer, index }
}

fn pairs(neurons: &[Neuron]) -> Vec<Pair> {
    neurons.iter().map(|n| (n.layer, n.index)).collect()
}

fn to_js(value: &impl Serialize) -> JsResult<JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    Ok(value
        .serialize(&serializer)
        .map_err(|e| Error::internal(e.to_string()))?)
}

/// Leaves what a panic says where the worker finds it, in the global `hneuronsPanic`: it ends in a trap, of which JavaScript
/// learns no more than that it happened.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        // There is nobody to tell if even this fails.
        let _ = Reflect::set(
            &js_sys::global(),
            &"hneuronsPanic".into(),
            &panic_text(info).into(),
        );
    }));
}

/// What a panic says, and where it happened, in one line.
fn panic_text(info: &std::panic::PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let said = (payload.downcast_ref::<&str>().copied())
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it gave no reason");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    match info.location() {
        Some(place) => format!("{said} ({}, line {})", place.file(), place.line()),
        None => said,
    }
}

/// Panics. For tests: the module has no panic of its own that could be asked for.
#[wasm_bindgen]
pub fn panic_with(text: &str) {
    panic!("{text}");
}

/// A model's file as it arrives: hashed and taken apart on the way.
#[wasm_bindgen]
pub struct ModelBuffer {
    reader: ModelReader,
    /// Room for a piece, kept from one to the next.
    piece: Vec<u8>,
}

#[wasm_bindgen]
impl ModelBuffer {
    /// For a file of `total` bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(total: f64) -> ModelBuffer {
        Self {
            reader: ModelReader::new(total as u64),
            piece: Vec::new(),
        }
    }

    /// Takes the next bytes. What is wrong with the file is told by `finish`.
    ///
    /// # Errors
    /// Kind `memory`.
    pub fn push(&mut self, chunk: &Uint8Array) -> JsResult<()> {
        let len = chunk.length() as usize;
        let more = len.saturating_sub(self.piece.len());
        self.piece
            .try_reserve(more)
            .map_err(|_| Error::memory("the model", len))?;
        self.piece.resize(len, 0);
        chunk.copy_to(&mut self.piece);
        Ok(self.reader.push(&self.piece)?)
    }

    /// Bytes taken so far.
    pub fn received(&self) -> f64 {
        self.reader.received() as f64
    }

    /// Verifies the file's SHA-256 and makes the model ready.
    ///
    /// # Errors
    /// Kind `hash` for another file, `model` for one that cannot be run.
    pub fn finish(self, expected_sha256: &str) -> JsResult<Lab> {
        let file = self.reader.finish_expecting(expected_sha256)?;
        Ok(Lab {
            lab: crate::lab::Lab::new(file)?,
            session: None,
        })
    }
}

/// A loaded model and the run in progress, if any.
#[wasm_bindgen]
pub struct Lab {
    lab: crate::lab::Lab,
    session: Option<Session>,
}

#[derive(Serialize)]
struct Info {
    name: String,
    architecture: String,
    layers: usize,
    neurons_per_layer: usize,
    neuron_count: usize,
    context_length: usize,
    vocabulary: usize,
    sha256: String,
    bytes: usize,
    engine: String,
    build: String,
    quantization: String,
}

#[derive(Serialize)]
struct ArtifactInfo<'a> {
    id: &'a str,
    name: &'a str,
    provisional: bool,
    notice: &'a str,
    neurons: &'a [crate::neurons::HNeuron],
}

#[derive(Deserialize)]
struct JsRequest {
    #[serde(deserialize_with = "deserialize_messages")]
    messages: Vec<Message>,
    lanes: Vec<JsLane>,
    #[serde(default = "default_max_tokens")]
    max_tokens: usize,
    #[serde(default)]
    temperature: f64,
    #[serde(default = "default_seed")]
    seed: u64,
    /// The only message is a text to go on from, without the chat template.
    #[serde(default)]
    raw: bool,
    /// Neurons to show beside those of the lanes.
    #[serde(default)]
    show: Vec<Pair>,
}

#[derive(Deserialize)]
struct JsLane {
    set: Set,
    #[serde(default = "default_alpha")]
    alpha: f32,
    #[serde(default)]
    neurons: Vec<Pair>,
    /// Of the set "lever"; the artifact's first where it is left out.
    #[serde(default)]
    lever: Option<String>,
    #[serde(default)]
    factors: Vec<Option<f32>>,
    #[serde(default)]
    control_of: Option<JsControlOf>,
    #[serde(default = "default_seed")]
    seed: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JsControlOf {
    Neurons(Vec<Pair>),
    Name(String),
}

fn default_max_tokens() -> usize {
    64
}

fn default_seed() -> u64 {
    1
}

fn default_alpha() -> f32 {
    1.0
}

#[derive(Deserialize)]
struct JsReading {
    #[serde(deserialize_with = "deserialize_messages")]
    messages: Vec<Message>,
    tokens: Vec<u32>,
    lane: JsLane,
    at: usize,
    #[serde(default)]
    raw: bool,
}

#[derive(Serialize)]
struct Started<'a> {
    prompt: &'a [crate::text::PromptToken],
    shown: Vec<Pair>,
    lanes: Vec<StartedLane>,
}

#[derive(Serialize)]
struct StartedLane {
    set: Set,
    /// The lever that is edited, or that a random set is a control of.
    #[serde(skip_serializing_if = "Option::is_none")]
    lever: Option<String>,
    alpha: f32,
    neurons: Vec<Pair>,
}

#[wasm_bindgen]
impl Lab {
    /// What is loaded: `{name, architecture, layers, neurons_per_layer, …}`.
    ///
    /// # Errors
    /// Kind `internal`.
    pub fn info(&mut self) -> JsResult<JsValue> {
        let description = self.lab.engine().description();
        let (engine, build) = description
            .split_once('/')
            .unwrap_or((&description, "unknown"));
        let file = self.lab.file();
        let config = file.blueprint();
        to_js(&Info {
            name: config.name.clone(),
            architecture: config.architecture.clone(),
            layers: config.layers,
            neurons_per_layer: config.neurons,
            neuron_count: config.neuron_count(),
            context_length: config.context,
            vocabulary: config.vocabulary,
            sha256: file.sha256().to_owned(),
            bytes: file.size(),
            engine: engine.to_owned(),
            build: build.to_owned(),
            quantization: file.quantization(),
        })
    }

    /// Takes an artifact's JSON text; gives `{id, name, provisional, notice, neurons}`.
    ///
    /// # Errors
    /// Kind `artifact`.
    pub fn set_artifact(&mut self, json: &str) -> JsResult<JsValue> {
        self.lab.set_artifact(Artifact::parse(json)?)?;
        let artifact = self
            .lab
            .artifact()
            .ok_or_else(|| Error::internal("an artifact was lost"))?;
        to_js(&ArtifactInfo {
            id: &artifact.id,
            name: &artifact.model.name,
            provisional: artifact.provisional,
            notice: &artifact.notice,
            neurons: &artifact.neurons,
        })
    }

    /// A random control of a set given as `[[layer, index], …]`, of the H-Neurons for `"h"`, or of a lever for `"lever"` (the
    /// artifact's first) or `"lever:ID"`.
    ///
    /// # Errors
    /// Kind `input`, `artifact`.
    pub fn control(&self, of: JsValue, seed: f64) -> JsResult<JsValue> {
        let of = control_of(Some(from_js(of, "the set")?));
        to_js(&pairs(&self.lab.control(&of?, seed as u64)?))
    }

    /// Chooses the engine, `"auto"`, `"cpu"` or `"gpu"`, by running each that may serve. Gives `{engine, cpu, gpu, adapter,
    /// refused}`: what was chosen; tokens a second in each of three lanes, `null` where not measured; the adapter's name;
    /// and why the GPU was not used although it was wanted.
    ///
    /// # Errors
    /// Kind `memory`, `input` for another word. A GPU that fails is no error: it is refused, and the CPU serves.
    pub async fn choose(&mut self, engine: &str) -> JsResult<JsValue> {
        self.drop_session();
        let wanted = match engine {
            "cpu" => Wanted::Cpu,
            "gpu" => Wanted::Gpu,
            "auto" => Wanted::Auto,
            other => {
                return Err(Error::input(format!(
                    "there is no engine '{other}': choose auto, cpu or gpu"
                ))
                .into());
            }
        };
        to_js(&self.lab.choose(wanted, || now() / 1000.0).await?)
    }

    /// What the engine has counted: `{submits, dispatches, layer_dispatches, bytes_read_back, device_bytes, weight_bytes}`,
    /// and `wasm_bytes`, the size of this module's memory.
    ///
    /// # Errors
    /// Kind `internal`.
    pub fn counters(&mut self) -> JsResult<JsValue> {
        let counters = to_js(&self.lab.engine().counters())?;
        let memory = wasm_bindgen::memory().unchecked_into::<js_sys::WebAssembly::Memory>();
        let bytes = memory.buffer().unchecked_into::<js_sys::ArrayBuffer>();
        Reflect::set(&counters, &"wasm_bytes".into(), &bytes.byte_length().into())?;
        Ok(counters)
    }

    /// Time by kernel of `tokens` tokens decoded on the GPU: `[{kernel, starts, ms}, …]`, all tokens together; empty where the
    /// adapter has no timestamps. For benchmarks: it opens a device of its own, with the model a second time.
    ///
    /// # Errors
    /// Kind `gpu` where there is none, `artifact` while none is set.
    pub async fn kernel_times(&mut self, tokens: usize) -> JsResult<JsValue> {
        to_js(&self.lab.kernel_times(tokens).await?)
    }

    /// Takes the CPU engine with kernels of a named instruction set, as `info().build` names them. For tests and benchmarks.
    ///
    /// # Errors
    /// Kind `input` for one that this browser lacks.
    pub fn use_kernels(&mut self, name: &str) -> JsResult<()> {
        self.drop_session();
        Ok(self.lab.use_isa(name)?)
    }

    /// What the CPU engine could do at best, `{kernel_tps, prefill_kernel_tps, read_tps}`, each measured for about `seconds`:
    /// tokens a second of the matrix kernels alone, with one token and with many, and of reading the weights. For benchmarks.
    ///
    /// # Errors
    /// Kind `input` where the CPU engine is not in use.
    pub fn limit(&self, seconds: f64) -> JsResult<JsValue> {
        let cpu = (self.lab.cpu())
            .ok_or_else(|| Error::input("the limit is the CPU engine's: choose it first"))?;
        to_js(&cpu.limit(seconds, || now() / 1000.0))
    }

    /// Starts a run, ending the one before. Gives `{prompt, shown, lanes}`. With `raw` the only message is a text to go on from;
    /// `show` lists neurons to show beside the H-Neurons and those that are edited.
    ///
    /// # Errors
    /// Kind `input`, `context`, `artifact`, `memory`.
    pub fn start(&mut self, request: JsValue) -> JsResult<JsValue> {
        self.drop_session();
        let request: JsRequest = from_js(request, "the request")?;
        let lanes = request.lanes.into_iter().map(lane_request);
        let lanes = lanes.collect::<Result<Vec<_>>>()?;
        let (session, lanes) = self.lab.start(&Request {
            conversation: conversation(request.messages, request.raw)?,
            lanes,
            max_tokens: request.max_tokens,
            sampling: Sampling {
                temperature: request.temperature,
                seed: request.seed,
                ..Sampling::greedy()
            },
            top: 0,
            show: request.show.into_iter().map(neuron).collect(),
            next: 0,
        })?;
        let started = to_js(&Started {
            prompt: &session.plan().prompt,
            shown: pairs(&session.plan().shown),
            lanes: lanes
                .into_iter()
                .map(|l| StartedLane {
                    set: l.set,
                    lever: l.lever.clone(),
                    alpha: l.alpha,
                    neurons: pairs(&l.neurons),
                })
                .collect(),
        });
        self.session = Some(session);
        started
    }

    /// One chunk of the prompt, or one token in every live lane. If the GPU was lost meanwhile, the CPU has gone on from
    /// the same token, and `notice` says so; `info` then tells the new engine.
    ///
    /// # Errors
    /// Kind `memory`; `input` if no run was started.
    pub async fn step(&mut self) -> JsResult<JsValue> {
        let session = self
            .session
            .as_mut()
            .ok_or_else(|| Error::input("nothing is running: start a run first"))?;
        let step = self.lab.step(session).await?;
        let out = step_to_js(&step)?;
        if let Some(notice) = self.lab.take_notice() {
            Reflect::set(&out, &"notice".into(), &notice.into())?;
        }
        Ok(out)
    }

    /// Something the visitor should know about the engine, once: that the GPU was lost and the CPU goes on. `step` says it
    /// by itself.
    pub fn take_notice(&mut self) -> Option<String> {
        self.lab.take_notice()
    }

    /// The contributions of all neurons, layer by layer, at one position: `{messages, tokens, lane, at}`, with `tokens` the ids of
    /// the answer so far and `at` counting the prompt's tokens first. Gives a `Float32Array`. It ends a run in progress. If the
    /// GPU was lost meanwhile, the CPU has read it, and `take_notice` says so.
    ///
    /// # Errors
    /// Kind `input`, `context`, `memory`.
    pub async fn activity(&mut self, request: JsValue) -> JsResult<Float32Array> {
        self.drop_session();
        let (conversation, lane, tokens, at) = reading(request)?;
        let all = self.lab.activity(&conversation, &lane, &tokens, at);
        Ok(Float32Array::from(&all.await?[..]))
    }

    /// The most probable tokens after one position, the most probable first: `[{id, text, p}, …]`, for a request as
    /// [`Lab::activity`] has it, with all that is said there.
    ///
    /// # Errors
    /// Kind `input`, `context`, `memory`.
    pub async fn next(&mut self, request: JsValue) -> JsResult<JsValue> {
        self.drop_session();
        let (conversation, lane, tokens, at) = reading(request)?;
        to_js(&self.lab.next(&conversation, &lane, &tokens, at).await?)
    }

    /// Ends the run; what it gives has the shape of a step.
    ///
    /// # Errors
    /// Kind `input` if no run was started.
    pub fn stop(&mut self) -> JsResult<JsValue> {
        let mut session = self
            .session
            .take()
            .ok_or_else(|| Error::input("nothing is running: start a run first"))?;
        let step = self.lab.stop(&mut session);
        step_to_js(&step)
    }

    fn drop_session(&mut self) {
        if let Some(session) = self.session.take() {
            self.lab.close(session);
        }
    }
}

fn from_js<T: serde::de::DeserializeOwned>(value: JsValue, what: &str) -> Result<T> {
    serde_wasm_bindgen::from_value(value)
        .map_err(|e| Error::input(format!("{what} cannot be read ({e}): correct it")))
}

/// What is to be read again: the conversation, the lane, the answer's tokens, and the position asked about.
fn reading(request: JsValue) -> Result<(Conversation, LaneRequest, Vec<u32>, usize)> {
    let request: JsReading = from_js(request, "the request")?;
    Ok((
        conversation(request.messages, request.raw)?,
        lane_request(request.lane)?,
        request.tokens,
        request.at,
    ))
}

/// The conversation of these messages, or the text of the only one.
fn conversation(mut messages: Vec<Message>, raw: bool) -> Result<Conversation> {
    if !raw {
        return Ok(Conversation::Messages(messages));
    }
    match (messages.pop(), messages.is_empty()) {
        (Some(only), true) => Ok(Conversation::Raw(only.content)),
        _ => Err(Error::input(
            "a text to go on from is one message: take the other turns away",
        )),
    }
}

fn lane_request(lane: JsLane) -> Result<LaneRequest> {
    Ok(LaneRequest {
        set: lane.set,
        alpha: lane.alpha,
        neurons: lane.neurons.into_iter().map(neuron).collect(),
        lever: lane.lever,
        factors: lane.factors,
        control_of: control_of(lane.control_of)?,
        seed: lane.seed,
    })
}

fn control_of(of: Option<JsControlOf>) -> Result<ControlOf> {
    match of {
        None => Ok(ControlOf::H),
        Some(JsControlOf::Name(name)) if name == "h" => Ok(ControlOf::H),
        Some(JsControlOf::Name(name)) => match lever_named(&name) {
            Some(id) => Ok(ControlOf::Lever(id)),
            None => Err(Error::input(format!(
                "there is no set '{name}' to make a control of: choose 'h', 'lever', 'lever:ID' or a list of neurons"
            ))),
        },
        Some(JsControlOf::Neurons(list)) => {
            Ok(ControlOf::Custom(list.into_iter().map(neuron).collect()))
        }
    }
}

/// Milliseconds on the worker's clock.
fn now() -> f64 {
    let global = js_sys::global();
    Reflect::get(&global, &"performance".into())
        .ok()
        .and_then(|p| p.dyn_into::<web_sys::Performance>().ok())
        .map_or_else(js_sys::Date::now, |p| p.now())
}

/// A step as the page takes it; contributions as typed arrays, since there are many.
fn step_to_js(step: &Step) -> JsResult<JsValue> {
    let out = Object::new();
    let set = |o: &Object, key: &str, value: JsValue| Reflect::set(o, &key.into(), &value);
    set(&out, "done", step.done.into())?;
    set(&out, "prompt_read", (step.prompt_read as u32).into())?;
    set(&out, "prompt_total", (step.prompt_total as u32).into())?;
    let lanes = Array::new();
    for LaneStep {
        lane,
        read,
        token,
        stopped,
        limit,
        score,
        span,
    } in &step.lanes
    {
        let o = Object::new();
        set(&o, "lane", (*lane as u32).into())?;
        let reads = Array::new();
        for read in read {
            let r = Object::new();
            set(&r, "at", (read.at as u32).into())?;
            let contributions = Float32Array::from(read.contributions.as_slice());
            set(&r, "contributions", contributions.into())?;
            if let Some(pull) = read.pull {
                set(&r, "pull", pull.into())?;
            }
            reads.push(&r);
        }
        set(&o, "read", reads.into())?;
        if let Some(token) = token {
            set(&o, "token", to_js(token)?)?;
        }
        if let Some(stopped) = stopped {
            set(&o, "stopped", to_js(stopped)?)?;
        }
        if let Some(limit) = limit {
            set(&o, "limit", to_js(limit)?)?;
        }
        if let Some(score) = score {
            set(&o, "score", (*score).into())?;
        }
        if let Some(span) = span {
            set(&o, "span", to_js(span)?)?;
        }
        lanes.push(&o);
    }
    set(&out, "lanes", lanes.into())?;
    Ok(out.into())
}
