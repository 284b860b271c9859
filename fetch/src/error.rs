//! The one way fetching fails: the file could not be had. The message is a single line and ends with a remedy.

use std::fmt;
use std::io;
use std::path::Path;

use crate::Model;

/// The result of fetching.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the file could not be had, and what to do.
#[derive(Debug)]
pub struct Error {
    message: String,
}

impl Error {
    pub(crate) fn folder(dir: &Path, cause: &io::Error) -> Self {
        let dir = dir.display();
        Self {
            message: format!("cannot write to {dir}: {cause}; make the folder writable"),
        }
    }

    pub(crate) fn text(url: &str, why: &str) -> Self {
        Self {
            message: format!(
                "cannot get {url} ({why}): see whether it opens in a browser, and give the file itself"
            ),
        }
    }

    pub(crate) fn nowhere(path: &Path, model: &Model, tried: &[String]) -> Self {
        let tried = if tried.is_empty() {
            "no source is switched on".to_owned()
        } else {
            tried.join("; ")
        };
        let (file, path, sha256) = (&model.file, path.display(), &model.sha256);
        Self {
            message: format!(
                "cannot get {file}: {tried}. Put the file at {path} (SHA-256 {sha256}), \
                 or name a mirror of the hub in HNEURONS_HUB"
            ),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
