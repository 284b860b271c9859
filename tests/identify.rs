//! `hneurons identify` on the real model, in small: interrupted and not, whole and in parts, and with input that is no good.

mod common;

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// As little as still gives twenty right and twenty wrong answers to learn from.
const SMALL: [&str; 6] = ["--limit", "90", "--samples", "1", "--max-tokens", "16"];
/// What of it is identify's alone: few refits and sets, whose number no promise hangs on.
const FIT: [&str; 8] = [
    "--c",
    "0.3,1",
    "--resamples",
    "6",
    "--controls",
    "5",
    "--knowledge",
    "6",
];

fn command(out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hneurons"));
    command
        .current_dir(common::root())
        .args(["identify", "--model"])
        .arg(common::model_path())
        .arg("--out")
        .arg(out)
        .args(SMALL)
        .args(FIT)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn lines(path: &Path) -> usize {
    std::fs::read(path).map_or(0, |text| text.iter().filter(|&&b| b == b'\n').count())
}

/// Starts it and kills it as soon as a file has so many lines.
fn kill_when(out: &Path, more: &[&str], file: &str, at_least: usize) {
    let mut child = command(out, more).spawn().expect("it starts");
    for _ in 0..30_000 {
        if lines(&out.join(file)) >= at_least {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            return;
        }
        assert!(
            child.try_wait().expect("its state").is_none(),
            "it ended before {file} had {at_least} lines"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{file} never had {at_least} lines");
}

#[test]
fn killed_at_any_point_and_done_in_parts_it_finds_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    assert!(command(&whole, &[]).status().expect("it runs").success());
    let expected = std::fs::read(whole.join("identified.json")).expect("the result");

    // One part is killed in each of its stages, the other is left alone. A part writes and reads back the same files as
    // the whole, and the joined folder goes on to the fit as a whole that was interrupted does.
    let parts = ["1/2", "2/2"].map(|shard| {
        let out = folder.path().join(shard.replace('/', "-"));
        let part = ["--shard", shard];
        if shard == "1/2" {
            kill_when(&out, &part, "greedy.jsonl", 20);
            kill_when(&out, &part, "drawn.jsonl", 10);
            kill_when(&out, &part, "contributions.jsonl", 16);
        }
        assert!(command(&out, &part).status().expect("it runs").success());
        out
    });
    let joined = folder.path().join("joined");
    let merge = Command::new(env!("CARGO_BIN_EXE_hneurons"))
        .arg("merge")
        .args(&parts)
        .arg("--out")
        .arg(&joined)
        .status();
    assert!(merge.expect("it runs").success());
    assert!(command(&joined, &[]).status().expect("it runs").success());
    let got = std::fs::read(joined.join("identified.json")).expect("the result");
    assert!(
        got == expected,
        "in two parts, one killed thrice, it found something else"
    );

    the_artifact_made_of_it_has_the_published_one_s_shape(&whole);
    a_published_detector_is_judged_on_other_questions_and_on_a_base(&whole);
}

/// What `evaluate --artifact` and `origins` print: the contract's fields, and of a base that is the model itself that nothing moved.
fn a_published_detector_is_judged_on_other_questions_and_on_a_base(run: &Path) {
    let answers = run.join("other");
    let model = common::model_path();
    let json = |arguments: &[&str]| -> serde_json::Value {
        let out = Command::new(env!("CARGO_BIN_EXE_hneurons"))
            .current_dir(common::root())
            .args(arguments)
            .args([
                "--questions",
                "data/questions/facts.jsonl",
                "--limit",
                "50",
                "--json",
            ])
            .args(&SMALL[2..])
            .arg("--model")
            .arg(&model)
            .arg("--out")
            .arg(&answers)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&out.stdout).expect("one object")
    };
    let artifact = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json";
    let told = json(&["evaluate", "--artifact", artifact]);
    let number = |key: &str| told[key].as_f64().expect(key);
    assert!(number("n") >= 20.0);
    for key in ["auroc", "accuracy", "logprob_auroc"] {
        assert!((0.5..=1.0).contains(&number(key)), "{key}: {told}");
    }
    let [low, high] = [0, 1].map(|end| told["auroc_ci"][end].as_f64().expect("an interval"));
    assert!(low <= number("auroc") && number("auroc") <= high, "{told}");
    assert_eq!(told["random_auroc"].as_array().map(Vec::len), Some(20));
    assert!(told["baselines"]["answer length"].is_number(), "{told}");

    let own = run.to_str().expect("a path of letters");
    let base = model.to_str().expect("a path of letters");
    let told_of_base = json(&[
        "origins",
        "--base",
        base,
        "--base-run",
        own,
        "--controls",
        "50",
    ]);
    assert_eq!(told_of_base["mean_rank"], 0.5, "nothing was moved");
    assert_eq!(told_of_base["p"], 1.0);
    assert!(told_of_base["overlap"]["sizes"][0].is_number());
    assert_eq!(
        told_of_base["detector_on_base"][0], told,
        "the same model answers the same"
    );
}

/// Goes on from a run: evaluates, intervenes and writes the artifact, each as small as can be.
fn the_artifact_made_of_it_has_the_published_one_s_shape(run: &Path) {
    let small = &SMALL;
    let hneurons = |arguments: &[&str], more: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_hneurons"))
            .current_dir(common::root())
            .args(arguments)
            .arg("--model")
            .arg(common::model_path())
            .arg("--run")
            .arg(run)
            .args(more)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{arguments:?}: {said}");
    };
    hneurons(&["evaluate"], small);
    // Little of it, of the benchmarks whose replies are short, and a short text: what takes the time is the number of edits.
    let reference = run.join("reference.txt");
    let text =
        std::fs::read_to_string(common::root().join("data/reference.txt")).expect("the text");
    let start: String = text.chars().take(1200).collect();
    std::fs::write(&reference, start).expect("room");
    let reference = reference.to_str().expect("a path of letters");
    let few = [
        "--measure",
        "replies", // margins have a test of their own
        "--only",
        "knowledge,misleading",
        "--n",
        "4",
        "--controls",
        "2",
        "--reply-tokens",
        "16",
        "--alpha",
        "0,1",
        "--reference",
        reference,
    ];
    hneurons(&[&["intervene"][..], &few].concat(), small);
    let made = run.join("hneurons.json");
    let made_name = made.to_str().expect("a path of letters");
    hneurons(
        &["artifact", "--out", made_name, "--reference", reference],
        &[],
    );
    let read = |path: &Path| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("JSON")
    };
    let published = common::root().join("www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json");
    let of = |path: &Path| -> BTreeSet<String> {
        let mut shape = shape(&read(path));
        shape.retain(|at| !NOT_ALWAYS.iter().any(|part| at.starts_with(part)));
        shape
    };
    assert_eq!(of(&made), of(&published));
}

/// What one artifact has and another has not: what depends on the settings, or came after the published one was made.
const NOT_ALWAYS: [&str; 8] = [
    ".identification.choice",
    ".identification.stable",
    ".identification.tried[].detector_",
    ".evaluation[].best_cheap_on",
    ".recipe.fitting.cs",
    ".recipe.fitting.hold_out",
    ".recipe.fitting.knowledge",
    ".recipe.fitting.shuffle_labels",
];

/// Every path to a value, and its type; a list has the paths of all its items, and what is keyed by name the same for every name.
fn shape(value: &serde_json::Value) -> BTreeSet<String> {
    use serde_json::Value;
    fn walk(at: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    // One data set was evaluated on in the small run, and more in the published one.
                    let named = ["evaluated_on_sha256"].iter().any(|n| at.ends_with(n));
                    let key = if named { continue } else { key };
                    walk(&format!("{at}.{key}"), value, found);
                }
            }
            Value::Array(items) => items
                .iter()
                .for_each(|v| walk(&format!("{at}[]"), v, found)),
            Value::Null => {}
            Value::Bool(_) => drop(found.insert(format!("{at}: boolean"))),
            Value::Number(_) => drop(found.insert(format!("{at}: number"))),
            Value::String(_) => drop(found.insert(format!("{at}: string"))),
        }
    }
    let mut found = BTreeSet::new();
    walk("", value, &mut found);
    found
}

#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |questions: &str, more: &[&str]| {
        let path = folder.path().join("questions.jsonl");
        std::fs::write(&path, questions).expect("room");
        let out = Command::new(env!("CARGO_BIN_EXE_hneurons"))
            .args(["identify", "--model"])
            .arg(common::model_path())
            .arg("--questions")
            .arg(&path)
            .arg("--out")
            .arg(folder.path().join("out"))
            .args(more)
            .output()
            .expect("it runs");
        assert_eq!(out.status.code(), Some(2));
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let said = run(
        "{\"id\":\"1\",\"question\":\"What animal meows?\",\"answers\":[\"cat\"]}\nnot json\n",
        &[],
    );
    assert!(said.contains("questions.jsonl, line 2"), "{said}");
    let said = run("", &[]);
    assert!(said.contains("no questions"), "{said}");
    // One question has one kind of answer: nothing can be told apart.
    let one = "{\"id\":\"1\",\"question\":\"What animal meows?\",\"answers\":[\"cat\"]}\n";
    let said = run(one, &["--samples", "2"]);
    assert!(said.contains("20 of each are the least"), "{said}");
    let said = run(one, &["--samples", "2", "--hold-out", "elsewhere"]);
    assert!(
        said.contains("no question is of the source \"elsewhere\""),
        "{said}"
    );
    // The same folder with other questions.
    let other = one.replace("meows", "barks");
    let said = run(&other, &["--samples", "2"]);
    assert!(
        said.contains("another model, other questions or other settings"),
        "{said}"
    );
}
