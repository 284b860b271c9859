//! Readers of published question collections, each in the form its authors publish it.
//!
//! Nothing of theirs is in this repository: a person who accepted a collection's terms gives its file, or has it fetched from where
//! its authors publish it.

use std::collections::HashMap;

use serde_json::Value;

use super::{Question, lines, read};
use crate::error::{Error, Result};

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TriviaQA (Joshi et al. 2017): its JSON with `Data`, or rows with `question_id` and `answer.aliases`.
    TriviaQa,
    /// NQ-Open (Lee et al. 2019): rows of `question` and a list `answer`.
    NqOpen,
    /// BioASQ task b (Tsatsaronis et al. 2015): JSON with `questions`; only those of type `factoid` are taken.
    BioAsq,
    /// FalseQA (Hu et al. 2023): CSV of `question,answer,label`; only false premises, label 1, are taken, and without the
    /// written rebuttals, since whether a reply goes along is judged otherwise.
    FalseQa,
    /// FaithEval's counterfactual part (Ming et al. 2025): rows of `question`, `context` and a choice; the accepted answers are
    /// the context's.
    FaithEval,
    /// This project's JSON lines, as [`read`] reads them.
    Own,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::TriviaQa,
        Self::NqOpen,
        Self::BioAsq,
        Self::FalseQa,
        Self::FaithEval,
        Self::Own,
    ];

    /// Its name on the command line, and (but for our own) the source of its questions.
    pub fn name(self) -> &'static str {
        match self {
            Self::TriviaQa => "triviaqa",
            Self::NqOpen => "nq-open",
            Self::BioAsq => "bioasq",
            Self::FalseQa => "falseqa",
            Self::FaithEval => "faitheval",
            Self::Own => "jsonl",
        }
    }

    /// The format of a name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for another name.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|f| f.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|f| f.name()).collect();
                Error::input(format!(
                    "{name:?} is not a format of questions: take one of {}",
                    names.join(", ")
                ))
            })
    }
}

impl Format {
    /// Where its authors publish one plain file of it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for those that have none, with how to get theirs.
    pub fn published(self) -> Result<&'static str> {
        let other = match self {
            Self::NqOpen => {
                return Ok(
                    "https://raw.githubusercontent.com/google-research-datasets/natural-questions/HEAD/nq_open/NQ-open.dev.jsonl",
                );
            }
            Self::FalseQa => {
                return Ok(
                    "https://raw.githubusercontent.com/thunlp/FalseQA/HEAD/dataset/test.csv",
                );
            }
            Self::TriviaQa => {
                "an archive: unpack nlp.cs.washington.edu/triviaqa/data/triviaqa-unfiltered.tar.gz and import unfiltered-web-dev.json"
            }
            Self::BioAsq => {
                "after registration only: get task b's file at participants-area.bioasq.org and import it"
            }
            Self::FaithEval => {
                "in Parquet: export Salesforce/FaithEval-counterfactual-v1.0 from the Hugging Face hub as JSON lines and import them"
            }
            Self::Own => "by this command itself: use --write",
        };
        Err(Error::input(format!(
            "{} cannot be fetched, it is published {other}",
            self.name()
        )))
    }
}

/// Reads a file of the given form. `name` is the file's, for messages.
///
/// # Errors
/// [`crate::ErrorKind::Input`] with file, line or entry, and remedy.
pub fn import(format: Format, text: &str, name: &str) -> Result<Vec<Question>> {
    let found = match format {
        Format::Own => return Ok(read(text, name)?.0),
        Format::FalseQa => false_qa(text, name)?,
        _ => {
            let mut found = Vec::new();
            for (i, row) in rows(text, name)?.iter().enumerate() {
                found.extend(match format {
                    Format::TriviaQa => Some(trivia_qa(row)?),
                    Format::BioAsq => bio_asq(row)?,
                    Format::FaithEval => Some(faith_eval(row)?),
                    _ => Some(nq_open(row, i + 1)?),
                });
            }
            found
        }
    };
    let mut first: HashMap<String, String> = HashMap::new();
    let mut questions = Vec::new();
    for q in found {
        match first.get(&q.id) {
            None => {
                first.insert(q.id.clone(), q.question.clone());
                questions.push(q);
            }
            // Collections made of several years hold some entries twice.
            Some(question) if *question == q.question => {}
            Some(_) => {
                return Err(Error::input(format!(
                    "{name}: two different questions have the id {:?}: the file is not a published {}, take it from its authors",
                    q.id,
                    format.name()
                )));
            }
        }
    }
    if questions.is_empty() {
        return Err(Error::input(format!(
            "{name} has no questions of {}: see whether it is the right file, and the format is not another of its formats",
            format.name()
        )));
    }
    Ok(questions)
}

/// An entry of a JSON file, and where it stands.
struct Row<'a> {
    value: Value,
    place: String,
    name: &'a str,
}

impl Row<'_> {
    fn error(&self, what: impl AsRef<str>) -> Error {
        Error::input(format!("{}, {}: {}", self.name, self.place, what.as_ref()))
    }

    /// The first of some fields that is there.
    fn get(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter()
            .filter_map(|k| self.value.get(*k))
            .find(|v| !v.is_null())
    }

    /// A text that must be there.
    fn text(&self, keys: &[&str]) -> Result<String> {
        match self.get(keys).and_then(Value::as_str).map(str::trim) {
            Some(s) if !s.is_empty() => Ok(s.to_owned()),
            _ => Err(self.error(format!(
                "{:?} is missing or no text: see whether the format is the right one, or delete the entry",
                keys[0]
            ))),
        }
    }

    fn question(
        &self,
        format: Format,
        id: &str,
        keys: &[&str],
        answers: Vec<String>,
    ) -> Result<Question> {
        Ok(Question {
            id: format!("{}/{id}", format.name()),
            source: format.name().into(),
            template: format.name().into(),
            question: self.text(keys)?,
            answers,
            context: None,
            truth: Vec::new(),
        })
    }
}

/// The entries of a JSON array, of the array `Data` or `questions` of an object, or of JSON lines.
fn rows<'a>(text: &str, name: &'a str) -> Result<Vec<Row<'a>>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(list)) => Some(list),
        Ok(Value::Object(mut fields)) => {
            ["Data", "questions", "data"]
                .iter()
                .find_map(|k| match fields.remove(*k) {
                    Some(Value::Array(list)) => Some(list),
                    _ => None,
                })
        }
        // An array over many lines that breaks off is better reported as such than as a broken first line.
        Err(e)
            if text.trim_start().starts_with('[')
                || text.trim_start().lines().next().map(str::trim) == Some("{") =>
        {
            return Err(Error::input(format!(
                "{name}, line {} is not valid JSON ({e}): get the file again",
                e.line()
            )));
        }
        _ => None,
    };
    if let Some(list) = whole {
        return Ok(list
            .into_iter()
            .enumerate()
            .map(|(i, value)| Row {
                value,
                place: format!("entry {}", i + 1),
                name,
            })
            .collect());
    }
    lines(text)
        .map(|(line, text)| {
            let value = serde_json::from_str(text).map_err(|e| {
                Error::input(format!(
                    "{name}, line {line} is not valid JSON from character {} on: get the file again, or delete the line",
                    e.column()
                ))
            })?;
            Ok(Row {
                value,
                place: format!("line {line}"),
                name,
            })
        })
        .collect()
}

/// Every text in a value: itself, or those of its list, of lists of lists.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(s) if !s.trim().is_empty() && !out.iter().any(|o| o == s.trim()) => {
            out.push(s.trim().to_owned())
        }
        Value::Array(list) => list.iter().for_each(|v| texts(v, out)),
        _ => {}
    }
}

fn trivia_qa(row: &Row) -> Result<Question> {
    let mut answers = Vec::new();
    if let Some(answer) = row.get(&["Answer", "answer"]) {
        for key in ["Value", "value", "Aliases", "aliases"] {
            answer.get(key).iter().for_each(|v| texts(v, &mut answers));
        }
    }
    // The hub's unlabelled rows hold this instead of an answer.
    if answers.is_empty() || answers == ["<unk>"] {
        return Err(
            row.error("there is no answer: take the train or the dev file, the test file has none")
        );
    }
    let id = row.text(&["QuestionId", "question_id"])?;
    row.question(Format::TriviaQa, &id, &["Question", "question"], answers)
}

fn nq_open(row: &Row, number: usize) -> Result<Question> {
    let mut answers = Vec::new();
    row.get(&["answer"])
        .iter()
        .for_each(|v| texts(v, &mut answers));
    if answers.is_empty() {
        return Err(row.error("\"answer\" is missing or no list of texts: see whether the file is NQ-Open's train or dev file"));
    }
    row.question(
        Format::NqOpen,
        &format!("{number:05}"),
        &["question"],
        answers,
    )
}

fn bio_asq(row: &Row) -> Result<Option<Question>> {
    if row.text(&["type"])? != "factoid" {
        return Ok(None);
    }
    let mut answers = Vec::new();
    row.get(&["exact_answer"])
        .iter()
        .for_each(|v| texts(v, &mut answers));
    if answers.is_empty() {
        return Err(row.error(
            "\"exact_answer\" is missing: take a training or golden file, the test files have none",
        ));
    }
    let id = row.text(&["id"])?;
    row.question(Format::BioAsq, &id, &["body"], answers)
        .map(Some)
}

fn faith_eval(row: &Row) -> Result<Question> {
    let mut answers = Vec::new();
    if let (Some(key), Some(choices)) = (row.get(&["answerKey"]), row.get(&["choices"])) {
        let list = |k: &str| {
            choices
                .get(k)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let at = list("label").iter().position(|l| l == key);
        let text = at.and_then(|i| list("text").get(i).cloned());
        let Some(text) = text else {
            return Err(row.error(format!(
                "the answer {key} is not among the choices: get the file again, or delete the entry"
            )));
        };
        texts(&text, &mut answers);
    }
    row.get(&["answer", "answers"])
        .iter()
        .for_each(|v| texts(v, &mut answers));
    if answers.is_empty() {
        return Err(row.error("there is neither \"answerKey\" with \"choices\" nor \"answer\": see whether it is FaithEval's counterfactual file"));
    }
    let id = row.text(&["id"])?;
    let mut question = row.question(Format::FaithEval, &id, &["question"], answers)?;
    question.context = Some(row.text(&["context"])?);
    Ok(question)
}

fn false_qa(text: &str, name: &str) -> Result<Vec<Question>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let broken = |e: csv::Error| {
        let line = e.position().map_or(1, csv::Position::line);
        Error::input(format!(
            "{name}, line {line} is not valid CSV ({e}): get the file again"
        ))
    };
    let header = reader.headers().map_err(broken)?.clone();
    let column = |key: &str| {
        header.iter().position(|h| h.trim() == key).ok_or_else(|| {
            Error::input(format!(
                "{name}, line 1 has no column {key:?}: the first line of FalseQA's files is question,answer,label"
            ))
        })
    };
    let (asked, label) = (column("question")?, column("label")?);
    let mut found = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let question = record.get(asked).unwrap_or_default().trim();
        if question.is_empty() {
            return Err(Error::input(format!(
                "{name}, line {line}: the question is blank: write one, or delete the line"
            )));
        }
        match record.get(label).map(str::trim) {
            Some("1") => found.push(Question {
                id: format!("falseqa/{:05}", i + 1),
                source: "falseqa".into(),
                template: "falseqa".into(),
                question: question.into(),
                answers: Vec::new(),
                context: None,
                truth: Vec::new(),
            }),
            Some("0") => {}
            other => {
                return Err(Error::input(format!(
                    "{name}, line {line}: the label is {:?}: it must be 1 (false premise) or 0; see whether a quotation mark is missing",
                    other.unwrap_or_default()
                )));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
