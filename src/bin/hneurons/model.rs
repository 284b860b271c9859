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

/// The artifact of the catalogue's default model, so that the command works outside a checkout too.
const DEFAULT_ARTIFACT: &str =
    include_str!("../../../www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json");

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
    /// The artifact's file.
    pub fn text(&self) -> Result<String> {
        match &self.artifact {
            Some(path) => read_text(path),
            None => Ok(DEFAULT_ARTIFACT.into()),
        }
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
        let read = Artifact::parse(&artifact.text()?)?;
        // One that is named must fit; the published one is only this model's.
        if artifact.artifact.is_some() || read.check_model(lab.file()).is_ok() {
            lab.set_artifact(read)?;
        }
        Ok(lab)
    }
}
