//! What is computed natively and published: the numbers behind the page. Not part of the page's wasm.

pub mod alike;
pub mod answers;
pub mod bulk;
pub mod collect;
pub mod compliance;
pub mod contributions;
pub mod evaluate;
pub mod features;
pub mod gallery;
pub mod gradient;
pub mod identify;
pub mod intervene;
pub mod judge;
pub mod knowledge;
pub mod lever;
pub mod log;
pub mod logistic;
pub mod margins;
mod numbers;
pub mod origins;
mod profile;
pub mod questions;
pub mod split;
pub mod stats;
pub mod transfer;

pub use features::Features;
pub use profile::{Profile, promoted, reference_profiles};
