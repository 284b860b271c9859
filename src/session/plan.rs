//! What a run is asked to do, and what each of its steps tells.

use serde::Serialize;

use super::Candidate;
use crate::{
    engine::{Edits, Neuron},
    error::{Error, ErrorKind, Result},
    neurons::SpanNews,
    text::PromptToken,
};

/// Most tokens that may be asked for.
pub const MAX_TOKENS: usize = 4096;

/// Most candidates that may be asked for at each token.
pub const MAX_NEXT: usize = 20;

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

    pub(super) fn check(&self) -> Result<()> {
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
    /// How many tokens to name that could have come at each token of the answer, at most [`MAX_NEXT`]; 0 for none. It changes
    /// no token, and takes time: the engine hands over all logits, and no token is asked for before the last one is known.
    pub next: usize,
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
    /// Of a token of the answer, where there is a detector: its [`Detector::pull`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull: Option<f64>,
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
    /// The most probable tokens in its place, as many as [`Plan::next`] says; itself among them or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Candidate>,
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
    /// Where tokens of the answer were read and there is a detector: what is news of the tokens that the score is taken over.
    pub span: Option<SpanNews>,
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

/// Refuses a prompt of no tokens, and one that leaves no room for an answer in a model's context.
pub(crate) fn check_prompt(tokens: usize, context: usize) -> Result<()> {
    if tokens == 0 {
        return Err(Error::input(
            "the prompt has no tokens the model knows: type a question",
        ));
    }
    if tokens >= context {
        return Err(Error::new(
            ErrorKind::Context,
            format!(
                "the prompt has {tokens} tokens and the model reads at most {context}, answer included: shorten it"
            ),
        ));
    }
    Ok(())
}
