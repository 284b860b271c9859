//! A model file, read safely.
//!
//! A GGUF file comes from the network, so it is taken for hostile until shown otherwise: [`ModelFile::parse`] walks
//! the header (`header.rs`), then holds configuration, vocabulary and tensors against each other. Only a file in which
//! all of them fit, and of which nothing is left over that would change the model, is handed to the engine, which can
//! then index without doubt. Specification: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

#![warn(clippy::wildcard_enum_match_arm)]

mod config;
mod finite;
mod header;
mod metadata;
mod quantization;
mod tensors;
pub(crate) mod tiles;
mod vocabulary;

use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use config::Config;
pub use quantization::Quantization;
pub use tensors::{LayerTensors, TensorView, Tensors};
pub use vocabulary::{Segmentation, Vocabulary};

use crate::error::{Error, ErrorKind, Result};
use header::Header;

/// A model file whose parts have been checked against each other. Cheap to clone: the bytes are shared.
#[derive(Debug, Clone)]
pub struct ModelFile {
    bytes: Arc<Vec<u8>>,
    sha256: String,
    config: Config,
    vocabulary: Arc<Vocabulary>,
    tensors: Arc<Tensors>,
}

impl ModelFile {
    /// Reads and checks a whole file held in memory. The bytes are kept in place, but for the order of the quantized weights
    /// (see `tiles.rs`); tensors are views into them.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] for anything that is not a complete Llama-architecture model in a supported format.
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        let sha256 = sha256_hex(&bytes);
        Self::parse_hashed(bytes, sha256)
    }

    /// As [`ModelFile::parse`], refusing a file whose SHA-256 is not `expected` (lower-case hexadecimal).
    ///
    /// # Errors
    /// [`ErrorKind::Hash`] for another file; otherwise as [`ModelFile::parse`].
    pub fn parse_expecting(bytes: Vec<u8>, expected: &str) -> Result<Self> {
        let sha256 = sha256_hex(&bytes);
        check_hash(&sha256, expected)?;
        Self::parse_hashed(bytes, sha256)
    }

    /// As [`ModelFile::parse`], for a caller who has hashed the bytes while they arrived.
    pub(crate) fn parse_hashed(mut bytes: Vec<u8>, sha256: String) -> Result<Self> {
        let header = Header::read(&bytes)?;
        let config = Config::read(&header.metadata)?;
        let vocabulary = Vocabulary::read(&header.metadata, &config)?;
        let tensors = Tensors::read(&header, &config, bytes.len())?;
        for view in tensors.iter() {
            let tensor = &mut bytes[view.range.clone()];
            finite::check(view, tensor)?;
            tiles::tile(view, tensor);
        }
        Ok(Self {
            bytes: Arc::new(bytes),
            sha256,
            config,
            vocabulary: Arc::new(vocabulary),
            tensors: Arc::new(tensors),
        })
    }

    /// Hyper-parameters.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tokens, merges, special tokens and chat template.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Where each tensor lies and how it is stored.
    pub fn tensors(&self) -> &Tensors {
        &self.tensors
    }

    /// The file's bytes with its weights in tiles; [`TensorView`]s index into them.
    pub(crate) fn bytes(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }

    /// Bytes of the file.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The file's SHA-256 in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Refuses a file whose hash is not the expected one.
pub(crate) fn check_hash(actual: &str, expected: &str) -> Result<()> {
    if actual.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Hash,
        format!(
            "the model file is not the expected one (SHA-256 {}…, expected {}…): delete it and download it again",
            &actual[..actual.len().min(12)],
            expected.get(..12).unwrap_or(expected),
        ),
    ))
}
