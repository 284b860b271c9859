//! The order in which quantized weights lie in memory: rows in tiles of eight, so that a kernel reads eight rows as one
//! stream and has a row in each SIMD lane.
//!
//! [`tile`] only moves bits: a tile is as long as its eight rows are in the file, and stands in their place. A *tile block* is
//! 32 columns of the eight rows:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | scales `d` of the eight rows, half precision |
//! | 16 | Q4_1 only: their minima `m` |
//! | 4 x 32 | Q4_0, Q4_1: byte `4 r + i` of vector `v` has column `8 v + i` of row `r` in its low half, `8 v + 4 + i` in its high half |
//! | 8 x 32 | Q8_0: byte `4 r + i` of vector `v` has column `4 v + i` of row `r` |
//!
//! Rows that fill no tile, and formats without blocks, stay as the file has them.

use super::{Quantization, TensorView};

/// Rows of a tile.
pub(crate) const TILE: usize = 8;

/// How many of a matrix's rows are in tiles.
pub(crate) fn tiled_rows(quantization: Quantization, rows: usize) -> usize {
    if quantization.block_len() == 1 {
        0
    } else {
        rows - rows % TILE
    }
}

/// Puts a tensor's rows into tiles; `bytes` are the tensor's own.
pub(crate) fn tile(view: &TensorView, bytes: &mut [u8]) {
    let tiled = tiled_rows(view.quantization, view.rows);
    // Tensors are checked for whole rows when they are found.
    let row_bytes = bytes.len() / view.rows.max(1);
    let size = view.quantization.block_bytes();
    let mut rows = vec![0u8; TILE * row_bytes];
    for tile in bytes[..tiled * row_bytes].chunks_exact_mut(TILE * row_bytes) {
        rows.copy_from_slice(tile);
        for (b, block) in tile.chunks_exact_mut(TILE * size).enumerate() {
            for (r, row) in rows.chunks_exact(row_bytes).enumerate() {
                put_row(view.quantization, &row[b * size..][..size], r, block);
            }
        }
    }
}

/// Copies blocks of row `r` of a tensor, from block `first` on, as the file has them; `out` holds whole blocks.
pub(crate) fn copy_blocks(
    view: &TensorView,
    tensor: &[u8],
    r: usize,
    first: usize,
    out: &mut [u8],
) {
    let row_bytes = tensor.len() / view.rows.max(1);
    let size = view.quantization.block_bytes();
    if r >= tiled_rows(view.quantization, view.rows) {
        out.copy_from_slice(&tensor[r * row_bytes + first * size..][..out.len()]);
        return;
    }
    let tile = &tensor[r / TILE * TILE * row_bytes..][..TILE * row_bytes];
    let blocks = tile.chunks_exact(TILE * size).skip(first);
    for (block, out) in blocks.zip(out.chunks_exact_mut(size)) {
        untile_block(view.quantization, block, r % TILE, out);
    }
}

/// Bytes of half-precision numbers at the start of a block of one row.
fn head(quantization: Quantization) -> usize {
    if quantization == Quantization::Q4_1 {
        4
    } else {
        2
    }
}

/// One row's block into a tile block.
fn put_row(quantization: Quantization, row: &[u8], r: usize, block: &mut [u8]) {
    let head = head(quantization);
    for (i, half) in row[..head].as_chunks::<2>().0.iter().enumerate() {
        block[i * 2 * TILE + 2 * r..][..2].copy_from_slice(half);
    }
    let weights = &mut block[head * TILE..];
    if quantization == Quantization::Q8_0 {
        for (v, four) in row[head..].as_chunks::<4>().0.iter().enumerate() {
            weights[32 * v + 4 * r..][..4].copy_from_slice(four);
        }
        return;
    }
    // In the file byte `j` has weight `j` in its low half and `j + 16` in its high half.
    let nibble = |c: usize| {
        let byte = row[head + c % 16];
        if c < 16 { byte & 15 } else { byte >> 4 }
    };
    for v in 0..4 {
        for i in 0..4 {
            let c = 8 * v + i;
            weights[32 * v + 4 * r + i] = nibble(c) | nibble(c + 4) << 4;
        }
    }
}

/// The inverse of [`put_row`].
fn untile_block(quantization: Quantization, block: &[u8], r: usize, out: &mut [u8]) {
    let head = head(quantization);
    for (i, half) in out[..head].as_chunks_mut::<2>().0.iter_mut().enumerate() {
        half.copy_from_slice(&block[i * 2 * TILE + 2 * r..][..2]);
    }
    let weights = &block[head * TILE..];
    if quantization == Quantization::Q8_0 {
        for (v, four) in out[head..].as_chunks_mut::<4>().0.iter_mut().enumerate() {
            four.copy_from_slice(&weights[32 * v + 4 * r..][..4]);
        }
        return;
    }
    let nibble = |c: usize| {
        let byte = weights[32 * (c / 8) + 4 * r + c % 4];
        if c % 8 < 4 { byte & 15 } else { byte >> 4 }
    };
    for (j, byte) in out[head..].iter_mut().enumerate() {
        *byte = nibble(j) | nibble(j + 16) << 4;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_back_from_their_tiles(rows in 1usize..20, blocks in 1usize..4, format in 0usize..3, seed: u64) {
            let quantization = [Quantization::Q4_0, Quantization::Q4_1, Quantization::Q8_0][format];
            let row_bytes = blocks * quantization.block_bytes();
            let mut state = seed | 1;
            let original: Vec<u8> = (0..rows * row_bytes)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            let view = TensorView {
                name: String::new(), rows, columns: blocks * 32, quantization, range: 0..original.len(),
            };
            let mut bytes = original.clone();
            tile(&view, &mut bytes);
            let tiled = tiled_rows(quantization, rows);
            prop_assert_eq!(&bytes[tiled * row_bytes..], &original[tiled * row_bytes..]);
            let size = quantization.block_bytes();
            for (r, original) in original.chunks_exact(row_bytes).enumerate() {
                for first in 0..blocks {
                    let mut rest = vec![0u8; row_bytes - first * size];
                    copy_blocks(&view, &bytes, r, first, &mut rest);
                    prop_assert_eq!(&rest[..], &original[first * size..]);
                }
            }
        }
    }
}
