//! The checks that JavaScript gets without a browser: prettier's format, ESLint's findings, TypeScript's types.
//!
//! `www/sw.js` is left to ESLint and its tests: it is the same from version to version, comments included.

use std::process::Command;

use crate::browser;
use crate::{Result, paths, process};

/// Each tool of `tests/browser/package.json`: its script there, its arguments, and what to do when it finds something.
const TOOLS: [(&str, &[&str], &str); 4] = [
    (
        "prettier/bin/prettier.cjs",
        &[
            "--config=tests/browser/prettier.json",
            "--log-level=warn",
            "--check",
            "www/**/*.js",
            "{tests,benches}/browser/**/*.{js,mjs}",
            "benches/native/*.mjs",
        ],
        "run the same with --write in place of --check",
    ),
    (
        "eslint/bin/eslint.js",
        &[
            "--config=tests/browser/eslint.config.mjs",
            "--max-warnings=0",
            "www",
            "tests/browser",
            "benches/browser",
            "benches/native",
        ],
        "tests/browser/eslint.config.mjs has the rules",
    ),
    (
        "typescript/bin/tsc",
        &["--project", "tests/browser/tsconfig.json"],
        "www/core/types.js has the types that files share",
    ),
    (
        "typescript/bin/tsc",
        &["--project", "tests/browser/tsconfig.strict.json"],
        "in these files every parameter has a type, and null is looked out for",
    ),
];

/// Runs all of them, so that one call shows all there is to mend.
pub fn check() -> Result<()> {
    let folder = browser::tests_folder();
    browser::packages(&folder)?;
    let mut result = Ok(());
    for (script, arguments, remedy) in TOOLS {
        let checked = process::run(
            Command::new("node")
                .current_dir(paths::root())
                .arg(folder.join("node_modules").join(script))
                .args(arguments),
        )
        .map_err(|why| format!("{why}; {remedy}"));
        result = result.and(checked);
    }
    result
}
