//! A model: what a forward pass must know, its weights, and how both come out of a file.
//!
//! | file | what it is for |
//! |---|---|
//! | `blueprint` | shape and constants of a model, whatever its architecture |
//! | `arch/` | an architecture each: what a file's metadata says, as a blueprint |
//! | `tensors` | which tensors a blueprint needs: every tensor of a file is used, or the file is refused |
//! | `weights` | the tensors, ready for the engines |
//! | `reader` | a file that arrives in pieces becomes a [`ModelFile`] |

#![warn(clippy::wildcard_enum_match_arm)]

mod arch;
mod blueprint;
mod reader;
mod tensors;
mod weights;

use std::{io::Read, ops::Range, sync::Arc};

pub use arch::names as architectures;
pub use blueprint::{Activation, Blueprint, Pairs, Window};
pub use reader::ModelReader;
pub(crate) use weights::{LayerWeights, Linear, Weights};

use crate::{
    error::{Error, ErrorKind, Result},
    gguf::Vocabulary,
    quant::{Matrix, Quantization},
};

/// A model whose parts have been checked against each other. Cheap to clone: the weights are shared.
#[derive(Debug, Clone)]
pub struct ModelFile {
    sha256: String,
    size: usize,
    blueprint: Blueprint,
    vocabulary: Arc<Vocabulary>,
    weights: Arc<Weights>,
    tensors: Arc<[Tensor]>,
}

/// A tensor of a file; a vector has one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in the file, as `blk.0.ffn_gate.weight`.
    pub name: String,
    /// Outputs of the linear map.
    pub rows: usize,
    /// Inputs of the linear map.
    pub columns: usize,
    /// How the file stores the weights.
    pub quantization: Quantization,
    /// Its bytes in the file.
    pub range: Range<u64>,
}

impl ModelFile {
    /// Reads and checks a whole file held in memory.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] for anything that is not a complete model of a known architecture in known formats.
    pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Self> {
        let bytes = bytes.as_ref();
        let mut reader = ModelReader::new(bytes.len() as u64);
        reader.push(bytes)?;
        reader.finish()
    }

    /// As [`ModelFile::parse`], refusing a file whose SHA-256 is not `expected` (lower-case hexadecimal).
    ///
    /// # Errors
    /// [`ErrorKind::Hash`] for another file; otherwise as [`ModelFile::parse`].
    pub fn parse_expecting(bytes: impl AsRef<[u8]>, expected: &str) -> Result<Self> {
        let bytes = bytes.as_ref();
        let mut reader = ModelReader::new(bytes.len() as u64);
        reader.push(bytes)?;
        reader.finish_expecting(expected)
    }

    /// Reads a file of `size` bytes as it comes, a piece at a time: the file is never held beside its weights.
    ///
    /// # Errors
    /// As [`ModelFile::parse`]; [`ErrorKind::Model`] where reading fails.
    pub fn read(from: &mut dyn Read, size: u64) -> Result<Self> {
        let mut reader = ModelReader::new(size);
        let mut piece = vec![0u8; 1 << 20];
        loop {
            let n = from.read(&mut piece).map_err(|e| {
                Error::model(format!("the model file cannot be read ({e}): try again"))
            })?;
            if n == 0 {
                return reader.finish();
            }
            reader.push(&piece[..n])?;
            if reader.has_failed() {
                return reader.finish();
            }
        }
    }

    /// Shape and constants.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Tokens, merges, special tokens and chat template.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(crate) fn weights(&self) -> &Arc<Weights> {
        &self.weights
    }

    /// Every tensor, in the order of the file.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tensor of a name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|t| t.name == name)
    }

    /// How the file stores its weights: the formats of its matrices, the one of most weights first, as `Q4_K + Q6_K`.
    pub fn quantization(&self) -> String {
        let mut formats: Vec<(usize, Quantization)> = Vec::new();
        for m in self.weights.matrices() {
            let count = m.rows() * m.columns();
            match formats.iter_mut().find(|(_, f)| *f == m.quantization()) {
                Some((n, _)) => *n += count,
                None => formats.push((count, m.quantization())),
            }
        }
        formats.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
        let names: Vec<_> = formats.iter().map(|(_, f)| f.name()).collect();
        names.join(" + ")
    }

    /// Bytes of the file.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Bytes of memory that its matrices take.
    pub fn held(&self) -> usize {
        self.weights.matrices().map(Matrix::size).sum()
    }

    /// The file's SHA-256 in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// Refuses a file whose hash is not the expected one.
fn check_hash(actual: &str, expected: &str) -> Result<()> {
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
