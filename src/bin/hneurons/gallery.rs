//! `hneurons gallery`: records the runs that the page shows before any model is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use hneurons::{
    Error, ErrorKind, Result,
    gguf::sha256_hex,
    lab::Set,
    neurons::Artifact,
    research::gallery::{ALPHAS, CONTROLS, Entry, Kind, Named, Recording, entries, record},
};
use serde::Serialize;

use super::model::{ArtifactArgs, ModelArgs, read_text};

/// Runs named for each H-Neuron.
const FIRES_NAMED: usize = 3;

#[derive(clap::Args)]
pub struct Args {
    /// What is asked (JSON lines: id, kind, title, prompt, then).
    #[arg(long, default_value = "data/gallery.jsonl", value_name = "FILE")]
    prompts: PathBuf,
    /// Folder the recordings and their index go to.
    #[arg(
        long,
        default_value = "www/gallery/smollm2-135m-instruct-q4_1",
        value_name = "FOLDER"
    )]
    out: PathBuf,
    /// Longest answer, in tokens.
    #[arg(long, default_value_t = 32, value_name = "N")]
    max_tokens: usize,
    #[command(flatten)]
    artifact: ArtifactArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// `index.json`: the list, and what is said over all of it.
#[derive(Serialize)]
struct Index {
    schema: &'static str,
    model: Named,
    artifact: Named,
    alphas: Vec<f32>,
    controls: [u64; 2],
    max_tokens: usize,
    runs: Vec<RunOut>,
    /// For each H-Neuron, "layer.index", the runs in which it contributes most at a token of the as-trained answer.
    fires: BTreeMap<String, Vec<FireOut>>,
    /// How many answers of each kind of run differ from the as-trained one, by set and alpha.
    changed: Vec<ChangedOut>,
}

#[derive(Serialize)]
struct RunOut {
    #[serde(flatten)]
    entry: Entry,
    /// The as-trained answer.
    answer: String,
    score: Option<f64>,
}

/// One entry of `prompts.json`, what an embed needs of the list: it looks up one prompt.
#[derive(Serialize)]
struct Asked<'a> {
    id: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    then: &'a str,
}

#[derive(Serialize)]
struct FireOut {
    run: String,
    token: String,
    contribution: f32,
}

#[derive(Serialize)]
struct ChangedOut {
    kind: Kind,
    set: Set,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    alpha: f32,
    runs: usize,
    changed: usize,
    /// Mean detector score, over the runs that have one.
    mean_score: Option<f64>,
}

pub fn main(args: &Args) -> Result<()> {
    let list = entries(&read_text(&args.prompts)?)
        .map_err(|e| Error::new(e.kind(), format!("{}: {e}", args.prompts.display())))?;
    let mut lab = args.model.lab(&args.artifact)?;
    let text = args.artifact.needed(lab.file())?;
    let parsed = Artifact::parse(&text)?;
    let artifact = Named {
        id: parsed.id,
        sha256: sha256_hex(text.as_bytes()),
    };
    let model = Named {
        id: parsed.model.id,
        sha256: lab.file().sha256().into(),
    };
    fs::create_dir_all(&args.out).map_err(|e| cannot("make", &args.out, &e))?;
    let mut recordings = Vec::new();
    for (i, entry) in list.iter().enumerate() {
        eprintln!("{} of {}: {}", i + 1, list.len(), entry.id);
        let recording = record(&mut lab, entry, args.max_tokens, artifact.clone())?;
        write(&args.out.join(format!("{}.json", entry.id)), &recording)?;
        recordings.push(recording);
    }
    let h: Vec<String> = lab
        .h_neurons()?
        .iter()
        .map(|n| format!("{}.{}", n.layer, n.index))
        .collect();
    let index = Index {
        schema: "hneurons-gallery/1",
        model,
        artifact,
        alphas: ALPHAS.to_vec(),
        controls: CONTROLS,
        max_tokens: args.max_tokens,
        fires: h
            .iter()
            .enumerate()
            .map(|(row, name)| (name.clone(), fires(&recordings, row)))
            .collect(),
        changed: changed(&recordings),
        runs: recordings
            .iter()
            .map(|r| RunOut {
                entry: r.entry.clone(),
                answer: r.lanes[0].text().trim().to_owned(),
                score: r.lanes[0].score,
            })
            .collect(),
    };
    write(&args.out.join("index.json"), &index)?;
    let asked: Vec<Asked> = list
        .iter()
        .map(|e| Asked {
            id: &e.id,
            prompt: &e.prompt,
            then: &e.then,
        })
        .collect();
    write(&args.out.join("prompts.json"), &asked)?;
    sweep(&args.out, &list)?;
    eprintln!("wrote {} runs into {}", list.len(), args.out.display());
    Ok(())
}

/// The runs in which the H-Neuron of this row contributes most, one token of each.
fn fires(recordings: &[Recording], row: usize) -> Vec<FireOut> {
    let mut all: Vec<FireOut> = recordings
        .iter()
        .filter_map(|recording| {
            let read = recording.lanes[0].read.iter().enumerate();
            let (at, most) = read
                .map(|(at, values)| (at, values[row]))
                .max_by(|a, b| a.1.total_cmp(&b.1))?;
            Some(FireOut {
                run: recording.entry.id.clone(),
                token: recording.token_at(0, recording.from() + at).to_owned(),
                contribution: most,
            })
        })
        .collect();
    all.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
    all.truncate(FIRES_NAMED);
    all
}

fn changed(recordings: &[Recording]) -> Vec<ChangedOut> {
    let sets = [
        (Set::H, None),
        (Set::Random, Some(CONTROLS[0])),
        (Set::Random, Some(CONTROLS[1])),
    ];
    let kinds = [
        Kind::Known,
        Kind::Wrong,
        Kind::MadeUp,
        Kind::FalsePremise,
        Kind::Doubt,
        Kind::Opinion,
    ];
    let mut alphas = ALPHAS.to_vec();
    alphas.push(1.0);
    alphas.sort_by(f32::total_cmp);
    let mut rows = Vec::new();
    for kind in kinds {
        for (set, seed) in sets {
            for &alpha in &alphas {
                let of_kind = recordings.iter().filter(|r| r.entry.kind == kind);
                let lanes: Vec<_> = of_kind
                    .filter_map(|r| Some((r.lanes[0].text(), r.lane(set, seed, alpha)?)))
                    .collect();
                let scores: Vec<f64> = lanes.iter().filter_map(|(_, lane)| lane.score).collect();
                rows.push(ChangedOut {
                    kind,
                    set,
                    seed,
                    alpha,
                    runs: lanes.len(),
                    changed: lanes
                        .iter()
                        .filter(|(text, lane)| lane.text() != *text)
                        .count(),
                    mean_score: (!scores.is_empty())
                        .then(|| scores.iter().sum::<f64>() / scores.len() as f64),
                });
            }
        }
    }
    rows
}

/// Takes recordings away that are no longer in the list.
fn sweep(out: &Path, list: &[Entry]) -> Result<()> {
    let kept: BTreeSet<String> = list.iter().map(|e| format!("{}.json", e.id)).collect();
    let files = fs::read_dir(out).map_err(|e| cannot("read", out, &e))?;
    for path in files.filter_map(|file| Some(file.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let listing = name == "index.json" || name == "prompts.json";
        if name.ends_with(".json") && !listing && !kept.contains(name.as_ref()) {
            fs::remove_file(&path).map_err(|e| cannot("remove", &path, &e))?;
        }
    }
    Ok(())
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string(value).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("{} cannot be written ({e})", path.display()),
        )
    })?;
    text.push('\n');
    fs::write(path, text).map_err(|e| cannot("write", path, &e))
}

fn cannot(what: &str, path: &Path, e: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("cannot {what} {} ({e}): check the folder", path.display()),
    )
}
