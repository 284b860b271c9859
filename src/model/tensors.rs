//! Which tensors a model of a blueprint has, and where they lie in its file.
//!
//! This is an allow list: a tensor that is not on it would be left out of the computation in silence, so its file is refused.

use std::{collections::BTreeMap, ops::Range};

use super::{Blueprint, Pairs};
use crate::{
    error::{Error, Result},
    gguf::header::{Header, TensorInfo},
    quant::{Quantization, format_name},
};

/// A tensor of the list.
struct Expected {
    name: String,
    /// Rows and columns; a vector has none of the latter.
    rows: usize,
    columns: Option<usize>,
    /// Whether it has a row for each dimension that RoPE turns.
    turned: bool,
    required: bool,
}

/// A tensor of a file that has been checked for shape, format and bounds.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) quantization: Quantization,
    /// Its bytes in the file.
    pub(super) range: Range<u64>,
    /// Whether its rows are put into another order (see [`Blueprint::order`]).
    pub(super) turned: bool,
}

/// The unembedding; absent where it is the embedding.
pub(super) const OUTPUT: &str = "output.weight";
/// The token embedding.
pub(super) const EMBEDDING: &str = "token_embd.weight";

/// The list for a blueprint, embedding first.
fn expected(b: &Blueprint) -> Vec<Expected> {
    let mut list = Vec::new();
    let mut add = |name: String, rows, columns, required| {
        list.push(Expected {
            name,
            rows,
            columns,
            turned: false,
            required,
        });
    };
    add(EMBEDDING.into(), b.vocabulary, Some(b.hidden), true);
    add("output_norm.weight".into(), b.hidden, None, true);
    add(OUTPUT.into(), b.vocabulary, Some(b.hidden), false);
    if b.rope_factors {
        add("rope_freqs.weight".into(), b.rope_dim / 2, None, false);
    }
    let (hidden, neurons, width, kv) = (b.hidden, b.neurons, b.width(), b.kv_width());
    let norms = [
        ("attn_norm", hidden, true),
        ("attn_q_norm", b.head_dim, b.qk_norm),
        ("attn_k_norm", b.head_dim, b.qk_norm),
        ("post_attention_norm", hidden, b.post_norms),
        ("ffn_norm", hidden, true),
        ("post_ffw_norm", hidden, b.post_norms),
    ];
    let maps = [
        ("attn_q", width, hidden, b.attention_biases),
        ("attn_k", kv, hidden, b.attention_biases),
        ("attn_v", kv, hidden, b.attention_biases),
        ("attn_output", hidden, width, b.attention_biases),
        ("ffn_gate", neurons, hidden, b.mlp_biases),
        ("ffn_up", neurons, hidden, b.mlp_biases),
        ("ffn_down", hidden, neurons, b.mlp_biases),
    ];
    for l in 0..b.layers {
        for (part, len, has) in norms {
            if has {
                add(format!("blk.{l}.{part}.weight"), len, None, true);
            }
        }
        for (part, rows, columns, may_have_bias) in maps {
            add(format!("blk.{l}.{part}.weight"), rows, Some(columns), true);
            if may_have_bias {
                add(format!("blk.{l}.{part}.bias"), rows, None, false);
            }
        }
    }
    if b.pairs == Pairs::Halves {
        for tensor in &mut list {
            let part = tensor.name.split('.').nth(2).unwrap_or_default();
            tensor.turned = ["attn_q", "attn_k", "attn_q_norm", "attn_k_norm"].contains(&part);
        }
    }
    list
}

/// Finds every tensor of a blueprint in a file; in the order of the file.
///
/// # Errors
/// [`crate::ErrorKind::Model`] for a tensor that is missing, not known, of another shape or in a format that is not
/// read, and for two on the same bytes.
pub(super) fn place(
    header: &Header<'_>,
    blueprint: &Blueprint,
    file_len: u64,
) -> Result<Vec<Placed>> {
    let mut left: BTreeMap<&str, &TensorInfo<'_>> =
        header.tensors.iter().map(|t| (t.name, t)).collect();
    let expected = expected(blueprint);
    // Before anything is missed: a tensor under another name is what is missing elsewhere.
    refuse_others(&left, &expected, blueprint)?;
    let mut placed = Vec::new();
    for tensor in &expected {
        match left.remove(tensor.name.as_str()) {
            Some(info) => placed.push(locate(tensor, info, header, file_len)?),
            None if tensor.required => {
                return Err(Error::model(format!(
                    "the file lacks the tensor '{}': {AGAIN}",
                    tensor.name
                )));
            }
            None => {}
        }
    }
    // An output that is the embedding may say so by lying on its bytes.
    let embedding = placed.first().map(|t| (t.range.clone(), t.quantization));
    placed.retain(|t| t.name != OUTPUT || embedding != Some((t.range.clone(), t.quantization)));
    placed.sort_by_key(|t| (t.range.start, t.range.end));
    match placed
        .windows(2)
        .find(|pair| pair[1].range.start < pair[0].range.end)
    {
        None => Ok(placed),
        Some(pair) => Err(Error::model(format!(
            "the tensors '{}' and '{}' lie on the same bytes of the file: it is corrupt; download it again",
            pair[0].name, pair[1].name
        ))),
    }
}

const AGAIN: &str = "the file is corrupt or not complete; download it again";

/// Refuses a file with a tensor that the engine does not read: leaving it out would change the model in silence.
fn refuse_others(
    tensors: &BTreeMap<&str, &TensorInfo<'_>>,
    expected: &[Expected],
    blueprint: &Blueprint,
) -> Result<()> {
    let names: std::collections::HashSet<&str> = expected.iter().map(|t| t.name.as_str()).collect();
    let mut others = tensors.keys().filter(|name| !names.contains(**name));
    if let Some(&name) = others.next() {
        let layer = name
            .strip_prefix("blk.")
            .and_then(|rest| rest.split_once('.'));
        if let Some((number, part)) = layer
            && let Ok(n) = number.parse::<usize>()
            && n.to_string() == number
            && n >= blueprint.layers
            && names.contains(format!("blk.0.{part}").as_str())
        {
            return Err(Error::model(format!(
                "the file holds the tensor '{name}' of layer {n}, but says that it has {} layers \
                 ({}.block_count): the file is corrupt; download it again",
                blueprint.layers, blueprint.architecture
            )));
        }
        return Err(Error::model(format!(
            "the file holds the tensor '{name}', which this engine does not compute with in a model of architecture '{}': \
             choose a plain model of one of the architectures {}",
            blueprint.architecture,
            super::architectures()
        )));
    }
    Ok(())
}

/// Holds what a file says of a tensor against what is expected.
fn locate(
    tensor: &Expected,
    info: &TensorInfo<'_>,
    header: &Header<'_>,
    file_len: u64,
) -> Result<Placed> {
    let name = &tensor.name;
    let shape: Vec<u64> = [Some(tensor.rows), tensor.columns]
        .into_iter()
        .flatten()
        .map(|n| n as u64)
        .collect();
    if info.shape != shape {
        return Err(Error::model(format!(
            "tensor '{name}' has shape {:?} where the configuration needs {shape:?}: {AGAIN}",
            info.shape
        )));
    }
    let quantization = Quantization::of(info.format).ok_or_else(|| {
        let format = match format_name(info.format) {
            Some(name) => name.to_owned(),
            None => format!("GGML's format number {}", info.format),
        };
        let known: Vec<_> = Quantization::all().map(Quantization::name).collect();
        Error::model(format!(
            "tensor '{name}' is stored as {format}, which this engine does not compute with: choose a file of {}",
            known.join(", ")
        ))
    })?;
    if tensor.columns.is_none() && quantization.name() != "F32" {
        return Err(Error::model(format!(
            "tensor '{name}' is stored as {}, where F32 is needed: convert the model with a current tool",
            quantization.name()
        )));
    }
    let columns = tensor.columns.unwrap_or(1);
    let row_bytes = quantization.row_bytes(columns).ok_or_else(|| {
        Error::model(format!(
            "tensor '{name}' has rows of {columns} weights, not a whole number of {} blocks: {AGAIN}",
            quantization.name()
        ))
    })?;
    let len = row_bytes as u64 * tensor.rows as u64;
    let start = header.data_start.checked_add(info.offset);
    let end = start.and_then(|s| s.checked_add(len));
    match (start, end) {
        (Some(start), Some(end)) if end <= file_len => {
            if !info.offset.is_multiple_of(header.alignment) {
                return Err(Error::model(format!(
                    "tensor '{name}' does not begin at a multiple of the file's alignment {}: {AGAIN}",
                    header.alignment
                )));
            }
            Ok(Placed {
                name: name.clone(),
                rows: tensor.rows,
                columns,
                quantization,
                range: start..end,
                turned: tensor.turned,
            })
        }
        _ => Err(Error::model(format!(
            "tensor '{name}' lies beyond the end of the file: the download was cut off; download it again"
        ))),
    }
}
