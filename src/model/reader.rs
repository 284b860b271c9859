//! A model file that arrives in pieces becomes a model: header first, then tensor by tensor into matrices, hashed on the way.
//!
//! The file is never held beside its matrices. What is held is the header until all of it has arrived, and a row of the tensor
//! that is arriving.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    Blueprint, ModelFile, Tensor, Weights, check_hash,
    tensors::{EMBEDDING, OUTPUT, Placed, place},
    weights::Found,
};
use crate::{
    error::{Error, Result},
    gguf::{Vocabulary, header::Header},
    quant::Builder,
};

/// Bytes at which a header is looked at for the first time; then whenever twice as many have arrived.
const FIRST_LOOK: usize = 1 << 20;

/// Takes a model file's bytes as they arrive.
pub struct ModelReader {
    /// Bytes announced.
    total: u64,
    received: u64,
    hasher: Sha256,
    part: Part,
    /// What is wrong with the file. It is told at the end, because a file with another hash is another file first.
    failed: Option<Error>,
}

/// Which part of the file is arriving.
enum Part {
    /// The header, as far as it has come; it is looked at when so many bytes are there.
    Header { bytes: Vec<u8>, look_at: usize },
    /// Tensors.
    Tensors(Box<Tensors>),
}

struct Tensors {
    blueprint: Blueprint,
    vocabulary: Vocabulary,
    /// Those to come, the next one last.
    left: Vec<Placed>,
    /// The one that is arriving.
    current: Option<(Placed, Builder)>,
    found: Found,
    /// Whether the unembedding is a tensor of its own.
    has_output: bool,
    /// All of them.
    list: Vec<Tensor>,
    /// Place in the file of the next byte.
    at: u64,
}

impl ModelReader {
    /// For a file of `total` bytes.
    pub fn new(total: u64) -> Self {
        Self {
            total,
            received: 0,
            hasher: Sha256::new(),
            part: Part::Header {
                bytes: Vec::new(),
                look_at: FIRST_LOOK,
            },
            failed: None,
        }
    }

    /// Takes the next bytes. What is wrong with the file is told by [`ModelReader::finish`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Memory`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.received += bytes.len() as u64;
        if self.failed.is_some() {
            return Ok(());
        }
        if let Err(e) = self.take(bytes) {
            if e.kind() == crate::ErrorKind::Memory {
                return Err(e);
            }
            self.failed = Some(e);
        }
        Ok(())
    }

    /// Bytes taken so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether what has come so far cannot become a model.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        if let Part::Tensors(tensors) = &mut self.part {
            return tensors.push(bytes);
        }
        let Part::Header {
            bytes: header,
            look_at,
        } = &mut self.part
        else {
            return Ok(());
        };
        let arrived = header.len() + bytes.len();
        if arrived < *look_at && (arrived as u64) < self.total {
            return hold(header, bytes);
        }
        *look_at = 2 * arrived;
        // A header that comes whole in one piece is read where it lies.
        let first = header.is_empty();
        if !first {
            hold(header, bytes)?;
        }
        let all = if first { bytes } else { &header[..] };
        let Some((mut tensors, end)) = Tensors::of(all, self.total)? else {
            return if first { hold(header, bytes) } else { Ok(()) };
        };
        tensors.push(&all[end..])?;
        self.part = Part::Tensors(Box::new(tensors));
        Ok(())
    }

    /// The model, of a file that has arrived whole.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`] for anything that is not a complete model of a known architecture in known formats.
    pub fn finish(self) -> Result<ModelFile> {
        let Self {
            total,
            received,
            hasher,
            part,
            failed,
        } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        let tensors = match part {
            Part::Tensors(tensors) if received == total => *tensors,
            Part::Header { bytes, .. } if received == total => {
                // Nothing has come, or it would have been looked at.
                Header::read(&bytes, total)?;
                return Err(cut_off(received, total));
            }
            Part::Tensors(_) | Part::Header { .. } => return Err(cut_off(received, total)),
        };
        if let Some(missing) = tensors.left.last() {
            return Err(Error::internal(format!(
                "tensor '{}' was passed over",
                missing.name
            )));
        }
        Ok(ModelFile {
            sha256: format!("{:x}", hasher.finalize()),
            size: total as usize,
            weights: Arc::new(Weights::assemble(&tensors.blueprint, tensors.found)?),
            vocabulary: Arc::new(tensors.vocabulary),
            blueprint: tensors.blueprint,
            tensors: tensors.list.into(),
        })
    }

    /// As [`ModelReader::finish`], refusing a file whose SHA-256 is not `expected` (lower-case hexadecimal).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Hash`] for another file; otherwise as [`ModelReader::finish`].
    pub fn finish_expecting(self, expected: &str) -> Result<ModelFile> {
        let sha256 = format!("{:x}", self.hasher.clone().finalize());
        check_hash(&sha256, expected)?;
        self.finish()
    }
}

fn hold(header: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    header
        .try_reserve(bytes.len())
        .map_err(|_| Error::memory("the model's header", header.len() + bytes.len()))?;
    header.extend_from_slice(bytes);
    Ok(())
}

fn cut_off(received: u64, total: u64) -> Error {
    Error::model(format!(
        "{received} bytes of the file have come, and it has {total}: the download was cut off; download it again"
    ))
}

impl Tensors {
    /// What a header says, and where it ends; none while not all of it has come.
    fn of(file: &[u8], total: u64) -> Result<Option<(Self, usize)>> {
        let Some(header) = Header::read(file, total)? else {
            return Ok(None);
        };
        let blueprint = Blueprint::read(&header.metadata)?;
        let vocabulary = Vocabulary::read(&header.metadata, &blueprint)?;
        let mut left = place(&header, &blueprint, total)?;
        let list = left.iter().map(|t| Tensor {
            name: t.name.clone(),
            rows: t.rows,
            columns: t.columns,
            quantization: t.quantization,
            range: t.range.clone(),
        });
        let list = list.collect();
        let has_output = left.iter().any(|t| t.name == OUTPUT);
        left.reverse();
        let end = header.end;
        let tensors = Self {
            blueprint,
            vocabulary,
            left,
            current: None,
            found: Found(Default::default()),
            has_output,
            list,
            at: end as u64,
        };
        Ok(Some((tensors, end)))
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.current.is_none() {
                let Some(next) = self.left.last() else {
                    // What follows the last tensor belongs to nobody.
                    self.at += bytes.len() as u64;
                    return Ok(());
                };
                // What lies between tensors fills up to the file's alignment.
                let gap = (next.range.start - self.at).min(bytes.len() as u64);
                self.at += gap;
                bytes = &bytes[gap as usize..];
                if self.at < next.range.start {
                    return Ok(());
                }
                if let Some(next) = self.left.pop() {
                    let order = next.turned.then(|| self.blueprint.order());
                    // An embedding that is not the unembedding is only looked up, so it is kept as small as it is.
                    let form = next.quantization.form();
                    let form = if next.name == EMBEDDING && self.has_output {
                        form
                    } else {
                        form.here()
                    };
                    let builder = Builder::new(
                        &next.name,
                        next.quantization,
                        form,
                        next.rows,
                        next.columns,
                        order,
                    )?;
                    self.current = Some((next, builder));
                }
            }
            let Some((tensor, builder)) = &mut self.current else {
                return Ok(());
            };
            let more = (tensor.range.end - self.at).min(bytes.len() as u64);
            let (own, rest) = bytes.split_at(more as usize);
            builder.push(own)?;
            bytes = rest;
            self.at += more;
            if self.at == tensor.range.end
                && let Some((tensor, builder)) = self.current.take()
            {
                self.found.0.insert(tensor.name, builder.finish()?);
            }
        }
        Ok(())
    }
}
