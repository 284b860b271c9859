//! The subject matter: what neurons contribute, which of them are H-Neurons, and what they say about an answer.
//!
//! Pure: no device, no files, no engine. Source of the definitions: Gao et al., "H-Neurons", arXiv 2512.01797.

mod artifact;
mod control;
mod detector;
mod lever;
mod running;
mod shares;
mod span;

pub use artifact::{
    Artifact, ArtifactModel, Calibration, ControlSet, DetectorSpec, DetectorTerm, FEATURE_VERSION,
    HNeuron, Histogram, SCHEMA,
};
pub use control::{CONTROL_SEEDS, matched_control};
pub use detector::Detector;
pub use lever::{Harm, Lever, LeverExample, LeverNeuron};
pub use running::{RunningScore, SpanNews};
pub use shares::Shares;
pub use span::answer_words;

pub use crate::neuron::{Neuron, contribution, largest};
