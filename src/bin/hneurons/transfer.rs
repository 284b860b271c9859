//! A published detector on questions it was not fitted on, for `evaluate --artifact` and `origins --questions`.

use std::path::{Path, PathBuf};

use hneurons::{
    Error, ErrorKind, Result,
    gguf::sha256_hex,
    research::{
        answers::{Asking, Subject},
        contributions::Place,
        evaluate::by_id,
        identify::{Fitting, Table, judged_on},
        transfer::{Published, Transfer},
    },
};
use serde_json::json;

use super::{identify::collect, model::read_text};

/// Asks the questions of a file, and judges the artifact's detector on the answers. What was asked is kept in a folder of its own,
/// by model, questions and settings.
pub fn judge(
    subject: &mut Subject<'_>,
    published: &Published,
    asking: &Asking,
    questions: &Path,
    limit: Option<usize>,
    out: &Path,
) -> Result<Transfer> {
    let name = questions.file_stem().unwrap_or_default().to_string_lossy();
    let settings = json!([subject.file.sha256(), read_text(questions)?, asking]);
    let key = sha256_hex(settings.to_string().as_bytes());
    let folder = out.join(format!("{name}-{}", &key[..12]));
    let files = [PathBuf::from(questions)];
    let (collected, folder) = collect(subject, asking, &files, limit, None, &folder)?;
    let consistent = collected.consistent(asking);
    let items = judged_on(&consistent, asking.seed);
    if items.is_empty() {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "no question of {} was answered consistently, or of each template all in one way: give questions with accepted \
                 answers that the model may know",
                questions.display()
            ),
        ));
    }
    let mut contributions = collected.contributions(subject, asking, &items, &folder)?;
    let pairs: Vec<(String, bool)> = (items.iter())
        .map(|i| (i.question.id.clone(), i.wrong))
        .collect();
    let table = Table::of(&mut contributions, &pairs, Place::Answer)?;
    let fitting = Fitting {
        seed: asking.seed,
        ..Fitting::default()
    };
    published.judge(&table, &by_id(&collected.greedy), &fitting)
}

/// As the contract has it, with the data set's name.
pub fn as_json(told: &Transfer, questions: &Path) -> Result<serde_json::Value> {
    let mut value = serde_json::to_value(told).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("the result cannot be written ({e})"),
        )
    })?;
    value["dataset"] = questions
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into();
    Ok(value)
}

/// For people.
pub fn print(t: &Transfer, what: &str) {
    let range = |[low, high]: [f64; 2]| format!("[{low:.3}, {high:.3}]");
    let mean = t.random_auroc.iter().sum::<f64>() / t.random_auroc.len().max(1) as f64;
    let most = t.random_auroc.iter().copied().fold(0.0, f64::max);
    let o = &t.over_best_cheap;
    println!("{what}: {} answers, {} of them wrong", t.n, t.wrong);
    println!(
        "  H-Neurons as published   AUROC {:.3} {}, accuracy {:.3} {} ({:.3} at refitted thresholds)",
        t.auroc,
        range(t.auroc_ci),
        t.accuracy,
        range(t.accuracy_ci),
        t.accuracy_refitted
    );
    println!(
        "  weights refitted here    H-Neurons {:.3}; {} random sets {mean:.3} on average, {most:.3} at most (p {:.3})",
        t.refitted_auroc,
        t.random_auroc.len(),
        t.random_p
    );
    println!(
        "  mean log-probability     {:.3} {}; the detector less the best cheap score {:+.3} [{:+.3}, {:+.3}]",
        t.logprob_auroc,
        range(t.logprob_auroc_ci),
        o.value,
        o.low,
        o.high
    );
}
