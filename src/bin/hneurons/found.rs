//! What `hneurons identify` left in its folder, for the commands that go on from it.

use std::path::Path;

use hneurons::{
    Error, ErrorKind, Result,
    research::identify::{Fitting, Identified},
};

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
