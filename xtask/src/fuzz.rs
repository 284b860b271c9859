//! The tests of broken input (`tests/fuzz.rs`, `tests/browser/fuzz.test.mjs`) with more cases than a test has time for. Each
//! runs in a program of its own, so that one that dies is a failure like any other.

use crate::{Result, browser, paths, process, report};

/// Runs `cases` mutated headers, and a tenth of that of templates with conversations, addresses and messages; from case
/// `first` on, so that another run can try others.
pub fn run(cases: u64, first: u64) -> Result<()> {
    let tenth = (cases / 10).max(1);
    for (test, cases) in [("mutated_headers", cases), ("mutated_templates", tenth)] {
        report::step(test, || {
            let mut cargo = process::cargo();
            cargo
                .args(["test", "--test", "fuzz", "--"])
                .args(["--nocapture", test])
                .env("FUZZ_CASES", cases.to_string())
                .env("FUZZ_FIRST", first.to_string());
            process::run(&mut cargo).map_err(|why| {
                let notes = paths::shown(&paths::target().join("tmp"));
                format!("{why}; {notes}/fuzz-*.txt says which cases a program that died was at")
            })?;
            Ok(format!("{cases} cases from {first} on"))
        })?;
    }
    report::step("addresses and messages", || {
        let mut node = browser::node()?;
        node.args(["--test", "--test-reporter=spec"])
            .arg(browser::tests_folder().join("fuzz.test.mjs"))
            .env("FUZZ_CASES", tenth.to_string())
            .env("FUZZ_FIRST", first.to_string());
        process::run(&mut node)?;
        Ok(format!("{tenth} cases of each from {first} on"))
    })
}
