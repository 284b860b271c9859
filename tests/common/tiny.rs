//! A Llama of a few thousand weights in GGUF form, to be bent and broken.

use std::io::Cursor;

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor, gguf_file, gguf_file::Value},
};
use hneurons::model::ModelFile;

pub const HIDDEN: usize = 64;
pub const NEURONS: usize = 128;
pub const LAYERS: usize = 2;
pub const KV: usize = 32;

/// A file being made: metadata and tensors can be changed before it is written.
pub struct Tiny {
    pub metadata: Vec<(String, Value)>,
    pub tensors: Vec<(String, Vec<usize>, GgmlDType)>,
    pub seed: u64,
}

impl Tiny {
    pub fn new(dtype: GgmlDType) -> Self {
        let tokens = vocabulary();
        let vocabulary = tokens.len();
        let mut types = vec![Value::I32(1); vocabulary];
        for t in types.iter_mut().take(3) {
            *t = Value::I32(3);
        }
        let text = |s: &str| Value::String(s.to_owned());
        let list = |l: &[String]| Value::Array(l.iter().map(|s| text(s)).collect());
        let merges = ["h e".to_owned(), "l l".to_owned(), "he ll".to_owned()];
        let metadata = [
            ("general.architecture", text("llama")),
            ("general.name", text("tiny")),
            ("llama.block_count", Value::U32(LAYERS as u32)),
            ("llama.context_length", Value::U32(128)),
            ("llama.embedding_length", Value::U32(HIDDEN as u32)),
            ("llama.feed_forward_length", Value::U32(NEURONS as u32)),
            ("llama.attention.head_count", Value::U32(4)),
            ("llama.attention.head_count_kv", Value::U32(2)),
            ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
            ("llama.rope.freq_base", Value::F32(10_000.0)),
            ("llama.rope.dimension_count", Value::U32(16)),
            ("tokenizer.ggml.model", text("gpt2")),
            ("tokenizer.ggml.pre", text("smollm")),
            ("tokenizer.ggml.tokens", list(&tokens)),
            ("tokenizer.ggml.token_type", Value::Array(types)),
            ("tokenizer.ggml.merges", list(&merges)),
            ("tokenizer.ggml.eos_token_id", Value::U32(2)),
            (
                "tokenizer.chat_template",
                text("{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"),
            ),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .to_vec();
        let f32 = GgmlDType::F32;
        let mut tensors = vec![
            (
                "token_embd.weight".to_owned(),
                vec![vocabulary, HIDDEN],
                dtype,
            ),
            ("output_norm.weight".to_owned(), vec![HIDDEN], f32),
        ];
        for l in 0..LAYERS {
            for (name, shape, dtype) in [
                ("attn_norm", vec![HIDDEN], f32),
                ("attn_q", vec![HIDDEN, HIDDEN], dtype),
                ("attn_k", vec![KV, HIDDEN], dtype),
                ("attn_v", vec![KV, HIDDEN], dtype),
                ("attn_output", vec![HIDDEN, HIDDEN], dtype),
                ("ffn_norm", vec![HIDDEN], f32),
                ("ffn_gate", vec![NEURONS, HIDDEN], dtype),
                ("ffn_up", vec![NEURONS, HIDDEN], dtype),
                ("ffn_down", vec![HIDDEN, NEURONS], dtype),
            ] {
                tensors.push((format!("blk.{l}.{name}.weight"), shape, dtype));
            }
        }
        Self {
            metadata,
            tensors,
            seed: 7,
        }
    }

    pub fn set(mut self, key: &str, value: Value) -> Self {
        match self.metadata.iter_mut().find(|(k, _)| k == key) {
            Some(entry) => entry.1 = value,
            None => self.metadata.push((key.to_owned(), value)),
        }
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.metadata.retain(|(k, _)| k != key);
        self
    }

    pub fn reshape(mut self, name: &str, shape: &[usize]) -> Self {
        for t in self.tensors.iter_mut().filter(|t| t.0 == name) {
            t.1 = shape.to_vec();
        }
        self
    }

    pub fn without_tensor(mut self, name: &str) -> Self {
        self.tensors.retain(|t| t.0 != name);
        self
    }

    pub fn with_tensor(mut self, name: &str, shape: &[usize], dtype: GgmlDType) -> Self {
        self.tensors.retain(|t| t.0 != name);
        self.tensors.push((name.to_owned(), shape.to_vec(), dtype));
        self
    }

    pub fn write(&self) -> Vec<u8> {
        let mut state = self.seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1u64 << 23) as f32) - 1.0
        };
        let tensors: Vec<(String, QTensor)> = self
            .tensors
            .iter()
            .map(|(name, shape, dtype)| {
                let count: usize = shape.iter().product();
                let norm = name.contains("norm");
                let values: Vec<f32> = (0..count)
                    .map(|_| {
                        if norm {
                            1.0 + 0.1 * next()
                        } else {
                            0.3 * next()
                        }
                    })
                    .collect();
                let tensor =
                    Tensor::from_vec(values, shape.clone(), &Device::Cpu).expect("a shape");
                (
                    name.clone(),
                    QTensor::quantize(&tensor, *dtype).expect("a format"),
                )
            })
            .collect();
        let metadata: Vec<(&str, &Value)> =
            self.metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        let mut out = Cursor::new(Vec::new());
        gguf_file::write(&mut out, &metadata, &tensors).expect("a file in memory");
        out.into_inner()
    }
}

/// Three special tokens, every byte, and three merges.
pub fn vocabulary() -> Vec<String> {
    let mut tokens = vec![
        "<|endoftext|>".to_owned(),
        "<|im_start|>".to_owned(),
        "<|im_end|>".to_owned(),
    ];
    let printable = |b: u32| matches!(b, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let mut extra = 0x100;
    for b in 0..256u32 {
        let code = if printable(b) {
            b
        } else {
            extra += 1;
            extra - 1
        };
        tokens.push(char::from_u32(code).expect("a character").to_string());
    }
    tokens.extend(["he", "ll", "hell"].map(str::to_owned));
    tokens
}

/// A sound file of which one tensor's weights all have the size `value`: numbers that overflow on the way. In F32, so that a
/// weight can be as large as the format allows.
pub fn with_weights(name: &str, value: f32) -> ModelFile {
    let mut bytes = Tiny::new(GgmlDType::F32).write();
    let file = ModelFile::parse(bytes.clone()).expect("the tiny model is sound");
    let view = file.tensors().iter().find(|t| t.name == name);
    let range = view.expect("it has the tensor").range.clone();
    let range = range.start as usize..range.end as usize;
    for weight in bytes[range].as_chunks_mut::<4>().0 {
        let sign = f32::from_le_bytes(*weight).signum();
        *weight = (sign * value).to_le_bytes();
    }
    ModelFile::parse(bytes).expect("every weight is finite")
}
