//! Architectures: a file each.
//!
//! An architecture says what the metadata of its files means, as a [`Blueprint`]. Most of it is common to all
//! (`blueprint.rs`); the file of an architecture sets what is its own.
//!
//! To add one: write its file, and name it in `architectures!` below.

use super::blueprint::{Blueprint, Keys};
use crate::error::Result;

/// A family of models that one forward pass computes.
pub(super) struct Architecture {
    /// `general.architecture`, and what the family's keys begin with.
    pub(super) name: &'static str,
    /// Sets what is the family's own. The blueprint comes with what all have in common, of a plain Llama.
    pub(super) read: fn(&Keys<'_, '_>, &mut Blueprint) -> Result<()>,
}

/// Declares the architectures' files, and lists what they say.
macro_rules! architectures {
    ($($file:ident),+ $(,)?) => {
        $(mod $file;)+
        static ALL: &[Architecture] = &[$($file::ARCHITECTURE),+];
    };
}

architectures!(llama, qwen2, qwen3, gemma3, smollm3, ernie4_5);

/// The architecture of a name.
pub(super) fn find(name: &str) -> Option<&'static Architecture> {
    ALL.iter().find(|a| a.name == name)
}

/// The names of all architectures that run, as `llama, qwen2`.
pub fn names() -> String {
    let names: Vec<_> = ALL.iter().map(|a| a.name).collect();
    names.join(", ")
}
