//! Formats against numbers written down by another program, and matrices however their bytes arrive.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

impl Quantization {
    /// Random rows as a file has them, with scales that are finite numbers, subnormal ones among them.
    pub(crate) fn random_rows(self, rows: usize, columns: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let row_bytes = self.row_bytes(columns).expect("whole blocks");
        let mut bytes: Vec<u8> = (0..rows * row_bytes).map(|_| next() as u8).collect();
        match self.form() {
            Form::Dense(Dense::F32) => {
                for w in bytes.as_chunks_mut::<4>().0 {
                    *w = ((next() % 2001) as f32 / 1000.0 - 1.0).to_le_bytes();
                }
            }
            Form::Dense(Dense::F16) => {
                for w in bytes.as_chunks_mut::<2>().0 {
                    *w = finite_half(next()).to_le_bytes();
                }
            }
            Form::Dense(Dense::Bf16) => {
                for w in bytes.as_chunks_mut::<2>().0 {
                    let value = (next() % 2001) as f32 / 1000.0 - 1.0;
                    *w = ((value.to_bits() >> 16) as u16).to_le_bytes();
                }
            }
            Form::Blocks(..) => {
                for block in bytes.chunks_exact_mut(self.block_bytes()) {
                    for &at in self.0.halves {
                        // Scales of superblocks are multiplied by up to 127 more.
                        let half = if self.block_len() > 32 {
                            (next() as u16 & 0x83ff) | (((next() % 11) as u16 + 1) << 10)
                        } else {
                            finite_half(next())
                        };
                        block[at..at + 2].copy_from_slice(&half.to_le_bytes());
                    }
                }
            }
        }
        bytes
    }
}

impl Quantization {
    /// Gives blocks other scales, so that no product of them is far from 1.
    pub(crate) fn tame(self, bytes: &mut [u8], mut scale: impl FnMut() -> f32) {
        // Factors of superblocks are up to 127.
        let shrink = if self.block_len() > 32 {
            1.0 / 32.0
        } else {
            1.0
        };
        for block in bytes.chunks_exact_mut(self.block_bytes()) {
            for &at in self.0.halves {
                let half = half::f16::from_f32(scale() * shrink);
                block[at..at + 2].copy_from_slice(&half.to_le_bytes());
            }
        }
        if self.form() == Form::Dense(Dense::F16) {
            for w in bytes.as_chunks_mut::<2>().0 {
                *w = half::f16::from_f32(50.0 * scale()).to_le_bytes();
            }
        }
    }
}

fn finite_half(random: u64) -> u16 {
    (random as u16 & 0x83ff) | ((random >> 16) as u16 % 18) << 10
}

#[derive(serde::Deserialize)]
struct Fixture {
    blocks: BTreeMap<String, Vec<Block>>,
}

#[derive(serde::Deserialize)]
struct Block {
    note: String,
    bytes: String,
    values: Vec<f32>,
}

/// Blocks and the numbers they stand for, written down by another program (`tests/fixtures/make_quant_blocks.py`). Each is a
/// row of its own, in a tile with the seven others; the numbers are compared bit by bit.
#[test]
fn blocks_stand_for_the_numbers_the_fixture_says() {
    let text = include_str!("../../tests/fixtures/quant_blocks.json");
    let fixture: Fixture = serde_json::from_str(text).expect("the fixture is JSON");
    for format in Quantization::all().filter(|f| f.name() != "F32") {
        let blocks = &fixture.blocks[format.name()];
        assert!(blocks.len() >= 8, "{}", format.name());
        let columns = blocks[0].values.len();
        let bytes: Vec<u8> = blocks
            .iter()
            .flat_map(|block| {
                let hex = (0..block.bytes.len()).step_by(2);
                hex.map(|i| u8::from_str_radix(&block.bytes[i..i + 2], 16).expect("hexadecimal"))
            })
            .collect();
        let matrix = Matrix::from_bytes(format, blocks.len(), columns, &bytes)
            .unwrap_or_else(|e| panic!("{}: {e}", format.name()));
        let mut row = vec![0f32; columns];
        let mut column = vec![0f32; blocks.len()];
        for (r, block) in blocks.iter().enumerate() {
            matrix.dequantize_row(r, &mut row);
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            let (got, wanted) = (bits(&row), bits(&block.values));
            // A minus zero may come out as zero: a sum with a minimum has no sign of its own.
            let same = |(g, w): (&u32, &u32)| g == w || (g | w) << 1 == 0;
            assert!(
                got.iter().zip(&wanted).all(same),
                "{}, {}: {row:?} instead of {:?}",
                format.name(),
                block.note,
                block.values
            );
        }
        for c in [0, 1, columns / 2, columns - 1] {
            matrix.dequantize_column(c, &mut column);
            for (got, block) in column.iter().zip(&blocks[..]) {
                assert_eq!(*got, block.values[c], "{}, {}", format.name(), block.note);
            }
        }
    }
}

proptest! {
    /// However a tensor's bytes are cut, and whatever order its rows are put into.
    #[test]
    fn a_matrix_is_the_same_in_whatever_pieces_it_arrives(
        heads in 1usize..4, format in 0usize..FORMATS.len(), seed: u64, cuts in prop::collection::vec(1usize..700, 1..20),
    ) {
        let format = Quantization(&FORMATS[format]);
        let (columns, dim) = (256, 6);
        let rows = heads * dim;
        let bytes = format.random_rows(rows, columns, seed);
        let whole = Matrix::from_bytes(format, rows, columns, &bytes).expect("finite");
        let order = vec![0, 2, 4, 1, 3, 5];
        let mut builder = Builder::new("test", format, format.form(), rows, columns, Some(order.clone())).expect("room");
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*cut));
            builder.push(now).expect("finite");
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let turned = builder.finish().expect("whole");
        let (mut a, mut b) = (vec![0f32; columns], vec![0f32; columns]);
        for r in 0..rows {
            whole.dequantize_row(r, &mut a);
            turned.dequantize_row(r / dim * dim + order[r % dim], &mut b);
            prop_assert_eq!(&a, &b);
        }
    }
}

#[test]
fn numbers_that_are_none_are_refused_by_name() {
    for format in Quantization::all() {
        let mut bytes = format.random_rows(8, 256, 7);
        let at = match format.form() {
            Form::Dense(Dense::F32) => 2,
            Form::Dense(_) => 0,
            Form::Blocks(..) => format.0.halves[0],
        };
        bytes[at..at + 2].copy_from_slice(&0x7fc0u16.to_le_bytes());
        let mut builder =
            Builder::new("blk.3.ffn_up.weight", format, format.form(), 8, 256, None).expect("room");
        let error = builder.push(&bytes).expect_err("NaN").to_string();
        assert!(
            error.contains("layer 3") && error.contains("ffn_up"),
            "{error}"
        );
    }
}
