//! A GGUF file's header, walked before anything is allocated for it.
//!
//! The walk keeps slices of the file: a list of twenty million bytes costs no memory, and nothing is
//! expanded that nobody asks for. Every count and length is held against what is left of the file.
//! A key or a tensor that is listed twice is refused, because readers differ in which one they take.
//! Specification: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use std::collections::HashSet;

use super::metadata::{List, Metadata, Value};
use crate::error::{Error, Result};

/// Bytes that one entry of a header takes at least: the length of its name, and what it is.
const LEAST_ENTRY: usize = 8 + 4;
/// How deep lists may lie in lists.
const MAX_DEPTH: usize = 8;
/// Dimensions that a tensor may have.
const MAX_DIMENSIONS: u32 = 4;
/// Where tensors begin when the file does not say: at multiples of this.
const ALIGNMENT: u64 = 32;

/// A header whose lengths, counts and names have been checked. Borrows the file.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) metadata: Metadata<'a>,
    /// In the order of the file; no name occurs twice.
    pub(crate) tensors: Vec<TensorInfo<'a>>,
    /// Where the header ends.
    pub(crate) end: usize,
    /// Where the tensors' bytes begin.
    pub(crate) data_start: u64,
    /// A power of two; offsets are multiples of it.
    pub(crate) alignment: u64,
}

/// What the header says of one tensor.
#[derive(Debug, Clone)]
pub(crate) struct TensorInfo<'a> {
    pub(crate) name: &'a str,
    /// As a matrix is written, rows first; the file has them the other way round.
    pub(crate) shape: Vec<u64>,
    /// GGML's number of the format.
    pub(crate) format: u32,
    /// From [`Header::data_start`].
    pub(crate) offset: u64,
}

impl<'a> Header<'a> {
    /// Reads the header of a file of `total` bytes, of which these have come. None where the header is not among them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`] for whatever is no GGUF header of version 2 or 3.
    pub(crate) fn read(file: &'a [u8], total: u64) -> Result<Option<Self>> {
        check_preamble(file)?;
        let mut walk = Walk {
            file,
            at: 8,
            // A file that is larger than memory is never held, but its header is.
            total: usize::try_from(total).unwrap_or(usize::MAX),
            short: false,
        };
        match Self::walk(&mut walk) {
            Err(_) if walk.short => Ok(None),
            read => read.map(Some),
        }
    }

    fn walk(walk: &mut Walk<'a>) -> Result<Self> {
        let tensors = walk.count("tensors")?;
        let keys = walk.count("keys")?;
        let mut metadata = Metadata::default();
        for _ in 0..keys {
            let key = walk.name("key")?;
            let kind = walk.kind()?;
            let value = walk.value(kind, 0)?;
            if !metadata.insert(key, value) {
                return Err(Error::model(format!(
                    "the file has the key '{key}' twice, and programs differ in which one they take: \
                     convert the model again"
                )));
            }
        }
        let mut names = HashSet::new();
        let mut infos = Vec::new();
        for _ in 0..tensors {
            let info = walk.tensor()?;
            if !names.insert(info.name) {
                return Err(Error::model(format!(
                    "the file has the tensor '{}' twice, and programs differ in which one they take: \
                     convert the model again",
                    info.name
                )));
            }
            infos.push(info);
        }
        let alignment = alignment(&metadata)?;
        let data_start = (walk.at as u64)
            .checked_next_multiple_of(alignment)
            .ok_or_else(|| unreadable("its alignment is larger than any file"))?;
        Ok(Self {
            metadata,
            tensors: infos,
            end: walk.at,
            data_start,
            alignment,
        })
    }
}

/// `general.alignment`: a power of two.
fn alignment(metadata: &Metadata<'_>) -> Result<u64> {
    let Some(value) = metadata.integer("general.alignment")? else {
        return Ok(ALIGNMENT);
    };
    u64::try_from(value)
        .ok()
        .filter(|a| a.is_power_of_two())
        .ok_or_else(|| {
            Error::model(format!(
                "the file's alignment is {value}, not a power of two: it is corrupt; download it again"
            ))
        })
}

fn unreadable(why: &str) -> Error {
    Error::model(format!(
        "the file's header cannot be read ({why}): it is truncated or corrupt; download it again"
    ))
}

/// Whether the file says that it is a GGUF of a version that is read here, and if not, what it is.
fn check_preamble(file: &[u8]) -> Result<()> {
    let Some(preamble) = file.first_chunk::<8>() else {
        return Err(Error::model(format!(
            "the file has {} bytes, too few for a model: the download was cut off; download it again",
            file.len()
        )));
    };
    if &preamble[..4] != b"GGUF" {
        return Err(Error::model(format!(
            "the file does not begin with 'GGUF': it is {}",
            foreign(file)
        )));
    }
    let version = u32::from_le_bytes([preamble[4], preamble[5], preamble[6], preamble[7]]);
    if matches!(version.swap_bytes(), 1..=255) {
        return Err(Error::model(
            "the file is a big-endian GGUF, made for another kind of processor: choose the usual \
             little-endian one, or convert it with gguf_convert_endian.py of the gguf package",
        ));
    }
    if !(2..=3).contains(&version) {
        return Err(Error::model(format!(
            "GGUF version {version} is not supported, only 2 and 3: convert the file with a current tool"
        )));
    }
    Ok(())
}

/// What a file that is no GGUF probably is, and what helps.
fn foreign(file: &[u8]) -> &'static str {
    let text = file.trim_ascii_start();
    let starts = |with: &[u8]| file.starts_with(with);
    if text.starts_with(b"<") {
        "a web page, saved in the model's place; download it again"
    } else if starts(b"version https://git-lfs") {
        "a Git LFS pointer, not the file it points to; get that with `git lfs pull`, or download it again"
    } else if starts(b"PK\x03\x04") {
        "a ZIP archive (a PyTorch checkpoint?); convert it with llama.cpp's convert_hf_to_gguf.py"
    } else if file.get(8) == Some(&b'{') {
        "a safetensors file; convert it with llama.cpp's convert_hf_to_gguf.py"
    } else if [b"lmgg", b"tjgg", b"fmgg", b"algg"]
        .iter()
        .any(|magic| starts(*magic))
    {
        "a GGML file from before GGUF; choose a current GGUF of the model"
    } else if starts(b"\x1f\x8b") {
        "compressed with gzip; unpack it, or download it again"
    } else {
        "not a model in GGUF form; download it again"
    }
}

/// The types of GGUF's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Text,
    List,
    U64,
    I64,
    F64,
}

impl Kind {
    fn of(number: u32) -> Option<Self> {
        use Kind::*;
        let kinds = [
            U8, I8, U16, I16, U32, I32, F32, Bool, Text, List, U64, I64, F64,
        ];
        kinds.get(number as usize).copied()
    }

    /// Bytes of a value, where they are the same for all.
    pub(crate) fn width(self) -> Option<usize> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::Text | Self::List => None,
        }
    }
}

/// A place in a file, from which values are taken one after another.
pub(crate) struct Walk<'a> {
    file: &'a [u8],
    at: usize,
    /// Bytes of the whole file, of which not all may have come.
    total: usize,
    /// Whether something was asked for that has not come.
    short: bool,
}

impl<'a> Walk<'a> {
    /// At the start of values whose bounds have been checked.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            file: bytes,
            at: 0,
            total: bytes.len(),
            short: false,
        }
    }

    fn left(&self) -> usize {
        self.total - self.at
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8]> {
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= self.left())
            .ok_or_else(|| unreadable(&format!("it ends within {len} bytes it announces")))?;
        let taken = self.file.get(self.at..self.at + len).ok_or_else(|| {
            self.short = true;
            unreadable("not all of it has come")
        })?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N as u64)?;
        let mut out = [0; N];
        out.copy_from_slice(bytes);
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// How many entries follow; there must be room for as many.
    fn count(&mut self, what: &str) -> Result<u64> {
        let count = self.u64()?;
        let room = (self.left() / LEAST_ENTRY) as u64;
        if count > room {
            return Err(unreadable(&format!("it announces {count} {what}")));
        }
        Ok(count)
    }

    fn kind(&mut self) -> Result<Kind> {
        let number = self.u32()?;
        Kind::of(number)
            .ok_or_else(|| unreadable(&format!("it has a value of the unknown type {number}")))
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.u64()?;
        self.take(len)
    }

    fn name(&mut self, what: &str) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?)
            .map_err(|_| unreadable(&format!("the name of a {what} is no text")))
    }

    /// One value; `depth` counts the lists around it.
    pub(crate) fn value(&mut self, kind: Kind, depth: usize) -> Result<Value<'a>> {
        Ok(match kind {
            Kind::U8 => Value::Integer(self.array().map(u8::from_le_bytes)?.into()),
            Kind::I8 => Value::Integer(self.array().map(i8::from_le_bytes)?.into()),
            Kind::U16 => Value::Integer(self.array().map(u16::from_le_bytes)?.into()),
            Kind::I16 => Value::Integer(self.array().map(i16::from_le_bytes)?.into()),
            Kind::U32 => Value::Integer(self.u32()?.into()),
            Kind::I32 => Value::Integer(self.array().map(i32::from_le_bytes)?.into()),
            Kind::U64 => Value::Integer(self.u64()?.into()),
            Kind::I64 => Value::Integer(self.array().map(i64::from_le_bytes)?.into()),
            Kind::F32 => Value::Float(self.array().map(f32::from_le_bytes)?.into()),
            Kind::F64 => Value::Float(self.array().map(f64::from_le_bytes)?),
            // GGUF allows 0 and 1; whoever asks for another is told that it is no truth value.
            Kind::Bool => match self.array::<1>()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => Value::Integer(other.into()),
            },
            Kind::Text => Value::Text(self.bytes()?),
            Kind::List => Value::List(self.list(depth + 1)?),
        })
    }

    fn list(&mut self, depth: usize) -> Result<List<'a>> {
        if depth > MAX_DEPTH {
            return Err(unreadable("it has lists in lists in lists without end"));
        }
        let kind = self.kind()?;
        let len = self.u64()?;
        let start = self.at;
        match kind.width() {
            Some(width) => {
                self.take(len.saturating_mul(width as u64))?;
            }
            None => {
                for _ in 0..len {
                    self.value(kind, depth)?;
                }
            }
        }
        Ok(List {
            kind,
            // Each element took at least a byte of the file, which is in memory.
            len: len as usize,
            bytes: &self.file[start..self.at],
        })
    }

    fn tensor(&mut self) -> Result<TensorInfo<'a>> {
        let name = self.name("tensor")?;
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(unreadable(&format!(
                "the tensor '{name}' has {dimensions} dimensions"
            )));
        }
        let mut shape = (0..dimensions)
            .map(|_| self.u64())
            .collect::<Result<Vec<_>>>()?;
        shape.reverse();
        Ok(TensorInfo {
            name,
            shape,
            format: self.u32()?,
            offset: self.u64()?,
        })
    }
}
