//! Which engine runs: both are measured on the same short run, and a GPU that computes wrongly is refused.
//!
//! Small models are often faster on the CPU, and drivers are wrong more often than one would think. So the choice is made
//! by running, not by asking the adapter what it is: the model goes on from a fixed text, and what it says must be what the
//! artifact says it says (the *golden* tokens, from the CPU engine). Where there is nothing to choose, only the pace is taken.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    engine::{CHOSEN, Edits, Engine, Feed, Logits, Watch, open_lanes},
    error::{Error, ErrorKind, Result},
    text::Tokenizer,
};

/// Lanes of the measuring run: those of the page.
const LANES: usize = 3;
/// Tokens before the clock starts: pipelines are compiled and caches filled.
const WARM: usize = 4;
/// The same of [`pace`], its tokens, and the length of its prompt.
const PACE_WARM: usize = 2;
const PACE_TOKENS: usize = 8;
const PACE_PROMPT: usize = 4;
/// Tokens of a golden run.
pub const GOLDEN_TOKENS: usize = 16;
/// A text whose continuation leaves no doubt: at every token the first choice is far ahead of the second.
pub const GOLDEN_TEXT: &str = "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, \
    Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, Monday, Tuesday,";

/// What a model says after a fixed text, greedily.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Golden {
    /// The text, as it is, without a chat template.
    pub text: String,
    /// Ids of the tokens that follow.
    pub tokens: Vec<u32>,
}

/// An engine's short run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Tokens a second in each of three lanes.
    pub tokens_per_second: f64,
    /// What each lane said.
    pub said: Vec<Vec<u32>>,
}

/// Which engine is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// The faster one.
    Auto,
    /// The CPU; the GPU is not touched.
    Cpu,
    /// The GPU, if it computes rightly.
    Gpu,
}

/// What was chosen, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chosen {
    /// `cpu` or `gpu`.
    pub engine: &'static str,
    /// Tokens a second in each of three lanes on the CPU, where it was measured.
    pub cpu: Option<f64>,
    /// The same on the GPU.
    pub gpu: Option<f64>,
    /// The adapter, where one was opened.
    pub adapter: Option<String>,
    /// Why the GPU was not used although it was wanted, in words for the visitor.
    pub refused: Option<String>,
}

impl Golden {
    /// What this engine says after `text`.
    ///
    /// # Errors
    /// As [`Engine::forward`]; [`ErrorKind::Input`] for a text without tokens.
    pub async fn make(engine: &mut dyn Engine, text: &Tokenizer, what: &str) -> Result<Self> {
        let mut golden = Self {
            text: what.to_owned(),
            tokens: Vec::new(),
        };
        let measured = golden.measure(engine, text, || 0.0).await?;
        golden.tokens = measured.said.into_iter().next().unwrap_or_default();
        Ok(golden)
    }

    /// Runs the text in three lanes and on from there; `now` is a clock in seconds.
    ///
    /// # Errors
    /// As [`Golden::make`].
    pub async fn measure(
        &self,
        engine: &mut dyn Engine,
        text: &Tokenizer,
        now: impl Fn() -> f64,
    ) -> Result<Measured> {
        let mut ids = text.encode(&self.text)?;
        // A model of very few positions reads the beginning only.
        ids.truncate(engine.blueprint().context.saturating_sub(GOLDEN_TOKENS));
        if ids.is_empty() {
            return Err(Error::input(
                "the golden text does not fit the model: give a text of a few words",
            ));
        }
        go_on(engine, &ids, WARM, GOLDEN_TOKENS, now).await
    }

    /// Refuses an engine that says anything else.
    ///
    /// # Errors
    /// [`ErrorKind::Gpu`].
    pub fn check(&self, measured: &Measured) -> Result<()> {
        if measured.said.iter().all(|said| *said == self.tokens) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Gpu,
            "it computes wrongly: a fixed text did not continue as it must; a newer driver or browser may help",
        ))
    }
}

/// Tokens a second in each of three lanes, from a run as short as it can be: for an engine that is taken anyway, so that
/// nobody waits for a number.
///
/// # Errors
/// As [`Engine::forward`].
pub async fn pace(engine: &mut dyn Engine, now: impl Fn() -> f64) -> Result<f64> {
    // Any token does: what is said is not looked at. Several at once, so that the kernels for prompts run as well.
    let run = go_on(engine, &[0; PACE_PROMPT], PACE_WARM, PACE_TOKENS, now).await?;
    Ok(run.tokens_per_second)
}

/// Goes on from `ids` for `count` tokens in three lanes; the clock starts after `warm` of them.
async fn go_on(
    engine: &mut dyn Engine,
    ids: &[u32],
    warm: usize,
    count: usize,
    now: impl Fn() -> f64,
) -> Result<Measured> {
    let lanes = open_lanes(engine, [&Edits::none(); LANES])?;
    let mut said = vec![Vec::new(); LANES];
    let mut flight = VecDeque::new();
    let mut begin = now();
    let mut asked = 0;
    let mut result = Ok(());
    while said[0].len() < count {
        while asked < count && flight.len() < engine.depth() {
            let tokens: &[u32] = if asked == 0 { ids } else { &[CHOSEN] };
            let feeds: Vec<Feed<'_>> = lanes
                .iter()
                .map(|&lane| Feed {
                    lane,
                    tokens,
                    logits: Logits::Choice,
                })
                .collect();
            match engine.submit(&feeds, &Watch::None) {
                Ok(ticket) => flight.push_back(ticket),
                Err(e) => {
                    // What comes after a step that failed is not asked for: its cause would be lost.
                    result = Err(e);
                    asked = count;
                }
            }
            asked += 1;
        }
        let Some(ticket) = flight.pop_front() else {
            break;
        };
        match engine.collect(ticket).await {
            Ok(readings) => {
                for (said, reading) in said.iter_mut().zip(readings) {
                    said.extend(reading.choice.map(|c| c.id));
                }
            }
            Err(e) => result = Err(e),
        }
        if result.is_err() {
            break;
        }
        if said[0].len() == warm {
            begin = now();
        }
    }
    let seconds = now() - begin;
    for ticket in flight {
        engine.forget(ticket);
    }
    for lane in lanes {
        engine.close(lane);
    }
    result?;
    Ok(Measured {
        tokens_per_second: if seconds > 0.0 {
            (count - warm) as f64 / seconds
        } else {
            0.0
        },
        said,
    })
}
