//! A weight matrix, in the form that kernels know.

use super::{
    Dense, Form, Quantization, TILE, Unpacked,
    form::{self, Columns},
};
use crate::error::{Error, Result, try_vec};

/// `rows x columns` weights. Owns its bytes: tiles of eight rows (`form.rs`), or plain rows where the format is dense.
pub(crate) struct Matrix {
    name: String,
    quantization: Quantization,
    form: Form,
    rows: usize,
    columns: usize,
    bytes: Vec<u8>,
}

/// Fills a matrix from a file's bytes as they arrive, row after row.
pub(crate) struct Builder {
    matrix: Matrix,
    /// Where the rows of a head go, where the file has them in another order.
    order: Option<Vec<usize>>,
    row_bytes: usize,
    /// The beginning of a row whose end has not arrived.
    pending: Vec<u8>,
    /// Rows taken.
    taken: usize,
    unpacked: Unpacked,
}

impl Builder {
    /// Reserves the memory for a matrix that is kept in `form`, the format's own or what [`Form::here`] makes of it. `order` gives for
    /// each row of a head where it goes; it is repeated for every head.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Memory`]; [`crate::ErrorKind::Internal`] for rows that are no whole number of blocks, or no
    /// whole number of heads.
    pub(crate) fn new(
        name: &str,
        quantization: Quantization,
        form: Form,
        rows: usize,
        columns: usize,
        order: Option<Vec<usize>>,
    ) -> Result<Self> {
        let row_bytes = quantization
            .row_bytes(columns)
            .filter(|&b| b > 0 && order.as_ref().is_none_or(|o| rows.is_multiple_of(o.len())))
            .ok_or_else(|| {
                Error::internal(format!("tensor '{name}' was not checked on loading"))
            })?;
        let size = match form {
            Form::Dense(_) => rows * row_bytes,
            Form::Blocks(integers, scales) => {
                let superblocks = columns / (32 * scales.blocks());
                rows.div_ceil(TILE) * superblocks * scales.superblock(integers)
            }
        };
        Ok(Self {
            matrix: Matrix {
                name: name.to_owned(),
                quantization,
                form,
                rows,
                columns,
                bytes: try_vec(0u8, size, "the model")?,
            },
            order,
            row_bytes,
            pending: Vec::new(),
            taken: 0,
            unpacked: Unpacked::default(),
        })
    }

    /// Takes the next bytes of the tensor, however they are cut.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`] for numbers that are NaN or infinite; [`crate::ErrorKind::Internal`] for more bytes
    /// than the tensor has.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        if !self.pending.is_empty() {
            let more = (self.row_bytes - self.pending.len()).min(bytes.len());
            self.pending.extend_from_slice(&bytes[..more]);
            bytes = &bytes[more..];
            if self.pending.len() < self.row_bytes {
                return Ok(());
            }
            let row = std::mem::take(&mut self.pending);
            self.row(&row)?;
        }
        let whole = bytes.chunks_exact(self.row_bytes);
        self.pending.extend_from_slice(whole.remainder());
        for row in whole {
            self.row(row)?;
        }
        Ok(())
    }

    fn row(&mut self, row: &[u8]) -> Result<()> {
        let m = &mut self.matrix;
        if self.taken == m.rows {
            return Err(Error::internal(format!(
                "tensor '{}' has more bytes than it should",
                m.name
            )));
        }
        if !m.quantization.is_finite(row) {
            return Err(not_finite(&m.name));
        }
        let r = match &self.order {
            None => self.taken,
            Some(order) => self.taken / order.len() * order.len() + order[self.taken % order.len()],
        };
        self.taken += 1;
        match m.form {
            Form::Dense(_) => m.bytes[r * self.row_bytes..][..self.row_bytes].copy_from_slice(row),
            Form::Blocks(integers, scales) => {
                let size = scales.superblock(integers);
                let superblocks = m.columns / (32 * scales.blocks());
                let tile = &mut m.bytes[r / TILE * superblocks * size..][..superblocks * size];
                let blocks = row.chunks_exact(m.quantization.block_bytes());
                for (block, to) in blocks.zip(tile.chunks_exact_mut(size)) {
                    m.quantization.unpack(block, &mut self.unpacked);
                    self.unpacked.centre(m.quantization.form(), m.form);
                    form::put(integers, scales, &self.unpacked, r % TILE, to);
                }
            }
        }
        Ok(())
    }

    /// The finished matrix.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] where bytes are missing.
    pub(crate) fn finish(self) -> Result<Matrix> {
        if self.taken < self.matrix.rows || !self.pending.is_empty() {
            return Err(Error::internal(format!(
                "tensor '{}' was used before all of it had arrived",
                self.matrix.name
            )));
        }
        Ok(self.matrix)
    }
}

fn not_finite(name: &str) -> Error {
    let mut parts = name.split('.');
    let layer = match (parts.next(), parts.next()) {
        (Some("blk"), Some(layer)) => format!(" in layer {layer}"),
        _ => String::new(),
    };
    Error::model(format!(
        "the model's numbers are not finite{layer}: its tensor '{name}' holds NaN or infinity; download it again, \
         or choose another file"
    ))
}

impl Matrix {
    /// A matrix of bytes as a file has them.
    ///
    /// # Errors
    /// As [`Builder::new`] and [`Builder::push`].
    #[cfg(test)]
    pub(crate) fn from_bytes(
        quantization: Quantization,
        rows: usize,
        columns: usize,
        bytes: &[u8],
    ) -> Result<Self> {
        let form = quantization.form();
        Self::of_form(quantization, form, rows, columns, bytes)
    }

    /// As [`Matrix::from_bytes`], in another form of the same numbers.
    #[cfg(test)]
    pub(crate) fn of_form(
        quantization: Quantization,
        form: Form,
        rows: usize,
        columns: usize,
        bytes: &[u8],
    ) -> Result<Self> {
        let mut builder = Builder::new("test", quantization, form, rows, columns, None)?;
        builder.push(bytes)?;
        builder.finish()
    }

    /// Outputs of the linear map.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of the linear map.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// How the file has the weights.
    pub(crate) fn quantization(&self) -> Quantization {
        self.quantization
    }

    /// How they lie here.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// All it holds.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The tiles, each eight rows, and how many bytes one has; not 0, for a matrix has columns. Of a block form only.
    pub(crate) fn tiles(&self) -> (&[u8], usize) {
        let tiles = self.rows.div_ceil(TILE).max(1);
        (&self.bytes, (self.bytes.len() / tiles).max(1))
    }

    /// A row of a dense form.
    pub(crate) fn dense_row(&self, dense: Dense, r: usize) -> &[u8] {
        let width = self.columns * dense.width();
        &self.bytes[r * width..][..width]
    }

    /// 32 columns of a row of a block form, from column `32 b` on.
    pub(crate) fn block(&self, r: usize, b: usize) -> Option<Columns> {
        let Form::Blocks(integers, scales) = self.form() else {
            return None;
        };
        let (bytes, each) = self.tiles();
        let tile = &bytes[r / TILE * each..][..each];
        Some(form::columns(integers, scales, tile, r % TILE, b))
    }

    /// Writes one row in f32; `out` holds `columns` values.
    pub(crate) fn dequantize_row(&self, r: usize, out: &mut [f32]) {
        match self.form() {
            Form::Dense(dense) => dense.read(self.dense_row(dense, r), out),
            Form::Blocks(integers, scales) => {
                let (bytes, each) = self.tiles();
                let tile = &bytes[r / TILE * each..][..each];
                for (b, out) in out.chunks_exact_mut(32).enumerate() {
                    form::columns(integers, scales, tile, r % TILE, b).weights(out);
                }
            }
        }
    }

    /// Writes one column in f32; `out` holds `rows` values.
    pub(crate) fn dequantize_column(&self, column: usize, out: &mut [f32]) {
        match self.form() {
            Form::Dense(dense) => {
                let width = dense.width();
                for (r, o) in out.iter_mut().enumerate() {
                    let bytes = &self.dense_row(dense, r)[column * width..][..width];
                    dense.read(bytes, std::slice::from_mut(o));
                }
            }
            Form::Blocks(integers, scales) => {
                let (bytes, each) = self.tiles();
                let mut weights = [0f32; 32];
                for (r, o) in out.iter_mut().enumerate() {
                    let tile = &bytes[r / TILE * each..][..each];
                    form::columns(integers, scales, tile, r % TILE, column / 32)
                        .weights(&mut weights);
                    *o = weights[column % 32];
                }
            }
        }
    }
}

impl std::fmt::Debug for Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            quantization,
            rows,
            columns,
            ..
        } = self;
        write!(f, "{name}: {rows} x {columns}, {quantization:?}")
    }
}
