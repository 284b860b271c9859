//! The model's hyper-parameters, read from the file's metadata and held to a range in which the engine is known to be
//! right. A file may say anything; nothing here is trusted until it has been checked.

use super::metadata::Metadata;
use crate::error::{Error, Result};

/// Shape and constants of a Llama-architecture model.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `general.name`, or the architecture where a file has none.
    pub name: String,
    /// `general.architecture`; always `llama` at present.
    pub architecture: String,
    /// Transformer layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Neurons of one layer's MLP (`feed_forward_length`).
    pub neurons: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; `heads` is a multiple of it (grouped-query attention).
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// How many of a head's dimensions RoPE turns; even, at most `head_dim`.
    pub rope_dim: usize,
    /// RoPE's base frequency.
    pub rope_base: f32,
    /// RMSNorm's epsilon.
    pub norm_eps: f32,
    /// Positions the model was made for.
    pub context: usize,
    /// Tokens in the vocabulary.
    pub vocabulary: usize,
}

impl Config {
    /// All neurons of the model: `layers * neurons`.
    pub fn neuron_count(&self) -> usize {
        self.layers * self.neurons
    }

    /// Width of the keys (and of the values) of one position: `kv_heads * head_dim`.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Reads what the architecture's keys say. Whatever key of the architecture is not read is refused: it would
    /// change what the model computes.
    pub(crate) fn read(meta: &Metadata<'_>) -> Result<Self> {
        refuse_other_kinds(meta)?;
        let architecture = meta.required("general.architecture", Metadata::text)?;
        if architecture != "llama" {
            return Err(Error::model(format!(
                "the file holds a model of architecture '{architecture}', and this engine runs 'llama' only: \
                 choose a Llama-architecture GGUF such as SmolLM2-135M-Instruct"
            )));
        }
        if meta.integer("llama.expert_count")?.is_some_and(|n| n != 0) {
            return Err(Error::model(
                "the file holds a mixture-of-experts model, which this engine does not run: choose a dense one",
            ));
        }
        let optional_size = |key: &str, max: usize| -> Result<Option<usize>> {
            let Some(value) = meta.integer(key)? else {
                return Ok(None);
            };
            usize::try_from(value)
                .ok()
                .filter(|v| (1..=max).contains(v))
                .map(Some)
                .ok_or_else(|| {
                    Error::model(format!(
                        "{key} is {value}, outside 1 to {max}: the file is corrupt or made for another program; \
                         download it again"
                    ))
                })
        };
        let size = |key: &str, max: usize| -> Result<usize> {
            meta.required(key, |_, key| optional_size(key, max))
        };
        let layers = size("llama.block_count", 256)?;
        let hidden = size("llama.embedding_length", 16_384)?;
        let neurons = size("llama.feed_forward_length", 65_536)?;
        let heads = size("llama.attention.head_count", 256)?;
        let kv_heads = optional_size("llama.attention.head_count_kv", heads)?.unwrap_or(heads);
        let head_dim = hidden / heads;
        for key in ["llama.attention.key_length", "llama.attention.value_length"] {
            let width = optional_size(key, 4096)?.unwrap_or(head_dim);
            if width != head_dim {
                return Err(Error::model(format!(
                    "the file sets the width of its heads apart ({key} is {width}, where {heads} heads share the hidden \
                     width {hidden}), which this engine does not compute with: choose a model without it"
                )));
            }
        }
        let rope_dim = optional_size("llama.rope.dimension_count", 4096)?.unwrap_or(head_dim);
        let context = size("llama.context_length", 1 << 20)?;
        let consistent = |holds: bool, what: String| {
            if holds {
                Ok(())
            } else {
                Err(Error::model(format!(
                    "{what}: the file is corrupt or made for another program; download it again"
                )))
            }
        };
        consistent(
            heads.is_multiple_of(kv_heads),
            format!("{heads} query heads cannot share {kv_heads} key heads"),
        )?;
        consistent(
            heads * head_dim == hidden,
            format!("{heads} heads of {head_dim} do not make the hidden width {hidden}"),
        )?;
        consistent(
            rope_dim <= head_dim && rope_dim.is_multiple_of(2),
            format!("RoPE over {rope_dim} of {head_dim} dimensions is impossible"),
        )?;
        let rope_base = meta.float("llama.rope.freq_base")?.unwrap_or(10_000.0);
        consistent(
            (1.0..=1e9).contains(&rope_base),
            format!("RoPE base {rope_base} is out of range"),
        )?;
        let norm_eps = meta.required("llama.attention.layer_norm_rms_epsilon", Metadata::float)?;
        consistent(
            (1e-12..=1e-1).contains(&norm_eps),
            format!("RMSNorm epsilon {norm_eps} is out of range"),
        )?;
        refuse_rope_scaling(meta)?;
        let vocabulary = meta
            .required("tokenizer.ggml.tokens", Metadata::list)?
            .len();
        if vocabulary == 0 || vocabulary > 1 << 20 {
            return Err(Error::model(format!(
                "a vocabulary of {vocabulary} tokens is out of range: the file is corrupt; download it again"
            )));
        }
        if let Some(size) = meta.integer("llama.vocab_size")? {
            consistent(
                size == vocabulary as i128,
                format!("llama.vocab_size is {size}, but {vocabulary} tokens are listed"),
            )?;
        }
        refuse_other_settings(meta)?;
        Ok(Self {
            name: meta
                .text("general.name")?
                .unwrap_or(architecture)
                .to_owned(),
            architecture: architecture.to_owned(),
            layers,
            hidden,
            neurons,
            heads,
            kv_heads,
            head_dim,
            rope_dim,
            rope_base,
            norm_eps,
            context,
            vocabulary,
        })
    }
}

/// Refuses files that are sound, but no whole model.
fn refuse_other_kinds(meta: &Metadata<'_>) -> Result<()> {
    if let Some(parts) = meta.integer("split.count")?.filter(|&parts| parts > 1) {
        let part = meta.integer("split.no")?.map_or(0, |n| n + 1);
        return Err(Error::model(format!(
            "the file is part {part} of {parts} of a split model: join the parts with llama.cpp's \
             `llama-gguf-split --merge`, or choose a file that is not split"
        )));
    }
    if let Some(kind) = meta.text("general.type")?.filter(|&kind| kind != "model") {
        return Err(Error::model(format!(
            "the file holds no whole model but a part of one ('{kind}'): choose the model itself"
        )));
    }
    if let Some(version) = meta.integer("general.quantization_version")?
        && version != 2
    {
        return Err(Error::model(format!(
            "the file's weights are stored as in version {version} of GGML's formats, and only version 2 is read: \
             convert the model with a current tool"
        )));
    }
    Ok(())
}

/// Refuses scaled RoPE, however the file asks for it. A factor of 1 asks for nothing; a factor without a type is
/// linear scaling (as llama.cpp reads it).
fn refuse_rope_scaling(meta: &Metadata<'_>) -> Result<()> {
    let refuse = |what: String| {
        Err(Error::model(format!(
            "the file asks for RoPE scaling ({what}), which this engine does not compute: choose a model without it"
        )))
    };
    let key = "llama.rope.scaling.type";
    if let Some(kind) = meta.text(key)?.filter(|&kind| kind != "none") {
        return refuse(format!("{key} is '{kind}'"));
    }
    for key in [
        "llama.rope.scaling.factor",
        "llama.rope.scale_linear",
        "llama.rope.scaling.attn_factor",
    ] {
        if let Some(factor) = meta.float(key)?.filter(|&factor| factor != 1.0) {
            return refuse(format!("{key} is {factor}"));
        }
    }
    // Where nothing is scaled, these only tell of the model's past.
    meta.boolean("llama.rope.scaling.finetuned")?;
    meta.integer("llama.rope.scaling.original_context_length")?;
    Ok(())
}

/// Refuses every key of the architecture that nobody has read, but for values that change nothing.
fn refuse_other_settings(meta: &Metadata<'_>) -> Result<()> {
    // What other programs write although their models do without it.
    let idle = [
        "llama.expert_used_count",
        "llama.expert_shared_count",
        "llama.leading_dense_block_count",
        "llama.attention.sliding_window",
        "llama.attention.max_alibi_bias",
        "llama.attention.clamp_kqv",
        "llama.attn_logit_softcapping",
        "llama.final_logit_softcapping",
        "llama.pooling_type",
    ];
    for key in idle {
        if let Some(value) = meta.float(key)?.filter(|&value| value != 0.0) {
            return Err(not_computed(key, &value.to_string()));
        }
    }
    for key in [
        "llama.embedding_scale",
        "llama.residual_scale",
        "llama.logit_scale",
    ] {
        if let Some(value) = meta.float(key)?.filter(|&value| value != 1.0) {
            return Err(not_computed(key, &value.to_string()));
        }
    }
    for (key, usual) in [
        ("llama.attention.causal", true),
        ("llama.use_parallel_residual", false),
    ] {
        if let Some(value) = meta.boolean(key)?.filter(|&value| value != usual) {
            return Err(not_computed(key, &value.to_string()));
        }
    }
    // It tells where the weights once came from; their order in a GGUF is always the same.
    meta.text("llama.tensor_data_layout")?;
    match meta.unread("llama.") {
        None => Ok(()),
        Some(key) => Err(not_computed(key, "set")),
    }
}

fn not_computed(key: &str, value: &str) -> Error {
    Error::model(format!(
        "the file's '{key}' is {value}, which this engine does not compute with: choose a plain Llama model"
    ))
}
