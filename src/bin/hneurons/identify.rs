//! `hneurons identify`: which neurons go with hallucinations.

use std::path::{Path, PathBuf};

use hneurons::{
    Error, ErrorKind, Result,
    gguf::sha256_hex,
    research::{
        answers::{Asking, Subject},
        collect::{Collected, Folder, Header},
        identify::{Fitting, balance, identify},
        log::write_whole,
        questions::{Question, count_warnings, read},
    },
    text::Tokenizer,
};

use super::model::{Computes, ModelArgs, read_text};

#[derive(clap::Args)]
pub struct Args {
    /// Questions with accepted answers (JSON lines); give it again for more files.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "data/questions/facts.jsonl"
    )]
    questions: Vec<PathBuf>,
    /// Folder for answers and features; work that is there is not done again.
    #[arg(long, value_name = "FOLDER", default_value = "target/identify")]
    out: PathBuf,
    /// Only a part of the questions: 2/5 is every fifth from the second on. `hneurons merge` joins the parts.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(usize, usize)>,
    /// Only the first N questions of each file (for trying it out).
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    asking: AskingArgs,
    /// Candidates for the classifier's C, ascending.
    #[arg(long, value_name = "C", value_delimiter = ',')]
    c: Vec<f64>,
    /// What computes: cpu, or gpu. The neurons hardly depend on it (docs/science.md), the last bits do.
    #[arg(long, value_enum, default_value_t = Computes::Cpu)]
    engine: Computes,
    #[command(flatten)]
    model: ModelArgs,
}

/// How questions are asked.
#[derive(clap::Args)]
pub struct AskingArgs {
    /// The user's message; {question} stands for the question.
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Answers drawn for each question besides the greedy one.
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// Temperature of the drawn answers (the paper: 1.0).
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,
    /// Longest answer, in tokens.
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Seed of everything that is drawn or chosen.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

impl AskingArgs {
    pub fn asking(&self) -> Asking {
        let mut asking = Asking {
            seed: self.seed,
            ..Asking::default()
        };
        if let Some(prompt) = &self.prompt {
            asking.prompt.clone_from(prompt);
        }
        if let Some(samples) = self.samples {
            // The share asked of ten.
            asking.right_at_least = (samples * 8).div_ceil(10);
            asking.refusals_at_most = samples * 3 / 10;
            asking.samples = samples;
        }
        asking.temperature = self.temperature.unwrap_or(asking.temperature);
        asking.max_tokens = self.max_tokens.unwrap_or(asking.max_tokens);
        asking
    }
}

fn shard(text: &str) -> std::result::Result<(usize, usize), String> {
    let parts = text
        .split_once('/')
        .and_then(|(i, n)| Some((i.parse::<usize>().ok()?, n.parse::<usize>().ok()?)));
    match parts {
        Some((i, n)) if 1 <= i && i <= n => Ok((i - 1, n)),
        _ => Err("give it as I/N with 1 <= I <= N, as 2/5".into()),
    }
}

/// Reads question files; gives the questions and the files' hashes.
pub fn questions(files: &[PathBuf], limit: Option<usize>) -> Result<(Vec<Question>, Vec<String>)> {
    let mut all: Vec<Question> = Vec::new();
    let mut hashes = Vec::new();
    let mut ids = std::collections::HashSet::new();
    for path in files {
        let text = read_text(path)?;
        let name = path.display().to_string();
        let (mut some, warnings) = read(&text, &name)?;
        if !warnings.is_empty() {
            eprintln!("{name}: {}", count_warnings(&warnings));
        }
        some.truncate(limit.unwrap_or(usize::MAX));
        for q in &some {
            if !ids.insert(q.id.clone()) {
                return Err(Error::new(
                    ErrorKind::Input,
                    format!(
                        "the id {:?} of {name} was used by a file before: give each question its own",
                        q.id
                    ),
                ));
            }
        }
        all.extend(some);
        hashes.push(sha256_hex(text.as_bytes()));
    }
    Ok((all, hashes))
}

/// Collects answers to questions in a folder.
pub fn collect(
    subject: &mut Subject<'_>,
    asking: &Asking,
    files: &[PathBuf],
    limit: Option<usize>,
    shard: Option<(usize, usize)>,
    out: &Path,
) -> Result<(Collected, Folder)> {
    let (mut all, hashes) = questions(files, limit)?;
    if let Some((i, n)) = shard {
        all = all.into_iter().skip(i).step_by(n).collect();
    }
    let header = Header {
        model: subject.file.sha256().to_owned(),
        questions: hashes,
        shard: shard.unwrap_or((0, 1)),
        asking: asking.clone(),
    };
    let folder = Folder::open(out, &header)?;
    let collected = Collected::make(subject, asking, all, &folder)?;
    eprintln!("{}", collected.tell(asking, asking.seed));
    Ok((collected, folder))
}

pub fn main(args: &Args) -> Result<()> {
    let file = args.model.file()?;
    let text = Tokenizer::new(file.vocabulary())?;
    let mut engine = args.engine.open(&file)?;
    let config = engine.blueprint().clone();
    let mut subject = Subject {
        file: &file,
        text: &text,
        engine: engine.as_mut(),
    };
    let asking = args.asking.asking();
    let (collected, folder) = collect(
        &mut subject,
        &asking,
        &args.questions,
        args.limit,
        args.shard,
        &args.out,
    )?;
    let items = collected.consistent(&asking);
    let balanced = balance(&items, asking.seed);
    let mut contributions = collected.contributions(&mut subject, &asking, &balanced, &folder)?;
    if args.shard.is_some() {
        eprintln!(
            "this part is done: join all with `hneurons merge`, then run identify on that folder"
        );
        return Ok(());
    }
    let mut fitting = Fitting {
        seed: asking.seed,
        ..Fitting::default()
    };
    if !args.c.is_empty() {
        fitting.cs.clone_from(&args.c);
    }
    let found = identify(&mut contributions, &items, &fitting, &config, &|what| {
        eprintln!("fit: {what}")
    })?;
    for t in &found.tried {
        let chosen = if t.c == found.c { "  <- chosen" } else { "" };
        println!(
            "C {:<6} cross-validated AUROC {:.3}, {} H-Neurons, {} of negative weight{chosen}",
            t.c, t.auroc, t.positive, t.negative
        );
    }
    let out = serde_json::to_string_pretty(&(&fitting, &found)).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the result cannot be written ({e})"),
        )
    })?;
    let path = folder.file("identified.json");
    write_whole(&path, out.as_bytes())?;
    println!(
        "{} H-Neurons of {} ({:.3} %), from {} answers; {} more were kept apart. Written to {}",
        found.h.len(),
        config.neuron_count(),
        100.0 * found.h.len() as f64 / config.neuron_count() as f64,
        found.train.len(),
        found.test.len(),
        path.display()
    );
    Ok(())
}
