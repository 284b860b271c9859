//! Levers: sets of the artifact that were chosen for one behaviour, from the file to a lane's edits and the command line.

mod common;

use std::process::Command;

use candle_core::quantized::GgmlDType;
use common::tiny::{LAYERS, NEURONS, Tiny};
use hneurons::{
    ErrorKind,
    lab::{ControlOf, Lab, LaneRequest, Set},
    model::ModelFile,
    neurons::{Artifact, matched_control},
};
use serde_json::{Value, json};

fn committed() -> Value {
    let path = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json";
    let text = std::fs::read_to_string(common::root().join(path)).expect("it is committed");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Two levers with neurons in the first two layers.
fn levers() -> Value {
    json!([
        {
            "id": "opinion", "behaviour": "opinion", "words": "going along with a wrong answer that the question suggests",
            "example": {"prompt": "What is 12 times 8? I think the answer is 30."},
            "neurons": [
                {"layer": 1, "index": 17, "effect": -0.41}, {"layer": 0, "index": 3, "effect": 0.2},
                {"layer": 1, "index": 5, "effect": 0.1}
            ],
            "controls": [{"seed": 1, "neurons": [[1, 90], [1, 91], [0, 60]]}],
            "harm": [{"measure": "plain questions right", "as_trained": 0.9, "off": 0.83, "n": 200}],
            "evidence": {"free": ["text", 1]}
        },
        {
            "id": "doubt-2", "behaviour": "doubt", "words": "taking back a right answer when it is doubted",
            "neurons": [{"layer": 0, "index": 9, "effect": -0.3}]
        }
    ])
}

fn with(levers: Value) -> Value {
    let mut value = committed();
    value["levers"] = levers;
    value
}

/// A tiny model with an artifact of its own, with these levers.
fn lab(levers: Value) -> Lab {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q8_0).write()).expect("a tiny model");
    let mut value = with(levers);
    value["model"]["sha256"] = json!(file.sha256());
    value["model"]["layers"] = json!(LAYERS);
    value["model"]["neurons_per_layer"] = json!(NEURONS);
    value["model"]["neuron_count"] = json!(LAYERS * NEURONS);
    value["neurons"] = json!([{"layer": 0, "index": 1, "weight": 0.5}]);
    value["detector"]["terms"] = json!([]);
    value["controls"] = json!([]);
    let artifact = Artifact::parse(&value.to_string()).expect("a sound artifact");
    let mut lab = Lab::new(file).expect("a small model fits");
    lab.set_artifact(artifact).expect("it fits");
    lab
}

fn refused(change: impl FnOnce(&mut Value), what: &str) {
    let mut all = levers();
    change(&mut all);
    let e = Artifact::parse(&with(all).to_string()).expect_err(what);
    assert_eq!(e.kind(), ErrorKind::Artifact);
    assert!(e.to_string().contains(what), "'{what}' is not in: {e}");
}

#[test]
fn an_artifact_keeps_its_levers_and_may_have_none() {
    let artifact = Artifact::parse(&with(levers()).to_string()).expect("it is sound");
    let written = serde_json::to_value(&artifact).expect("it can be written");
    assert_eq!(written["levers"][0], levers()[0]);
    assert_eq!(artifact.levers[1].set().len(), 1);
    let mut none = committed();
    none.as_object_mut().expect("an object").remove("levers");
    let artifact = Artifact::parse(&none.to_string()).expect("it is sound");
    assert!(artifact.levers.is_empty());
    let written = serde_json::to_value(&artifact).expect("it can be written");
    assert!(written.get("levers").is_none());
}

#[test]
fn a_lever_that_is_not_sound_is_refused_with_what_is_wrong_where() {
    refused(|l| l[0]["id"] = json!(""), "lever id ''");
    refused(|l| l[0]["id"] = json!("Opinion"), "lever id 'Opinion'");
    refused(
        |l| l[1]["id"] = json!("opinion"),
        "two levers have the id 'opinion'",
    );
    refused(
        |l| l[0]["words"] = json!(" "),
        "'opinion' does not say what",
    );
    refused(
        |l| l[1]["neurons"] = json!([]),
        "'doubt-2' lists no neurons",
    );
    let outside = "neuron 30.17 of the lever 'opinion' is outside";
    refused(|l| l[0]["neurons"][0]["layer"] = json!(30), outside);
    let outside = "neuron 1.1536 of the lever 'opinion' is outside";
    refused(|l| l[0]["neurons"][0]["index"] = json!(1536), outside);
    let twice = "neuron 1.17 of the lever 'opinion' is outside the model, or listed twice";
    refused(|l| l[0]["neurons"][2] = l[0]["neurons"][0].clone(), twice);
    refused(|l| l[0]["neurons"][0]["effect"] = json!("a lot"), "a lot");
    for control in [
        json!([[1, 90], [0, 61], [0, 60]]),
        json!([[1, 90], [0, 60]]),
        json!([[1, 90], [1, 90], [0, 60]]),
        json!([[1, 90], [1, 17], [0, 60]]),
        json!([[1, 90], [1, 1536], [0, 60]]),
    ] {
        refused(
            |l| l[0]["controls"][0]["neurons"] = control,
            "the control of seed 1 does not match the lever 'opinion'",
        );
    }
    let harm = "the harm 'plain questions right' of the lever 'opinion'";
    refused(|l| l[0]["harm"][0]["off"] = json!(1.5), harm);
    refused(|l| l[0]["harm"][0]["n"] = json!(0), harm);
}

#[test]
fn a_lane_edits_the_lever_asked_for_and_its_control_is_matched_to_it() {
    let lab = lab(levers());
    let asked = |lever: Option<&str>| LaneRequest {
        lever: lever.map(str::to_owned),
        ..LaneRequest::new(Set::Lever, 0.0)
    };
    let places = |set: &[hneurons::neurons::Neuron]| -> Vec<_> {
        set.iter().map(|n| (n.layer, n.index)).collect()
    };
    let (plan, edits) = lab.resolve(&asked(None)).expect("the first");
    assert_eq!(plan.lever.as_deref(), Some("opinion"));
    assert_eq!(places(&plan.neurons), [(1, 17), (0, 3), (1, 5)]);
    let custom = LaneRequest {
        neurons: plan.neurons,
        ..LaneRequest::new(Set::Custom, 0.0)
    };
    assert_eq!(edits, lab.resolve(&custom).expect("a selection").1);
    let (plan, _) = lab.resolve(&asked(Some("doubt-2"))).expect("by its id");
    assert_eq!(places(&plan.neurons), [(0, 9)]);

    let control = |lever: Option<&str>, seed| {
        let lane = LaneRequest {
            seed,
            control_of: ControlOf::Lever(lever.map(str::to_owned)),
            ..LaneRequest::new(Set::Random, 0.0)
        };
        lab.resolve(&lane).expect("a control").0
    };
    let published = control(None, 1);
    assert_eq!(published.lever.as_deref(), Some("opinion"));
    assert_eq!(places(&published.neurons), [(0, 60), (1, 90), (1, 91)]);
    let set = lab.lever(None).expect("a lever").set();
    let drawn = matched_control(&set, &[], NEURONS, 2).expect("room");
    assert_eq!(control(Some("opinion"), 2).neurons, drawn);
    assert_ne!(drawn, control(Some("opinion"), 3).neurons);
    // The random control of the H-Neurons says nothing of a lever.
    let lane = LaneRequest::new(Set::Random, 0.0);
    assert_eq!(lab.resolve(&lane).expect("a control").0.lever, None);
}

#[test]
fn a_lever_that_there_is_not_is_named_with_those_there_are() {
    let refused = |lab: &Lab, lever: Option<&str>, kind, what: &str| {
        let e = lab.lever(lever).expect_err(what);
        assert_eq!(e.kind(), kind, "{e}");
        assert!(e.to_string().contains(what), "'{what}' is not in: {e}");
    };
    let input = ErrorKind::Input;
    refused(
        &lab(levers()),
        Some("Opinion"),
        input,
        "no lever 'Opinion': choose opinion or doubt-2",
    );
    refused(&lab(json!([])), None, input, "has no levers");
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q8_0).write()).expect("a tiny model");
    let bare = Lab::new(file).expect("a small model fits");
    refused(&bare, None, ErrorKind::Artifact, "no levers are known");
}

#[test]
fn the_command_line_runs_a_lever_and_its_control_and_names_the_levers_there_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hneurons.json");
    std::fs::write(&path, with(levers()).to_string()).expect("it can be written");
    let none = folder.path().join("none.json");
    std::fs::write(&none, with(json!([])).to_string()).expect("it can be written");
    common::model_path();
    let run = |artifact: &std::path::Path, more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_hneurons"))
            .current_dir(common::root())
            .args(["run", "Hi", "--max-tokens", "2", "--alpha", "0"])
            .args(["--artifact", artifact.to_str().expect("a path")])
            .args(more)
            .output()
            .expect("the program starts")
    };
    let sets = [
        "--set",
        "lever:doubt-2",
        "--set",
        "random",
        "--control-of",
        "lever",
    ];
    let out = run(&path, &[&sets[..], &["--json"]].concat());
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{stderr}");
    let v: Value = serde_json::from_slice(&out.stdout).expect("one JSON object");
    let [lever, control] = &v["lanes"].as_array().expect("lanes")[..] else {
        panic!("two lanes: {v}");
    };
    assert_eq!(
        (&lever["set"], &lever["lever"]),
        (&json!("lever"), &json!("doubt-2"))
    );
    assert_eq!(lever["edited"], json!([[0, 9]]));
    // The lever's own neurons are listed at each token.
    assert_eq!(
        lever["tokens"][0]["neurons"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(
        (&control["set"], &control["lever"]),
        (&json!("random"), &json!("opinion"))
    );
    assert_eq!(control["edited"], json!([[0, 60], [1, 90], [1, 91]]));
    let out = run(&path, &sets);
    let stdout = String::from_utf8_lossy(&out.stdout);
    assert!(stdout.contains("lever doubt-2 x 0"), "{stdout}");
    assert!(
        stdout.contains("random control of lever opinion x 0"),
        "{stdout}"
    );

    let refused = |artifact, more: &[&str], what: &str| {
        let out = run(artifact, more);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{stderr}");
        assert!(out.stdout.is_empty());
        assert!(stderr.contains(what), "'{what}' is not in: {stderr}");
    };
    refused(
        &path,
        &["--set", "lever:doubt"],
        "no lever 'doubt': choose opinion or doubt-2",
    );
    refused(&none, &["--set", "lever"], "has no levers");
    refused(
        &path,
        &["--set", "levers"],
        "h, random, lever, lever:ID, none",
    );
}
