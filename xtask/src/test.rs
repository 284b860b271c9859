//! Every test there is, cheapest first, with a summary. A step that cannot run is a failure: nothing is skipped silently.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::wasm::{Lint, Profile};
use crate::{Result, browser, dist, javascript, native, paths, process, report};

/// A step of `cargo xtask test`, in the order of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// The format of the Rust code
    Fmt,
    /// The page's JavaScript and its tests': format, lints, types
    Js,
    /// Everything for this machine is compiled and linted
    Clippy,
    /// The tests that need no browser, on the real model
    Native,
    /// The page's module, in both variants, compiled and linted
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

/// Runs the steps in `only`, or all of them; `quick` leaves out what takes minutes.
pub fn run(only: &[Step], quick: bool) -> Result<()> {
    let mut results: Vec<(Step, Duration, Result<()>)> = Vec::new();
    let changed = if quick { changed()? } else { Vec::new() };
    for step in Step::value_variants() {
        if !only.is_empty() && !only.contains(step) || quick && *step == Step::Wasm {
            continue;
        }
        eprintln!("── {}", step.name());
        let start = Instant::now();
        let result = match step {
            Step::Fmt => fmt(),
            Step::Js => javascript::check(),
            Step::Clippy => native::compile().map(|_| ()),
            Step::Native => native::test(quick.then_some(&changed)),
            Step::Wasm => dist::pkg(Profile::Quick, Lint::Yes),
            Step::Browser if quick => in_node(&changed),
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
    if quick {
        eprintln!(
            "left out: what is named above, and the module's two builds with their lints; `cargo xtask test` has it all"
        );
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

/// The files that differ from the last commit, as git names them.
fn changed() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(paths::root()).args([
        "status",
        "--porcelain",
        "--no-renames",
        "--untracked-files=all",
    ]);
    // Trimmed or not, a line ends in the path.
    let said = process::output(&mut git).ok_or("git could not say what was changed; install it")?;
    let path = |line: &str| Some(PathBuf::from(line.trim_start().split_once(' ')?.1.trim()));
    Ok(said.lines().filter_map(path).collect())
}

fn fmt() -> Result<()> {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))
        .map_err(|why| format!("{why}; run `cargo fmt --all`"))
}

/// The first Firefox that the tests were run in: 140 lacks commands of WebDriver BiDi that they use.
const FIREFOX: u32 = 153;

/// The tests of the page, by how they are run.
struct PageTests {
    /// Without a browser.
    plain: Vec<PathBuf>,
    /// With a stand-in for the engine (tests/browser/mock/): browsers mostly wait.
    waiting: Vec<PathBuf>,
    /// With the engine: browsers would fight for the processor and for each other's timeouts.
    computing: Vec<PathBuf>,
}

fn page_tests() -> Result<PageTests> {
    let mut paths: Vec<_> = fs::read_dir(browser::tests_folder())
        .map_err(|e| format!("cannot read tests/browser: {e}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    paths.sort();
    let mut tests = PageTests {
        plain: Vec::new(),
        waiting: Vec::new(),
        computing: Vec::new(),
    };
    for path in paths {
        let text = fs::read_to_string(&path)
            .map_err(|e| format!("cannot read {}: {e}", paths::shown(&path)))?;
        let has = |what: &str| text.contains(what);
        if has("/mock/") {
            tests.waiting.push(path);
        } else if [
            "browser.mjs",
            "firefox.mjs",
            "lab.mjs",
            "puppeteer",
            "playwright",
        ]
        .iter()
        .any(|what| has(what))
        {
            tests.computing.push(path);
        } else {
            tests.plain.push(path);
        }
    }
    Ok(tests)
}

fn node(tests: &[PathBuf], at_once: usize, firefox: Option<&Path>) -> Result<()> {
    if tests.is_empty() {
        return Ok(());
    }
    let mut node = browser::node()?;
    if let Some(firefox) = firefox {
        node.env("FIREFOX", firefox);
    }
    process::run(
        node.args(["--test", "--test-reporter=spec"])
            .arg(format!("--test-concurrency={at_once}"))
            .args(tests),
    )
}

fn page() -> Result<()> {
    // Before minutes are spent: both browsers are needed.
    let firefox = new_firefox()?;
    crate::tested_models()?;
    // Quick when the wasm step has just run; needed when it has not.
    dist::build(Profile::Quick, &paths::root().join("dist"), Lint::Yes)?;
    let PageTests {
        mut plain,
        waiting,
        computing,
    } = page_tests()?;
    plain.extend(waiting);
    let first = node(&plain, 2, Some(&firefox));
    first.and(node(&computing, 1, Some(&firefox)))
}

/// The page's tests that need no browser, and those whose file was changed.
fn in_node(changed: &[PathBuf]) -> Result<()> {
    let PageTests {
        plain,
        waiting,
        computing,
    } = page_tests()?;
    let is_changed = |path: &PathBuf| changed.iter().any(|c| paths::root().join(c) == *path);
    let (with, without): (Vec<_>, Vec<_>) =
        waiting.into_iter().chain(computing).partition(is_changed);
    let names: Vec<_> = without.iter().filter_map(|path| path.file_name()).collect();
    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
    eprintln!("left out, for they need a browser: {}", names.join(", "));
    node(&plain, 2, None)?;
    if with.is_empty() {
        return Ok(());
    }
    let firefox = new_firefox()?;
    crate::tested_models()?;
    dist::build(Profile::Quick, &paths::root().join("dist"), Lint::Yes)?;
    node(&with, 1, Some(&firefox))
}

fn new_firefox() -> Result<PathBuf> {
    let firefox = browser::firefox()?;
    if let Some(found) = browser::firefox_version(&firefox).filter(|found| *found < FIREFOX) {
        return Err(format!(
            "the tests drive Firefox by commands that {FIREFOX} and later have; {} is {found}: \
             install a newer one (a package list that is not up to date gives an old one: `apt-get update` first), \
             or name it in FIREFOX",
            firefox.display()
        ));
    }
    Ok(firefox)
}
