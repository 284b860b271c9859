//! The published artifact, from nothing: every command that it takes, with the settings it was published with. Each goes on where
//! it was stopped, so an interrupted run is only started again.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use hneurons_fetch::Model;

use crate::{Result, paths, process, report};

/// Made-up things are held against right answers that were kept apart.
const MADE_UP: &str = "data/questions/made-up.jsonl";

/// How much is measured of a model, so that a study ends within hours on two cores.
struct Study {
    /// Of `identify`, and of what goes on from it: drawn answers and the like.
    asking: &'static [&'static str],
    /// Of `levers` and of the margins of `intervene`, which are read on the same items.
    items: &'static [&'static str],
    /// Of `levers`.
    levers: &'static [&'static str],
    /// Of the margins of `intervene`.
    margins: &'static [&'static str],
    /// Of the replies of `intervene`; none are written where it is `None`.
    replies: Option<&'static [&'static str]>,
}

/// Of the usual model.
const USUAL: Study = Study {
    asking: &[],
    items: &[],
    levers: &[],
    margins: &["--n", "100"],
    // Little, because every one is answered under 46 edits.
    replies: Some(&["--n", "64", "--reply-tokens", "32"]),
};

/// Of a larger one, whose every token costs several times as much.
const LARGER: Study = Study {
    asking: &["--samples", "0", "--limit", "3000"],
    items: &[
        "--wording-items",
        "24",
        "--attribution-items",
        "32",
        "--validation-items",
        "32",
    ],
    levers: &["--only", "opinion,doubt"],
    margins: &[
        "--n",
        "20",
        "--random-items",
        "60",
        "--alone-items",
        "20",
        "--reply-items",
        "200",
        "--reply-tokens",
        "24",
        "--only",
        "opinion,doubt",
    ],
    replies: None,
};

/// Files of a model larger than this get the smaller study.
const LARGE: u64 = 200_000_000;

/// Runs `hneurons` with these arguments, from the repository's root.
fn hneurons<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = process::cargo();
    command
        .current_dir(paths::root())
        .args(["run", "--release", "--quiet", "--bin", "hneurons", "--"])
        .args(arguments);
    command
}

/// What is asked, beside what every model is asked.
pub struct Questions {
    /// Files to learn from; without any the project's own bank is.
    pub learnt_from: Vec<PathBuf>,
    /// Sources in those files that are asked and measured, and never learnt from.
    pub held_out: Vec<String>,
    /// Further files to evaluate on.
    pub evaluated_on: Vec<PathBuf>,
}

/// Identifies, chooses levers, evaluates, intervenes, writes the artifact, and records the gallery with it.
pub fn make(model: &Model, questions: &Questions, run: &Path) -> Result<()> {
    let step = |name: &str, command: &mut Command| {
        report::step(name, || process::run(command).map(|()| String::new()))
    };
    // Relative to where the command was typed, as with any tool.
    let absolute = |path: &Path| std::path::absolute(path).map_err(|e| e.to_string());
    let run = absolute(run)?;
    let study = if model.bytes > LARGE { LARGER } else { USUAL };
    let of = |command: &str| {
        let mut hneurons = hneurons(&[command]);
        hneurons.args(["--model", &model.id]);
        hneurons
    };
    let mut learnt = Vec::new();
    for file in &questions.learnt_from {
        learnt.push(absolute(file)?);
    }
    let with_files = |command: &mut Command, option: &str| {
        for file in &learnt {
            command.arg(option).arg(file);
        }
    };
    let mut identify = of("identify");
    identify.args(study.asking).arg("--out").arg(&run);
    with_files(&mut identify, "--questions");
    for source in &questions.held_out {
        identify.args(["--hold-out", source]);
    }
    step("identify", &mut identify)?;
    let mut levers = of("levers");
    levers.args(study.items).args(study.levers);
    step("levers", levers.arg("--run").arg(&run))?;
    let mut evaluate = of("evaluate");
    evaluate.args(study.asking).args(["--questions", MADE_UP]);
    with_files(&mut evaluate, "--trained-on");
    for file in &questions.evaluated_on {
        evaluate.arg("--questions").arg(absolute(file)?);
    }
    step("evaluate", evaluate.arg("--run").arg(&run))?;
    let mut margins = of("intervene");
    margins.args(["--measure", "margin"]).args(study.asking);
    margins.args(study.items).args(study.margins);
    with_files(&mut margins, "--trained-on");
    step("margins", margins.arg("--run").arg(&run))?;
    if let Some(replies) = study.replies {
        let mut intervene = of("intervene");
        intervene.args(["--measure", "replies"]).args(study.asking);
        with_files(&mut intervene, "--trained-on");
        step("replies", intervene.args(replies).arg("--run").arg(&run))?;
    }
    let commit = process::output(
        Command::new("git")
            .args(["rev-parse", "HEAD"])
            .current_dir(paths::root()),
    );
    let out = format!("www/artifacts/{}/hneurons.json", model.id);
    if let Some(folder) = paths::root().join(&out).parent() {
        std::fs::create_dir_all(folder)
            .map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    }
    let mut artifact = of("artifact");
    artifact.args(["--commit", commit.unwrap_or_default().trim()]);
    artifact.args(["--out", &out]);
    step("artifact", artifact.arg("--run").arg(&run))?;
    let mut gallery = of("gallery");
    let recordings = format!("www/gallery/{}", model.id);
    // What is worth showing differs from model to model.
    let own = format!("data/gallery-{}.jsonl", model.id);
    if paths::root().join(&own).exists() {
        gallery.args(["--prompts", &own]);
    }
    gallery.args(["--artifact", &out, "--out", &recordings]);
    step("gallery", &mut gallery)
}
