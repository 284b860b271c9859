//! `hneurons origins`: whether tuning made the H-Neurons, from the weights of the model and of the base it was tuned from.

use std::path::PathBuf;

use hneurons::{
    Error, Result,
    gguf::ModelFile,
    neurons::Neuron,
    research::{identify::neuron, origins::change},
};
use serde_json::json;

use super::{
    found,
    model::{ArtifactArgs, ModelArgs, read},
};

#[derive(clap::Args)]
pub struct Args {
    /// The base model (GGUF) that the model was tuned from.
    #[arg(long, value_name = "FILE")]
    base: PathBuf,
    /// The folder of `hneurons identify`; without it the artifact's H-Neurons are taken.
    #[arg(long, value_name = "FOLDER")]
    run: Option<PathBuf>,
    /// How many random sets of the same layers.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    controls: u64,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    artifact: ArtifactArgs,
}

pub fn main(args: &Args) -> Result<()> {
    let lab = args.model.lab(&args.artifact)?;
    let tuned = lab.file();
    let base = ModelFile::parse(read(&args.base)?)
        .map_err(|e| Error::new(e.kind(), format!("{}: {e}", args.base.display())))?;
    let set: Vec<Neuron> = match &args.run {
        None => lab.h_neurons()?,
        Some(run) => {
            let (_, found) = found::read(run)?;
            found
                .h
                .iter()
                .map(|(place, _)| neuron(*place, tuned.config()))
                .collect()
        }
    };
    let moved = change(&base, tuned)?.moved(&set, args.controls)?;
    if args.json {
        let out = json!({
            "base": base.sha256(), "tuned": tuned.sha256(), "neurons": set.len(), "mean_rank": moved.mean_rank, "p": moved.p,
            "random": moved.random,
        });
        println!("{out}");
        return Ok(());
    }
    let mean = moved.random.iter().sum::<f64>() / moved.random.len() as f64;
    println!(
        "{} H-Neurons moved by a mean rank of {:.3} (0: least of all neurons, 1: most); {} random sets of the same layers by {mean:.3}; \
         p {:.4}",
        set.len(),
        moved.mean_rank,
        moved.random.len(),
        moved.p
    );
    Ok(())
}
