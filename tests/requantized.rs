//! SmolLM2 in the mixes of formats that K-quantized files have: it loads, and agrees with its own weights dequantized to f32.
//!
//! llama.cpp gives a tensor whose rows are no whole number of 256 weights one of the older formats, so a "Q4_K_M" of this model
//! (hidden width 576) has Q5_0 and Q8_0 beside Q4_K and Q6_K. candle-core requantizes here, and dequantizes for the comparison.

mod common;

use candle_core::{
    Device,
    quantized::{GgmlDType, QTensor, gguf_file},
};
use hneurons::{
    engine::{Edits, Engine, Logits, Watch, cpu::Cpu},
    model::ModelFile,
    text::Tokenizer,
};

/// The format of a tensor in a mix.
fn mixed(mix: usize, name: &str, columns: usize) -> GgmlDType {
    let mut parts = name.split('.').skip(1);
    let layer: usize = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let whole = columns.is_multiple_of(256);
    // As llama.cpp: half of the layers have more bits for W_down and the values.
    let more = layer.is_multiple_of(2);
    match (mix, whole) {
        _ if !name.starts_with("blk") => GgmlDType::Q8_0,
        (0, true) => [GgmlDType::Q4K, GgmlDType::Q6K][usize::from(more)],
        (0, false) => {
            [GgmlDType::Q5_0, GgmlDType::Q8_0][usize::from(more && name.contains("attn_v"))]
        }
        (_, true) => [GgmlDType::Q5K, GgmlDType::Q6K][usize::from(more)],
        (_, false) => [GgmlDType::Q5_1, GgmlDType::Q8_0][usize::from(more)],
    }
}

/// Two files of the same weights: as a mix has them, and in f32.
fn both(mix: usize) -> [ModelFile; 2] {
    let mut file = std::fs::File::open(common::model_path()).expect("the model can be opened");
    let content = gguf_file::Content::read(&mut file).expect("candle reads the model");
    let (mut quantized, mut plain) = (Vec::new(), Vec::new());
    let mut names: Vec<_> = content.tensor_infos.keys().cloned().collect();
    names.sort();
    for name in names {
        let tensor = content
            .tensor(&mut file, &name, &Device::Cpu)
            .expect("a tensor");
        let values = tensor.dequantize(&Device::Cpu).expect("numbers");
        let f32 = |t: &candle_core::Tensor| QTensor::quantize(t, GgmlDType::F32).expect("f32");
        if values.dims().len() == 1 {
            quantized.push((name.clone(), f32(&values)));
            plain.push((name, f32(&values)));
            continue;
        }
        let dtype = mixed(mix, &name, values.dims()[1]);
        let mixed = QTensor::quantize(&values, dtype).expect("candle knows the format");
        let again = mixed.dequantize(&Device::Cpu).expect("numbers");
        plain.push((name.clone(), f32(&again)));
        quantized.push((name, mixed));
    }
    let metadata: Vec<_> = content
        .metadata
        .iter()
        .map(|(k, v)| (k.as_str(), v))
        .collect();
    [quantized, plain].map(|tensors| {
        let tensors: Vec<_> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        let mut bytes = std::io::Cursor::new(Vec::new());
        gguf_file::write(&mut bytes, &metadata, &tensors).expect("candle writes the model");
        ModelFile::parse(bytes.into_inner()).expect("a file of these formats is read")
    })
}

fn logits(file: &ModelFile, ids: &[u32]) -> Vec<f32> {
    let mut cpu = Cpu::new(file).expect("room");
    let lane = cpu.open(&Edits::none()).expect("a lane");
    common::feed(&mut cpu, lane, ids, Logits::All, &Watch::None).logits
}

#[test]
fn mixes_of_formats_agree_with_their_own_weights_in_f32() {
    for mix in 0..2 {
        let [quantized, plain] = both(mix);
        println!("mix {mix}: {}", quantized.quantization());
        assert_eq!(plain.quantization(), "F32");
        let tokenizer = Tokenizer::new(quantized.vocabulary()).expect("a vocabulary");
        let text = "The capital of France is Paris, and the capital of Italy is Rome. Water boils at 100 degrees.";
        let ids = tokenizer.encode(text).expect("tokens");
        let (a, b) = (logits(&quantized, &ids), logits(&plain, &ids));
        let size = b.iter().fold(0f32, |m, v| m.max(v.abs()));
        let off = a
            .iter()
            .zip(&b)
            .map(|(a, b)| (a - b).abs())
            .fold(0f32, f32::max);
        println!("logits off by {off} of {size}");
        assert!(off < 2e-3 * size, "logits are off by {off} of {size}");
    }
}
