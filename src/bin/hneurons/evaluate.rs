//! `hneurons evaluate`: how good the detector is, on questions it never saw.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
};

use hneurons::{
    Error, ErrorKind, Result,
    engine::{Engine, cpu::Cpu},
    gguf::sha256_hex,
    neurons::Artifact,
    research::{
        answers::{Asking, Consistent, Subject},
        collect::{Collected, Folder},
        contributions::{Contributions, Place},
        evaluate::{Evaluation, Judges, by_id, length_matched},
        identify::{Table, across_templates, balance, judged_on},
        log::write_whole,
        stats::{Bootstrap, Units, auroc},
        transfer::Published,
    },
    text::Tokenizer,
};
use serde_json::json;

use super::{
    found,
    identify::{AskingArgs, collect},
    levers,
    model::{ModelArgs, read_text},
    transfer,
};

#[derive(clap::Args)]
pub struct Args {
    /// The folder of `hneurons identify`.
    #[arg(long, value_name = "FOLDER", default_value = "target/identify")]
    run: PathBuf,
    /// The detector of a published artifact (hneurons.json) in place of a run's: it is judged on --questions alone, and its random
    /// sets, of which an artifact has no weights, are refitted there.
    #[arg(long, value_name = "FILE", requires = "questions", conflicts_with_all = ["run", "trained_on"])]
    artifact: Option<PathBuf>,
    /// With --artifact: where answers are kept; work that is there is not done again.
    #[arg(long, value_name = "FOLDER", default_value = "target/evaluate")]
    out: PathBuf,
    /// The questions that identify was given.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "data/questions/facts.jsonl"
    )]
    trained_on: Vec<PathBuf>,
    /// Further questions to judge, a data set a file; those without accepted answers are taken for made-up things, and held
    /// against right answers kept apart.
    #[arg(long, value_name = "FILE")]
    questions: Vec<PathBuf>,
    /// As given to identify.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    asking: AskingArgs,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

/// Answers of each kind that are the least to judge a part on.
const LEAST: usize = 10;

/// Whether there are enough answers of each kind to judge on; says so where there are not.
fn enough(table: &Table, name: &str) -> bool {
    let wrong = table.labels.iter().filter(|wrong| **wrong).count();
    let right = table.labels.len() - wrong;
    if wrong.min(right) >= LEAST {
        return true;
    }
    eprintln!(
        "{name}: left out, {right} right and {wrong} wrong answers are too few to judge on ({LEAST} of each are the least)"
    );
    false
}

/// Contributions of some answers in a folder.
fn read(
    subject: &mut Subject<'_>,
    args: &Args,
    collected: &Collected,
    items: &[&Consistent<'_>],
    folder: &Folder,
) -> Result<(Contributions, Vec<(String, bool)>)> {
    let asking = args.asking.asking();
    let contributions = collected.contributions(subject, &asking, items, folder)?;
    let pairs = items
        .iter()
        .map(|i| (i.question.id.clone(), i.wrong))
        .collect();
    Ok((contributions, pairs))
}

/// With `--artifact`: a data set a line.
fn published(
    subject: &mut Subject<'_>,
    artifact: &Artifact,
    asking: &Asking,
    args: &Args,
) -> Result<()> {
    let published = Published::of(artifact, subject.engine.blueprint())?;
    for path in &args.questions {
        let learnt = artifact.recipe["questions_sha256"].as_array();
        let hash = sha256_hex(read_text(path)?.as_bytes());
        if learnt.is_some_and(|files| files.iter().any(|f| *f == hash)) {
            eprintln!(
                "warning: the artifact's detector was fitted on a part of {}; its own evaluation has those that were kept apart",
                path.display()
            );
        }
        let told = transfer::judge(subject, &published, asking, path, args.limit, &args.out)?;
        if args.json {
            println!("{}", transfer::as_json(&told, path)?);
        } else {
            transfer::print(&told, &path.display().to_string());
        }
    }
    Ok(())
}

pub fn main(args: &Args) -> Result<()> {
    let file = args.model.file()?;
    let text = Tokenizer::new(file.vocabulary())?;
    let mut engine = Cpu::new(&file)?;
    let description = engine.description();
    let mut subject = Subject {
        file: &file,
        text: &text,
        engine: &mut engine,
    };
    let asking = args.asking.asking();
    if let Some(path) = &args.artifact {
        let artifact = Artifact::parse(&read_text(path)?)?;
        artifact.check_model(&file)?;
        return published(&mut subject, &artifact, &asking, args);
    }
    let (fitting, found) = found::read(&args.run)?;
    let (collected, folder) = collect(
        &mut subject,
        &asking,
        &args.trained_on,
        args.limit,
        None,
        &args.run,
    )?;
    let items = collected.consistent(&asking);
    let balanced = balance(&items, asking.seed);
    let (mut contributions, pairs) = read(&mut subject, args, &collected, &balanced, &folder)?;
    let greedy = by_id(&collected.greedy);
    let train = Table::of(&mut contributions, &found.train, Place::Answer)?;
    let test = Table::of(&mut contributions, &found.test, Place::Answer)?;
    let mut judges = Judges::new(&found, &train, &greedy, &fitting)?;
    let per_layer = file.blueprint().neurons;
    for lever in levers::read(&args.run)? {
        let name = format!("lever {}, refitted", lever.behaviour.name());
        let places = lever.neurons().into_iter();
        let places = places.map(|n| n.layer * per_layer + n.index).collect();
        judges.beside(&name, places, &train, &fitting)?;
    }
    let seed = asking.seed;
    let mut all = vec![judges.evaluate("held out", &test, &greedy, seed)?];
    let matched = length_matched(&test, &greedy);
    if matched.len() >= 20 {
        all.push(judges.evaluate(
            "held out, lengths matched",
            &test.only(&matched)?,
            &greedy,
            seed,
        )?);
    }

    let questions = &collected.questions;
    let source_of: HashMap<&str, &str> = (questions.iter())
        .map(|q| (q.id.as_str(), q.source.as_str()))
        .collect();
    let source = |id: &String| source_of.get(id.as_str()).copied().unwrap_or_default();
    let sources: BTreeSet<&str> = test.ids.iter().map(source).collect();
    for of in sources.iter().filter(|_| sources.len() > 1) {
        let own: Vec<usize> = (0..test.ids.len())
            .filter(|&i| source(&test.ids[i]) == *of)
            .collect();
        let own = test.only(&own)?;
        let name = format!("held out, {of}");
        if enough(&own, &name) {
            all.push(judges.evaluate(&name, &own, &greedy, seed)?);
        }
    }
    for of in &fitting.hold_out {
        let own: Vec<(String, bool)> = (pairs.iter())
            .filter(|(id, _)| source(id) == of)
            .cloned()
            .collect();
        let name = format!("{of}, never trained on");
        if own.is_empty() {
            eprintln!("{name}: no consistent answers of both kinds, left out");
            continue;
        }
        let own = Table::of(&mut contributions, &own, Place::Answer)?;
        if enough(&own, &name) {
            all.push(judges.evaluate(&name, &own, &greedy, seed)?);
        }
    }

    // Templates never seen: another fit a fold, of what may be learnt from.
    let pairs: Vec<(String, bool)> = (pairs.into_iter())
        .filter(|(id, _)| fitting.hold_out.iter().all(|of| of != source(id)))
        .collect();
    let whole = Table::of(&mut contributions, &pairs, Place::Answer)?;
    let templates: HashMap<&str, &str> = (questions.iter())
        .map(|q| (q.id.as_str(), q.template.as_str()))
        .collect();
    let unseen =
        across_templates(&whole, &templates, found.by(), found.c, &fitting).and_then(|scores| {
            let cheap: Vec<f64> = whole
                .ids
                .iter()
                .map(|id| {
                    let l = greedy
                        .get(id.as_str())
                        .map_or(&[][..], |g| &g.answer.logprobs);
                    -l.iter().sum::<f64>() / l.len().max(1) as f64
                })
                .collect();
            let bootstrap = Bootstrap {
                seed,
                ..Bootstrap::default()
            };
            let area = bootstrap.auroc(&Units::items(scores.len()), &scores, &whole.labels)?;
            Ok((area, auroc(&cheap, &whole.labels)?))
        });

    for path in &args.questions {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let files = std::slice::from_ref(path);
        let (other, folder) = collect(
            &mut subject,
            &asking,
            files,
            args.limit,
            None,
            &args.run.join(&name),
        )?;
        let consistent = other.consistent(&asking);
        let invented = other.invented();
        let items: Vec<&Consistent<'_>> = if invented.is_empty() {
            judged_on(&consistent, seed)
        } else {
            invented.iter().collect()
        };
        if items.is_empty() {
            eprintln!("{name}: no consistent answers of both kinds, left out");
            continue;
        }
        let (mut contributions, pairs) = read(&mut subject, args, &other, &items, &folder)?;
        let mut table = Table::of(&mut contributions, &pairs, Place::Answer)?;
        let mut greedy_of_both = by_id(&other.greedy);
        if !invented.is_empty() {
            let right: Vec<usize> = (0..test.labels.len())
                .filter(|&i| !test.labels[i])
                .collect();
            table = table.and(&test.only(&right)?)?;
            greedy_of_both.extend(by_id(&collected.greedy));
        }
        all.push(judges.evaluate(&name, &table, &greedy_of_both, seed)?);
    }

    let unseen_json = match &unseen {
        Ok((area, cheap)) => {
            json!({"n": whole.ids.len(), "wrong": whole.labels.iter().filter(|w| **w).count(), "auroc": area.value, "auroc_ci": [area.low, area.high], "logprob_auroc": cheap})
        }
        Err(e) => json!({"left_out": e.to_string()}),
    };
    // Published collections are not in this repository: their hashes say which questions these were.
    let mut hashes = serde_json::Map::new();
    for path in &args.questions {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hash = sha256_hex(read_text(path)?.as_bytes());
        hashes.insert(name.into_owned(), hash.into());
    }
    let out = json!({
        "engine": description,
        "evaluation": all,
        "unseen_templates": unseen_json,
        "questions_sha256": hashes,
    });
    let text = serde_json::to_string_pretty(&out).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the result cannot be written ({e})"),
        )
    })?;
    write_whole(&args.run.join("evaluation.json"), text.as_bytes())?;
    if args.json {
        println!("{text}");
        return Ok(());
    }
    println!(
        "{:<28}{:>6}  {:<22}{:<20}{:<24}{:<26}all neurons",
        "data set", "n", "AUROC [95 %]", "random (mean, max)", "log-probability", "over best cheap",
    );
    for e in &all {
        print(e);
    }
    match &unseen {
        Ok((area, cheap)) => println!(
            "{:<28}{:>6}  {:<42}{cheap:.3}",
            "unseen templates",
            whole.ids.len(),
            format!("{:.3} [{:.3}, {:.3}]", area.value, area.low, area.high),
        ),
        Err(e) => println!("unseen templates: left out ({e})"),
    }
    Ok(())
}

fn print(e: &Evaluation) {
    let mean = e.random_auroc.iter().sum::<f64>() / e.random_auroc.len().max(1) as f64;
    let most = e.random_auroc.iter().copied().fold(0.0, f64::max);
    let o = &e.over_best_cheap;
    println!(
        "{:<28}{:>6}  {:<22}{:<20}{:<24}{:<26}{:.3}",
        e.dataset,
        e.n,
        format!(
            "{:.3} [{:.3}, {:.3}]",
            e.auroc, e.auroc_ci[0], e.auroc_ci[1]
        ),
        format!("{mean:.3}, {most:.3}"),
        format!(
            "{:.3} [{:.3}, {:.3}]",
            e.logprob_auroc, e.logprob_auroc_ci[0], e.logprob_auroc_ci[1]
        ),
        format!("{:+.3} [{:+.3}, {:+.3}]", o.value, o.low, o.high),
        e.baselines
            .get("all neurons, L2")
            .copied()
            .unwrap_or(f64::NAN),
    );
}
