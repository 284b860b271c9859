//! What earlier commands left in the folder of a run, for those that go on from it.

use std::path::Path;

use hneurons::{
    Error, ErrorKind, Result,
    research::identify::{Fitting, Identified},
};

use serde::de::DeserializeOwned;

use super::model::read_text;

/// How it was fitted, and what was found.
pub fn read(run: &Path) -> Result<(Fitting, Identified)> {
    let path = run.join("identified.json");
    serde_json::from_str(&read_text(&path)?).map_err(|e| {
        Error::new(
            ErrorKind::Input,
            format!(
                "{} is not what identify writes ({e}): run it again",
                path.display()
            ),
        )
    })
}

/// A file of the run's folder; empty where that step was not run.
pub fn optional<T: DeserializeOwned>(run: &Path, name: &str, command: &str) -> Result<Vec<T>> {
    let path = run.join(name);
    if !path.exists() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&read_text(&path)?).map_err(|e| {
        Error::new(
            ErrorKind::Input,
            format!(
                "{} is not what {command} writes ({e}): run it again",
                path.display()
            ),
        )
    })
}
