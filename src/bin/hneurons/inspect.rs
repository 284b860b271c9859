//! `hneurons inspect`: what is in a model file.

use std::collections::BTreeMap;

use hneurons::{
    Result,
    text::{TEMPLATE_DATE, Tokenizer},
};
use serde_json::json;

use super::model::ModelArgs;

#[derive(clap::Args)]
pub struct Args {
    /// The GGUF file, or the id of a model of the catalogue; without it, the model that `run` uses.
    #[arg(value_name = "FILE|ID")]
    file: Option<std::path::PathBuf>,
    /// List every tensor.
    #[arg(long)]
    tensors: bool,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
}

pub fn main(args: &Args) -> Result<()> {
    let file = ModelArgs {
        model: args.file.clone(),
    }
    .file()?;
    let c = file.blueprint();
    let v = file.vocabulary();
    let mut formats: BTreeMap<&str, (usize, usize, u64)> = BTreeMap::new();
    for t in file.tensors() {
        let entry = formats.entry(t.quantization.name()).or_default();
        entry.0 += 1;
        entry.1 += t.rows * t.columns;
        entry.2 += t.range.end - t.range.start;
    }
    let weights: usize = formats.values().map(|f| f.1).sum();
    let tokenizer = Tokenizer::new(v)?;
    let named = |id: &u32| v.tokens.get(*id as usize).map(String::as_str);
    let stops: Vec<&str> = tokenizer.stops().iter().filter_map(named).collect();
    if args.json {
        let tensors: Vec<_> = file
            .tensors()
            .iter()
            .map(|t| json!({"name": t.name, "rows": t.rows, "columns": t.columns, "quantization": t.quantization.name(), "bytes": t.range.end - t.range.start}))
            .collect();
        println!(
            "{}",
            json!({
                "name": c.name, "architecture": c.architecture, "sha256": file.sha256(), "bytes": file.size(),
                "layers": c.layers, "neurons_per_layer": c.neurons, "neuron_count": c.neuron_count(),
                "hidden": c.hidden, "heads": c.heads, "kv_heads": c.kv_heads, "head_dim": c.head_dim,
                "context": c.context, "vocabulary": c.vocabulary, "special_tokens": v.special.len(),
                "rope_base": c.rope_base, "norm_eps": c.norm_eps, "weights": weights,
                "chat_template": v.chat_template, "template_date": TEMPLATE_DATE, "stops": stops, "tensors": tensors,
            })
        );
        return Ok(());
    }
    println!("{} ({} architecture)", c.name, c.architecture);
    println!(
        "  file        {} bytes, SHA-256 {}",
        file.size(),
        file.sha256()
    );
    println!(
        "  neurons     {} ({} layers x {})",
        c.neuron_count(),
        c.layers,
        c.neurons
    );
    println!(
        "  attention   {} query heads of {} over {} key heads; hidden width {}",
        c.heads, c.head_dim, c.kv_heads, c.hidden
    );
    println!(
        "  positions   {} (RoPE base {}, {} dimensions)",
        c.context, c.rope_base, c.rope_dim
    );
    println!(
        "  vocabulary  {} tokens, {} of them special; {}; turns end with {}",
        c.vocabulary,
        v.special.len(),
        v.segmentation,
        stops.join(" or ")
    );
    println!(
        "  template    {}",
        match &v.chat_template {
            Some(t) if t.contains("strftime_now") => format!(
                "{} characters of Jinja; it asks for the date and is always told {TEMPLATE_DATE}",
                t.chars().count()
            ),
            Some(t) => format!("{} characters of Jinja", t.chars().count()),
            None => "none".into(),
        }
    );
    println!("  weights     {weights}");
    for (name, (tensors, weights, bytes)) in formats {
        println!("    {name:<5} {weights:>12} weights in {tensors:>4} tensors, {bytes:>12} bytes");
    }
    if args.tensors {
        for t in file.tensors() {
            println!(
                "    {:<28} {:>6} x {:<6} {}",
                t.name,
                t.rows,
                t.columns,
                t.quantization.name()
            );
        }
    }
    Ok(())
}
