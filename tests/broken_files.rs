//! A model file comes from the network. Whatever is wrong with it, it is refused with a sentence that says what.

mod common;

use candle_core::quantized::{GgmlDType, gguf_file::Value};
use common::tiny::Tiny;
use hneurons::{
    ErrorKind,
    engine::{Edits, Engine, Logits, Watch, cpu::Cpu},
    gguf::ModelFile,
};
use proptest::prelude::*;

fn tiny() -> Tiny {
    Tiny::new(GgmlDType::Q4_1)
}

fn text(s: &str) -> Value {
    Value::String(s.to_owned())
}

/// The file is refused as a bad model, and the message names `what` and a remedy.
fn refused(bytes: Vec<u8>, what: &str) {
    let e = ModelFile::parse(bytes).expect_err(what);
    let message = e.to_string();
    assert_eq!(e.kind(), ErrorKind::Model, "{message}");
    assert!(message.contains(what), "'{what}' is not in: {message}");
    let remedy = ["download it again", "choose", "convert"];
    assert!(
        remedy.iter().any(|r| message.contains(r)),
        "no remedy in: {message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
}

/// Replaces the first occurrence of `from` by `to`, of equal length.
fn patch(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes
        .windows(from.len())
        .position(|w| w == from)
        .expect("what is patched is there");
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn the_unbroken_file_is_taken() {
    let file = ModelFile::parse(tiny().write()).expect("the tiny model is sound");
    assert_eq!(file.config().neuron_count(), 256);
    assert_eq!(file.vocabulary().special, [0, 1, 2]);
    assert_eq!(file.tensors().iter().count(), 20);
}

#[test]
fn an_empty_file() {
    refused(Vec::new(), "0 bytes");
}

#[test]
fn a_file_of_seven_bytes() {
    refused(b"GGUF\x03\0\0".to_vec(), "7 bytes");
}

#[test]
fn a_web_page_in_its_place() {
    refused(
        b"<!doctype html><title>404</title>".to_vec(),
        "does not begin with 'GGUF'",
    );
}

#[test]
fn versions_one_and_nine() {
    for version in [1u8, 9] {
        let mut bytes = tiny().write();
        bytes[4] = version;
        refused(bytes, &format!("version {version}"));
    }
}

#[test]
fn a_header_cut_off() {
    let bytes = tiny().write();
    for at in [8, 20, 24, 60, 500, 2000] {
        refused(bytes[..at].to_vec(), "header cannot be read");
    }
}

#[test]
fn data_cut_off() {
    let mut bytes = tiny().write();
    bytes.truncate(bytes.len() - 400);
    refused(bytes, "beyond the end");
}

#[test]
fn a_text_longer_than_the_file() {
    let bytes = tiny().write();
    refused(
        patch(
            bytes,
            b"\x14\0\0\0\0\0\0\0general.arch",
            b"\x14\0\0\0\0\0\0\x7fgeneral.arch",
        ),
        "header cannot be read",
    );
}

#[test]
fn counts_larger_than_the_file() {
    for at in [8, 16] {
        let mut bytes = tiny().write();
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        refused(bytes, "header cannot be read");
    }
}

#[test]
fn an_array_larger_than_the_file() {
    let from = b"tokenizer.ggml.tokens\x09\0\0\0\x08\0\0\0\x06\x01\0\0\0\0\0\0";
    let to = b"tokenizer.ggml.tokens\x09\0\0\0\x08\0\0\0\x06\x01\0\0\0\x01\0\0";
    refused(patch(tiny().write(), from, to), "header cannot be read");
}

#[test]
fn another_architecture() {
    refused(
        tiny().set("general.architecture", text("mamba")).write(),
        "'mamba'",
    );
}

#[test]
fn a_mixture_of_experts() {
    refused(
        tiny().set("llama.expert_count", Value::U32(8)).write(),
        "mixture-of-experts",
    );
}

#[test]
fn missing_keys() {
    for key in [
        "general.architecture",
        "llama.block_count",
        "llama.attention.layer_norm_rms_epsilon",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.eos_token_id",
    ] {
        refused(tiny().without(key).write(), key);
    }
}

#[test]
fn a_key_of_the_wrong_type() {
    refused(
        tiny().set("llama.block_count", text("two")).write(),
        "not a whole number",
    );
    refused(
        tiny().set("tokenizer.ggml.tokens", Value::U32(5)).write(),
        "not a list",
    );
}

#[test]
fn sizes_out_of_range() {
    for (key, value) in [
        ("llama.block_count", 0),
        ("llama.block_count", 1_000_000_000),
        ("llama.embedding_length", u32::MAX),
        ("llama.feed_forward_length", 0),
        ("llama.attention.head_count", 0),
        ("llama.attention.head_count_kv", 5),
        ("llama.context_length", 0),
    ] {
        refused(tiny().set(key, Value::U32(value)).write(), key);
    }
}

#[test]
fn heads_that_do_not_fit() {
    refused(
        tiny()
            .set("llama.attention.head_count_kv", Value::U32(3))
            .write(),
        "cannot share",
    );
    refused(
        tiny()
            .set("llama.attention.head_count", Value::U32(6))
            .set("llama.attention.head_count_kv", Value::U32(2))
            .write(),
        "hidden width",
    );
}

#[test]
fn rope_that_does_not_fit() {
    for dims in [15, 18] {
        refused(
            tiny()
                .set("llama.rope.dimension_count", Value::U32(dims))
                .write(),
            "RoPE over",
        );
    }
    refused(
        tiny().set("llama.rope.freq_base", Value::F32(0.0)).write(),
        "RoPE base",
    );
    refused(
        tiny().set("llama.rope.scaling.type", text("yarn")).write(),
        "RoPE scaling",
    );
}

#[test]
fn an_epsilon_that_is_no_number() {
    for eps in [f32::NAN, f32::INFINITY] {
        let key = "llama.attention.layer_norm_rms_epsilon";
        refused(tiny().set(key, Value::F32(eps)).write(), "finite number");
    }
    let key = "llama.attention.layer_norm_rms_epsilon";
    refused(tiny().set(key, Value::F32(0.0)).write(), "epsilon");
}

#[test]
fn a_vocabulary_that_does_not_match_the_embedding() {
    refused(
        tiny().reshape("token_embd.weight", &[100, 64]).write(),
        "token_embd.weight",
    );
}

#[test]
fn token_types_that_do_not_match_the_tokens() {
    let types = Value::Array(vec![Value::I32(1); 5]);
    refused(
        tiny().set("tokenizer.ggml.token_type", types).write(),
        "5 token types",
    );
}

#[test]
fn merges_of_tokens_that_do_not_exist() {
    for (merge, what) in [("q x", "does not exist"), ("qx", "not two tokens")] {
        let merges = Value::Array(vec![text(merge)]);
        refused(tiny().set("tokenizer.ggml.merges", merges).write(), what);
    }
}

#[test]
fn a_token_listed_twice() {
    let mut tokens: Vec<Value> = common::tiny::vocabulary().iter().map(|t| text(t)).collect();
    tokens[10] = tokens[11].clone();
    refused(
        tiny()
            .set("tokenizer.ggml.tokens", Value::Array(tokens))
            .write(),
        "listed twice",
    );
}

#[test]
fn an_end_token_outside_the_vocabulary() {
    refused(
        tiny()
            .set("tokenizer.ggml.eos_token_id", Value::U32(9999))
            .write(),
        "9999",
    );
}

#[test]
fn another_tokenizer() {
    refused(
        tiny().set("tokenizer.ggml.model", text("llama")).write(),
        "tokenizer is 'llama'",
    );
    refused(
        tiny().set("tokenizer.ggml.pre", text("qwen2")).write(),
        "'qwen2'",
    );
}

#[test]
fn a_missing_tensor() {
    refused(
        tiny().without_tensor("blk.1.ffn_down.weight").write(),
        "blk.1.ffn_down.weight",
    );
}

#[test]
fn a_tensor_of_another_shape() {
    refused(
        tiny().reshape("blk.0.ffn_up.weight", &[64, 128]).write(),
        "blk.0.ffn_up.weight",
    );
}

#[test]
fn a_format_the_engine_lacks() {
    let bytes = tiny()
        .with_tensor("blk.0.attn_q.weight", &[64, 64], GgmlDType::Q5_1)
        .write();
    refused(bytes, "Q5_1");
    let norm = tiny()
        .with_tensor("output_norm.weight", &[64], GgmlDType::F16)
        .write();
    refused(norm, "F32 is needed");
}

#[test]
fn a_bias_that_would_be_left_out() {
    let bytes = tiny()
        .with_tensor("blk.0.attn_q.bias", &[64], GgmlDType::F32)
        .write();
    refused(bytes, "attn_q.bias");
}

#[test]
fn an_alignment_of_zero_or_three() {
    for value in [Value::U32(0), Value::U8(0)] {
        refused(tiny().set("general.alignment", value).write(), "alignment");
    }
    refused(
        tiny().set("general.alignment", Value::U32(3)).write(),
        "alignment",
    );
}

#[test]
fn an_offset_beyond_the_end() {
    let name = b"blk.0.ffn_gate.weight";
    let mut bytes = tiny().write();
    let at = bytes
        .windows(name.len())
        .position(|w| w == name)
        .expect("the tensor is listed");
    // Name, number of dimensions, two dimensions, format; then the offset.
    let offset = at + name.len() + 4 + 16 + 4;
    for value in [1u64 << 40, u64::MAX] {
        bytes[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
        refused(bytes.clone(), "beyond the end");
    }
}

#[test]
fn another_file_than_the_one_asked_for() {
    let e = ModelFile::parse_expecting(tiny().write(), common::MODEL_SHA256).expect_err("a hash");
    assert_eq!(e.kind(), ErrorKind::Hash);
    assert!(e.to_string().contains("b179c9523d0e"), "{e}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever bytes are changed, the file is refused or runs; nothing panics.
    #[test]
    fn mutated_files_are_refused_or_run(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        header_only in any::<bool>(),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        thread_local! {
            static FILE: Vec<u8> = tiny().write();
        }
        let mut bytes = FILE.with(Clone::clone);
        let range = if header_only { 9000.min(bytes.len()) } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(range)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(file) = ModelFile::parse(bytes) {
            let mut engine = Cpu::new(&file).expect("a small model fits");
            let lane = engine.open(&Edits::none()).expect("no edits");
            let reading = common::feed(&mut engine, lane, &[5, 6], Logits::Last, &Watch::All);
            prop_assert_eq!(reading.logits.len(), file.config().vocabulary);
        }
    }
}
