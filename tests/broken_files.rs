//! A model file comes from the network. Whatever is wrong with it, it is refused with a sentence that says what.

mod common;

use candle_core::quantized::{GgmlDType, gguf_file::Value};
use common::tiny::Tiny;
use hneurons::{
    ErrorKind,
    engine::{Edits, Engine, Feed, Logits, Watch, cpu::Cpu},
    model::ModelFile,
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
    assert_eq!(file.blueprint().neuron_count(), 256);
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
        tiny().set("tokenizer.ggml.model", text("bert")).write(),
        "tokenizer is 'bert'",
    );
    refused(
        tiny().set("tokenizer.ggml.pre", text("tekken")).write(),
        "'tekken', and this engine knows smollm, gpt-2, llama-bpe",
    );
    refused(
        tiny().set("tokenizer.ggml.model", text("llama")).write(),
        "tokenizer.ggml.scores",
    );
}

#[test]
fn a_sentencepiece_vocabulary_that_could_not_encode_every_text() {
    let count = common::tiny::vocabulary().len();
    let scores = |count| Value::Array(vec![Value::F32(0.0); count]);
    let file = |scores| {
        tiny()
            .set("tokenizer.ggml.model", text("llama"))
            .set("tokenizer.ggml.bos_token_id", Value::U32(1))
            .set("tokenizer.ggml.scores", scores)
    };
    refused(file(scores(5)).write(), "5 scores");
    let nan = Value::Array(vec![Value::F32(f32::NAN); count]);
    refused(file(nan).write(), "tokenizer.ggml.scores");
    refused(file(scores(count)).write(), "a token for every byte");
    let byte = vec![Value::I32(6); count];
    refused(
        file(scores(count))
            .set("tokenizer.ggml.token_type", Value::Array(byte))
            .write(),
        "is not a byte",
    );
    let sound = file(scores(count)).set("tokenizer.ggml.unknown_token_id", Value::U32(0));
    ModelFile::parse(sound.write()).expect("what is in no token is unknown");
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
        .with_tensor("blk.0.attn_q.weight", &[64, 64], GgmlDType::Q8_1)
        .write();
    refused(bytes, "Q8_1");
    let norm = tiny()
        .with_tensor("output_norm.weight", &[64], GgmlDType::F16)
        .write();
    refused(norm, "F32 is needed");
}

#[test]
fn a_bias_of_another_length() {
    let bytes = tiny()
        .with_tensor("blk.0.attn_q.bias", &[63], GgmlDType::F32)
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
    let e = ModelFile::parse_expecting(tiny().write(), common::model_sha256()).expect_err("a hash");
    assert_eq!(e.kind(), ErrorKind::Hash);
    assert!(e.to_string().contains(&common::model_sha256()[..12]), "{e}");
}

/// A tensor's entry in the header: where its number of dimensions stands.
fn entry(bytes: &[u8], name: &str) -> usize {
    let length = (name.len() as u64).to_le_bytes();
    let listed = [&length[..], name.as_bytes()].concat();
    let at = bytes.windows(listed.len()).position(|w| w == listed);
    at.expect("the tensor is listed") + listed.len()
}

/// Writes another format into the header's entry of a matrix.
fn with_format(mut bytes: Vec<u8>, name: &str, format: u32) -> Vec<u8> {
    let at = entry(&bytes, name) + 4 + 16;
    bytes[at..at + 4].copy_from_slice(&format.to_le_bytes());
    bytes
}

/// Where the header's entry of a matrix has the offset.
fn offset_of(bytes: &[u8], name: &str) -> std::ops::Range<usize> {
    let at = entry(bytes, name) + 4 + 16 + 4;
    at..at + 8
}

#[test]
fn whole_numbers_of_any_width_are_read() {
    let types = |value: fn(u8) -> Value| {
        let tokens = common::tiny::vocabulary().len();
        Value::Array(
            (0..tokens)
                .map(|i| value(if i < 3 { 3 } else { 1 }))
                .collect(),
        )
    };
    for types in [
        types(Value::U8),
        types(|t| Value::I8(t as i8)),
        types(|t| Value::U16(t.into())),
        types(|t| Value::I16(t.into())),
        types(|t| Value::U32(t.into())),
        types(|t| Value::U64(t.into())),
        types(|t| Value::I64(t.into())),
    ] {
        for add_bos in [
            Value::U8(1),
            Value::I32(1),
            Value::Bool(true),
            Value::U64(1),
        ] {
            let bytes = tiny()
                .set("tokenizer.ggml.token_type", types.clone())
                .set("tokenizer.ggml.add_bos_token", add_bos)
                .set("tokenizer.ggml.bos_token_id", Value::I64(1))
                .set("llama.block_count", Value::U8(2))
                .set("general.alignment", Value::U64(32))
                .set("llama.rope.freq_base", Value::U32(10_000))
                .write();
            let file = ModelFile::parse(bytes).expect("numbers are numbers");
            assert_eq!(file.vocabulary().special, [0, 1, 2]);
            assert_eq!(file.vocabulary().bos, Some(1));
            assert_eq!(file.blueprint().rope_base, 10_000.0);
        }
    }
}

#[test]
fn a_value_that_cannot_be_read_is_not_replaced_by_a_default() {
    for (key, value) in [
        ("tokenizer.ggml.add_bos_token", Value::U8(2)),
        ("tokenizer.ggml.add_bos_token", text("yes")),
        ("tokenizer.ggml.add_eos_token", Value::F32(1.0)),
        (
            "tokenizer.ggml.token_type",
            Value::Array(vec![Value::F32(1.0); 262]),
        ),
        ("tokenizer.chat_template", Value::U32(1)),
        ("general.name", Value::Bool(true)),
        ("general.alignment", text("32")),
        ("general.quantization_version", text("2")),
        ("split.count", text("two")),
        ("llama.rope.freq_base", Value::F32(f32::NAN)),
        ("llama.rope.freq_base", Value::F64(1e300)),
        ("llama.rope.freq_base", text("10000")),
        ("llama.rope.dimension_count", Value::F32(16.0)),
        ("llama.rope.scaling.type", Value::U32(0)),
        ("llama.rope.scaling.factor", Value::F32(f32::INFINITY)),
        ("llama.expert_count", text("8")),
        ("llama.expert_count", Value::F32(8.0)),
        (
            "llama.attention.head_count_kv",
            Value::Array(vec![Value::U32(2)]),
        ),
        ("llama.attention.key_length", Value::Bool(true)),
        ("llama.vocab_size", Value::F32(262.0)),
    ] {
        refused(tiny().set(key, value).write(), key);
    }
}

#[test]
fn what_the_engine_does_not_compute_is_refused_by_name() {
    for (key, value) in [
        ("llama.rope.scaling.type", text("yarn")),
        ("llama.rope.scaling.factor", Value::F32(8000.0)),
        ("llama.rope.scaling.attn_factor", Value::F32(0.5)),
        ("llama.rope.scaling.yarn_log_multiplier", Value::F32(0.1)),
        ("llama.attention.sliding_window", Value::U32(512)),
        ("llama.attention.scale", Value::F32(0.015)),
        ("llama.attention.causal", Value::Bool(false)),
        ("llama.logit_scale", Value::F32(8.0)),
        ("llama.embedding_scale", Value::F32(12.0)),
        ("llama.final_logit_softcapping", Value::F32(30.0)),
        ("llama.something.new", Value::U32(1)),
        ("llama.vocab_size", Value::U32(5)),
        ("tokenizer.ggml.add_eos_token", Value::Bool(true)),
        ("tokenizer.ggml.remove_extra_whitespaces", Value::Bool(true)),
        ("tokenizer.ggml.normalizer.lowercase", Value::Bool(true)),
        (
            "tokenizer.ggml.precompiled_charsmap",
            Value::Array(vec![Value::U8(1)]),
        ),
        (
            "tokenizer.ggml.suppress_tokens",
            Value::Array(vec![Value::I32(1)]),
        ),
        ("tokenizer.ggml.something_new", Value::U32(1)),
        ("general.type", text("adapter")),
        ("general.quantization_version", Value::U32(1)),
    ] {
        let named = if key == "general.type" {
            "'adapter'"
        } else {
            key
        };
        let named = if key.ends_with("quantization_version") {
            "version 1"
        } else {
            named
        };
        refused(tiny().set(key, value).write(), named);
    }
    // What says that nothing is to be done is no reason to refuse.
    let file = tiny()
        .set("llama.rope.scaling.type", text("none"))
        .set("llama.rope.scaling.factor", Value::F32(1.0))
        .set("llama.expert_count", Value::U32(0))
        .set("llama.attention.sliding_window", Value::U32(0))
        .set("llama.attention.key_length", Value::U32(16))
        .set("llama.attention.value_length", Value::U32(16))
        .set(
            "llama.vocab_size",
            Value::U32(common::tiny::vocabulary().len() as u32),
        )
        .set("general.quantization_version", Value::U32(2))
        .set("general.type", text("model"))
        .set("tokenizer.ggml.add_eos_token", Value::Bool(false))
        .set("tokenizer.ggml.add_space_prefix", Value::Bool(true))
        .set(
            "tokenizer.ggml.remove_extra_whitespaces",
            Value::Bool(false),
        )
        .set("tokenizer.ggml.fim_pre_token_id", Value::U32(1))
        .write();
    ModelFile::parse(file).expect("nothing is asked for that is not computed");
}

#[test]
fn values_of_another_width_than_keys() {
    refused(
        tiny()
            .set("llama.attention.value_length", Value::U32(32))
            .write(),
        "values are 32 wide and its keys 16",
    );
}

#[test]
fn an_architecture_that_is_not_known_is_told_which_are() {
    let bytes = tiny().set("general.architecture", text("mamba")).write();
    let message = ModelFile::parse(bytes).expect_err("mamba").to_string();
    for name in ["'mamba'", "llama", "qwen2", "qwen3", "gemma3"] {
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn a_tensor_that_nobody_reads() {
    for name in [
        "rope_factors_long.weight",
        "rope_factors_short.weight",
        "output.bias",
        "output_norm.bias",
        "token_types.weight",
        "position_embd.weight",
        "blk.0.attn_q_norm.weight",
        "blk.0.attn_k_norm.weight",
        "blk.0.attn_sub_norm.weight",
        "blk.1.ffn_sub_norm.weight",
        "blk.0.post_attention_norm.weight",
        "blk.0.ffn_gate.scale",
        "blk.0.ffn_gate_exps.weight",
        "blk.2.attn_norm.weight",
        "blk.00.attn_norm.weight",
        "blk.1.something_new.weight",
        "v.blk.0.attn_q.weight",
    ] {
        let bytes = tiny().with_tensor(name, &[64], GgmlDType::F32).write();
        refused(bytes, name);
    }
    // A tensor under another name is named, rather than one that is missed for it.
    let fused = tiny().without_tensor("blk.0.attn_q.weight").with_tensor(
        "blk.0.attn_qkv.weight",
        &[128, 64],
        GgmlDType::Q4_1,
    );
    refused(fused.write(), "blk.0.attn_qkv.weight");
}

#[test]
fn two_tensors_on_the_same_bytes() {
    let bytes = tiny().write();
    // Whole, and by half a tensor's length.
    for (onto, from, shift) in [
        ("blk.0.ffn_up.weight", "blk.0.ffn_gate.weight", 0u64),
        ("blk.1.attn_q.weight", "blk.0.attn_q.weight", 0),
        ("blk.0.ffn_up.weight", "blk.0.ffn_gate.weight", 640),
    ] {
        let mut bytes = bytes.clone();
        let offset = &bytes[offset_of(&bytes, from)];
        let offset = u64::from_le_bytes(offset.try_into().expect("eight bytes")) + shift;
        let at = offset_of(&bytes, onto);
        bytes[at].copy_from_slice(&offset.to_le_bytes());
        refused(bytes, "on the same bytes");
    }
}

#[test]
fn an_output_tied_by_its_offset_is_the_embedding() {
    let tokens = common::tiny::vocabulary().len();
    let tied = tiny().write();
    let mut twice = tiny()
        .with_tensor("output.weight", &[tokens, 64], GgmlDType::Q4_1)
        .write();
    let offset = twice[offset_of(&twice, "token_embd.weight")].to_vec();
    let at = offset_of(&twice, "output.weight");
    twice[at].copy_from_slice(&offset);
    let logits = |bytes: Vec<u8>| {
        let file = ModelFile::parse(bytes).expect("a tied output is sound");
        let mut engine = Cpu::new(&file).expect("a small model fits");
        let lane = engine.open(&Edits::none()).expect("no edits");
        common::feed(&mut engine, lane, &[5, 6], Logits::Last, &Watch::None).logits
    };
    assert_eq!(logits(tied), logits(twice));
}

#[test]
fn the_same_key_or_tensor_twice() {
    let mut keys = tiny();
    keys.metadata
        .push(("llama.rope.freq_base".into(), Value::F32(500_000.0)));
    refused(keys.write(), "'llama.rope.freq_base' twice");
    let mut unread = tiny();
    for _ in 0..2 {
        unread
            .metadata
            .push(("general.author".into(), text("nobody")));
    }
    refused(unread.write(), "'general.author' twice");
    let mut tensors = tiny();
    let again = tensors.tensors[4].clone();
    tensors.tensors.push(again);
    let name = tensors.tensors[4].0.clone();
    refused(tensors.write(), &format!("'{name}' twice"));
}

#[test]
fn a_part_of_a_split_file() {
    for (no, part) in [(0u16, "part 1 of 3"), (2, "part 3 of 3")] {
        let split = tiny()
            .set("split.count", Value::U16(3))
            .set("split.no", Value::U16(no));
        refused(split.write(), part);
    }
    // Later parts have neither architecture nor vocabulary.
    let mut later = tiny();
    later.metadata = vec![
        ("split.no".into(), Value::U16(1)),
        ("split.count".into(), Value::U16(2)),
        ("split.tensors.count".into(), Value::I32(20)),
    ];
    refused(later.write(), "part 2 of 2");
}

#[test]
fn a_big_endian_file() {
    let mut bytes = tiny().write();
    bytes[4..8].copy_from_slice(&3u32.to_be_bytes());
    refused(bytes, "big-endian");
}

#[test]
fn a_format_is_named_for_what_it_is() {
    for (format, name) in [
        (20, "IQ4_NL"),
        (39, "MXFP4"),
        (34, "TQ1_0"),
        (29, "IQ1_M"),
        (99, "format number 99"),
    ] {
        refused(
            with_format(tiny().write(), "blk.0.attn_q.weight", format),
            name,
        );
    }
}

#[test]
fn a_file_that_is_no_gguf_is_named_for_what_it_is() {
    let safetensors = [&64u64.to_le_bytes()[..], b"{\"__metadata__\":{}}"].concat();
    for (bytes, what) in [
        (
            b"\r\n <html><body>Sign in</body></html>".to_vec(),
            "a web page",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid".to_vec(),
            "Git LFS",
        ),
        (b"PK\x03\x04archive/data.pkl".to_vec(), "ZIP"),
        (safetensors, "safetensors"),
        (b"tjgg\x03\0\0\0".to_vec(), "before GGUF"),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "gzip"),
        (vec![0; 4000], "not a model"),
    ] {
        refused(bytes, what);
    }
}

#[test]
fn an_offset_between_two_alignments() {
    let mut bytes = tiny().write();
    let at = offset_of(&bytes, "blk.0.ffn_down.weight");
    bytes[at.start] += 4;
    refused(bytes, "alignment");
}

#[test]
fn twenty_megabytes_of_metadata_cost_no_memory() {
    let mut bytes = tiny().write();
    // A list of bytes that nobody reads, put behind the counts of tensors and keys.
    let key = b"general.sample";
    let long = 20_000_000usize;
    let list = [
        &(key.len() as u64).to_le_bytes()[..],
        key,
        &9u32.to_le_bytes(),
        &0u32.to_le_bytes(),
        &(long as u64).to_le_bytes(),
        &vec![7; long],
    ]
    .concat();
    // The data begins at a multiple of 32 again.
    let padding = list.len().next_multiple_of(32) - list.len();
    let filler = padding
        .checked_sub(8 + 4 + 8 + 1)
        .unwrap_or(padding + 32 - 21);
    let other = [
        &1u64.to_le_bytes()[..],
        b"x",
        &8u32.to_le_bytes(),
        &(filler as u64).to_le_bytes(),
        &vec![b' '; filler],
    ]
    .concat();
    let keys = u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes")) + 2;
    bytes[16..24].copy_from_slice(&keys.to_le_bytes());
    bytes.splice(24..24, [list, other].concat());
    let size = bytes.len() as u64;
    let mut file = None;
    let used = allocation_counter::measure(|| file = Some(ModelFile::parse(bytes)));
    file.expect("it was measured").expect("the file is sound");
    assert!(
        used.bytes_max < size,
        "{} bytes for a file of {size}",
        used.bytes_max
    );
}

/// The same weights with one half-precision number of a tensor replaced: its first scale.
fn with_scale(mut bytes: Vec<u8>, name: &str, half: u16) -> Vec<u8> {
    let file = ModelFile::parse(bytes.clone()).expect("the tiny model is sound");
    let at = file.tensor(name).expect("it has one").range.start as usize;
    bytes[at..at + 2].copy_from_slice(&half.to_le_bytes());
    bytes
}

#[test]
fn a_weight_that_is_no_number() {
    for half in [0x7e00u16, 0x7c00, 0xfc00, 0x7c01] {
        refused(
            with_scale(tiny().write(), "blk.1.ffn_up.weight", half),
            "not finite in layer 1",
        );
    }
    for dtype in [GgmlDType::Q4_0, GgmlDType::Q8_0, GgmlDType::F16] {
        let bytes = Tiny::new(dtype).write();
        refused(
            with_scale(bytes, "token_embd.weight", 0x7c00),
            "token_embd.weight",
        );
    }
    let mut norm = tiny().write();
    let file = ModelFile::parse(&norm).expect("sound");
    let tensor = file.tensor("output_norm.weight");
    let at = tensor.expect("it has one").range.start as usize;
    norm[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    refused(norm, "output_norm.weight");
}

/// Numbers that are finite in the file and overflow on the way.
#[test]
fn numbers_that_overflow_in_the_pass() {
    for (name, value, place) in [
        ("token_embd.weight", 1e25, "in the token embedding"),
        ("blk.0.attn_norm.weight", 1e38, "in layer 0"),
        ("blk.0.attn_q.weight", 1e25, "in layer 0"),
        ("blk.1.attn_k.weight", 1e38, "in layer 1"),
        ("blk.1.attn_v.weight", 3e38, "in layer 1"),
        ("blk.0.attn_output.weight", 1e30, "in layer 0"),
        ("blk.1.ffn_gate.weight", 1e30, "in layer 1"),
        ("blk.0.ffn_down.weight", 1e25, "in layer 0"),
        ("blk.1.ffn_down.weight", 1e25, "in layer 1"),
        ("output_norm.weight", 3e38, "in the unembedding"),
    ] {
        let file = common::tiny::with_weights(name, value);
        let mut engine = Cpu::new(&file).expect("a small model fits");
        for logits in [Logits::Last, Logits::Choice] {
            let lane = engine.open(&Edits::none()).expect("no edits");
            let feed = [Feed {
                lane,
                tokens: &[5, 6],
                logits,
            }];
            let e = pollster::block_on(engine.forward(&feed, &Watch::None)).expect_err(name);
            let message = e.to_string();
            assert_eq!(e.kind(), ErrorKind::Model, "{name}: {message}");
            assert!(message.contains("not finite"), "{name}: {message}");
            assert!(message.contains(place), "{name}: {message}");
            assert_eq!(engine.position(lane), 0, "{name}");
        }
    }
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
            let feed = [Feed { lane, tokens: &[5, 6], logits: Logits::Last }];
            match pollster::block_on(engine.forward(&feed, &Watch::All)) {
                Ok(readings) => {
                    prop_assert_eq!(readings[0].logits.len(), file.blueprint().vocabulary);
                    prop_assert!(readings[0].logits.iter().all(|l| l.is_finite()));
                }
                Err(e) => prop_assert!(e.to_string().contains("not finite"), "{e}"),
            }
        }
    }
}
