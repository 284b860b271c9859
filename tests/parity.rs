//! The engine against candle-transformers' quantized Llama, on the same files.

mod common;

use std::io::Cursor;

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, gguf_file},
};
use candle_transformers::models::quantized_llama::ModelWeights;
use common::tiny::Tiny;
use hneurons::{
    engine::{
        Edits, Engine, Logits, Watch,
        cpu::{Cpu, Isa},
    },
    gguf::ModelFile,
    text::Tokenizer,
};

/// Positions of one pass: candle keeps a mask for each length, and reads the first `n` tokens anew for each position.
const WINDOW: usize = 64;

fn candle(bytes: &[u8]) -> ModelWeights {
    let mut cursor = Cursor::new(bytes);
    let content = gguf_file::Content::read(&mut cursor).expect("candle reads the file");
    ModelWeights::from_gguf(content, &mut cursor, &Device::Cpu).expect("candle takes the model")
}

/// Candle's logits after each token of `ids`, read one by one.
fn candle_logits(model: &mut ModelWeights, ids: &[u32]) -> Vec<Vec<f32>> {
    ids.iter()
        .enumerate()
        .map(|(i, id)| {
            let x = Tensor::new(&[[*id]], &Device::Cpu).expect("a token");
            let logits = model.forward(&x, i).expect("candle reads the token");
            logits
                .flatten_all()
                .and_then(|l| l.to_vec1())
                .expect("logits")
        })
        .collect()
}

fn our_logits(engine: &mut Cpu, ids: &[u32]) -> Vec<Vec<f32>> {
    let lane = engine.open(&Edits::none()).expect("a lane");
    let reading = common::feed(engine, lane, ids, Logits::All, &Watch::None);
    engine.close(lane);
    let vocabulary = engine.config().vocabulary;
    reading
        .logits
        .chunks_exact(vocabulary)
        .map(<[f32]>::to_vec)
        .collect()
}

/// The largest logit's place, and how far the second is below it.
fn top(logits: &[f32]) -> (usize, f32) {
    let mut best = 0;
    for (i, v) in logits.iter().enumerate() {
        if *v > logits[best] {
            best = i;
        }
    }
    let second = logits
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != best)
        .fold(f32::NEG_INFINITY, |m, (_, v)| m.max(*v));
    (best, logits[best] - second)
}

#[test]
fn the_real_model_agrees_with_candle_on_ordinary_text() {
    let file = common::model();
    let tokenizer = Tokenizer::new(file.vocabulary()).expect("a tokenizer");
    let ids = tokenizer
        .encode(&common::fixture("ordinary.txt"))
        .expect("text");
    let ids = &ids[..ids.len().min(9 * WINDOW)];
    let mut theirs = candle(file.bytes());
    let mut ours = Cpu::new(&file).expect("our engine");
    let (mut same, mut all, mut clear, mut worst_margin) = (0, 0, 0, 0f32);
    let mut difference = 0f64;
    for window in ids.chunks(WINDOW) {
        let (a, b) = (
            our_logits(&mut ours, window),
            candle_logits(&mut theirs, window),
        );
        for (a, b) in a.iter().zip(&b) {
            let ((ta, _), (tb, margin)) = (top(a), top(b));
            all += 1;
            clear += usize::from(margin > 0.5);
            if ta == tb {
                same += 1;
            } else {
                worst_margin = worst_margin.max(margin);
            }
            difference += a
                .iter()
                .zip(b)
                .map(|(x, y)| f64::from((x - y).abs()))
                .sum::<f64>()
                / a.len() as f64;
        }
    }
    let share = 100.0 * same as f64 / all as f64;
    println!(
        "candle parity: same top token at {same} of {all} positions ({share:.2} %); {clear} have a margin above 0.5; \
         the largest margin where they differ is {worst_margin:.3}; mean absolute difference of logits {:.4}",
        difference / all as f64
    );
    assert!(all >= 500, "only {all} positions");
    assert!(share >= 99.0, "{share:.2} % of {all} positions");
    assert!(
        worst_margin <= 0.5,
        "differs where the margin is {worst_margin}"
    );
}

#[test]
fn a_tiny_model_agrees_with_candle_in_every_format() {
    let ids: Vec<u32> = (0..40).map(|i| 3 + (i * 37) % 250).collect();
    for (dtype, room) in [
        (GgmlDType::F32, 0.05),
        (GgmlDType::F16, 0.05),
        (GgmlDType::Q8_0, 0.15),
        (GgmlDType::Q4_0, 0.15),
        (GgmlDType::Q4_1, 0.15),
    ] {
        let bytes = Tiny::new(dtype).write();
        let mut theirs = candle(&bytes);
        let file = ModelFile::parse(bytes).expect("a tiny model");
        for isa in Isa::available() {
            let mut ours = Cpu::with_isa(&file, isa).expect("our engine");
            let (a, b) = (
                our_logits(&mut ours, &ids),
                candle_logits(&mut theirs, &ids),
            );
            let (mut worst, mut scale) = (0f32, 0f32);
            for (x, y) in a.iter().flatten().zip(b.iter().flatten()) {
                worst = worst.max((x - y).abs());
                scale = scale.max(y.abs());
            }
            println!(
                "{dtype:?} with {}: off by {worst:.4} at most, logits up to {scale:.2}",
                isa.name()
            );
            assert!(
                worst < room * scale,
                "{dtype:?} with {}: {worst} of {scale}",
                isa.name()
            );
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let ids: Vec<u32> = (0..24).map(|i| 3 + (i * 31) % 250).collect();
    for dtype in [GgmlDType::Q4_1, GgmlDType::Q8_0] {
        let file = ModelFile::parse(Tiny::new(dtype).write()).expect("a tiny model");
        let bits = |isa| -> Vec<u32> {
            let mut engine = Cpu::with_isa(&file, isa).expect("our engine");
            let logits = our_logits(&mut engine, &ids);
            logits.iter().flatten().map(|v| v.to_bits()).collect()
        };
        let reference = bits(Isa::Scalar);
        for isa in Isa::available() {
            assert!(bits(isa) == reference, "{dtype:?} with {}", isa.name());
        }
    }
}
