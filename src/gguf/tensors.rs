//! Where each of the model's tensors lies in the file, checked for shape, format and bounds.

use std::ops::Range;

use candle_core::quantized::gguf_file::Content;

use super::{Config, Quantization, alignment_is_sound};
use crate::error::{Error, Result};

/// One matrix (or, with one row, a vector) in the file: `rows` rows of `columns` weights each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorView {
    /// Its name in the file, as `blk.0.ffn_gate.weight`.
    pub name: String,
    /// Outputs of the linear map.
    pub rows: usize,
    /// Inputs of the linear map; contiguous in the file.
    pub columns: usize,
    /// How the weights are stored.
    pub quantization: Quantization,
    /// Its bytes in the file; `rows * quantization.row_bytes(columns)` long, inside the file.
    pub range: Range<usize>,
}

/// The tensors of one layer. Names are those of GGUF; shapes are `rows x columns`.
#[derive(Debug, Clone)]
pub struct LayerTensors {
    /// RMSNorm weight before attention, `1 x hidden`.
    pub attn_norm: TensorView,
    /// Query projection, `hidden x hidden`.
    pub attn_q: TensorView,
    /// Key projection, `kv_width x hidden`.
    pub attn_k: TensorView,
    /// Value projection, `kv_width x hidden`.
    pub attn_v: TensorView,
    /// Output projection of attention, `hidden x hidden`.
    pub attn_output: TensorView,
    /// RMSNorm weight before the MLP, `1 x hidden`.
    pub ffn_norm: TensorView,
    /// `W_gate`, `neurons x hidden`.
    pub ffn_gate: TensorView,
    /// `W_up`, `neurons x hidden`.
    pub ffn_up: TensorView,
    /// `W_down`, `hidden x neurons`.
    pub ffn_down: TensorView,
}

/// All tensors the engine uses.
#[derive(Debug, Clone)]
pub struct Tensors {
    /// Token embedding, `vocabulary x hidden`.
    pub token_embd: TensorView,
    /// Final RMSNorm weight, `1 x hidden`.
    pub output_norm: TensorView,
    /// Unembedding, `vocabulary x hidden`; the embedding itself where the file ties them.
    pub output: TensorView,
    /// One entry a layer.
    pub layers: Vec<LayerTensors>,
}

impl Tensors {
    pub(crate) fn read(content: &Content, config: &Config, file_len: usize) -> Result<Self> {
        if !alignment_is_sound(content) {
            return Err(Error::model(
                "the file's alignment is not a power of two: it is corrupt; download it again",
            ));
        }
        let reader = Reader {
            content,
            file_len: file_len as u64,
        };
        let (hidden, neurons, kv) = (config.hidden, config.neurons, config.kv_width());
        let token_embd = reader.matrix("token_embd.weight", config.vocabulary, hidden)?;
        let output = if content.tensor_infos.contains_key("output.weight") {
            reader.matrix("output.weight", config.vocabulary, hidden)?
        } else {
            token_embd.clone()
        };
        let layers = (0..config.layers)
            .map(|i| {
                let name = |part: &str| format!("blk.{i}.{part}.weight");
                Ok(LayerTensors {
                    attn_norm: reader.vector(&name("attn_norm"), hidden)?,
                    attn_q: reader.matrix(&name("attn_q"), hidden, hidden)?,
                    attn_k: reader.matrix(&name("attn_k"), kv, hidden)?,
                    attn_v: reader.matrix(&name("attn_v"), kv, hidden)?,
                    attn_output: reader.matrix(&name("attn_output"), hidden, hidden)?,
                    ffn_norm: reader.vector(&name("ffn_norm"), hidden)?,
                    ffn_gate: reader.matrix(&name("ffn_gate"), neurons, hidden)?,
                    ffn_up: reader.matrix(&name("ffn_up"), neurons, hidden)?,
                    ffn_down: reader.matrix(&name("ffn_down"), hidden, neurons)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        // A bias or an extra projection would change the model's output silently if it were left out.
        if let Some(name) = content.tensor_infos.keys().find(|n| {
            (n.starts_with("blk.") && n.ends_with(".bias"))
                || n.contains("attn_q_norm")
                || n.contains("rope_freqs")
        }) {
            return Err(Error::model(format!(
                "the file holds the tensor '{name}', which this engine does not compute with: choose a plain Llama model"
            )));
        }
        Ok(Self {
            token_embd,
            output_norm: reader.vector("output_norm.weight", hidden)?,
            output,
            layers,
        })
    }

    /// Every tensor, embedding first.
    pub fn iter(&self) -> impl Iterator<Item = &TensorView> {
        let tied = self.output.range == self.token_embd.range;
        [&self.token_embd]
            .into_iter()
            .chain(self.layers.iter().flat_map(|l| {
                [
                    &l.attn_norm,
                    &l.attn_q,
                    &l.attn_k,
                    &l.attn_v,
                    &l.attn_output,
                    &l.ffn_norm,
                    &l.ffn_gate,
                    &l.ffn_up,
                    &l.ffn_down,
                ]
            }))
            .chain([&self.output_norm])
            .chain((!tied).then_some(&self.output))
    }
}

struct Reader<'a> {
    content: &'a Content,
    file_len: u64,
}

impl Reader<'_> {
    fn vector(&self, name: &str, len: usize) -> Result<TensorView> {
        let view = self.view(name, &[len], 1, len)?;
        if view.quantization != Quantization::F32 {
            return Err(Error::model(format!(
                "tensor '{name}' is stored as {}, where F32 is needed: convert the model with a current tool",
                view.quantization.name()
            )));
        }
        Ok(view)
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<TensorView> {
        self.view(name, &[rows, columns], rows, columns)
    }

    fn view(&self, name: &str, shape: &[usize], rows: usize, columns: usize) -> Result<TensorView> {
        let again = "the file is corrupt or not complete; download it again";
        let info =
            self.content.tensor_infos.get(name).ok_or_else(|| {
                Error::model(format!("the file lacks the tensor '{name}': {again}"))
            })?;
        if info.shape.dims() != shape {
            return Err(Error::model(format!(
                "tensor '{name}' has shape {:?} where the configuration needs {shape:?}: {again}",
                info.shape.dims()
            )));
        }
        let quantization = Quantization::from_candle(info.ggml_dtype).ok_or_else(|| {
            Error::model(format!(
                "tensor '{name}' is stored as {:?}, which this engine does not compute with: \
                 choose a Q4_1, Q4_0, Q8_0, F16 or F32 file",
                info.ggml_dtype
            ))
        })?;
        let row_bytes = quantization.row_bytes(columns).ok_or_else(|| {
            Error::model(format!(
                "tensor '{name}' has rows of {columns} weights, not a whole number of {} blocks: {again}",
                quantization.name()
            ))
        })?;
        let len = row_bytes as u64 * rows as u64;
        let start = self.content.tensor_data_offset.checked_add(info.offset);
        let end = start.and_then(|s| s.checked_add(len));
        match (start, end) {
            (Some(start), Some(end)) if end <= self.file_len => Ok(TensorView {
                name: name.to_owned(),
                rows,
                columns,
                quantization,
                // Both fit in usize: they are within a file held in memory.
                range: start as usize..end as usize,
            }),
            _ => Err(Error::model(format!(
                "tensor '{name}' lies beyond the end of the file: the download was cut off; download it again"
            ))),
        }
    }
}
