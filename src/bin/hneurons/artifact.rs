//! `hneurons artifact`: what identify, evaluate and intervene left in their folder becomes the file the page reads.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use hneurons::{
    Error, ErrorKind, Result,
    choose::{GOLDEN_TEXT, Golden},
    engine::{Engine, cpu::Cpu},
    gguf::sha256_hex,
    model::ModelFile,
    neurons::{
        Artifact, ArtifactModel, Calibration, DetectorSpec, DetectorTerm, FEATURE_VERSION, HNeuron,
        Neuron, SCHEMA,
    },
    research::{identify::neuron, promoted, reference_profiles},
    text::Tokenizer,
};
use hneurons_fetch::catalogue;
use serde_json::{Value, json};

use super::{
    found,
    model::{ModelArgs, open, read_text},
    published,
};

const PROBABILITIES: [&str; 5] = ["0.5", "0.9", "0.99", "0.999", "1"];
const TOKENS_NAMED: usize = 8;

#[derive(clap::Args)]
pub struct Args {
    /// The folder of `hneurons identify`, `evaluate` and `intervene`.
    #[arg(long, default_value = "target/identify", value_name = "FOLDER")]
    run: PathBuf,
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
    /// An artifact of this model to which the run's levers and margins are added; everything else stays as it is there.
    #[arg(long, value_name = "FILE", conflicts_with = "reference")]
    onto: Option<PathBuf>,
    /// The commit the commands were run from, for the recipe.
    #[arg(long, value_name = "HASH", default_value = "")]
    commit: String,
    #[command(flatten)]
    model: ModelArgs,
}

/// What an artifact says of its model beside what is in the file.
struct Facts {
    id: String,
    name: String,
    file: String,
    urls: Vec<String>,
    license: String,
}

impl Facts {
    /// The catalogue's, where it has the file; else what the file's name and header say.
    fn of(model: &ModelFile, path: &Path) -> Self {
        let sha256 = model.sha256();
        match catalogue().models.iter().find(|m| m.sha256 == sha256) {
            Some(known) => Self {
                id: known.id.clone(),
                name: format!("{} ({})", known.name, known.quantization),
                file: known.file.clone(),
                urls: known.urls.clone(),
                license: known.license.name.clone(),
            },
            None => {
                let text = |part: Option<&OsStr>| match part {
                    Some(part) => part.to_string_lossy().into_owned(),
                    None => String::new(),
                };
                Self {
                    id: text(path.file_stem()).to_lowercase(),
                    name: model.blueprint().name.clone(),
                    file: text(path.file_name()),
                    urls: Vec::new(),
                    license: String::new(),
                }
            }
        }
    }
}

/// A file of the run's folder.
fn part(args: &Args, name: &str, command: &str) -> Result<Value> {
    let path = args.run.join(name);
    let text = read_text(&path)
        .map_err(|e| Error::new(e.kind(), format!("{e}; `hneurons {command}` writes it")))?;
    serde_json::from_str(&text).map_err(|e| {
        Error::new(
            ErrorKind::Input,
            format!(
                "{} is not what {command} writes ({e}): run it again",
                path.display()
            ),
        )
    })
}

pub fn main(args: &Args) -> Result<()> {
    if let Some(path) = &args.onto {
        return add_onto(args, path);
    }
    let (fitting, found) = found::read(&args.run)?;
    let header = part(args, "header.json", "identify")?;
    let evaluated = part(args, "evaluation.json", "evaluate")?;
    // Replies take hours where margins take minutes: a run may have either.
    let impact =
        match args.run.join("margins.json").exists() && !args.run.join("impact.json").exists() {
            true => Value::Null,
            false => part(args, "impact.json", "intervene")?,
        };
    let reference = read_text(&args.reference)?;
    let path = args.model.path()?;
    let file = open(&path)?;
    let facts = Facts::of(&file, &path);
    if header["model"].as_str() != Some(file.sha256()) {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "{} is a run of another model: give its file with --model",
                args.run.display()
            ),
        ));
    }
    let tokenizer = Tokenizer::new(file.vocabulary())?;
    let mut engine = Cpu::new(&file)?;
    let config = file.blueprint().clone();
    let set: Vec<Neuron> = found.h.iter().map(|(p, _)| neuron(*p, &config)).collect();
    eprintln!(
        "measuring {} neurons on {}",
        set.len(),
        args.reference.display()
    );
    let profiles = pollster::block_on(reference_profiles(
        &mut engine,
        &tokenizer,
        &reference,
        &set,
        &PROBABILITIES,
    ))?;
    let mut neurons = Vec::new();
    for (i, (place, profile)) in set.iter().zip(profiles).enumerate() {
        let (promotes, suppresses) = promoted(&engine, &tokenizer, *place, TOKENS_NAMED)?;
        neurons.push(HNeuron {
            layer: place.layer,
            index: place.index,
            weight: found.h[i].1,
            quantiles: profile.quantiles,
            histogram: Some(profile.histogram),
            stability: found
                .stability
                .get(i)
                .map(|&times| times as f64 / fitting.resamples.max(1) as f64),
            promotes,
            suppresses,
        });
    }
    let controls = published::controls(&set, &config)?;
    let few = &found.detector;
    let terms = (0..few.neurons.len())
        .filter(|&j| few.weights[j] != 0.0 && few.std[j] > 0.0)
        .map(|j| {
            let place = neuron(few.neurons[j], &config);
            DetectorTerm {
                layer: place.layer,
                index: place.index,
                weight: few.weights[j],
                mean: few.mean[j],
                std: few.std[j],
            }
        })
        .collect();
    let golden = pollster::block_on(Golden::make(&mut engine, &tokenizer, GOLDEN_TEXT))?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut evaluation = list(&evaluated["evaluation"]);
    if let Value::Object(mut unseen) = evaluated["unseen_templates"].clone()
        && unseen.contains_key("auroc")
    {
        unseen.insert("dataset".into(), "unseen templates".into());
        evaluation.push(unseen.into());
    }
    let wrong = |part: &[(String, bool)]| part.iter().filter(|(_, wrong)| *wrong).count();
    let artifact = Artifact {
        schema: SCHEMA.into(),
        id: facts.id.clone(),
        provisional: false,
        notice: "These neurons are associated with wrong answers to short factual questions. That is not the same as \
            causing them, and not a test of whether a sentence is true. Compare every effect with the random control beside it."
            .into(),
        model: ArtifactModel {
            id: facts.id,
            name: facts.name,
            architecture: config.architecture.clone(),
            file: facts.file,
            sha256: file.sha256().into(),
            bytes: file.size() as u64,
            urls: facts.urls,
            license: facts.license,
            layers: config.layers,
            neurons_per_layer: config.neurons,
            neuron_count: config.neuron_count(),
            golden: Some(golden),
        },
        neurons,
        detector: DetectorSpec {
            bias: few.bias,
            feature: "mean_contribution".into(),
            feature_version: FEATURE_VERSION,
            span: "answer_words".into(),
            terms,
            calibration: Some(Calibration {
                slope: found.calibration.slope,
                intercept: found.calibration.intercept,
            }),
        },
        controls,
        levers: published::levers(&args.run, &config)?,
        margins: published::margins(&args.run)?,
        evaluation,
        impact: list(&impact["impact"]),
        trends: list(&impact["trends"]),
        language: list(&impact["language"]),
        identification: json!({
            "train": found.train.len(),
            "train_wrong": wrong(&found.train),
            "test": found.test.len(),
            "test_wrong": wrong(&found.test),
            "tried": found.tried,
            "c": found.c,
            "resamples": fitting.resamples,
            "choice": found.choice,
            "stable": found.stable,
        }),
        recipe: json!({
            "asking": header["asking"],
            "questions_sha256": header["questions"],
            "evaluated_on_sha256": evaluated["questions_sha256"],
            "fitting": fitting,
            "reference_sha256": sha256_hex(reference.as_bytes()),
            "engine": engine.description(),
            "commit": args.commit,
            "command": "cargo xtask artifact",
        }),
    };
    write(args, &artifact, &file)
}

/// Adds what `levers` and the margins of `intervene` found to an artifact that is there.
fn add_onto(args: &Args, path: &Path) -> Result<()> {
    let file = args.model.file()?;
    let mut artifact = Artifact::parse(&read_text(path)?)?;
    artifact.check_model(&file)?;
    artifact.levers = published::levers(&args.run, file.blueprint())?;
    artifact.margins = published::margins(&args.run)?;
    if artifact.levers.is_empty() && artifact.margins.is_empty() {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "{} has neither levers nor margins: run `hneurons levers` or `hneurons intervene --measure margin`",
                args.run.display()
            ),
        ));
    }
    write(args, &artifact, &file)
}

fn write(args: &Args, artifact: &Artifact, file: &ModelFile) -> Result<()> {
    let mut out = serde_json::to_string_pretty(artifact).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the artifact cannot be written ({e})"),
        )
    })?;
    // What the page would refuse is not written.
    Artifact::parse(&out)?.check_model(file)?;
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
