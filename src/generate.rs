//! Lanes and sampling become a stream of steps.
//!
//! A [`Session`] is one run: the same prompt in several lanes, each with its own edits. It holds no engine; whoever
//! drives it passes one to [`Session::step`], once per chunk of prompt and once per token, and may stop in between.

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling as CandleSampling};
use serde::Serialize;

use crate::{
    engine::{Edits, Engine, Feed, LaneId, Logits, Neuron, Watch, logprob},
    error::{Error, ErrorKind, Result},
    neurons::{self, Detector},
    text::{PromptToken, TextStream, Tokenizer},
};

/// Prompt tokens read in one step: enough to share each read of the weights, few enough that Stop acts at once.
const PROMPT_CHUNK: usize = 32;

/// Most tokens that may be asked for.
pub const MAX_TOKENS: usize = 4096;

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// 0 takes the most probable token; above, tokens are drawn from `softmax(logits / temperature)`.
    pub temperature: f64,
    /// Draw among this many most probable tokens only.
    pub top_k: Option<usize>,
    /// Draw among the most probable tokens that make up this probability only.
    pub top_p: Option<f64>,
    /// Seed of the draw; every lane draws with the same numbers, so that lanes differ by their edits alone.
    pub seed: u64,
}

impl Sampling {
    /// The most probable token, always.
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            top_k: None,
            top_p: None,
            seed: 1,
        }
    }

    fn check(&self) -> Result<()> {
        if !(0.0..=10.0).contains(&self.temperature) {
            return Err(Error::input(format!(
                "the temperature is {}: choose a number from 0 (most probable token) to 10",
                self.temperature
            )));
        }
        if self.top_k == Some(0) {
            return Err(Error::input("top-k is 0: choose at least 1"));
        }
        if let Some(p) = self.top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            return Err(Error::input(format!(
                "top-p is {p}: choose a number above 0, at most 1"
            )));
        }
        Ok(())
    }
}

/// What a session is to do. Made by [`crate::lab::Lab`], which knows the sets.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The prompt, not empty.
    pub prompt: Vec<PromptToken>,
    /// The words answered to, for the detector's span.
    pub question: String,
    /// Edits of each lane, at least one.
    pub lanes: Vec<Edits>,
    /// Neurons whose contributions are reported, in this order.
    pub shown: Vec<Neuron>,
    /// How many of all neurons to name at each token besides; 0 for none.
    pub top: usize,
    /// Longest answer, in tokens.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
}

/// Why a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stopped {
    /// The model ended its turn.
    Eos,
    /// The answer reached a limit (see [`Limit`]).
    Length,
    /// Someone stopped it.
    Stop,
}

/// Which limit an answer reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The number of tokens asked for.
    MaxTokens,
    /// The model's context is full.
    Context,
}

/// What the shown neurons contributed at one token that a lane has read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Read {
    /// Position in prompt and answer together, from 0.
    pub at: usize,
    /// One contribution for each neuron of [`Plan::shown`].
    pub contributions: Vec<f32>,
    /// The largest contributions of all neurons, if asked for.
    pub top: Vec<(Neuron, f32)>,
}

/// A new token of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewToken {
    /// Token id.
    pub id: u32,
    /// The text it completes; empty while a character is unfinished.
    pub text: String,
    /// Its natural log-probability at temperature 1.
    pub logprob: f64,
}

/// What one lane did in a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneStep {
    /// Which lane, from 0.
    pub lane: usize,
    /// Tokens read, with their contributions.
    pub read: Vec<Read>,
    /// The token chosen, if one was.
    pub token: Option<NewToken>,
    /// Why the lane ended, if it ended now.
    pub stopped: Option<Stopped>,
    /// Which limit, where [`Stopped::Length`].
    pub limit: Option<Limit>,
    /// The detector's probability over the answer read so far.
    pub score: Option<f64>,
}

/// What all lanes did in a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Whether every lane has ended.
    pub done: bool,
    /// Prompt tokens read so far.
    pub prompt_read: usize,
    /// Prompt tokens in all.
    pub prompt_total: usize,
    /// Lanes that did something.
    pub lanes: Vec<LaneStep>,
}

/// One lane of a run.
struct Lane {
    id: LaneId,
    sampler: Option<LogitsProcessor>,
    stream: TextStream,
    /// Texts of the answer's tokens.
    texts: Vec<String>,
    /// The detector's contributions at each answer token read.
    detected: Vec<Vec<f32>>,
    /// The token chosen but not yet read.
    pending: Option<u32>,
    /// The limit reached: what is pending is read, nothing more is chosen.
    last: Option<Limit>,
    stopped: Option<Stopped>,
}

/// A run in progress. Its lanes stay open in the engine until they end, or [`Session::close`].
pub struct Session {
    plan: Plan,
    ids: Vec<u32>,
    watch: Watch,
    detector: Option<Detector>,
    lanes: Vec<Lane>,
    read: usize,
}

impl Session {
    /// Checks a plan and opens its lanes.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a plan that makes no sense, [`ErrorKind::Context`] for a prompt that leaves no room for
    /// an answer, [`ErrorKind::Memory`].
    pub fn start(engine: &mut dyn Engine, plan: Plan, detector: Option<Detector>) -> Result<Self> {
        plan.sampling.check()?;
        if plan.prompt.is_empty() {
            return Err(Error::input(
                "the prompt has no tokens the model knows: type a question",
            ));
        }
        if plan.lanes.is_empty() || plan.lanes.len() > 64 {
            return Err(Error::input(format!(
                "{} lanes were asked for: choose 1 to 64",
                plan.lanes.len()
            )));
        }
        if plan.max_tokens == 0 || plan.max_tokens > MAX_TOKENS {
            return Err(Error::input(format!(
                "{} tokens were asked for: choose 1 to {MAX_TOKENS}",
                plan.max_tokens
            )));
        }
        let context = engine.config().context;
        if plan.prompt.len() >= context {
            return Err(Error::new(
                ErrorKind::Context,
                format!(
                    "the prompt has {} tokens and the model reads at most {context}, answer included: shorten it",
                    plan.prompt.len()
                ),
            ));
        }
        let watch = if plan.top > 0 {
            Watch::All
        } else {
            let mut watched = plan.shown.clone();
            let have: std::collections::HashSet<Neuron> = watched.iter().copied().collect();
            watched.extend(
                detector
                    .iter()
                    .flat_map(Detector::neurons)
                    .filter(|n| !have.contains(n)),
            );
            Watch::Chosen(watched)
        };
        let mut lanes: Vec<Lane> = Vec::with_capacity(plan.lanes.len());
        for edits in &plan.lanes {
            match engine.open(edits) {
                Ok(id) => lanes.push(Lane {
                    id,
                    sampler: sampler(&plan.sampling),
                    stream: TextStream::default(),
                    texts: Vec::new(),
                    detected: Vec::new(),
                    pending: None,
                    last: None,
                    stopped: None,
                }),
                Err(e) => {
                    for lane in lanes {
                        engine.close(lane.id);
                    }
                    return Err(e);
                }
            }
        }
        Ok(Self {
            ids: plan.prompt.iter().map(|t| t.id).collect(),
            plan,
            watch,
            detector,
            lanes,
            read: 0,
        })
    }

    /// What was planned.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Reads one chunk of the prompt, or one token in every lane that has not ended. After the last step it does
    /// nothing more.
    ///
    /// # Errors
    /// As [`Engine::forward`]. The lanes are then as before the step, and it may be tried again.
    pub async fn step(&mut self, engine: &mut dyn Engine, text: &Tokenizer) -> Result<Step> {
        let chunk_end = (self.read + PROMPT_CHUNK).min(self.ids.len());
        let in_prompt = self.read < self.ids.len();
        let live: Vec<usize> = (0..self.lanes.len())
            .filter(|&i| self.lanes[i].stopped.is_none())
            .collect();
        let pending: Vec<[u32; 1]> = live
            .iter()
            .map(|&i| [self.lanes[i].pending.unwrap_or_default()])
            .collect();
        let feeds: Vec<Feed<'_>> = live
            .iter()
            .zip(&pending)
            .map(|(&i, pending)| {
                let lane = &self.lanes[i];
                let (tokens, logits) = if in_prompt {
                    let last = chunk_end == self.ids.len();
                    let logits = if last { Logits::Last } else { Logits::None };
                    (&self.ids[self.read..chunk_end], logits)
                } else if lane.last.is_some() {
                    (&pending[..], Logits::None)
                } else {
                    (&pending[..], Logits::Last)
                };
                Feed {
                    lane: lane.id,
                    tokens,
                    logits,
                }
            })
            .collect();
        let readings = if feeds.is_empty() {
            Vec::new()
        } else {
            engine.forward(&feeds, &self.watch).await?
        };
        let start = if in_prompt {
            let start = self.read;
            self.read = chunk_end;
            start
        } else {
            self.ids.len()
        };
        let mut steps = Vec::with_capacity(live.len());
        for (i, reading) in live.into_iter().zip(readings) {
            let mut step = LaneStep {
                lane: i,
                read: Vec::with_capacity(reading.activity.len()),
                token: None,
                stopped: None,
                limit: None,
                score: None,
            };
            for (k, activity) in reading.activity.iter().enumerate() {
                let all = neurons::contributions(
                    &self.watch,
                    activity,
                    engine.column_norms(),
                    engine.config(),
                );
                let at = if in_prompt {
                    start + k
                } else {
                    start + self.lanes[i].texts.len() - 1
                };
                if !in_prompt && let Some(detector) = &self.detector {
                    let of = detector
                        .neurons()
                        .map(|n| self.pick(&all, n, engine))
                        .collect();
                    self.lanes[i].detected.push(of);
                }
                step.read.push(Read {
                    at,
                    contributions: if self.plan.top > 0 {
                        let shown = self.plan.shown.iter();
                        shown.map(|&n| self.pick(&all, n, engine)).collect()
                    } else {
                        all[..self.plan.shown.len()].to_vec()
                    },
                    top: if self.plan.top > 0 {
                        neurons::largest(&all, self.plan.top, engine.config())
                    } else {
                        Vec::new()
                    },
                });
            }
            step.score = self.score(i);
            let (max_tokens, context) = (self.plan.max_tokens, engine.config().context);
            let position = engine.position(self.lanes[i].id);
            let lane = &mut self.lanes[i];
            if let Some(limit) = lane.last {
                step.limit = Some(limit);
                step.stopped = Some(Stopped::Length);
            } else if !reading.logits.is_empty() {
                let id = choose(lane.sampler.as_mut(), &reading.logits)?;
                if id == text.eos() {
                    step.stopped = Some(Stopped::Eos);
                } else {
                    let piece = lane.stream.push(text.bytes(id));
                    lane.texts.push(piece.clone());
                    lane.pending = Some(id);
                    lane.last = if lane.texts.len() == max_tokens {
                        Some(Limit::MaxTokens)
                    } else if position + 1 >= context {
                        Some(Limit::Context)
                    } else {
                        None
                    };
                    step.token = Some(NewToken {
                        id,
                        text: piece,
                        logprob: logprob(&reading.logits, id),
                    });
                }
            }
            if step.stopped.is_some() {
                lane.stopped = step.stopped;
                engine.close(lane.id);
            }
            steps.push(step);
        }
        Ok(self.report(steps))
    }

    /// Ends every lane that has not ended, and says so.
    pub fn stop(&mut self, engine: &mut dyn Engine) -> Step {
        let mut steps = Vec::new();
        for i in 0..self.lanes.len() {
            if self.lanes[i].stopped.is_none() {
                engine.close(self.lanes[i].id);
                self.lanes[i].stopped = Some(Stopped::Stop);
                steps.push(LaneStep {
                    lane: i,
                    read: Vec::new(),
                    token: None,
                    stopped: Some(Stopped::Stop),
                    limit: None,
                    score: self.score(i),
                });
            }
        }
        self.report(steps)
    }

    /// Frees the lanes of a run that is given up.
    pub fn close(self, engine: &mut dyn Engine) {
        for lane in &self.lanes {
            engine.close(lane.id);
        }
    }

    fn report(&self, lanes: Vec<LaneStep>) -> Step {
        Step {
            done: self.lanes.iter().all(|l| l.stopped.is_some()),
            prompt_read: self.read,
            prompt_total: self.ids.len(),
            lanes,
        }
    }

    /// The contribution of one neuron among those watched.
    fn pick(&self, all: &[f32], neuron: Neuron, engine: &dyn Engine) -> f32 {
        let at = match &self.watch {
            Watch::None => None,
            Watch::Chosen(watched) => watched.iter().position(|&n| n == neuron),
            Watch::All => Some(neuron.layer * engine.config().neurons + neuron.index),
        };
        at.and_then(|at| all.get(at)).copied().unwrap_or(0.0)
    }

    /// The detector over the answer's words that a lane has read.
    fn score(&self, lane: usize) -> Option<f64> {
        let detector = self.detector.as_ref()?;
        let lane = &self.lanes[lane];
        let texts: Vec<&str> = lane.texts.iter().map(String::as_str).collect();
        let span = neurons::answer_words(&self.plan.question, &texts);
        let read: Vec<&Vec<f32>> = lane
            .detected
            .iter()
            .zip(&span)
            .filter(|(_, inside)| **inside)
            .map(|(c, _)| c)
            .collect();
        let width = read.first()?.len();
        let means: Vec<f64> = (0..width)
            .map(|j| read.iter().map(|c| f64::from(c[j])).sum::<f64>() / read.len() as f64)
            .collect();
        Some(detector.score(&means))
    }
}

fn sampler(sampling: &Sampling) -> Option<LogitsProcessor> {
    let temperature = sampling.temperature;
    if temperature == 0.0 {
        return None;
    }
    let how = match (sampling.top_k, sampling.top_p) {
        (None, None) => CandleSampling::All { temperature },
        (Some(k), None) => CandleSampling::TopK { k, temperature },
        (None, Some(p)) => CandleSampling::TopP { p, temperature },
        (Some(k), Some(p)) => CandleSampling::TopKThenTopP { k, p, temperature },
    };
    Some(LogitsProcessor::from_sampling(sampling.seed, how))
}

/// The next token; without a sampler the most probable one, the lowest id of several.
fn choose(sampler: Option<&mut LogitsProcessor>, logits: &[f32]) -> Result<u32> {
    match sampler {
        None => Ok(argmax(logits)),
        Some(sampler) => Tensor::from_slice(logits, logits.len(), &Device::Cpu)
            .and_then(|t| sampler.sample(&t))
            .map_err(|e| {
                Error::input(format!(
                    "no token could be drawn ({e}): choose another temperature"
                ))
            }),
    }
}

fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (i, &v) in logits.iter().enumerate() {
        if v > logits[best] {
            best = i;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_logits_the_lowest_id_is_chosen() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0, 2.0]), 1);
        assert_eq!(argmax(&[f32::NAN, 1.0]), 0);
    }

    #[test]
    fn draws_repeat_with_their_seed() {
        let logits: Vec<f32> = (0..100).map(|i| (i as f32 * 0.3).sin()).collect();
        let draw = |seed| {
            let mut s = sampler(&Sampling {
                temperature: 1.0,
                seed,
                ..Sampling::greedy()
            });
            (0..20)
                .map(|_| choose(s.as_mut(), &logits).expect("finite logits"))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }
}
