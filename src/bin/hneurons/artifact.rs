//! `hneurons artifact`: a list of weighted neurons becomes the file the page reads.
//!
//! The weights come from elsewhere (at present from the feasibility study, see `data/provisional/`); everything else in
//! the artifact is computed here, on this engine.

use std::path::PathBuf;

use hneurons::{
    Error, ErrorKind, Result,
    choose::{GOLDEN_TEXT, Golden},
    engine::{Engine, cpu::Cpu},
    gguf::sha256_hex,
    neurons::{
        Artifact, ArtifactModel, CONTROL_SEEDS, ControlSet, DetectorSpec, DetectorTerm, HNeuron,
        Neuron, SCHEMA, matched_control,
    },
    research::{promoted, reference_quantiles},
    text::Tokenizer,
};
use hneurons_fetch::SMOLLM2;
use serde::Deserialize;
use serde_json::json;

use super::model::{ModelArgs, read_text};

const PROBABILITIES: [&str; 5] = ["0.5", "0.9", "0.99", "0.999", "1"];
const TOKENS_NAMED: usize = 8;

#[derive(clap::Args)]
pub struct Args {
    /// The weighted neurons (JSON).
    #[arg(
        long,
        default_value = "data/provisional/smollm2-135m-instruct-q4_1.json",
        value_name = "FILE"
    )]
    neurons: PathBuf,
    /// Ordinary text on which contributions are measured.
    #[arg(long, default_value = "data/reference.txt", value_name = "FILE")]
    reference: PathBuf,
    /// Where the artifact goes.
    #[arg(
        long,
        default_value = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json",
        value_name = "FILE"
    )]
    out: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
}

/// The file of weights: a sparse classifier's positive and negative neurons.
#[derive(Deserialize)]
struct Weights {
    source: String,
    #[serde(rename = "C")]
    c: f64,
    n_train: usize,
    intercept: f64,
    neurons: Vec<DetectorTerm>,
}

pub fn main(args: &Args) -> Result<()> {
    let text = read_text(&args.neurons)?;
    let weights: Weights = serde_json::from_str(&text).map_err(|e| {
        Error::new(
            ErrorKind::Input,
            format!(
                "{} is no list of weighted neurons ({e}): correct it",
                args.neurons.display()
            ),
        )
    })?;
    let reference = read_text(&args.reference)?;
    let file = args.model.file()?;
    let tokenizer = Tokenizer::new(file.vocabulary())?;
    let mut engine = Cpu::new(&file)?;
    let config = file.config().clone();

    let mut terms = weights.neurons;
    terms.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let positive: Vec<&DetectorTerm> = terms.iter().filter(|t| t.weight > 0.0).collect();
    let set: Vec<Neuron> = positive.iter().map(|t| t.neuron()).collect();
    eprintln!(
        "measuring {} neurons on {}",
        set.len(),
        args.reference.display()
    );
    let quantiles = pollster::block_on(reference_quantiles(
        &mut engine,
        &tokenizer,
        &reference,
        &set,
        &PROBABILITIES,
    ))?;
    let neurons = positive
        .iter()
        .zip(quantiles)
        .map(|(term, quantiles)| {
            let (promotes, suppresses) =
                promoted(&engine, &tokenizer, term.neuron(), TOKENS_NAMED)?;
            Ok(HNeuron {
                layer: term.layer,
                index: term.index,
                weight: term.weight,
                quantiles,
                promotes,
                suppresses,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let controls = CONTROL_SEEDS
        .map(|seed| {
            let set = matched_control(&set, &[], config.neurons, seed)?;
            Ok(ControlSet {
                seed,
                neurons: set.iter().map(|n| (n.layer, n.index)).collect(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let golden = pollster::block_on(Golden::make(&mut engine, &tokenizer, GOLDEN_TEXT))?;
    let artifact = Artifact {
        schema: SCHEMA.into(),
        id: "smollm2-135m-instruct-q4_1".into(),
        provisional: true,
        notice: "These neurons come from a small feasibility study and have not been identified again, nor evaluated, \
            by this tool. They are associated with wrong answers in that study; that is not the same as causing them. \
            Compare every effect with the random control beside it."
            .into(),
        model: ArtifactModel {
            id: "smollm2-135m-instruct-q4_1".into(),
            name: "SmolLM2-135M-Instruct (Q4_1)".into(),
            architecture: config.architecture.clone(),
            file: SMOLLM2.file.into(),
            sha256: file.sha256().into(),
            bytes: file.size() as u64,
            urls: vec![SMOLLM2.hub_url("https://huggingface.co")],
            license: "Apache-2.0".into(),
            layers: config.layers,
            neurons_per_layer: config.neurons,
            neuron_count: config.neuron_count(),
            golden: Some(golden),
        },
        neurons,
        detector: DetectorSpec {
            bias: weights.intercept,
            feature: "mean_contribution".into(),
            span: "answer_words".into(),
            terms,
            calibration: None,
        },
        controls,
        evaluation: Vec::new(),
        impact: Vec::new(),
        recipe: json!({
            "source": weights.source,
            "C": weights.c,
            "n_train": weights.n_train,
            "neurons_sha256": sha256_hex(text.as_bytes()),
            "reference_sha256": sha256_hex(reference.as_bytes()),
            "engine": engine.description(),
            "command": "cargo run --release -- artifact",
        }),
    };
    let mut out = serde_json::to_string_pretty(&artifact).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the artifact cannot be written ({e})"),
        )
    })?;
    // What the page would refuse is not written.
    Artifact::parse(&out)?.check_model(&file)?;
    out.push('\n');
    std::fs::write(&args.out, out).map_err(|e| {
        Error::new(
            ErrorKind::Io,
            format!(
                "cannot write {} ({e}): check the folder",
                args.out.display()
            ),
        )
    })?;
    eprintln!("wrote {}", args.out.display());
    Ok(())
}
