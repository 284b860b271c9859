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

    pub(crate) fn read(meta: &Metadata<'_>) -> Result<Self> {
        let architecture = meta.string("general.architecture")?.to_owned();
        if architecture != "llama" {
            return Err(Error::model(format!(
                "the file holds a model of architecture '{architecture}', and this engine runs 'llama' only: \
                 choose a Llama-architecture GGUF such as SmolLM2-135M-Instruct"
            )));
        }
        if let Ok(experts) = meta.integer("llama.expert_count")
            && experts > 0
        {
            return Err(Error::model(
                "the file holds a mixture-of-experts model, which this engine does not run: choose a dense one",
            ));
        }
        let size = |key: &str, max: usize| -> Result<usize> {
            let value = meta.integer(key)?;
            usize::try_from(value)
                .ok()
                .filter(|v| (1..=max).contains(v))
                .ok_or_else(|| {
                    Error::model(format!(
                        "{key} is {value}, outside 1 to {max}: the file is corrupt or made for another program; \
                         download it again"
                    ))
                })
        };
        let layers = size("llama.block_count", 256)?;
        let hidden = size("llama.embedding_length", 16_384)?;
        let neurons = size("llama.feed_forward_length", 65_536)?;
        let heads = size("llama.attention.head_count", 256)?;
        let kv_heads = if meta.has("llama.attention.head_count_kv") {
            size("llama.attention.head_count_kv", heads)?
        } else {
            heads
        };
        let head_dim = if meta.has("llama.attention.key_length") {
            size("llama.attention.key_length", 512)?
        } else {
            hidden / heads
        };
        let rope_dim = if meta.has("llama.rope.dimension_count") {
            size("llama.rope.dimension_count", 512)?
        } else {
            head_dim
        };
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
        let rope_base = meta.float("llama.rope.freq_base").unwrap_or(10_000.0);
        consistent(
            (1.0..=1e9).contains(&rope_base),
            format!("RoPE base {rope_base} is out of range"),
        )?;
        let norm_eps = meta.float("llama.attention.layer_norm_rms_epsilon")?;
        consistent(
            (1e-12..=1e-1).contains(&norm_eps),
            format!("RMSNorm epsilon {norm_eps} is out of range"),
        )?;
        if meta.has("llama.rope.scaling.type")
            && meta
                .string("llama.rope.scaling.type")
                .is_ok_and(|t| t != "none")
        {
            return Err(Error::model(
                "the file asks for RoPE scaling, which this engine does not compute: choose a model without it",
            ));
        }
        let vocabulary = meta.array("tokenizer.ggml.tokens")?.len();
        if vocabulary == 0 || vocabulary > 1 << 20 {
            return Err(Error::model(format!(
                "a vocabulary of {vocabulary} tokens is out of range: the file is corrupt; download it again"
            )));
        }
        Ok(Self {
            name: meta
                .string("general.name")
                .map_or_else(|_| architecture.clone(), str::to_owned),
            architecture,
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
