//! H-Neuron Lab's engine: a small quantized language model that shows its neurons and lets one switch them.
//!
//! H-Neurons are the neurons whose contribution goes with a hallucination (Gao et al., arXiv 2512.01797). This crate
//! runs a model with and without them, on any machine and in a browser tab, and says which of them fired where.
//!
//! | module | what it is for |
//! |---|---|
//! | [`gguf`] | the file form: header, metadata, vocabulary |
//! | [`quant`] | storage formats of weights, and the forms that kernels know |
//! | [`model`] | a model file becomes blueprint and weights, or a clear refusal; an architecture is a file |
//! | [`text`] | tokenizer and chat template |
//! | [`engine`] | the forward pass behind one trait: lanes, edits, activity |
//! | [`neurons`] | contribution, artifact, detector, control sets: the subject matter |
//! | [`choose`] | which engine runs: measured, and checked |
//! | [`session`] | lanes and sampling become a stream of events: plan, session, sampler |
//! | [`lab`] | a loaded model with its artifact: runs by set and alpha, for page and command line |
//! | `research` | the numbers behind the page, computed natively |
//! | `web` | what the page's worker calls (wasm only) |
//!
//! Dependencies point downwards only: `web` and the command line -> `session` -> `neurons`, `engine` -> `model` ->
//! `quant`, `gguf`, `text`. `neurons` knows no engine, `engine` knows no H-Neuron.

mod error;

pub mod choose;
pub mod engine;
pub mod gguf;
pub mod lab;
pub mod model;
mod neuron;
pub mod neurons;
pub mod quant;
#[cfg(not(target_arch = "wasm32"))]
pub mod research;
pub mod session;
pub mod text;

#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{Error, ErrorKind, Result};
