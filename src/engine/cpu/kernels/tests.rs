//! Every variant against the reference, bit by bit, over awkward shapes.

use proptest::prelude::*;

use super::*;
use crate::quant::Quantization;

fn matrix(quantization: Quantization, rows: usize, columns: usize, seed: u64) -> Matrix {
    let bytes = quantization.random_rows(rows, columns, seed);
    Matrix::from_bytes(quantization, rows, columns, &bytes).expect("finite numbers")
}

fn activations(tokens: usize, columns: usize, seed: u64) -> Activations {
    let values: Vec<f32> = (0..tokens * columns)
        .map(|i| ((i as f32 + seed as f32) * 0.7311).sin() * if i % 97 == 0 { 40.0 } else { 1.0 })
        .collect();
    let mut x = Activations::default();
    x.load(&values, columns);
    x
}

/// Any format, and columns that it allows.
fn shapes(blocks: std::ops::Range<usize>) -> impl Strategy<Value = (Quantization, usize)> {
    let formats: Vec<Quantization> = Quantization::all().collect();
    (prop::sample::select(formats), blocks)
        .prop_map(|(format, n)| (format, n * format.block_len().max(32)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_variant_gives_the_reference_s_bits(
        rows in 1usize..20, (format, columns) in shapes(1..6), tokens in 1usize..10, seed in any::<u64>(),
    ) {
        let w = matrix(format, rows, columns, seed);
        let x = activations(tokens, columns, seed % 1000);
        let mut reference = vec![0f32; rows * tokens];
        matmul(Isa::Scalar, &w, &x, &mut reference);
        for isa in Isa::available() {
            let mut out = vec![f32::NAN; rows * tokens];
            matmul(isa, &w, &x, &mut out);
            let same = out.iter().zip(&reference).all(|(a, b)| a.to_bits() == b.to_bits());
            prop_assert!(same, "{format:?}, {}: {out:?} instead of {reference:?}", isa.name());
        }
    }

    /// What a browser keeps in bytes gives the bits of what a processor keeps in five or six.
    #[test]
    fn bytes_give_the_bits_of_five_and_six(
        rows in 1usize..10, which in 0usize..4, tokens in 1usize..6, seed in any::<u64>(),
    ) {
        let format = Quantization::named(["Q5_0", "Q5_1", "Q5_K", "Q6_K"][which]).expect("a format");
        let Form::Blocks(_, scales) = format.form() else { unreachable!("a format of blocks") };
        let bytes = format.random_rows(rows, 256, seed);
        let x = activations(tokens, 256, seed % 1000);
        let kept = [format.form(), Form::Blocks(Integers::Bytes, scales)].map(|form| {
            Matrix::of_form(format, form, rows, 256, &bytes).expect("finite numbers")
        });
        for isa in Isa::available() {
            let [a, b] = kept.each_ref().map(|w| {
                let mut out = vec![0f32; rows * tokens];
                matmul(isa, w, &x, &mut out);
                // A product of nothing may be zero of either sign.
                out.iter().map(|v| (v + 0.0).to_bits()).collect::<Vec<_>>()
            });
            prop_assert_eq!(a, b, "{:?} on {}", format, isa.name());
        }
        let (mut a, mut b) = (vec![0f32; 256], vec![0f32; 256]);
        for r in 0..rows {
            kept[0].dequantize_row(r, &mut a);
            kept[1].dequantize_row(r, &mut b);
            prop_assert_eq!(&a, &b);
        }
    }

    #[test]
    fn a_token_s_result_does_not_depend_on_the_batch(
        rows in 1usize..10, (format, columns) in shapes(1..4), tokens in 2usize..10, seed in any::<u64>(),
    ) {
        let w = matrix(format, rows, columns, seed);
        let all = activations(tokens, columns, seed % 1000);
        for isa in Isa::available() {
            let mut together = vec![0f32; rows * tokens];
            matmul(isa, &w, &all, &mut together);
            for t in 0..tokens {
                let mut one = Activations::default();
                one.load(all.values(t), columns);
                let mut alone = vec![0f32; rows];
                matmul(isa, &w, &one, &mut alone);
                prop_assert_eq!(&alone[..], &together[t * rows..][..rows]);
            }
        }
    }

    #[test]
    fn products_are_those_of_the_dequantized_weights(
        rows in 1usize..6, (q, columns) in shapes(1..3), tokens in 1usize..4, seed in any::<u64>(),
    ) {
        let w = matrix(q, rows, columns, seed);
        let x = activations(tokens, columns, seed % 1000);
        let mut out = vec![0f32; rows * tokens];
        matmul(Isa::best(), &w, &x, &mut out);
        let mut row = vec![0f32; columns];
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
