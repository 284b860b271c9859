//! The forward pass, behind one trait.
//!
//! An engine runs *lanes*: sequences with their own edits and their own KV cache, in lockstep, sharing each read of
//! the weights. It knows neurons only as coordinates of `z`: it scales some of them (an edit) and reports some of them
//! (activity). What they mean is the business of [`crate::neurons`].
//!
//! Two promises every engine keeps, because a side-by-side page would lie without them:
//! - an edit of alpha = 1 gives the same bits as no edit;
//! - a lane's numbers depend neither on the lanes beside it nor on how its tokens were split into calls.

pub mod cpu;
mod edits;

use std::{future::Future, pin::Pin};

pub use edits::{Edit, Edits};

use crate::{error::Result, gguf::Config};

/// One coordinate of an MLP's hidden vector `z = silu(W_gate x) * (W_up x)`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Neuron {
    /// Layer, from 0.
    pub layer: usize,
    /// Coordinate of `z` in that layer, from 0.
    pub index: usize,
}

/// A handle to an open lane of one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LaneId(pub(crate) usize);

/// Which positions' logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logits {
    /// None: the unembedding is not computed.
    None,
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
    /// Token ids, appended to what the lane has read; not empty.
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
    /// All, layer by layer.
    All,
}

/// What the watched neurons did at one token.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// `z` of each watched neuron *before* the lane's edits, in the order of the [`Watch`].
    pub z: Vec<f32>,
    /// For each layer the Euclidean norm of `W_down z`, again with `z` as it was before the edits.
    pub output_norms: Vec<f32>,
}

/// What one [`Feed`] gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Logits, `vocabulary` of them for each position asked for.
    pub logits: Vec<f32>,
    /// One entry a token; empty where nothing is watched.
    pub activity: Vec<Activity>,
}

/// A future of this crate: not `Send`, because a browser's device is not.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A forward pass over one model.
pub trait Engine {
    /// The model's shape.
    fn config(&self) -> &Config;

    /// Which engine this is and how it was built, as `cpu/avx2`.
    fn description(&self) -> String;

    /// Euclidean norm of each column of `W_down`, `layers * neurons`, layer by layer.
    fn column_norms(&self) -> &[f32];

    /// Opens a lane that has read nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for an edit outside the model, [`crate::ErrorKind::Memory`].
    fn open(&mut self, edits: &Edits) -> Result<LaneId>;

    /// Closes a lane and frees its memory. Closing twice does nothing.
    fn close(&mut self, lane: LaneId);

    /// Tokens a lane has read.
    fn position(&self, lane: LaneId) -> usize;

    /// Reads each feed's tokens. Either all lanes advance, or (on an error) none does.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Context`] if a lane would outgrow the model's context, [`crate::ErrorKind::Memory`],
    /// [`crate::ErrorKind::Input`] for a token outside the vocabulary or a lane that is not open.
    fn forward<'a>(
        &'a mut self,
        feeds: &'a [Feed<'a>],
        watch: &'a Watch,
    ) -> BoxFuture<'a, Result<Vec<Reading>>>;
}
