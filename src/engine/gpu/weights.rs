//! Matrices on the device: the forms of `quant/form.rs`, in another order.
//!
//! Integers stay as they are, bit for bit; only the order changes, so that neighbouring threads, which own neighbouring rows,
//! read neighbouring words: by block of 32 columns, then by vec4 within the block, then by row. Scales go into a buffer of
//! their own, which aligns both; what a kernel needs of each row beside it (a bias) follows them there.

use super::device::{Buffer, Device};
use crate::{
    error::{Error, Result},
    quant::{Columns, Dense, Form, Integers, Matrix as Source, Scales},
};

/// Columns of a block.
const BLOCK: usize = 32;
/// Bytes written to the device at once, about: what is being reordered is held here too.
const CHUNK: usize = 4 << 20;

/// How 32 weights of a form lie on the device.
#[derive(Clone, Copy)]
struct Layout {
    /// vec4<u32>s of integers (or numbers).
    quads: usize,
    /// Bytes of scales.
    scales: usize,
}

impl Layout {
    fn of(form: Form) -> Self {
        let (quads, scales) = match form {
            Form::Dense(Dense::F32) => (8, 0),
            Form::Dense(Dense::F16 | Dense::Bf16) => (4, 0),
            Form::Blocks(integers, scales) => (
                match integers {
                    Integers::Nibbles => 1,
                    Integers::Fives | Integers::Sixes | Integers::Bytes => 2,
                },
                match scales {
                    Scales::Centred | Scales::Plain => 2,
                    Scales::Minimum | Scales::Super16Centred => 4,
                    Scales::Super32 | Scales::Super16Minimum => 8,
                },
            ),
        };
        Self { quads, scales }
    }
}

/// How a form lies on a device: integers of more than four bits are bytes, and so are those whose middle has been taken away.
fn on_device(form: Form) -> Form {
    match form {
        Form::Blocks(Integers::Nibbles, Scales::Super16Centred) => {
            Form::Blocks(Integers::Bytes, Scales::Super16Centred)
        }
        Form::Dense(_) | Form::Blocks(Integers::Nibbles, _) => form,
        Form::Blocks(_, Scales::Centred) => Form::Blocks(Integers::Bytes, Scales::Plain),
        Form::Blocks(_, scales) => Form::Blocks(Integers::Bytes, scales),
    }
}

/// The form that matrices take together: their own, or one that holds the weights of all exactly.
fn common(parts: &[&Source]) -> Form {
    let mut forms = parts.iter().map(|p| on_device(p.form()));
    let first = forms.next().unwrap_or(Form::Dense(Dense::F32));
    forms.fold(first, |all, form| match (all, form) {
        (a, b) if a == b => a,
        (Form::Blocks(Integers::Nibbles, _), Form::Blocks(Integers::Nibbles, _)) => {
            Form::Blocks(Integers::Nibbles, Scales::Super16Minimum)
        }
        (Form::Blocks(..), Form::Blocks(..)) => {
            Form::Blocks(Integers::Bytes, Scales::Super16Minimum)
        }
        _ => Form::Dense(Dense::F32),
    })
}

/// A matrix on the device: rows of one tensor, or of several one after the other.
pub(crate) struct Matrix {
    pub(crate) quads: Buffer,
    pub(crate) scales: Buffer,
    pub(crate) rows: usize,
    /// Blocks of 32 columns; the last one may be filled up with zeros.
    pub(crate) blocks: usize,
    pub(crate) form: Form,
    /// Where in `scales` a number for each row follows, in words.
    pub(crate) extras: usize,
    /// Bytes of weights.
    pub(crate) bytes: usize,
}

/// In which order the rows of several tensors stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// One tensor after the other.
    Stacked,
    /// A row of each in turn; all have the same number of rows.
    InTurn,
}

impl Order {
    /// The tensor, and the row of it, that row `r` is.
    fn source<'a>(self, parts: &[&'a Source], r: usize) -> (usize, &'a Source, usize) {
        match self {
            Self::Stacked => {
                let mut r = r;
                for (i, part) in parts.iter().enumerate() {
                    if r < part.rows() {
                        return (i, part, r);
                    }
                    r -= part.rows();
                }
                (0, parts[0], 0)
            }
            Self::InTurn => {
                let i = r % parts.len();
                (i, parts[i], r / parts.len())
            }
        }
    }
}

impl Matrix {
    /// Writes matrices to the device as one, in a form that holds them all. `extras` are numbers for each row, one list after
    /// another; each list has a number for every row.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Memory`].
    pub(crate) fn upload(
        device: &Device,
        label: &str,
        parts: &[&Source],
        order: Order,
        extras: &[f32],
    ) -> Result<Self> {
        let columns = parts[0].columns();
        let rows: usize = parts.iter().map(|p| p.rows()).sum();
        let form = common(parts);
        let layout = Layout::of(form);
        let blocks = columns.div_ceil(BLOCK);
        let quads = device.storage(label, rows * blocks * layout.quads * 16);
        let mut scales = vec![0u8; rows * blocks * layout.scales];
        let each = rows * layout.quads * 16;
        let step = (CHUNK / each).clamp(1, blocks);
        let mut chunk = Vec::new();
        chunk
            .try_reserve_exact(step * each)
            .map_err(|_| Error::memory("a matrix on its way to the GPU", step * each))?;
        let mut row = Row::new(form, blocks);
        for first in (0..blocks).step_by(step) {
            let n = step.min(blocks - first);
            chunk.clear();
            chunk.resize(n * each, 0);
            for r in 0..rows {
                let (_, part, at) = order.source(parts, r);
                row.load(part, at);
                for b in 0..n {
                    let (words, heads) = row.block(part, at, first + b);
                    let quads = words.as_chunks::<16>().0.iter().take(layout.quads);
                    for (q, words) in quads.enumerate() {
                        let to = ((b * layout.quads + q) * rows + r) * 16;
                        chunk[to..to + 16].copy_from_slice(words);
                    }
                    let to = ((first + b) * rows + r) * layout.scales;
                    scales[to..to + layout.scales].copy_from_slice(&heads[..layout.scales]);
                }
            }
            device
                .queue
                .write_buffer(&quads, (first * each) as u64, &chunk);
        }
        let size = rows * blocks * layout.quads * 16 + scales.len();
        scales.resize(scales.len().next_multiple_of(4), 0);
        let extras_at = scales.len() / 4;
        scales.extend(extras.iter().flat_map(|v| v.to_le_bytes()));
        let buffer = device.storage(label, scales.len());
        if !scales.is_empty() {
            device.queue.write_buffer(&buffer, 0, &scales);
        }
        Ok(Self {
            quads,
            scales: buffer,
            rows,
            blocks,
            form,
            extras: extras_at,
            bytes: size,
        })
    }

    /// Bytes of the largest binding that matrices need when they become one.
    pub(crate) fn binding(parts: &[&Source]) -> u64 {
        let layout = Layout::of(common(parts));
        let rows: usize = parts.iter().map(|p| p.rows()).sum();
        let blocks = rows * parts[0].columns().div_ceil(BLOCK);
        (blocks * layout.quads * 16).max(blocks * layout.scales) as u64
    }
}

/// A row on its way.
struct Row {
    form: Form,
    /// Where the form is dense, its bytes, filled up with zeros to whole blocks.
    dense: Vec<u8>,
    floats: Vec<f32>,
}

impl Row {
    fn new(form: Form, blocks: usize) -> Self {
        Self {
            form,
            dense: Vec::new(),
            floats: vec![0f32; blocks * BLOCK],
        }
    }

    /// Takes a row in, where it is needed whole.
    fn load(&mut self, part: &Source, r: usize) {
        let Form::Dense(dense) = self.form else {
            return;
        };
        self.dense.clear();
        if part.form() == self.form {
            self.dense.extend_from_slice(part.dense_row(dense, r));
        } else {
            // Of several forms, which only numbers in single precision hold together.
            part.dequantize_row(r, &mut self.floats[..part.columns()]);
            let numbers = self.floats[..part.columns()].iter();
            self.dense.extend(numbers.flat_map(|v| v.to_le_bytes()));
        }
        self.dense.resize(self.floats.len() * dense.width(), 0);
    }

    /// A block's integers (or numbers) and its scales.
    fn block(&self, part: &Source, r: usize, b: usize) -> ([u8; 128], [u8; 8]) {
        let mut words = [0u8; 128];
        match self.form {
            Form::Dense(dense) => {
                let width = BLOCK * dense.width();
                words[..width].copy_from_slice(&self.dense[b * width..][..width]);
                (words, [0; 8])
            }
            Form::Blocks(integers, scales) => {
                let Some(columns) = part.block(r, b) else {
                    // A common form of blocks is that of blocks only.
                    return (words, [0; 8]);
                };
                match integers {
                    Integers::Nibbles => {
                        let (low, high) = columns.q.split_at(16);
                        for ((word, &low), &high) in words.iter_mut().zip(low).zip(high) {
                            *word = low as u8 | (high as u8) << 4;
                        }
                    }
                    Integers::Fives | Integers::Sixes | Integers::Bytes => {
                        for (word, q) in words.iter_mut().zip(columns.q) {
                            *word = q as u8;
                        }
                    }
                }
                (words, heads(scales, &columns))
            }
        }
    }
}

/// Scales as `scales.wgsl` reads them.
fn heads(scales: Scales, c: &Columns) -> [u8; 8] {
    let ([d0, d1], [m0, m1]) = (c.d.to_le_bytes(), c.m.to_le_bytes());
    let ([s0, s1], [n0, n1]) = (c.s.map(|s| s as u8), c.n.map(|n| n as u8));
    match scales {
        Scales::Centred | Scales::Plain => [d0, d1, 0, 0, 0, 0, 0, 0],
        Scales::Minimum => [d0, d1, m0, m1, 0, 0, 0, 0],
        Scales::Super16Centred => [d0, d1, s0, s1, 0, 0, 0, 0],
        Scales::Super32 | Scales::Super16Minimum => [d0, d1, m0, m1, s0, s1, n0, n1],
    }
}
