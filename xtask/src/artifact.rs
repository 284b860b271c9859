//! The published artifact, from nothing: every command that it takes, with the settings it was published with. Each goes on where
//! it was stopped, so an interrupted run is only started again.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, paths, process, report};

/// Made-up things are held against right answers that were kept apart.
const MADE_UP: &str = "data/questions/made-up.jsonl";

/// Questions of each benchmark, and the longest reply in tokens: little, because every one is answered under 46 edits.
const INTERVENE: [&str; 4] = ["--n", "64", "--reply-tokens", "32"];

const ARTIFACT: &str = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json";

/// Runs `hneurons` with these arguments, from the repository's root.
fn hneurons<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = process::cargo();
    command
        .current_dir(paths::root())
        .args(["run", "--release", "--quiet", "--bin", "hneurons", "--"])
        .args(arguments);
    command
}

/// Identifies, evaluates, intervenes, writes the artifact, and records the gallery with it.
pub fn make(questions: &[PathBuf], run: &Path) -> Result<()> {
    let step = |name: &str, command: &mut Command| {
        report::step(name, || process::run(command).map(|()| String::new()))
    };
    // Relative to where the command was typed, as with any tool.
    let absolute = |path: &Path| std::path::absolute(path).map_err(|e| e.to_string());
    let run = absolute(run)?;
    step("identify", hneurons(&["identify"]).arg("--out").arg(&run))?;
    let mut evaluate = hneurons(&["evaluate", "--questions", MADE_UP]);
    for file in questions {
        evaluate.arg("--questions").arg(absolute(file)?);
    }
    step("evaluate", evaluate.arg("--run").arg(&run))?;
    let mut intervene = hneurons(&["intervene"]);
    step(
        "intervene",
        intervene.args(INTERVENE).arg("--run").arg(&run),
    )?;
    let commit = process::output(
        Command::new("git")
            .args(["rev-parse", "HEAD"])
            .current_dir(paths::root()),
    );
    let mut artifact = hneurons(&["artifact", "--commit"]);
    artifact
        .arg(commit.unwrap_or_default().trim())
        .arg("--run")
        .arg(&run);
    step("artifact", &mut artifact)?;
    step(
        "gallery",
        &mut hneurons(&["gallery", "--artifact", ARTIFACT]),
    )
}
