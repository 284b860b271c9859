//! A weight matrix as the file has it: quantized rows, viewed in place.

use std::{ops::Range, sync::Arc};

use super::kernels;
use crate::{
    error::{Error, Result},
    gguf::{ModelFile, Quantization, TensorView},
};

/// `rows x columns` weights, row by row, in the file's own blocks. Shares the file's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    bytes: Arc<Vec<u8>>,
    range: Range<usize>,
    rows: usize,
    columns: usize,
    row_bytes: usize,
    quantization: Quantization,
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
            range: view.range.clone(),
            rows: view.rows,
            columns: view.columns,
            row_bytes,
            quantization: view.quantization,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn quantization(&self) -> Quantization {
        self.quantization
    }

    /// The blocks of one row.
    #[inline(always)]
    pub(crate) fn row(&self, r: usize) -> &[u8] {
        &self.bytes[self.range.start + r * self.row_bytes..][..self.row_bytes]
    }

    /// Writes one row in f32; `out` holds `columns` values.
    pub(crate) fn dequantize_row(&self, r: usize, out: &mut [f32]) {
        kernels::dequantize(self.quantization, self.row(r), out);
    }

    /// Writes one column in f32, block by block of it; `out` holds `rows` values.
    pub(crate) fn dequantize_column(&self, column: usize, out: &mut [f32]) {
        let len = self.quantization.block_len();
        let bytes = self.quantization.block_bytes();
        let (block, within) = (column / len, column % len);
        // No format has more than 32 weights a block.
        let mut weights = [0f32; 32];
        for (r, o) in out.iter_mut().enumerate() {
            let row = &self.row(r)[block * bytes..][..bytes];
            kernels::dequantize(self.quantization, row, &mut weights[..len]);
            *o = weights[within];
        }
    }
}

#[cfg(test)]
impl Matrix {
    /// A matrix of its own, outside any file.
    pub(crate) fn from_bytes(
        quantization: Quantization,
        rows: usize,
        columns: usize,
        bytes: Vec<u8>,
    ) -> Self {
        Self {
            range: 0..bytes.len(),
            bytes: Arc::new(bytes),
            rows,
            columns,
            row_bytes: quantization.row_bytes(columns).expect("whole blocks"),
            quantization,
        }
    }
}
