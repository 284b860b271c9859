//! A comment or a document that names a file of the repository names one that is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::paths;

/// Made, not kept: `target/…`, and names that stand for any.
const MADE: [&str; 4] = ["target/", "pkg/", "dist/", "ID."];

/// Files of these kinds are read, and named.
const KINDS: [&str; 12] = [
    "rs", "md", "js", "mjs", "toml", "yml", "wgsl", "css", "html", "py", "json", "jsonl",
];

fn kind(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, kind)| kind)
}

/// The repository's own files, with `/` in their paths.
fn files(folder: &Path, found: &mut BTreeSet<String>) {
    // `models` at the root is fetched; `www/models` is our own.
    let fetched = folder == paths::root();
    let own = |name: &str| {
        let made = ["target", "node_modules", "pkg", "dist", "shared"].contains(&name);
        let hidden = name.starts_with('.') && name != ".github";
        !(made || hidden || fetched && name == "models")
    };
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path
            .file_name()
            .is_some_and(|name| own(&name.to_string_lossy()))
        {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(paths::shown(&path).replace('\\', "/"));
        }
    }
}

/// Whether `line` of a file of this kind is prose.
fn is_prose(line: &str, kind: &str) -> bool {
    let line = line.trim_start();
    kind == "md"
        || ["//", "#", "*", "/*", "<!--"]
            .iter()
            .any(|mark| line.starts_with(mark))
}

/// The paths in a line: words with a folder and an ending we know, and documents in capitals.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let separates = |c: char| !(c.is_ascii_alphanumeric() || "/._-:".contains(c));
    line.split(separates)
        .map(|word| word.trim_matches([':', '/', '-']).trim_end_matches('.'))
        .filter(|word| {
            let stem = word.rsplit_once('.').map_or("", |(stem, _)| stem);
            let document = kind(word) == "md" && stem.chars().all(|c| c.is_ascii_uppercase());
            !word.contains(':')
                && !stem.is_empty()
                && KINDS.contains(&kind(word))
                && (word.contains('/') || document)
                && !MADE.iter().any(|made| word.contains(made))
        })
        .map(|word| word.trim_start_matches("./").trim_start_matches("../"))
}

#[test]
fn comments_and_documents_name_files_that_are_there() {
    let mut all = BTreeSet::new();
    files(&paths::root(), &mut all);
    let there = |word: &str| {
        let end = format!("/{word}");
        all.iter().any(|file| file == word || file.ends_with(&end))
    };
    let mut dangling = Vec::new();
    let mut names = 0;
    for file in all.iter().filter(|file| KINDS[..10].contains(&kind(file))) {
        let text = fs::read_to_string(paths::root().join(file)).unwrap_or_default();
        for (i, line) in text.lines().enumerate() {
            if is_prose(line, kind(file)) {
                for word in named(line) {
                    names += 1;
                    if !there(word) {
                        dangling.push(format!("{file}:{} names {word}", i + 1));
                    }
                }
            }
        }
    }
    assert!(names > 200, "only {names} were found");
    assert!(dangling.is_empty(), "{dangling:#?}");
}
