//! Lanes that read a conversation again, to tell what all neurons did at one token of it, or what could come after it.
//!
//! Whoever looks at one token looks at its neighbours next. So these lanes stay open for a while: what the next question has
//! in common with an earlier one, from the beginning on, is not read again.

use crate::{
    engine::{Edits, Engine, Feed, LaneId, Logits, Reading, Watch},
    error::{Error, Result},
};

/// Lanes kept: a run of the page has three.
const LANES: usize = 4;
/// Tokens read in one call, which any engine takes.
const CHUNK: usize = 128;

/// What is wanted of a token that is read.
pub(crate) struct Wanted {
    pub(crate) watch: Watch,
    pub(crate) logits: Logits,
}

const NOTHING: Wanted = Wanted {
    watch: Watch::None,
    logits: Logits::None,
};

/// A lane, and the tokens that it has read.
struct Kept {
    id: LaneId,
    edits: Edits,
    tokens: Vec<u32>,
}

/// Open lanes, the one used last at the end. Together they have read no more tokens than the model's context has room for.
/// They belong to one engine: [`Rereading::close`] them before it goes, or takes on other work.
#[derive(Default)]
pub(crate) struct Rereading {
    kept: Vec<Kept>,
}

impl Rereading {
    /// Reads the last of `tokens`, of which there is at least one, after all the others, in a lane with these edits.
    ///
    /// # Errors
    /// As [`Engine::open`] and [`Engine::forward`].
    pub(crate) async fn ask(
        &mut self,
        engine: &mut dyn Engine,
        edits: &Edits,
        tokens: &[u32],
        wanted: &Wanted,
    ) -> Result<Reading> {
        let Some(last) = tokens.len().checked_sub(1) else {
            return Err(Error::internal("no token was asked about"));
        };
        let mut lane = self.fitting(engine, edits, &tokens[..last])?;
        match finish(engine, &mut lane, tokens, last, wanted).await {
            Ok(reading) => {
                self.kept.push(lane);
                Ok(reading)
            }
            Err(e) => {
                engine.close(lane.id);
                Err(e)
            }
        }
    }

    /// Closes every lane.
    pub(crate) fn close(&mut self, engine: &mut dyn Engine) {
        for lane in self.kept.drain(..) {
            engine.close(lane.id);
        }
    }

    /// Takes out the lane that has read most of `before`, gone back to where it differs; or opens one. Closes what would be too
    /// much beside it.
    fn fitting(&mut self, engine: &mut dyn Engine, edits: &Edits, before: &[u32]) -> Result<Kept> {
        let shared = |lane: &Kept| {
            let both = lane.tokens.iter().zip(before);
            both.take_while(|(a, b)| a == b).count()
        };
        let best = (0..self.kept.len())
            .filter(|&i| self.kept[i].edits == *edits)
            .max_by_key(|&i| shared(&self.kept[i]));
        let mut found = best.map(|i| self.kept.remove(i));
        if let Some(lane) = &mut found {
            let read = shared(lane);
            if read < lane.tokens.len() && !engine.rewind(lane.id, read)? {
                engine.close(lane.id);
                found = None;
            } else {
                lane.tokens.truncate(read);
            }
        }
        let room = engine.blueprint().context.saturating_sub(before.len() + 1);
        while self.kept.len() >= LANES || self.read() > room {
            engine.close(self.kept.remove(0).id);
        }
        match found {
            Some(lane) => Ok(lane),
            None => Ok(Kept {
                id: engine.open(edits)?,
                edits: edits.clone(),
                tokens: Vec::new(),
            }),
        }
    }

    /// Tokens that all lanes have read together.
    fn read(&self) -> usize {
        self.kept.iter().map(|lane| lane.tokens.len()).sum()
    }
}

/// Reads on to the last of `tokens`, and that one for what is wanted of it.
async fn finish(
    engine: &mut dyn Engine,
    lane: &mut Kept,
    tokens: &[u32],
    last: usize,
    wanted: &Wanted,
) -> Result<Reading> {
    while lane.tokens.len() < last {
        let read = lane.tokens.len();
        let more = &tokens[read..last.min(read + CHUNK)];
        feed(engine, lane.id, more, &NOTHING).await?;
        lane.tokens.extend_from_slice(more);
    }
    let readings = feed(engine, lane.id, &tokens[last..], wanted).await?;
    lane.tokens.extend_from_slice(&tokens[last..]);
    let reading = readings.into_iter().next();
    reading.ok_or_else(|| Error::internal("nothing was read"))
}

async fn feed(
    engine: &mut dyn Engine,
    lane: LaneId,
    tokens: &[u32],
    wanted: &Wanted,
) -> Result<Vec<Reading>> {
    let feed = Feed {
        lane,
        tokens,
        logits: wanted.logits,
    };
    engine.forward(&[feed], &wanted.watch).await
}
