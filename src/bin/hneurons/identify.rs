//! `hneurons identify`: which neurons go with hallucinations.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use hneurons::{
    Error, ErrorKind, Result,
    gguf::sha256_hex,
    neurons::Neuron,
    research::{
        answers::{Asking, Progress, Subject},
        collect::{Collected, Folder, Header},
        contributions::Place,
        identify::{By, Fitting, Identified, Labelled, Table, balance, identify, neuron},
        knowledge,
        log::write_whole,
        questions::{Question, count_warnings, read},
        stats::{Bootstrap, Units},
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
    /// Candidates for the classifier's C, ascending; left out, or where none of them leaves a set within the cap, C is searched for.
    #[arg(long, value_name = "C", value_delimiter = ',')]
    c: Vec<f64>,
    /// A source whose questions are asked and measured, and never learnt from; give it again for more.
    #[arg(long, value_name = "SOURCE")]
    hold_out: Vec<String>,
    /// Random halves of the training answers, for stability.
    #[arg(long, value_name = "N", default_value_t = Fitting::default().resamples)]
    resamples: u64,
    /// Random sets to compare with.
    #[arg(long, value_name = "N", default_value_t = Fitting::default().controls)]
    controls: u64,
    /// Known training questions that are asked again with each candidate set silenced; 0 chooses by accuracy alone.
    #[arg(long, value_name = "N", default_value_t = Fitting::default().knowledge)]
    knowledge: usize,
    /// Deals the labels out anew within source and template, by this seed: what is found then is chance. Goes into a file of its
    /// own; the answers are those of the folder.
    #[arg(long, value_name = "SEED", conflicts_with = "shard")]
    shuffle_labels: Option<u64>,
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
    /// Answers drawn for each question besides the greedy one; with 0 that one alone says what is consistent.
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
    if let Some(unknown) = (args.hold_out.iter())
        .find(|source| collected.questions.iter().all(|q| q.source != **source))
    {
        let sources: BTreeSet<&str> = (collected.questions.iter())
            .map(|q| q.source.as_str())
            .collect();
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "no question is of the source {unknown:?} that is to be held out: choose of {}",
                Vec::from_iter(sources).join(", ")
            ),
        ));
    }
    let items = collected.consistent(&asking);
    let balanced = balance(&items, asking.seed);
    let mut contributions = collected.contributions(&mut subject, &asking, &balanced, &folder)?;
    if args.shard.is_some() {
        eprintln!(
            "this part is done: join all with `hneurons merge`, then run identify on that folder"
        );
        return Ok(());
    }
    let fitting = Fitting {
        seed: asking.seed,
        cs: args.c.clone(),
        resamples: args.resamples,
        controls: args.controls,
        hold_out: args.hold_out.clone(),
        knowledge: args.knowledge,
        shuffle_labels: args.shuffle_labels,
        ..Fitting::default()
    };
    let mut silencing = |train: &Labelled, sets: &[Vec<usize>]| {
        let sets: Vec<Vec<Neuron>> = (sets.iter())
            .map(|set| set.iter().map(|&place| neuron(place, &config)).collect())
            .collect();
        let learnt: HashSet<&str> = train.iter().map(|(id, _)| id.as_str()).collect();
        let known = (items.iter())
            .filter(|i| !i.wrong && learnt.contains(i.question.id.as_str()))
            .map(|i| i.question)
            .collect();
        let known = knowledge::some(known, fitting.knowledge, fitting.seed);
        if known.is_empty() {
            return Ok(vec![None; sets.len()]);
        }
        let mut shown = Progress::new("answers with a set silenced");
        let kept = knowledge::kept(
            &mut subject,
            &asking,
            &known,
            &sets,
            &folder.file("knowledge.jsonl"),
            &mut |done, of| shown.show(done, of),
        )?;
        Ok(kept.into_iter().map(Some).collect())
    };
    let say = |what: &str| eprintln!("fit: {what}");
    let found = identify(
        &mut contributions,
        &items,
        &fitting,
        &config,
        &mut silencing,
        &say,
    )?;
    tell(&found, &fitting);
    if fitting.shuffle_labels.is_some() {
        let test = Table::of(&mut contributions, &found.test, Place::Answer)?;
        let bootstrap = Bootstrap {
            seed: fitting.seed,
            ..Bootstrap::default()
        };
        let scores = found.detector.scores(&test.features);
        let area = bootstrap.auroc(&Units::items(scores.len()), &scores, &test.labels)?;
        println!(
            "labels dealt out anew: AUROC on {} answers kept apart {:.3} [{:.3}, {:.3}], and chance is .5",
            scores.len(),
            area.value,
            area.low,
            area.high
        );
    }
    let out = serde_json::to_string_pretty(&(&fitting, &found)).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the result cannot be written ({e})"),
        )
    })?;
    let name = match fitting.shuffle_labels {
        Some(seed) => format!("identified-shuffled-{seed}.json"),
        None => "identified.json".into(),
    };
    let path = folder.file(&name);
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

/// What was tried and compared, for people.
fn tell(found: &Identified, fitting: &Fitting) {
    for t in &found.tried {
        let chosen = if t.c == found.c { "  <- chosen" } else { "" };
        println!(
            "C {:<8} cross-validated AUROC {:.3} (refitted {:.3}, accuracy {:.3}), {} H-Neurons, {} of negative weight{chosen}",
            t.c, t.auroc, t.detector_auroc, t.detector_accuracy, t.positive, t.negative
        );
    }
    let Some(choice) = &found.choice else { return };
    println!("published is {}:", choice.rule);
    for (at, c) in choice.candidates.iter().enumerate() {
        let by = match c.by {
            By::L1 => "L1",
            By::StabilitySelection => "stability selection",
        };
        let knowledge = c.knowledge.map_or("not measured".into(), |k| {
            format!("{} of {} still right", k.right, k.of)
        });
        let chosen = if at == choice.chosen {
            "  <- published"
        } else {
            ""
        };
        println!(
            "  {by}, C {}: {} neurons, AUROC {:.3}, accuracy {:.3}, silenced {knowledge}{chosen}",
            c.c, c.neurons, c.auroc, c.accuracy
        );
    }
    match &found.stable {
        Some(stable) => println!(
            "stability selection: {} neurons in at least {:.2} of {} halves; of these at most {:.2} by chance (Meinshausen and \
             Buehlmann's bound)",
            stable.neurons.len(),
            stable.threshold,
            fitting.resamples,
            stable.false_at_most
        ),
        None => println!(
            "stability selection: no neuron is in more than half of {} halves",
            fitting.resamples
        ),
    }
}
