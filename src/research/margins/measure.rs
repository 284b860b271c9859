//! Reading margins: prompts only, many at a time, under any edits.

use serde::{Deserialize, Serialize};

use super::items::Choice;
use crate::{
    engine::{Edits, Engine, Feed, LaneId, Logits, Watch, math},
    error::Result,
};

/// Prompts read together.
const LANES: usize = 16;

/// What a model would say at one choice: natural logarithms of the probabilities of the next tokens of either kind, in sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    /// Of those that give in.
    pub give: f64,
    /// Of those that stand by.
    pub stand: f64,
}

impl Margin {
    /// The log-odds of giving in against standing by, in nats.
    pub fn log_odds(&self) -> f64 {
        self.give - self.stand
    }

    /// The probability that the next token is of either kind.
    pub fn mass(&self) -> f64 {
        self.give.exp() + self.stand.exp()
    }
}

fn log_sum_exp(all: Vec<f64>) -> f64 {
    let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + all.iter().map(|l| (l - most).exp()).sum::<f64>().ln()
}

/// Tokens with which every prompt begins; at least one is left to each.
fn shared(choices: &[Choice]) -> usize {
    let Some(first) = choices.first() else {
        return 0;
    };
    let common = |choice: &Choice| {
        let pairs = first.prompt.iter().zip(&choice.prompt);
        let same = pairs.take_while(|(a, b)| a == b).count();
        same.min(choice.prompt.len().saturating_sub(1))
    };
    choices.iter().map(common).min().unwrap_or(0)
}

/// The margin of every choice under these edits, in the order given.
///
/// # Errors
/// As [`Engine::forward`].
pub fn margins(engine: &mut dyn Engine, choices: &[Choice], edits: &Edits) -> Result<Vec<Margin>> {
    let mut open = Vec::new();
    let result = pollster::block_on(read(engine, choices, edits, &mut open));
    for lane in open {
        engine.close(lane);
    }
    result
}

async fn read(
    engine: &mut dyn Engine,
    choices: &[Choice],
    edits: &Edits,
    open: &mut Vec<LaneId>,
) -> Result<Vec<Margin>> {
    let shared = shared(choices);
    // What all prompts begin with is read once.
    let root = match choices.first() {
        Some(first) if shared > 0 => {
            let lane = engine.open(edits)?;
            open.push(lane);
            let feed = Feed {
                lane,
                tokens: &first.prompt[..shared],
                logits: Logits::None,
            };
            engine.forward(&[feed], &Watch::None).await?;
            Some(lane)
        }
        _ => None,
    };
    let mut out = Vec::with_capacity(choices.len());
    for batch in choices.chunks(LANES) {
        let before = open.len();
        let mut from = Vec::with_capacity(batch.len());
        for _ in batch {
            let forked = match root {
                Some(root) => engine.fork(root)?,
                None => None,
            };
            from.push(if forked.is_some() { shared } else { 0 });
            open.push(match forked {
                Some(lane) => lane,
                None => engine.open(edits)?,
            });
        }
        let feeds: Vec<Feed<'_>> = (batch.iter().zip(&open[before..]).zip(from))
            .map(|((choice, &lane), from)| Feed {
                lane,
                tokens: &choice.prompt[from..],
                logits: Logits::Last,
            })
            .collect();
        let readings = engine.forward(&feeds, &Watch::None).await?;
        for (choice, reading) in batch.iter().zip(readings) {
            let logits = &reading.logits;
            let all = math::log_sum_exp(logits, math::maximum(logits));
            let of = |ids: &[u32]| {
                let logprobs = ids.iter().map(|&id| f64::from(logits[id as usize]) - all);
                log_sum_exp(logprobs.collect())
            };
            out.push(Margin {
                give: of(&choice.give),
                stand: of(&choice.stand),
            });
        }
        for lane in open.drain(before..) {
            engine.close(lane);
        }
    }
    Ok(out)
}
