//! `hneurons origins`: whether the H-Neurons were there before tuning, from the model and the base it was tuned from.

use std::path::PathBuf;

use hneurons::{
    Result,
    engine::cpu::Cpu,
    model::Blueprint,
    neurons::{Artifact, Neuron},
    research::{
        answers::Subject,
        identify::{Identified, neuron},
        origins::{change, overlap},
        transfer::Published,
    },
    text::Tokenizer,
};
use serde_json::json;

use super::{
    found,
    identify::AskingArgs,
    model::{ArtifactArgs, ModelArgs, located, open},
    transfer,
};

#[derive(clap::Args)]
pub struct Args {
    /// The base model that the model was tuned from: a GGUF file, or the id of a model of the catalogue.
    #[arg(long, value_name = "FILE|ID")]
    base: PathBuf,
    /// The folder of `hneurons identify`; without it the artifact's H-Neurons are taken.
    #[arg(long, value_name = "FOLDER")]
    run: Option<PathBuf>,
    /// Questions to put to the base, whose answers the detector is judged on; may be given again.
    #[arg(long, value_name = "FILE")]
    questions: Vec<PathBuf>,
    /// Only the first N questions of each file.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Where answers to these are kept; work that is there is not done again.
    #[arg(long, value_name = "FOLDER", default_value = "target/evaluate")]
    out: PathBuf,
    /// The folder of `hneurons identify --model BASE`: the base's own H-Neurons, to be compared with these.
    #[arg(long, value_name = "FOLDER")]
    base_run: Option<PathBuf>,
    /// How many random sets of the same layers.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    controls: u64,
    #[command(flatten)]
    asking: AskingArgs,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    artifact: ArtifactArgs,
}

/// The H-Neurons of a run's folder.
fn h_neurons(found: &Identified, config: &Blueprint) -> Vec<Neuron> {
    let places = found.h.iter();
    places.map(|(place, _)| neuron(*place, config)).collect()
}

pub fn main(args: &Args) -> Result<()> {
    let tuned = args.model.file()?;
    let base = open(&located(&args.base)?)?;
    let config = tuned.blueprint();
    let (set, published) = match &args.run {
        Some(run) => {
            let (_, found) = found::read(run)?;
            (h_neurons(&found, config), Published::found(&found))
        }
        None => {
            let artifact = Artifact::parse(&args.artifact.needed(&tuned)?)?;
            artifact.check_model(&tuned)?;
            let set = artifact.neurons.iter().map(|n| n.neuron()).collect();
            (set, Published::of(&artifact, config)?)
        }
    };
    let moved = change(&base, &tuned)?.moved(&set, args.controls)?;
    let shared = match &args.base_run {
        Some(run) => {
            let own = h_neurons(&found::read(run)?.1, config);
            Some(overlap(&set, &own, config.neurons, args.controls)?)
        }
        None => None,
    };
    let text = Tokenizer::new(base.vocabulary())?;
    let mut engine = Cpu::new(&base)?;
    let mut subject = Subject {
        file: &base,
        text: &text,
        engine: &mut engine,
    };
    let mut detected = Vec::new();
    for path in &args.questions {
        let asking = args.asking.asking();
        let told = transfer::judge(
            &mut subject,
            &published,
            &asking,
            path,
            args.limit,
            &args.out,
        )?;
        detected.push((path, told));
    }
    if args.json {
        let detected = (detected.iter())
            .map(|(path, told)| transfer::as_json(told, path))
            .collect::<Result<Vec<_>>>()?;
        let out = json!({
            "base": base.sha256(), "tuned": tuned.sha256(), "neurons": set.len(), "mean_rank": moved.mean_rank, "p": moved.p,
            "random": moved.random, "overlap": shared, "detector_on_base": detected,
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
    if let Some(shared) = shared {
        let (_, own, both) = shared.sizes;
        let most = shared.random.iter().max().copied().unwrap_or(0);
        println!(
            "{both} of them are among the base's own {own}; random sets of the same layers have {most} of those at most; p {:.4}",
            shared.p
        );
    }
    for (path, told) in &detected {
        transfer::print(told, &format!("on the base, {}", path.display()));
    }
    Ok(())
}
