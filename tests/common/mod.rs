//! What the integration tests share: the real model, and a tiny one made on the spot.

#![allow(dead_code)]

pub mod tiny;

use std::{path::PathBuf, sync::OnceLock};

use hneurons::{
    engine::{Engine, Feed, LaneId, Logits, Reading, Watch},
    lab::Lab,
    model::ModelFile,
    neurons::Artifact,
};
use hneurons_fetch::catalogue;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn model_path() -> PathBuf {
    catalogue_model(&catalogue().default)
}

/// The file of a model of the catalogue.
pub fn catalogue_model(id: &str) -> PathBuf {
    let model = catalogue().find(id).expect("a model of the catalogue");
    let path = root().join("models").join(&model.file);
    assert!(
        path.exists(),
        "this test needs {}: get it with `cargo xtask model {id}`",
        path.display()
    );
    path
}

/// The SHA-256 of the catalogue's default model.
pub fn model_sha256() -> &'static str {
    &catalogue().default_model().sha256
}

/// The real model, read once for all tests of a binary.
pub fn model() -> ModelFile {
    static FILE: OnceLock<ModelFile> = OnceLock::new();
    FILE.get_or_init(|| {
        let bytes = std::fs::read(model_path()).expect("the model can be read");
        ModelFile::parse_expecting(bytes, model_sha256()).expect("the model is sound")
    })
    .clone()
}

/// A real model of the catalogue, read.
pub fn file_of(id: &str) -> ModelFile {
    let mut file = std::fs::File::open(catalogue_model(id)).expect("the model can be opened");
    let size = file.metadata().expect("the model has a size").len();
    ModelFile::read(&mut file, size).expect("the model is sound")
}

pub fn artifact() -> Artifact {
    let path = root().join("www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json");
    Artifact::parse(&std::fs::read_to_string(path).expect("the artifact is committed"))
        .expect("the artifact is sound")
}

/// The real model with its artifact.
pub fn lab() -> Lab {
    let mut lab = Lab::new(model()).expect("the model is ready");
    lab.set_artifact(artifact()).expect("the artifact fits");
    lab
}

pub fn fixture(name: &str) -> String {
    let path = root().join("tests/fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn fixture_bytes(name: &str) -> Vec<u8> {
    let path = root().join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// One call of the engine with one feed.
pub fn feed(
    engine: &mut dyn Engine,
    lane: LaneId,
    tokens: &[u32],
    logits: Logits,
    watch: &Watch,
) -> Reading {
    pollster::block_on(engine.forward(
        &[Feed {
            lane,
            tokens,
            logits,
        }],
        watch,
    ))
    .expect("the engine reads the tokens")
    .remove(0)
}

/// The tiny random models of tests/fixtures/tiny_models, one or more of each architecture.
pub const TINY_MODELS: [&str; 8] = [
    "llama",
    "llama-scaled",
    "llama-linear",
    "qwen2",
    "qwen3",
    "gemma3",
    "smollm3",
    "ernie4_5",
];

/// A text of a tiny model's fixture.
#[derive(serde::Deserialize)]
pub struct Sequence {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// What transformers gives at each position, in f32.
    pub logits: Vec<Vec<f32>>,
}

/// A tiny model, and its texts.
pub fn tiny_model(name: &str) -> (ModelFile, Vec<Sequence>) {
    #[derive(serde::Deserialize)]
    struct Fixture {
        sequences: Vec<Sequence>,
    }
    let bytes = fixture_bytes(&format!("tiny_models/{name}.gguf"));
    let file = ModelFile::parse(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
    let text = fixture(&format!("tiny_models/{name}.json"));
    let fixture: Fixture = serde_json::from_str(&text).expect("the fixture is JSON");
    (file, fixture.sequences)
}
