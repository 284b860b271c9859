//! The forward pass, behind one trait.
//!
//! An engine runs *lanes*: sequences with their own edits and their own KV cache, in lockstep, sharing each read of
//! the weights. It knows neurons only as coordinates of `z`: it scales some of them (an edit) and reports some of them
//! (activity), with the few that contribute most. What they mean is the business of [`crate::neurons`].
//!
//! Two promises every engine keeps, because a side-by-side page would lie without them:
//! - an edit of alpha = 1 gives the same bits as no edit;
//! - a lane's numbers depend neither on the lanes beside it nor on how its tokens were split into calls.

#![warn(clippy::wildcard_enum_match_arm)]

mod contribution;
pub mod cpu;
mod edits;
pub mod gpu;
pub(crate) mod math;
pub(crate) mod rope;

use std::{future::Future, pin::Pin};

pub use contribution::contributions;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use edits::check_neuron;
pub use edits::{Edit, Edits};

pub use crate::neuron::{Neuron, contribution, largest};
use crate::{
    error::{Error, ErrorKind, Result},
    model::Blueprint,
};

/// A handle to an open lane of one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LaneId(pub(crate) usize);

/// In a [`Feed`], in place of a token id: the token that this lane chose last (see [`Logits::Choice`]), whether or not it
/// has been collected. So the next step can be asked for before the last one is known.
pub const CHOSEN: u32 = u32::MAX;

/// What is wanted of the next token's logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logits {
    /// Nothing: the unembedding is not computed.
    None,
    /// The most probable token after the last one, and its log-probability; no logits.
    Choice,
    /// Those after the last token.
    Last,
    /// Those after every token.
    All,
}

/// New tokens of one lane.
#[derive(Debug, Clone, Copy)]
pub struct Feed<'a> {
    /// Whose tokens.
    pub lane: LaneId,
    /// Token ids (or [`CHOSEN`]), appended to what the lane has read; not empty.
    pub tokens: &'a [u32],
    /// Which logits are wanted.
    pub logits: Logits,
}

/// Which neurons' activity is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// None.
    None,
    /// These, in this order.
    Chosen(Vec<Neuron>),
    /// These, in this order, and by name those of all neurons that contribute most.
    Top {
        /// The neurons watched.
        neurons: Vec<Neuron>,
        /// How many of all to name at each token.
        count: usize,
    },
    /// All, layer by layer.
    All,
}

impl Watch {
    /// The neurons watched by name.
    pub fn neurons(&self) -> &[Neuron] {
        match self {
            Self::None | Self::All => &[],
            Self::Chosen(neurons) | Self::Top { neurons, .. } => neurons,
        }
    }

    /// How many of a model's neurons are to be named for contributing most.
    pub fn top(&self, config: &Blueprint) -> usize {
        match self {
            Self::Top { count, .. } => (*count).min(config.neuron_count()),
            Self::None | Self::Chosen(_) | Self::All => 0,
        }
    }
}

/// What the watched neurons did at one token.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// `z` of each watched neuron *before* the lane's edits, in the order of the [`Watch`].
    pub z: Vec<f32>,
    /// For each layer the Euclidean norm of `W_down z`, again with `z` as it was before the edits.
    pub output_norms: Vec<f32>,
    /// The neurons of the largest contributions, largest first, with [`Watch::Top`].
    pub top: Vec<(Neuron, f32)>,
}

/// The most probable token, the lowest id of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Token id.
    pub id: u32,
    /// Its natural log-probability.
    pub logprob: f64,
}

impl Choice {
    /// The choice among `logits`, of which there is at least one.
    pub fn of(logits: &[f32]) -> Self {
        let (id, most) = math::largest(logits);
        Self {
            id: id as u32,
            logprob: f64::from(logits[id]) - math::log_sum_exp(logits, most),
        }
    }
}

/// The natural log-probability of a token of the vocabulary at temperature 1.
pub fn logprob(logits: &[f32], id: u32) -> f64 {
    f64::from(logits[id as usize]) - math::log_sum_exp(logits, math::maximum(logits))
}

/// What one [`Feed`] gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Logits, `vocabulary` of them for each position asked for.
    pub logits: Vec<f32>,
    /// The choice, where it was asked for.
    pub choice: Option<Choice>,
    /// One entry a token; empty where nothing is watched.
    pub activity: Vec<Activity>,
}

/// A handle to a submission that has not been collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub(crate) u32);

/// What an engine has done since it was made, counted where it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counters {
    /// Command buffers handed to a device.
    pub submits: u64,
    /// Kernels started, in all.
    pub dispatches: u64,
    /// Of these, within layers.
    pub layer_dispatches: u64,
    /// Bytes read back.
    pub bytes_read_back: u64,
    /// Bytes of device memory held now.
    pub device_bytes: u64,
    /// Bytes of weights that reading one token touches.
    pub weight_bytes: u64,
}

/// A future of this crate: not `Send`, because a browser's device is not.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A forward pass over one model.
pub trait Engine {
    /// The model's shape.
    fn blueprint(&self) -> &Blueprint;

    /// Which engine this is and how it was built, as `cpu/avx2`.
    fn description(&self) -> String;

    /// Euclidean norm of each column of `W_down`, `layers * neurons`, layer by layer.
    fn column_norms(&self) -> &[f32];

    /// Opens a lane that has read nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for an edit outside the model, [`crate::ErrorKind::Memory`].
    fn open(&mut self, edits: &Edits) -> Result<LaneId>;

    /// Opens a lane that has read what `lane` has, with the same edits: many answers to one prompt read it once. `None` where the
    /// engine cannot copy a lane; the prompt is then read again.
    ///
    /// # Errors
    /// As [`Engine::open`]; [`crate::ErrorKind::Internal`] for a lane that is not open.
    fn fork(&mut self, lane: LaneId) -> Result<Option<LaneId>> {
        let _ = lane;
        Ok(None)
    }

    /// Closes a lane and frees its memory. Closing twice does nothing.
    fn close(&mut self, lane: LaneId);

    /// Takes a lane back to `position`, as if it had read no more than that: what is asked of an earlier token need not read
    /// everything again. False where the engine cannot, and then the lane is as it was. Nothing may be under way in it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] for a position that it has not read, or a lane that is not open.
    fn rewind(&mut self, lane: LaneId, position: usize) -> Result<bool> {
        let _ = (lane, position);
        Ok(false)
    }

    /// Tokens a lane has read.
    fn position(&self, lane: LaneId) -> usize;

    /// Asks for each feed's tokens to be read, and gives the number under which the readings are collected. Either all lanes
    /// advance, or (on an error) none does. Submissions are carried out in order, whether or not they are collected.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Context`] if a lane would outgrow the model's context, [`crate::ErrorKind::Memory`],
    /// [`crate::ErrorKind::Input`] for a token outside the vocabulary or a lane that is not open,
    /// [`crate::ErrorKind::Gpu`] for a device that is gone.
    fn submit(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<Ticket>;

    /// Waits for a submission's readings, one a feed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gpu`] if the device was lost or computed nothing: every lane of this engine is then gone.
    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Reading>>>;

    /// Gives up a submission's readings.
    fn forget(&mut self, ticket: Ticket);

    /// How many submissions are worth having under way at once.
    fn depth(&self) -> usize {
        1
    }

    /// What the engine has counted so far.
    fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Reads each feed's tokens: [`Engine::submit`] and [`Engine::collect`] in one.
    ///
    /// # Errors
    /// As both.
    fn forward<'a>(
        &'a mut self,
        feeds: &'a [Feed<'a>],
        watch: &'a Watch,
    ) -> BoxFuture<'a, Result<Vec<Reading>>> {
        Box::pin(async move {
            let ticket = self.submit(feeds, watch)?;
            self.collect(ticket).await
        })
    }
}

/// Opens a lane for each of `edits`, or none: those opened before a failure are closed.
///
/// # Errors
/// As [`Engine::open`].
pub fn open_lanes<'a>(
    engine: &mut dyn Engine,
    edits: impl IntoIterator<Item = &'a Edits>,
) -> Result<Vec<LaneId>> {
    let mut lanes = Vec::new();
    for edits in edits {
        match engine.open(edits) {
            Ok(lane) => lanes.push(lane),
            Err(e) => {
                for lane in lanes {
                    engine.close(lane);
                }
                return Err(e);
            }
        }
    }
    Ok(lanes)
}

/// Where in a model numbers are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The row of a token.
    Embedding,
    /// A layer, from 0.
    Layer(usize),
    /// The last product, which gives the logits.
    Unembedding,
}

/// The error of a pass in which a number was NaN, infinite, or too large to be squared.
pub(crate) fn not_finite(place: Place) -> Error {
    let place = match place {
        Place::Embedding => "the token embedding".to_owned(),
        Place::Layer(layer) => format!("layer {layer} (the first is 0)"),
        Place::Unembedding => "the unembedding".to_owned(),
    };
    Error::model(format!(
        "the model's numbers are not finite in {place}: its file is damaged, or an edit is too strong for it; \
         download it again, choose another, or turn the neurons less far"
    ))
}

/// Where a reading first has a number that is not finite, if it has one.
fn first_not_finite(reading: &Reading) -> Option<Place> {
    let norms = reading
        .activity
        .iter()
        .flat_map(|a| a.output_norms.iter().enumerate());
    let layer = norms
        .filter(|(_, norm)| !norm.is_finite())
        .map(|(l, _)| l)
        .min();
    let logits =
        reading.choice.is_none_or(|c| c.logprob.is_finite()) && math::all_finite(&reading.logits);
    layer
        .map(Place::Layer)
        .or((!logits).then_some(Place::Unembedding))
}

/// The checks that every engine makes before it changes anything; `position` tells how much a lane has read. Gives the
/// position at which the longest lane will end.
fn check_feeds(
    config: &Blueprint,
    feeds: &[Feed<'_>],
    watch: &Watch,
    position: impl Fn(LaneId) -> Result<usize>,
) -> Result<usize> {
    for &neuron in watch.neurons() {
        edits::check_neuron(neuron, config)?;
    }
    let mut end = 0;
    for (i, feed) in feeds.iter().enumerate() {
        if feeds[..i].iter().any(|f| f.lane == feed.lane) {
            return Err(Error::internal("a lane was fed twice in one call"));
        }
        if feed.tokens.is_empty() {
            return Err(Error::internal("a lane was fed no tokens"));
        }
        if let Some(token) = feed
            .tokens
            .iter()
            .find(|&&t| t != CHOSEN && t as usize >= config.vocabulary)
        {
            return Err(Error::input(format!(
                "token {token} does not exist: this model has {}",
                config.vocabulary
            )));
        }
        let after = position(feed.lane)? + feed.tokens.len();
        if after > config.context {
            return Err(Error::new(
                ErrorKind::Context,
                format!(
                    "the conversation has {after} tokens and the model reads at most {}: shorten it",
                    config.context
                ),
            ));
        }
        end = end.max(after);
    }
    Ok(end)
}
