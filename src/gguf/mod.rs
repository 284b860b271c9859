//! A model file, read safely.
//!
//! A GGUF file comes from the network, so it is taken for hostile until shown otherwise: [`ModelFile::parse`] has
//! candle read the header (which bounds every length by what is left of the file), then holds configuration,
//! vocabulary and tensors against each other. Only a file in which all of them fit is handed to the engine, which can
//! then index without doubt. Specification: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod config;
mod metadata;
mod quantization;
mod tensors;
pub(crate) mod tiles;
mod vocabulary;

use std::{io::Cursor, sync::Arc};

use candle_core::quantized::gguf_file::{Content, Value};
use sha2::{Digest, Sha256};

pub use config::Config;
pub use quantization::Quantization;
pub use tensors::{LayerTensors, TensorView, Tensors};
pub use vocabulary::Vocabulary;

use crate::error::{Error, ErrorKind, Result};
use metadata::Metadata;

/// The part of a file in which the header must end. The largest vocabularies in use take about 10 MB; a bound keeps a
/// crafted file from being expanded into many times its size while it is read.
const MAX_HEADER: usize = 32 << 20;

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
        check_preamble(&bytes)?;
        let header = &bytes[..bytes.len().min(MAX_HEADER)];
        let content = Content::read(&mut Cursor::new(header)).map_err(|e| {
            Error::model(format!(
                "the file's header cannot be read ({}): it is truncated or corrupt; download it again",
                first_line(&e.to_string())
            ))
        })?;
        let meta = Metadata(&content.metadata);
        let config = Config::read(&meta)?;
        let vocabulary = Vocabulary::read(&meta, &config)?;
        let tensors = Tensors::read(&content, &config, bytes.len())?;
        for view in tensors.iter() {
            tiles::tile(view, &mut bytes[view.range.clone()]);
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
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
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

/// What candle does not check, or reports less clearly: the magic, the version, and an alignment it divides by.
fn check_preamble(bytes: &[u8]) -> Result<()> {
    let Some(preamble) = bytes.first_chunk::<8>() else {
        return Err(Error::model(format!(
            "the file has {} bytes, too few for a model: the download was cut off; download it again",
            bytes.len()
        )));
    };
    if &preamble[..4] != b"GGUF" {
        return Err(Error::model(
            "the file does not begin with 'GGUF': it is not a model in GGUF form (a web page saved in its place?); \
             download it again",
        ));
    }
    let version = u32::from_le_bytes([preamble[4], preamble[5], preamble[6], preamble[7]]);
    if !(2..=3).contains(&version) {
        return Err(Error::model(format!(
            "GGUF version {version} is not supported, only 2 and 3: convert the file with a current tool"
        )));
    }
    // candle divides by the alignment, so a zero must be found before it reads the header.
    let header = &bytes[..bytes.len().min(MAX_HEADER)];
    let key = b"\x11\0\0\0\0\0\0\0general.alignment";
    for at in memchr::memmem::find_iter(header, key) {
        let Some((kind, value)) = header[at + key.len()..].split_first_chunk::<4>() else {
            break;
        };
        let width = match u32::from_le_bytes(*kind) {
            0 | 1 => 1,
            2 | 3 => 2,
            _ => 4,
        };
        if value.iter().take(width).all(|&b| b == 0) {
            return Err(Error::model(
                "the file's alignment is zero: it is corrupt; download it again",
            ));
        }
    }
    Ok(())
}

/// Whether the alignment is one that the specification allows (candle takes any number).
pub(crate) fn alignment_is_sound(content: &Content) -> bool {
    match content.metadata.get("general.alignment") {
        None => true,
        Some(Value::U32(a)) => a.is_power_of_two(),
        Some(_) => false,
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
