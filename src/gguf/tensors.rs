//! Where each of the model's tensors lies in the file, checked for shape, format and bounds.

use std::{collections::BTreeMap, ops::Range};

use super::{
    Config, Quantization,
    header::{Header, TensorInfo},
    quantization::format_name,
};
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
    pub(crate) fn read(header: &Header<'_>, config: &Config, file_len: usize) -> Result<Self> {
        let mut reader = Reader {
            left: header.tensors.iter().map(|t| (t.name, t)).collect(),
            header,
            file_len: file_len as u64,
        };
        // Before anything is missed: a tensor under another name is what is missing elsewhere.
        refuse_others(&reader.left, config)?;
        let (hidden, neurons, kv) = (config.hidden, config.neurons, config.kv_width());
        let token_embd = reader.matrix(EMBEDDING, config.vocabulary, hidden)?;
        let output = if reader.left.contains_key(UNEMBEDDING) {
            reader.matrix(UNEMBEDDING, config.vocabulary, hidden)?
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
        let tensors = Self {
            token_embd,
            output_norm: reader.vector("output_norm.weight", hidden)?,
            output,
            layers,
        };
        // What `refuse_others` lets through and nothing has taken, should the two ever differ.
        if let Some(name) = reader.left.keys().next() {
            return Err(not_computed(name));
        }
        tensors.refuse_shared_bytes()?;
        Ok(tensors)
    }

    /// Two tensors on the same bytes would be put into tiles twice. A tied output is the one exception.
    fn refuse_shared_bytes(&self) -> Result<()> {
        let mut views: Vec<&TensorView> = self.iter().collect();
        views.sort_by_key(|view| (view.range.start, view.range.end));
        match views
            .windows(2)
            .find(|pair| pair[1].range.start < pair[0].range.end)
        {
            None => Ok(()),
            Some(pair) => Err(Error::model(format!(
                "the tensors '{}' and '{}' lie on the same bytes of the file: it is corrupt; download it again",
                pair[0].name, pair[1].name
            ))),
        }
    }

    /// Every tensor once, embedding first; a tied output is the embedding.
    pub fn iter(&self) -> impl Iterator<Item = &TensorView> {
        let tied = self.output.range == self.token_embd.range
            && self.output.quantization == self.token_embd.quantization;
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

/// The token embedding.
const EMBEDDING: &str = "token_embd.weight";
/// The unembedding; absent where it is the embedding.
const UNEMBEDDING: &str = "output.weight";
/// What a layer has, without `blk.N.` before and `.weight` behind.
const OF_A_LAYER: [&str; 9] = [
    "attn_norm",
    "attn_q",
    "attn_k",
    "attn_v",
    "attn_output",
    "ffn_norm",
    "ffn_gate",
    "ffn_up",
    "ffn_down",
];

/// Refuses a file with a tensor that the engine does not read: leaving it out would change the model in silence.
fn refuse_others(tensors: &BTreeMap<&str, &TensorInfo<'_>>, config: &Config) -> Result<()> {
    for &name in tensors.keys() {
        if [EMBEDDING, UNEMBEDDING, "output_norm.weight"].contains(&name) {
            continue;
        }
        let parts = name
            .strip_prefix("blk.")
            .and_then(|rest| rest.strip_suffix(".weight"))
            .and_then(|rest| rest.split_once('.'));
        let Some((layer, part)) = parts else {
            return Err(not_computed(name));
        };
        let number: Option<usize> = layer
            .parse()
            .ok()
            .filter(|n: &usize| n.to_string() == layer);
        match number {
            Some(n) if OF_A_LAYER.contains(&part) && n >= config.layers => {
                return Err(Error::model(format!(
                    "the file holds the tensor '{name}' of layer {n}, but says that it has {} layers \
                     (llama.block_count): the file is corrupt; download it again",
                    config.layers
                )));
            }
            Some(_) if OF_A_LAYER.contains(&part) => {}
            _ => return Err(not_computed(name)),
        }
    }
    Ok(())
}

fn not_computed(name: &str) -> Error {
    Error::model(format!(
        "the file holds the tensor '{name}', which this engine does not compute with: choose a plain Llama model"
    ))
}

/// Takes the tensors of a file one after another.
struct Reader<'a> {
    /// Those not taken yet; by name, so that what is said first is the same every time.
    left: BTreeMap<&'a str, &'a TensorInfo<'a>>,
    header: &'a Header<'a>,
    file_len: u64,
}

impl Reader<'_> {
    fn vector(&mut self, name: &str, len: usize) -> Result<TensorView> {
        let view = self.view(name, &[len], 1, len)?;
        if view.quantization != Quantization::F32 {
            return Err(Error::model(format!(
                "tensor '{name}' is stored as {}, where F32 is needed: convert the model with a current tool",
                view.quantization.name()
            )));
        }
        Ok(view)
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<TensorView> {
        self.view(name, &[rows, columns], rows, columns)
    }

    fn view(
        &mut self,
        name: &str,
        shape: &[usize],
        rows: usize,
        columns: usize,
    ) -> Result<TensorView> {
        let again = "the file is corrupt or not complete; download it again";
        let info = self
            .left
            .remove(name)
            .ok_or_else(|| Error::model(format!("the file lacks the tensor '{name}': {again}")))?;
        if !info
            .shape
            .iter()
            .copied()
            .eq(shape.iter().map(|&n| n as u64))
        {
            return Err(Error::model(format!(
                "tensor '{name}' has shape {:?} where the configuration needs {shape:?}: {again}",
                info.shape
            )));
        }
        let quantization = Quantization::of(info.format).ok_or_else(|| {
            let format = match format_name(info.format) {
                Some(name) => name.to_owned(),
                None => format!("GGML's format number {}", info.format),
            };
            Error::model(format!(
                "tensor '{name}' is stored as {format}, which this engine does not compute with: \
                 choose a Q4_1, Q4_0, Q8_0, F16 or F32 file"
            ))
        })?;
        let row_bytes = quantization.row_bytes(columns).ok_or_else(|| {
            Error::model(format!(
                "tensor '{name}' has rows of {columns} weights, not a whole number of {} blocks: {again}",
                quantization.name()
            ))
        })?;
        let len = row_bytes as u64 * rows as u64;
        let start = self.header.data_start.checked_add(info.offset);
        let end = start.and_then(|s| s.checked_add(len));
        match (start, end) {
            (Some(start), Some(end)) if end <= self.file_len => {
                if !info.offset.is_multiple_of(self.header.alignment) {
                    return Err(Error::model(format!(
                        "tensor '{name}' does not begin at a multiple of the file's alignment {}: {again}",
                        self.header.alignment
                    )));
                }
                Ok(TensorView {
                    name: name.to_owned(),
                    rows,
                    columns,
                    quantization,
                    // Both fit in usize: they are within a file held in memory.
                    range: start as usize..end as usize,
                })
            }
            _ => Err(Error::model(format!(
                "tensor '{name}' lies beyond the end of the file: the download was cut off; download it again"
            ))),
        }
    }
}
