//! The tests that need no browser. Cargo compiles and lints them; then two programs at a time run, because most of them keep one
//! core busy and a device in software keeps two.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;
use std::{fs, thread};

use serde_json::Value;

use crate::{Result, lint, paths, process, report};

/// The tests that take the most time, longest first, with why a quick run does without. All others take seconds.
const LONG: [(&str, &str); 4] = [
    ("identify", "H-Neurons found thrice on the real model"),
    (
        "gpu",
        "the real model on the GPU, a program on the CPU where there is none",
    ),
    (
        "greedy",
        "answers of Qwen2.5-Coder and Gemma 3, the real models",
    ),
    ("parity", "the real model in candle"),
];

/// Compiled pipelines for every form of every kernel: a minute where the device is a program on the CPU.
const GPU_KERNELS: &str = "engine::gpu::kernels::tests";

/// A program of tests.
pub struct Tests {
    name: String,
    program: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
    /// As cargo names it, relative to the repository's root.
    source: PathBuf,
}

/// Compiles all tests, programs and benchmarks of the workspace, with lints.
pub fn compile() -> Result<Vec<Tests>> {
    let list = paths::target().join("tests.json");
    // The standard output of cargo is the list of what it made; what a person reads is on the other.
    let file = fs::File::create(&list)
        .or_else(|_| fs::create_dir_all(paths::target()).and_then(|()| fs::File::create(&list)))
        .map_err(|e| format!("cannot write {}: {e}", list.display()))?;
    let mut cargo = process::cargo();
    cargo
        .args(["test", "--no-run", "--workspace", "--all-targets"])
        .arg("--message-format=json-render-diagnostics")
        .stdout(file);
    lint::while_compiling(&mut cargo)?;
    process::run(&mut cargo)?;
    let text =
        fs::read_to_string(&list).map_err(|e| format!("cannot read {}: {e}", list.display()))?;
    let mut all: Vec<Tests> = text.lines().filter_map(tests).collect();
    let place = |tests: &Tests| LONG.iter().position(|(name, _)| *name == tests.name);
    all.sort_by_key(|tests| (place(tests).unwrap_or(LONG.len()), tests.name.clone()));
    Ok(all)
}

/// The program that a line of cargo's list names, if it is one of tests.
fn tests(line: &str) -> Option<Tests> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = &message["target"];
    let is_bench = || {
        target["kind"]
            .as_array()
            .is_some_and(|k| k.iter().any(|k| k == "bench"))
    };
    if message["profile"]["test"] != true || is_bench() {
        return None;
    }
    let path = |value: &Value| value.as_str().map(PathBuf::from);
    let source = path(&target["src_path"])?;
    Some(Tests {
        name: target["name"].as_str()?.to_owned(),
        program: path(&message["executable"])?,
        folder: path(&message["manifest_path"])?.parent()?.to_owned(),
        source: source
            .strip_prefix(paths::root())
            .map(Path::to_owned)
            .unwrap_or(source),
    })
}

/// Compiles and runs the tests; a quick run, for which `changed` lists the changed files, leaves out the long ones.
pub fn test(changed: Option<&Vec<PathBuf>>) -> Result<()> {
    crate::tested_models()?;
    let mut all = compile()?;
    let mut skips = Vec::new();
    if let Some(changed) = changed {
        for (name, why) in LONG {
            let long = |tests: &Tests| tests.name == name && !changed.contains(&tests.source);
            if all.iter().any(long) {
                eprintln!("left out: {name} ({why})");
                all.retain(|tests| !long(tests));
            }
        }
        if !changed
            .iter()
            .any(|path| path.starts_with("src/engine/gpu"))
        {
            eprintln!("left out: {GPU_KERNELS} (every kernel of the GPU in each of its forms)");
            skips = vec!["--skip", GPU_KERNELS];
        }
    }
    if all.is_empty() {
        return Err("cargo made no tests".to_owned());
    }
    let failed = Mutex::new(Vec::new());
    let left = Mutex::new(all.into_iter());
    let next = || left.lock().ok()?.next();
    let work = || {
        while let Some(tests) = next() {
            let start = Instant::now();
            let mut command = Command::new(&tests.program);
            command.current_dir(&tests.folder).args(&skips);
            let result = process::run_quietly(&mut command);
            let time = report::seconds(start.elapsed());
            let source = tests.source.display();
            // In one piece: two programs of tests would otherwise write into each other's lines.
            let said = match &result {
                Ok(said) | Err(said) => said.trim_end(),
            };
            println!("── {source} ({time})\n{said}");
            if let (Err(_), Ok(mut failed)) = (&result, failed.lock()) {
                failed.push(source.to_string());
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let mut failed = failed
        .into_inner()
        .map_err(|_| "a test run was lost".to_owned())?;
    // Examples in the documentation are compiled by rustdoc alone, against what is compiled already.
    let mut doc = process::cargo();
    doc.args(["test", "--workspace", "--doc"]);
    lint::while_compiling(&mut doc)?;
    if let Err(why) = process::run(&mut doc) {
        failed.push(why);
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}
