//! The artifact is checked as strictly as a model file, and belongs to one model only.

mod common;

use candle_core::quantized::GgmlDType;
use common::tiny::Tiny;
use hneurons::{
    ErrorKind,
    lab::{ControlOf, Lab},
    model::ModelFile,
    neurons::{Artifact, Detector},
};
use serde_json::{Value, json};

fn committed() -> Value {
    let path = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json";
    let text = std::fs::read_to_string(common::root().join(path)).expect("it is committed");
    serde_json::from_str(&text).expect("it is JSON")
}

fn refused(change: impl FnOnce(&mut Value), what: &str) {
    let mut value = committed();
    change(&mut value);
    let e = Artifact::parse(&value.to_string()).expect_err(what);
    assert_eq!(e.kind(), ErrorKind::Artifact);
    assert!(e.to_string().contains(what), "'{what}' is not in: {e}");
}

#[test]
fn the_committed_artifact_belongs_to_the_model_and_says_what_was_measured() {
    let artifact = common::artifact();
    artifact.check_model(&common::model()).expect("it fits");
    assert!(!artifact.provisional && !artifact.notice.is_empty());
    // Under one in a thousand of all neurons.
    assert!(artifact.neurons.len() <= artifact.model.neuron_count / 1000);
    assert!(!artifact.evaluation.is_empty() && !artifact.impact.is_empty());
    assert!(artifact.detector.calibration.is_some());
    assert!(artifact.neurons.len() * 1000 < artifact.model.neuron_count);
    assert!(artifact.controls.len() >= 20);
    let measured = artifact.neurons.iter().all(|n| n.quantiles.len() >= 3);
    assert!(measured, "every neuron has its quantiles");
}

#[test]
fn the_listed_controls_are_those_drawn_from_their_seeds() {
    let lab = common::lab();
    for control in &common::artifact().controls {
        let drawn = lab.control(&ControlOf::H, control.seed).expect("room");
        let listed: Vec<_> = drawn.iter().map(|n| (n.layer, n.index)).collect();
        assert_eq!(listed, control.neurons, "seed {}", control.seed);
    }
}

#[test]
fn another_model_s_artifact_is_refused() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q8_0).write()).expect("a tiny model");
    let mut lab = Lab::new(file).expect("a small model fits");
    let e = lab
        .set_artifact(common::artifact())
        .expect_err("another model");
    assert_eq!(e.kind(), ErrorKind::Artifact);
    assert!(e.to_string().contains("another model file"), "{e}");
    assert!(lab.artifact().is_none());
}

#[test]
fn what_is_not_sound_is_refused() {
    for text in ["", "{", "[]", "{\"schema\":\"hneurons/1\"}"] {
        let e = Artifact::parse(text).expect_err(text);
        assert_eq!(e.kind(), ErrorKind::Artifact, "{e}");
    }
    refused(|v| v["schema"] = json!("hneurons/2"), "hneurons/2");
    refused(|v| v["model"]["sha256"] = json!("12"), "sha256");
    refused(|v| v["model"]["neuron_count"] = json!(5), "neuron_count");
    refused(|v| v["neurons"] = json!([]), "no neurons");
    refused(
        |v| v["neurons"][0]["layer"] = json!(30),
        "outside the model",
    );
    refused(
        |v| v["neurons"][0]["index"] = json!(1536),
        "outside the model",
    );
    refused(
        |v| v["neurons"][1] = v["neurons"][0].clone(),
        "listed twice",
    );
    refused(|v| v["neurons"][0]["weight"] = json!(-0.1), "positive");
    refused(|v| v["detector"]["span"] = json!("vibes"), "vibes");
    refused(|v| v["detector"]["terms"][0]["std"] = json!(0), "term");
    refused(|v| v["controls"][0]["neurons"][0][0] = json!(29), "control");
    refused(
        |v| {
            let n = &v["neurons"][0];
            v["controls"][0]["neurons"][0] = json!([n["layer"], n["index"]]);
        },
        "control",
    );
}

#[test]
fn the_detector_is_the_logistic_function_of_standardized_contributions() {
    let artifact = common::artifact();
    let detector = Detector::of(&artifact);
    let calibration = artifact.detector.calibration.as_ref().expect("calibrated");
    let probability =
        |logit: f64| 1.0 / (1.0 + (-(calibration.slope * logit + calibration.intercept)).exp());
    let means: Vec<f64> = artifact.detector.terms.iter().map(|t| t.mean).collect();
    let bias = artifact.detector.bias;
    assert!((detector.score(&means) - probability(bias)).abs() < 1e-12);
    let mut raised = means.clone();
    let first = &artifact.detector.terms[0];
    raised[0] += 2.0 * first.std;
    let expected = probability(bias + 2.0 * first.weight);
    assert!((detector.score(&raised) - expected).abs() < 1e-12);
    // The same by what one token adds.
    let contributions: Vec<f32> = raised.iter().map(|&mean| mean as f32).collect();
    let log_odds = detector.base() + detector.pull(&contributions);
    assert!((1.0 / (1.0 + (-log_odds).exp()) - expected).abs() < 1e-5);
}
