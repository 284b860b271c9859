//! Every test there is, cheapest first, with a summary. A step that cannot run is a failure: nothing is skipped silently.

use std::fs;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::wasm::{Profile, Variant};
use crate::{Result, browser, dist, javascript, paths, process, report, wasm};

/// A step of `cargo xtask test`, in the order of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// The format of the Rust code
    Fmt,
    /// The page's JavaScript and its tests': format, lints, types
    Js,
    /// Lints, natively and for wasm
    Clippy,
    /// The tests that need no browser, on the real model
    Native,
    /// The page's module, in both variants
    Wasm,
    /// The page in real browsers, Chromium and Firefox
    Browser,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Js => "js",
            Self::Clippy => "clippy",
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Browser => "browser",
        }
    }
}

/// Runs the steps in `only`, or all of them.
pub fn run(only: &[Step]) -> Result<()> {
    let mut results: Vec<(Step, Duration, Result<()>)> = Vec::new();
    for step in Step::value_variants() {
        if !only.is_empty() && !only.contains(step) {
            continue;
        }
        eprintln!("── {}", step.name());
        let start = Instant::now();
        let result = match step {
            Step::Fmt => fmt(),
            Step::Js => javascript::check(),
            Step::Clippy => clippy(),
            Step::Native => native(),
            Step::Wasm => dist::pkg(Profile::Quick),
            Step::Browser => page(),
        };
        if let Err(why) = &result {
            eprintln!("error: {why}");
        }
        results.push((*step, start.elapsed(), result));
    }

    eprintln!("── summary");
    for (step, time, result) in &results {
        let time = report::seconds(*time);
        let outcome = match result {
            Ok(()) => "ok".to_owned(),
            Err(why) => format!("FAILED: {why}"),
        };
        eprintln!("{time:>9}  {:<8} {outcome}", step.name());
    }
    let failed: Vec<_> = results
        .iter()
        .filter(|(_, _, result)| result.is_err())
        .map(|(step, _, _)| step.name())
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}

fn fmt() -> Result<()> {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))
        .map_err(|why| format!("{why}; run `cargo fmt --all`"))
}

fn clippy() -> Result<()> {
    process::run(
        process::cargo()
            .args(["clippy", "--workspace", "--all-targets", "--"])
            .args(["-D", "warnings"]),
    )?;
    // The page's module has code of its own, and most of it in the variant with all the instructions.
    wasm::ensure_target()?;
    process::run(&mut wasm::cargo(
        "clippy",
        "hneurons",
        Variant::RelaxedSimd,
        Profile::Quick,
        &["-D", "warnings"],
    ))
}

/// In the development profile, in which the dependencies are already optimized: xtask itself has compiled many of them.
fn native() -> Result<()> {
    crate::model()?;
    process::run(process::cargo().args(["test", "--workspace"]))
}

/// The first Firefox that the tests were run in: 140 lacks commands of WebDriver BiDi that they use.
const FIREFOX: u32 = 153;

fn page() -> Result<()> {
    // Before minutes are spent: both browsers are needed.
    let firefox = browser::firefox()?;
    if let Some(found) = browser::firefox_version(&firefox).filter(|found| *found < FIREFOX) {
        return Err(format!(
            "the tests drive Firefox by commands that {FIREFOX} and later have; {} is {found}: \
             install a newer one (a package list that is not up to date gives an old one: `apt-get update` first), \
             or name it in FIREFOX",
            firefox.display()
        ));
    }
    crate::model()?;
    // Quick when the wasm step has just run; needed when it has not.
    dist::build(Profile::Quick, &paths::root().join("dist"))?;
    let mut tests: Vec<_> = fs::read_dir(browser::tests_folder())
        .map_err(|e| format!("cannot read tests/browser: {e}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    tests.sort();
    // Browsers that compute would fight for the processor and for each other's timeouts; with a stand-in for the engine
    // (tests/browser/mock/) they mostly wait.
    let (waiting, computing): (Vec<_>, Vec<_>) = tests
        .into_iter()
        .partition(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("/mock/")));
    let mut result = Ok(());
    for (tests, at_once) in [(waiting, 2), (computing, 1)] {
        result = result.and(process::run(
            browser::node()?
                .env("FIREFOX", &firefox)
                .args(["--test", "--test-reporter=spec"])
                .arg(format!("--test-concurrency={at_once}"))
                .args(tests),
        ));
    }
    result
}
