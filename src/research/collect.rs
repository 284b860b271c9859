//! From questions to features, in a folder that keeps what is done: the part of the work that takes minutes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    answers::{Asking, Consistent, Drawn, Greedy, Progress, Subject, consistent, draw, greedy},
    contributions::{Contributions, Item},
    identify::balance,
    judge::Verdict,
    log::{io, write_whole},
    questions::Question,
};
use crate::error::{Error, Result};

/// What a folder's work belongs to: with anything else it must not be mixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// SHA-256 of the model's file.
    pub model: String,
    /// SHA-256 of the questions' files, in their order.
    pub questions: Vec<String>,
    /// Which part of the questions, `[i, n]`: every n-th from the i-th on, from 0.
    pub shard: (usize, usize),
    /// How they are asked.
    pub asking: Asking,
}

/// A folder of collected answers.
pub struct Folder(PathBuf);

impl Folder {
    /// Opens a folder for work with a header, or goes on with it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`]; [`crate::ErrorKind::Input`] where the folder holds other work.
    pub fn open(path: &Path, header: &impl Serialize) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| io(path, "make", e))?;
        let file = path.join("header.json");
        let text = serde_json::to_string_pretty(header)
            .map_err(|e| Error::internal(format!("a header cannot be written ({e})")))?;
        match std::fs::read_to_string(&file) {
            Ok(held) if held.trim() == text.trim() => {}
            Ok(_) => {
                return Err(Error::input(format!(
                    "{} holds the work of another model, other questions or other settings: choose another folder, or \
                     delete it",
                    path.display()
                )));
            }
            Err(_) => write_whole(&file, text.as_bytes())?,
        }
        Ok(Self(path.to_owned()))
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// Joins the folders of all parts of a run into one, for `identify` to go on with: what the parts did is not done again, and what
/// only the whole shows to be needed is.
///
/// # Errors
/// [`crate::ErrorKind::Io`]; [`crate::ErrorKind::Input`] where parts are missing, given twice, or of different runs.
pub fn merge(parts: &[PathBuf], out: &Path) -> Result<usize> {
    let mut headers = Vec::new();
    for part in parts {
        let path = part.join("header.json");
        let text = std::fs::read_to_string(&path).map_err(|e| io(&path, "read", e))?;
        let header: Header = serde_json::from_str(&text).map_err(|e| {
            Error::input(format!(
                "{} is not a folder of identify ({e}): give the folders of its parts",
                part.display()
            ))
        })?;
        headers.push((header, part));
    }
    headers.sort_by_key(|(h, _)| h.shard);
    let whole = Header {
        shard: (0, 1),
        ..headers
            .first()
            .ok_or_else(|| Error::input("no folders were given: give one for each part"))?
            .0
            .clone()
    };
    let n = headers.len();
    for (i, (header, part)) in headers.iter().enumerate() {
        let same = Header {
            shard: (0, 1),
            ..header.clone()
        };
        if same != whole {
            return Err(Error::input(format!(
                "{} belongs to another run than the first folder: give parts of one run",
                part.display()
            )));
        }
        if header.shard != (i, n) {
            return Err(Error::input(format!(
                "{} is part {} of {}, and {n} folders were given: give each part once",
                part.display(),
                header.shard.0 + 1,
                header.shard.1
            )));
        }
    }
    let folder = Folder::open(out, &whole)?;
    for name in [
        "greedy.jsonl",
        "drawn.jsonl",
        "contributions.jsonl",
        "contributions.f32",
    ] {
        let mut joined = Vec::new();
        for (_, part) in &headers {
            let path = part.join(name);
            joined.extend(std::fs::read(&path).map_err(|e| io(&path, "read", e))?);
        }
        write_whole(&folder.file(name), &joined)?;
    }
    Ok(n)
}

/// Everything about some questions.
pub struct Collected {
    /// The questions.
    pub questions: Vec<Question>,
    /// Greedy answers, in their order.
    pub greedy: Vec<Greedy>,
    /// Drawn answers to those that may be consistent.
    pub drawn: Vec<Drawn>,
}

impl Collected {
    /// Asks and draws.
    ///
    /// # Errors
    /// As [`greedy`] and [`draw`].
    pub fn make(
        subject: &mut Subject<'_>,
        asking: &Asking,
        questions: Vec<Question>,
        folder: &Folder,
    ) -> Result<Self> {
        let mut shown = Progress::new("answers");
        let greedy = greedy(
            subject,
            asking,
            &questions,
            &folder.file("greedy.jsonl"),
            &mut |done, of| shown.show(done, of),
        )?;
        let mut shown = Progress::new("drawn answers");
        let drawn = draw(
            subject,
            asking,
            &questions,
            &greedy,
            &folder.file("drawn.jsonl"),
            &mut |done, of| shown.show(done, of),
        )?;
        Ok(Self {
            questions,
            greedy,
            drawn,
        })
    }

    /// The questions answered consistently, and of questions that have no right answer all that were answered.
    pub fn consistent(&self, asking: &Asking) -> Vec<Consistent<'_>> {
        consistent(asking, &self.questions, &self.greedy, &self.drawn)
    }

    /// What was said to questions about things that do not exist, where something was said: hallucinations all.
    pub fn invented(&self) -> Vec<Consistent<'_>> {
        self.questions
            .iter()
            .zip(&self.greedy)
            .filter(|(q, g)| {
                q.answers.is_empty() && g.answer.finished && g.verdict == Verdict::Wrong
            })
            .map(|(question, greedy)| Consistent {
                question,
                greedy,
                wrong: true,
            })
            .collect()
    }

    /// Reads the contributions of some answers.
    ///
    /// # Errors
    /// As [`Contributions::make`].
    pub fn contributions(
        &self,
        subject: &mut Subject<'_>,
        asking: &Asking,
        items: &[&Consistent<'_>],
        folder: &Folder,
    ) -> Result<Contributions> {
        let items: Vec<Item<'_>> = items
            .iter()
            .map(|i| Item {
                question: i.question,
                template: &asking.prompt,
                ids: &i.greedy.answer.ids,
            })
            .collect();
        let mut shown = Progress::new("contributions");
        Contributions::make(
            subject,
            &items,
            &folder.file("contributions.f32"),
            &folder.file("contributions.jsonl"),
            &mut |done, of| shown.show(done, of),
        )
    }

    /// Counts, in a few lines.
    pub fn tell(&self, asking: &Asking, seed: u64) -> String {
        let count = |v: Verdict| self.greedy.iter().filter(|g| g.verdict == v).count();
        let items = self.consistent(asking);
        let wrong = items.iter().filter(|i| i.wrong).count();
        format!(
            "{} questions: {} answered right, {} wrong, {} refused, {} cut off\n\
             consistently right {}, consistently wrong {} (of {} drawn for); balanced within source and template: {}",
            self.questions.len(),
            count(Verdict::Right),
            count(Verdict::Wrong),
            count(Verdict::Refused),
            count(Verdict::Truncated),
            items.len() - wrong,
            wrong,
            self.drawn.len(),
            balance(&items, seed).len(),
        )
    }
}
