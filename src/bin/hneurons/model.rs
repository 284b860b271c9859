//! Which model and artifact a command works with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use hneurons::{
    Error, ErrorKind, Result,
    engine::{
        Engine,
        cpu::Cpu,
        gpu::{Gpu, Options},
    },
    lab::Lab,
    model::ModelFile,
    neurons::Artifact,
};
use hneurons_fetch::{Progress, catalogue, ensure};

/// The published artifacts, so that the command works outside a checkout too.
const PUBLISHED: [&str; 2] = [
    include_str!("../../../www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json"),
    include_str!("../../../www/artifacts/qwen2.5-coder-0.5b-instruct-q4_k_m/hneurons.json"),
];

#[derive(Args)]
pub struct ModelArgs {
    /// A GGUF file, or the id of a model of the catalogue, which is fetched into models/ first if need be. Without it
    /// SmolLM2-135M-Instruct is used.
    #[arg(long, value_name = "FILE|ID")]
    pub model: Option<PathBuf>,
}

/// What computes.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Computes {
    /// The processor, all cores.
    Cpu,
    /// The GPU, or what plays one.
    Gpu,
}

impl Computes {
    /// The engine, with the model loaded.
    pub fn open(self, file: &ModelFile) -> Result<Box<dyn Engine>> {
        Ok(match self {
            Self::Cpu => Box::new(Cpu::new(file)?),
            Self::Gpu => {
                let options = Options {
                    emulated: true,
                    ..Options::default()
                };
                Box::new(pollster::block_on(Gpu::open(file, None, &options))?)
            }
        })
    }
}

#[derive(Args)]
pub struct ArtifactArgs {
    /// The model's H-Neurons (hneurons.json). Without it the published ones are used, if they are this model's.
    #[arg(long, value_name = "FILE")]
    pub artifact: Option<PathBuf>,
}

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| {
        Error::new(
            ErrorKind::Io,
            format!("cannot read {} ({e}): check the path", path.display()),
        )
    })
}

/// Reads a model file as it comes, never holding it beside its weights.
pub fn open(path: &Path) -> Result<ModelFile> {
    let told = |e: std::io::Error| {
        let why = format!("cannot read {} ({e}): check the path", path.display());
        Error::new(ErrorKind::Io, why)
    };
    let mut file = fs::File::open(path).map_err(told)?;
    let size = file.metadata().map_err(told)?.len();
    ModelFile::read(&mut file, size)
        .map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))
}

/// The file that a path or the id of a catalogue's model names; a model of the catalogue is fetched first if need be.
pub fn located(named: &Path) -> Result<PathBuf> {
    let model = named.to_str().and_then(|id| catalogue().find(id));
    match model {
        Some(model) if !named.exists() => {
            ensure(Path::new("models"), model, &Progress::to_stderr())
                .map_err(|e| Error::new(ErrorKind::Io, e.to_string()))
        }
        None if !named.exists() => Err(Error::new(
            ErrorKind::Io,
            format!(
                "there is no file {}: check the path, or name a model of the catalogue ({})",
                named.display(),
                catalogue().ids()
            ),
        )),
        _ => Ok(named.to_owned()),
    }
}

pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| {
        Error::new(
            ErrorKind::Io,
            format!("{} is not UTF-8 text: convert it", path.display()),
        )
    })
}

impl ArtifactArgs {
    /// The text of the artifact that is named, else of the published one of this model. `None` where there is neither.
    pub fn text(&self, file: &ModelFile) -> Result<Option<String>> {
        if let Some(path) = &self.artifact {
            return read_text(path).map(Some);
        }
        for text in PUBLISHED {
            if Artifact::parse(text)?.check_model(file).is_ok() {
                return Ok(Some(text.into()));
            }
        }
        Ok(None)
    }

    /// The same, where the command is of no use without one.
    pub fn needed(&self, file: &ModelFile) -> Result<String> {
        self.text(file)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Input,
                "no H-Neurons are known for this model: name its artifact with --artifact",
            )
        })
    }
}

impl ModelArgs {
    /// The file's path, fetched first if it is a model of the catalogue.
    pub fn path(&self) -> Result<PathBuf> {
        let named = self.model.as_deref();
        located(named.unwrap_or(Path::new(&catalogue().default)))
    }

    pub fn file(&self) -> Result<ModelFile> {
        let path = self.path()?;
        open(&path)
    }

    /// The model, ready to run, with its artifact where there is one.
    pub fn lab(&self, artifact: &ArtifactArgs) -> Result<Lab> {
        let mut lab = Lab::new(self.file()?)?;
        if let Some(text) = artifact.text(lab.file())? {
            lab.set_artifact(Artifact::parse(&text)?)?;
        }
        Ok(lab)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_artifact_comes_with_the_command() {
        let published = catalogue().models.iter().filter(|m| m.artifact.is_some());
        let ids: Vec<_> = published.map(|model| model.id.clone()).collect();
        let held = PUBLISHED.map(|text| Artifact::parse(text).expect("our own file").model.id);
        assert_eq!(ids, held);
    }
}
