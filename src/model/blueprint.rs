//! What a forward pass must know of a model, read from the file's metadata and held to a range in which the engine is known
//! to be right. A file may say anything; nothing here is trusted until it has been checked.

use super::arch;
use crate::{
    error::{Error, Result},
    gguf::metadata::Metadata,
};

/// Shape and constants of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// `general.name`, or the architecture where a file has none.
    pub name: String,
    /// `general.architecture`.
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
    /// Which dimensions RoPE turns together, as the file has them.
    pub pairs: Pairs,
    /// RoPE's base frequency.
    pub rope_base: f32,
    /// What positions are multiplied by before they are turned: linear scaling; 1 for none.
    pub rope_scale: f32,
    /// Whether the file may divide RoPE's frequencies by factors of its own.
    pub rope_factors: bool,
    /// Where set, the last of so many layers has no RoPE.
    pub no_rope_period: Option<usize>,
    /// Where set, most layers see a window of positions only.
    pub window: Option<Window>,
    /// The MLP's activation.
    pub activation: Activation,
    /// What an embedding is multiplied by.
    pub embedding_scale: f32,
    /// Whether each query and key head has an RMSNorm.
    pub qk_norm: bool,
    /// Whether what attention and MLP add to the stream has an RMSNorm.
    pub post_norms: bool,
    /// Whether the projections of attention may have biases.
    pub attention_biases: bool,
    /// Whether those of the MLP may.
    pub mlp_biases: bool,
    /// RMSNorm's epsilon.
    pub norm_eps: f32,
    /// Positions the model was made for.
    pub context: usize,
    /// Tokens in the vocabulary.
    pub vocabulary: usize,
}

/// Which dimensions of a head RoPE turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// `2i` and `2i + 1`.
    Neighbours,
    /// `i` and `i + rope_dim / 2`; such rows are put beside each other when they are read.
    Halves,
}

/// What is applied to `W_gate x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x sigmoid(x)`.
    Silu,
    /// GELU in its tanh form: `x sigmoid(1.59577 (x + 0.044715 x^3))`.
    GeluTanh,
}

/// Layers that see a window of positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Positions that are seen, the token's own among them.
    pub width: usize,
    /// The last of so many layers sees everything.
    pub period: usize,
    /// RoPE's base in the layers with a window.
    pub rope_base: f32,
}

impl Blueprint {
    /// A plain Llama without any size.
    pub(crate) fn llama() -> Self {
        Self {
            name: String::new(),
            architecture: "llama".into(),
            layers: 0,
            hidden: 0,
            neurons: 0,
            heads: 0,
            kv_heads: 0,
            head_dim: 0,
            rope_dim: 0,
            pairs: Pairs::Neighbours,
            rope_base: 10_000.0,
            rope_scale: 1.0,
            rope_factors: false,
            no_rope_period: None,
            window: None,
            activation: Activation::Silu,
            embedding_scale: 1.0,
            qk_norm: false,
            post_norms: false,
            attention_biases: false,
            mlp_biases: false,
            norm_eps: 1e-5,
            context: 0,
            vocabulary: 0,
        }
    }

    /// All neurons of the model: `layers * neurons`.
    pub fn neuron_count(&self) -> usize {
        self.layers * self.neurons
    }

    /// Width of the queries of one position: `heads * head_dim`.
    pub fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of the keys (and of the values) of one position: `kv_heads * head_dim`.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// The window of a layer that has one.
    pub fn window_of(&self, layer: usize) -> Option<&Window> {
        let window = self.window.as_ref();
        window.filter(|w| !(layer + 1).is_multiple_of(w.period))
    }

    /// Whether RoPE turns the heads of a layer.
    pub fn has_rope(&self, layer: usize) -> bool {
        self.no_rope_period
            .is_none_or(|period| !(layer + 1).is_multiple_of(period))
    }

    /// Where the dimensions of a head go, so that RoPE's pairs stand beside each other.
    pub(crate) fn order(&self) -> Vec<usize> {
        let half = self.rope_dim / 2;
        (0..self.head_dim)
            .map(|d| {
                if self.pairs == Pairs::Neighbours || d >= self.rope_dim {
                    d
                } else if d < half {
                    2 * d
                } else {
                    2 * (d - half) + 1
                }
            })
            .collect()
    }

    /// Reads what the architecture's keys say. Whatever key of the architecture is not read is refused: it would
    /// change what the model computes.
    pub(crate) fn read(meta: &Metadata<'_>) -> Result<Self> {
        refuse_other_kinds(meta)?;
        let name = meta.required("general.architecture", Metadata::text)?;
        let architecture = arch::find(name).ok_or_else(|| {
            Error::model(format!(
                "the file holds a model of architecture '{name}', and this engine runs {}: choose a GGUF of one of these, \
                 such as SmolLM2-135M-Instruct",
                arch::names()
            ))
        })?;
        let keys = Keys {
            meta,
            architecture: architecture.name,
        };
        if keys.integer("expert_count")?.is_some_and(|n| n != 0) {
            return Err(Error::model(
                "the file holds a mixture-of-experts model, which this engine does not run: choose a dense one",
            ));
        }
        let mut blueprint = keys.common()?;
        (architecture.read)(&keys, &mut blueprint)?;
        keys.refuse_others()?;
        Ok(blueprint)
    }
}

/// The keys of one architecture.
pub(super) struct Keys<'m, 'a> {
    meta: &'m Metadata<'a>,
    architecture: &'static str,
}

impl Keys<'_, '_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    fn integer(&self, name: &str) -> Result<Option<i128>> {
        self.meta.integer(&self.key(name))
    }

    fn float(&self, name: &str) -> Result<Option<f32>> {
        self.meta.float(&self.key(name))
    }

    /// A size from 1 to `max`, where the file has it.
    pub(super) fn optional_size(&self, name: &str, max: usize) -> Result<Option<usize>> {
        let Some(value) = self.integer(name)? else {
            return Ok(None);
        };
        usize::try_from(value)
            .ok()
            .filter(|v| (1..=max).contains(v))
            .map(Some)
            .ok_or_else(|| {
                Error::model(format!(
                    "{} is {value}, outside 1 to {max}: the file is corrupt or made for another program; \
                     download it again",
                    self.key(name)
                ))
            })
    }

    /// A size from 1 to `max`.
    pub(super) fn size(&self, name: &str, max: usize) -> Result<usize> {
        self.meta
            .required(&self.key(name), |_, _| self.optional_size(name, max))
    }

    /// A base of RoPE.
    pub(super) fn rope_base(&self, name: &str) -> Result<Option<f32>> {
        let base = self.float(name)?;
        if let Some(base) = base {
            consistent((1.0..=1e9).contains(&base), || {
                format!("RoPE base {base} is out of range")
            })?;
        }
        Ok(base)
    }

    /// What all architectures have in common; a plain Llama.
    fn common(&self) -> Result<Blueprint> {
        let layers = self.size("block_count", 256)?;
        let hidden = self.size("embedding_length", 16_384)?;
        let neurons = self.size("feed_forward_length", 65_536)?;
        let heads = self.size("attention.head_count", 256)?;
        let kv_heads = self
            .optional_size("attention.head_count_kv", heads)?
            .unwrap_or(heads);
        let head_dim = match self.optional_size("attention.key_length", 4096)? {
            Some(width) => width,
            None => {
                consistent(hidden.is_multiple_of(heads), || {
                    format!("{heads} heads cannot share the hidden width {hidden}")
                })?;
                hidden / heads
            }
        };
        let values = self
            .optional_size("attention.value_length", 4096)?
            .unwrap_or(head_dim);
        if values != head_dim {
            return Err(Error::model(format!(
                "the file's values are {values} wide and its keys {head_dim} ({}), which this engine does not compute with: \
                 choose a model without it",
                self.key("attention.value_length")
            )));
        }
        let rope_dim = self
            .optional_size("rope.dimension_count", 4096)?
            .unwrap_or(head_dim);
        consistent(heads.is_multiple_of(kv_heads), || {
            format!("{heads} query heads cannot share {kv_heads} key heads")
        })?;
        consistent(rope_dim <= head_dim && rope_dim.is_multiple_of(2), || {
            format!("RoPE over {rope_dim} of {head_dim} dimensions is impossible")
        })?;
        let norm_eps = self.meta.required(
            &self.key("attention.layer_norm_rms_epsilon"),
            Metadata::float,
        )?;
        consistent((1e-12..=1e-1).contains(&norm_eps), || {
            format!("RMSNorm epsilon {norm_eps} is out of range")
        })?;
        Ok(Blueprint {
            name: self
                .meta
                .text("general.name")?
                .unwrap_or(self.architecture)
                .to_owned(),
            architecture: self.architecture.to_owned(),
            layers,
            hidden,
            neurons,
            heads,
            kv_heads,
            head_dim,
            rope_dim,
            rope_base: self.rope_base("rope.freq_base")?.unwrap_or(10_000.0),
            rope_scale: self.rope_scale()?,
            norm_eps,
            context: self.size("context_length", 1 << 20)?,
            vocabulary: self.vocabulary()?,
            ..Blueprint::llama()
        })
    }

    fn vocabulary(&self) -> Result<usize> {
        let tokens = self
            .meta
            .required("tokenizer.ggml.tokens", Metadata::list)?;
        let vocabulary = tokens.len();
        if vocabulary == 0 || vocabulary > 1 << 20 {
            return Err(Error::model(format!(
                "a vocabulary of {vocabulary} tokens is out of range: the file is corrupt; download it again"
            )));
        }
        if let Some(size) = self.integer("vocab_size")? {
            consistent(size == vocabulary as i128, || {
                format!(
                    "{} is {size}, but {vocabulary} tokens are listed",
                    self.key("vocab_size")
                )
            })?;
        }
        Ok(vocabulary)
    }

    /// Linear scaling of positions, however the file asks for it; other kinds are refused. A factor without a type is linear
    /// scaling (as llama.cpp reads it).
    fn rope_scale(&self) -> Result<f32> {
        let refuse = |what: String| {
            Err(Error::model(format!(
                "the file asks for RoPE scaling ({what}), which this engine does not compute: choose a model without it"
            )))
        };
        let key = self.key("rope.scaling.type");
        let kind = self.meta.text(&key)?;
        if let Some(kind) = kind.filter(|kind| !["none", "linear"].contains(kind)) {
            return refuse(format!("{key} is '{kind}'"));
        }
        let mut factor = 1.0f32;
        for name in ["rope.scaling.factor", "rope.scale_linear"] {
            let Some(given) = self.float(name)?.filter(|&given| given != 1.0) else {
                continue;
            };
            if kind == Some("none") {
                return refuse(format!(
                    "{key} is 'none', but {} is {given}",
                    self.key(name)
                ));
            }
            if factor != 1.0 && factor != given {
                return refuse(format!("by {factor} and by {given}"));
            }
            consistent((1e-3..=1e3).contains(&given), || {
                format!("{} {given} is out of range", self.key(name))
            })?;
            factor = given;
        }
        let attention = "rope.scaling.attn_factor";
        if let Some(given) = self.float(attention)?.filter(|&given| given != 1.0) {
            return refuse(format!("{} is {given}", self.key(attention)));
        }
        // These only tell of the model's past.
        self.meta.boolean(&self.key("rope.scaling.finetuned"))?;
        self.integer("rope.scaling.original_context_length")?;
        Ok(1.0 / factor)
    }

    /// Refuses every key of the architecture that nobody has read, but for values that change nothing.
    fn refuse_others(&self) -> Result<()> {
        // What other programs write although their models do without it.
        let idle = [
            ("expert_used_count", 0.0),
            ("expert_shared_count", 0.0),
            ("leading_dense_block_count", 0.0),
            ("attention.max_alibi_bias", 0.0),
            ("attention.clamp_kqv", 0.0),
            ("attn_logit_softcapping", 0.0),
            ("final_logit_softcapping", 0.0),
            ("pooling_type", 0.0),
            ("embedding_scale", 1.0),
            ("residual_scale", 1.0),
            ("logit_scale", 1.0),
        ];
        let sliding = self.meta.was_read(&self.key("attention.sliding_window"));
        let window = (!sliding).then_some(("attention.sliding_window", 0.0));
        for (name, usual) in idle.into_iter().chain(window) {
            if let Some(value) = self.float(name)?.filter(|&value| value != usual) {
                return Err(self.not_computed(&self.key(name), &value.to_string()));
            }
        }
        for (name, usual) in [("attention.causal", true), ("use_parallel_residual", false)] {
            let value = self.meta.boolean(&self.key(name))?;
            if let Some(value) = value.filter(|&value| value != usual) {
                return Err(self.not_computed(&self.key(name), &value.to_string()));
            }
        }
        // It tells where the weights once came from; their order in a GGUF is always the same.
        self.meta.text(&self.key("tensor_data_layout"))?;
        match self.meta.unread(&self.key("")) {
            None => Ok(()),
            Some(key) => Err(self.not_computed(key, "set")),
        }
    }

    fn not_computed(&self, key: &str, value: &str) -> Error {
        Error::model(format!(
            "the file's '{key}' is {value}, which this engine does not compute with: choose a plain model of one of the \
             architectures {}",
            arch::names()
        ))
    }
}

/// Refuses what cannot be.
fn consistent(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::model(format!(
        "{}: the file is corrupt or made for another program; download it again",
        what()
    )))
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
