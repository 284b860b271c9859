//! A weight matrix, viewed where it lies in the file.

use std::sync::Arc;

use super::kernels;
use crate::{
    error::{Error, Result},
    gguf::{
        ModelFile, Quantization, TensorView,
        tiles::{TILE, copy_blocks, tiled_rows},
    },
};

/// `rows x columns` weights in the file's own numbers, in tiles of eight rows (`gguf/tiles.rs`). Shares the file's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    bytes: Arc<Vec<u8>>,
    view: TensorView,
    row_bytes: usize,
}

impl Matrix {
    pub(crate) fn new(file: &ModelFile, view: &TensorView) -> Result<Self> {
        let row_bytes = view
            .quantization
            .row_bytes(view.columns)
            .filter(|b| b * view.rows == view.range.len() && view.range.end <= file.bytes().len())
            .ok_or_else(|| {
                Error::internal(format!("tensor '{}' was not checked on loading", view.name))
            })?;
        Ok(Self {
            bytes: file.bytes().clone(),
            view: view.clone(),
            row_bytes,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.view.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.view.columns
    }

    pub(crate) fn quantization(&self) -> Quantization {
        self.view.quantization
    }

    /// The matrix's bytes.
    pub(crate) fn tensor(&self) -> &[u8] {
        &self.bytes[self.view.range.clone()]
    }

    /// The tiles, each eight rows, and how many bytes one has; not 0, for a matrix has columns.
    pub(crate) fn tiles(&self) -> (&[u8], usize) {
        let tiled = tiled_rows(self.quantization(), self.rows());
        (
            &self.tensor()[..tiled * self.row_bytes],
            (TILE * self.row_bytes).max(1),
        )
    }

    /// The rows in no tile, as the file has them, and the number of each.
    pub(crate) fn other_rows(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let tiled = tiled_rows(self.quantization(), self.rows());
        let rows = self.tensor()[tiled * self.row_bytes..].chunks_exact(self.row_bytes.max(1));
        (tiled..).zip(rows)
    }

    /// Writes one row in f32; `out` holds `columns` values.
    pub(crate) fn dequantize_row(&self, r: usize, out: &mut [f32]) {
        let size = self.quantization().block_bytes();
        let len = self.quantization().block_len();
        // Some blocks at a time, through a buffer that holds one of any format, or 32 weights without blocks.
        let mut block = [0u8; 128];
        let per = if len == 1 { 32 } else { 1 };
        for (i, out) in out.chunks_mut(per * len).enumerate() {
            let block = &mut block[..out.len() / len * size];
            copy_blocks(&self.view, self.tensor(), r, i * per, block);
            kernels::dequantize(self.quantization(), block, out);
        }
    }

    /// Writes one column in f32; `out` holds `rows` values.
    pub(crate) fn dequantize_column(&self, column: usize, out: &mut [f32]) {
        let len = self.quantization().block_len();
        let (first, within) = (column / len, column % len);
        let mut block = [0u8; 64];
        let block = &mut block[..self.quantization().block_bytes()];
        // No format has more than 32 weights a block.
        let mut weights = [0f32; 32];
        for (r, o) in out.iter_mut().enumerate() {
            copy_blocks(&self.view, self.tensor(), r, first, block);
            kernels::dequantize(self.quantization(), block, &mut weights[..len]);
            *o = weights[within];
        }
    }
}

#[cfg(test)]
impl Matrix {
    /// A matrix of its own, outside any file, of bytes as a file has them.
    pub(crate) fn from_bytes(
        quantization: Quantization,
        rows: usize,
        columns: usize,
        mut bytes: Vec<u8>,
    ) -> Self {
        let view = TensorView {
            name: "test".into(),
            rows,
            columns,
            quantization,
            range: 0..bytes.len(),
        };
        crate::gguf::tiles::tile(&view, &mut bytes);
        Self {
            bytes: Arc::new(bytes),
            view,
            row_bytes: quantization.row_bytes(columns).expect("whole blocks"),
        }
    }
}
