//! The GGUF file form: header, metadata and vocabulary.
//!
//! A file comes from the network, so it is taken for hostile until shown otherwise: the header is walked before anything is
//! allocated for it (`header.rs`), keys are read by type or refused by name (`metadata.rs`). What the keys mean is the
//! business of [`crate::model`]. Specification: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

#![warn(clippy::wildcard_enum_match_arm)]

pub(crate) mod header;
pub(crate) mod metadata;
mod vocabulary;

use sha2::{Digest, Sha256};

pub use vocabulary::{Segmentation, Vocabulary};

/// SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
