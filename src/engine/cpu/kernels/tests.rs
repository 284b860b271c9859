//! Every variant against the reference, bit by bit, over awkward shapes.

use proptest::prelude::*;

use super::*;
use crate::engine::cpu::matrix::Matrix;

fn matrix(quantization: Quantization, rows: usize, columns: usize, seed: u64) -> Matrix {
    let row_bytes = quantization.row_bytes(columns).expect("whole blocks");
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes: Vec<u8> = (0..rows * row_bytes).map(|_| next() as u8).collect();
    // Scales that are finite numbers, subnormal ones among them.
    let scale =
        |r: u64| half::f16::from_bits(((r as u16) & 0x83ff) | ((r >> 16) as u16 % 18) << 10);
    match quantization {
        Quantization::F32 => {
            for w in bytes.as_chunks_mut::<4>().0 {
                *w = ((next() % 2001) as f32 / 1000.0 - 1.0).to_le_bytes();
            }
        }
        Quantization::F16 => {
            for w in bytes.as_chunks_mut::<2>().0 {
                *w = scale(next()).to_le_bytes();
            }
        }
        Quantization::Q4_0 | Quantization::Q4_1 | Quantization::Q8_0 => {
            for block in bytes.chunks_exact_mut(quantization.block_bytes()) {
                block[..2].copy_from_slice(&scale(next()).to_le_bytes());
                if quantization == Quantization::Q4_1 {
                    block[2..4].copy_from_slice(&scale(next()).to_le_bytes());
                }
            }
        }
    }
    Matrix::from_bytes(quantization, rows, columns, bytes)
}

fn activations(tokens: usize, columns: usize, seed: u64) -> Activations {
    let values: Vec<f32> = (0..tokens * columns)
        .map(|i| ((i as f32 + seed as f32) * 0.7311).sin() * if i % 97 == 0 { 40.0 } else { 1.0 })
        .collect();
    let mut x = Activations::default();
    x.load(&values, columns);
    x
}

const QUANTIZED: [Quantization; 3] = [Quantization::Q4_0, Quantization::Q4_1, Quantization::Q8_0];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_variant_gives_the_reference_s_bits(
        rows in 1usize..14, blocks in 1usize..7, tokens in 1usize..10, seed in any::<u64>(), format in 0usize..3,
    ) {
        let w = matrix(QUANTIZED[format], rows, blocks * 32, seed);
        let x = activations(tokens, blocks * 32, seed % 1000);
        let mut reference = vec![0f32; rows * tokens];
        matmul(Isa::Scalar, &w, &x, &mut reference);
        for isa in Isa::available() {
            let mut out = vec![f32::NAN; rows * tokens];
            matmul(isa, &w, &x, &mut out);
            let same = out.iter().zip(&reference).all(|(a, b)| a.to_bits() == b.to_bits());
            prop_assert!(same, "{}: {out:?} instead of {reference:?}", isa.name());
        }
    }

    #[test]
    fn a_token_s_result_does_not_depend_on_the_batch(
        rows in 1usize..10, tokens in 2usize..10, seed in any::<u64>(), format in 0usize..5,
    ) {
        let q = [QUANTIZED[0], QUANTIZED[1], QUANTIZED[2], Quantization::F16, Quantization::F32][format];
        let w = matrix(q, rows, 96, seed);
        let all = activations(tokens, 96, seed % 1000);
        for isa in Isa::available() {
            let mut together = vec![0f32; rows * tokens];
            matmul(isa, &w, &all, &mut together);
            for t in 0..tokens {
                let mut one = Activations::default();
                one.load(all.values(t), 96);
                let mut alone = vec![0f32; rows];
                matmul(isa, &w, &one, &mut alone);
                prop_assert_eq!(&alone[..], &together[t * rows..][..rows]);
            }
        }
    }

    #[test]
    fn products_are_those_of_the_dequantized_weights(
        rows in 1usize..6, tokens in 1usize..4, seed in any::<u64>(), format in 0usize..5,
    ) {
        let q = [QUANTIZED[0], QUANTIZED[1], QUANTIZED[2], Quantization::F16, Quantization::F32][format];
        let w = matrix(q, rows, 64, seed);
        let x = activations(tokens, 64, seed % 1000);
        let mut out = vec![0f32; rows * tokens];
        matmul(Isa::best(), &w, &x, &mut out);
        let mut row = vec![0f32; 64];
        for r in 0..rows {
            w.dequantize_row(r, &mut row);
            for t in 0..tokens {
                let exact: f64 = row.iter().zip(x.values(t)).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                // Activations are off by at most half a step each, sums by f32 rounding.
                let step = x.values(t).iter().fold(0f32, |m, v| m.max(v.abs())) / 32_512.0;
                let room = row.iter().map(|w| w.abs()).sum::<f32>() * (step + 2e-6) + 1e-4;
                let error = (f64::from(out[t * rows + r]) - exact).abs();
                prop_assert!(error <= f64::from(room), "{q:?}: {} against {exact}", out[t * rows + r]);
            }
        }
    }
}

/// Blocks and the numbers they stand for, written down by another program (`tests/fixtures/make_quant_blocks.py`).
#[test]
fn blocks_stand_for_the_numbers_the_fixture_says() {
    #[derive(serde::Deserialize)]
    struct Fixture {
        blocks: std::collections::BTreeMap<String, Vec<Block>>,
    }
    #[derive(serde::Deserialize)]
    struct Block {
        note: String,
        bytes: String,
        values: Vec<f32>,
    }
    let text = include_str!("../../../../tests/fixtures/quant_blocks.json");
    let fixture: Fixture = serde_json::from_str(text).expect("the fixture is JSON");
    let formats = [
        Quantization::F16,
        Quantization::Q4_0,
        Quantization::Q4_1,
        Quantization::Q8_0,
    ];
    for format in formats {
        let blocks = &fixture.blocks[format.name()];
        assert!(blocks.len() >= 8, "{}", format.name());
        for block in blocks {
            let bytes: Vec<u8> = (0..block.bytes.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&block.bytes[i..i + 2], 16).expect("hexadecimal"))
                .collect();
            let mut out = vec![0f32; block.values.len()];
            dequantize(format, &bytes, &mut out);
            assert_eq!(out, block.values, "{}: {}", format.name(), block.note);
        }
    }
}
