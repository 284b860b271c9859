//! Questions with accepted answers: our own bank, and files of others.
//!
//! One JSON object a line. The reader is strict where a mistake would change a result unseen (a question that is missing, an
//! answer that is a number, two questions of one id), and warns where a person may have meant it.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fmt,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

pub mod bank;
pub mod import;

pub use bank::{facts, false_premises, made_up, misleading};
pub use import::{Format, import};

/// A question, and what counts as an answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its name, the same in every version of its file: `facts/capital/france`.
    pub id: String,
    /// The collection it is from; classes are balanced within a source.
    pub source: String,
    /// The pattern it was made by; the source's name where there is none.
    pub template: String,
    /// What is asked.
    pub question: String,
    /// Every accepted way to write an answer; with a context, what the context says. Empty: nobody can know.
    #[serde(default)]
    pub answers: Vec<String>,
    /// A passage given with the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The real answers where the context says otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truth: Vec<String>,
}

/// Sources whose questions have no answer, by design.
pub const WITHOUT_ANSWERS: [&str; 3] = ["made-up", "false-premise", "falseqa"];

/// Something in a file that is allowed but may be a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Line of the file, from 1.
    pub line: usize,
    /// Of what kind it is.
    pub kind: WarningKind,
    /// What it is, in a sentence.
    pub message: String,
}

/// The kinds of warnings, to count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// A question that the file asks twice; the second is left out.
    Repeated,
    /// A question without accepted answers; it is kept, but no answer to it can be right.
    NoAnswers,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// How many warnings of each kind there are, in one line; empty where there are none.
pub fn count_warnings(warnings: &[Warning]) -> String {
    [
        (WarningKind::Repeated, "asked twice and left out once"),
        (WarningKind::NoAnswers, "without answers"),
    ]
    .into_iter()
    .filter_map(|(kind, what)| {
        let n = warnings.iter().filter(|w| w.kind == kind).count();
        (n > 0).then(|| format!("{n} {what}"))
    })
    .collect::<Vec<_>>()
    .join(", ")
}

/// Reads JSON lines. `name` is the file's, for messages, and for ids and sources that a line does not give:
/// only `question` is required. A question asked twice (in any case and spacing, with the same context) is left out with a warning.
///
/// # Errors
/// [`crate::ErrorKind::Input`] with file, line and remedy.
pub fn read(text: &str, name: &str) -> Result<(Vec<Question>, Vec<Warning>)> {
    let mut questions: Vec<Question> = Vec::new();
    let mut warnings = Vec::new();
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut asked: HashMap<(String, String), usize> = HashMap::new();
    for (line, text) in lines(text) {
        let question = Fields::parse(text, name, line)?.question()?;
        match ids.entry(question.id.clone()) {
            Entry::Occupied(first) => {
                return Err(Error::input(format!(
                    "{name}, line {line}: the id {:?} is also line {}'s: give each question its own id",
                    question.id,
                    first.get()
                )));
            }
            Entry::Vacant(place) => place.insert(line),
        };
        let key = (
            normalized(&question.question),
            question
                .context
                .as_deref()
                .map(normalized)
                .unwrap_or_default(),
        );
        match asked.entry(key) {
            Entry::Occupied(first) => {
                warnings.push(Warning {
                    line,
                    kind: WarningKind::Repeated,
                    message: format!(
                        "{:?} was asked in line {} already: left out",
                        question.question,
                        first.get()
                    ),
                });
                continue;
            }
            Entry::Vacant(place) => place.insert(line),
        };
        if question.answers.is_empty() && !WITHOUT_ANSWERS.contains(&question.source.as_str()) {
            warnings.push(Warning {
                line,
                kind: WarningKind::NoAnswers,
                message: format!(
                    "{:?} has no answers: no answer to it can be right",
                    question.question
                ),
            });
        }
        questions.push(question);
    }
    if questions.is_empty() {
        return Err(Error::input(format!(
            "{name} has no questions: give a file with one JSON object a line, like {{\"id\":\"1\",\"question\":\"…?\",\"answers\":[\"…\"]}}"
        )));
    }
    Ok((questions, warnings))
}

/// The questions as JSON lines; [`read`] gives them back.
pub fn write(questions: &[Question]) -> Result<String> {
    let mut out = String::new();
    for question in questions {
        let line = serde_json::to_string(question)
            .map_err(|e| Error::internal(format!("a question cannot be written ({e})")))?;
        out.push_str(&line);
        out.push('\n');
    }
    Ok(out)
}

/// The lines that hold something, numbered from 1, without a byte order mark.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// Lower case and single spaces: what two spellings of one question share.
fn normalized(text: &str) -> String {
    text.to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// One line's fields.
struct Fields<'a> {
    fields: Map<String, Value>,
    name: &'a str,
    line: usize,
}

impl<'a> Fields<'a> {
    fn parse(text: &str, name: &'a str, line: usize) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self { fields, name, line }),
            Ok(_) => Err(Error::input(format!(
                "{name}, line {line} is not a JSON object: write one question a line, like {{\"question\":\"…?\",\"answers\":[\"…\"]}}"
            ))),
            // serde_json counts lines within its own text, which is one line: only the column says anything.
            Err(e) => Err(Error::input(format!(
                "{name}, line {line} is not valid JSON from character {} on: mend or delete the line",
                e.column()
            ))),
        }
    }

    fn error(&self, what: &str) -> Error {
        Error::input(format!("{}, line {}: {what}", self.name, self.line))
    }

    /// A text field; none where it is missing, null or blank.
    fn text(&self, key: &str) -> Result<Option<String>> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(s)) => Ok((!s.trim().is_empty()).then(|| s.clone())),
            Some(other) => Err(self.error(&format!(
                "{key:?} is {other}: write a text in quotation marks"
            ))),
        }
    }

    /// A list of texts; empty where it is missing.
    fn texts(&self, key: &str) -> Result<Vec<String>> {
        let list = match self.fields.get(key) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => {
                return Err(self.error(&format!(
                    "{key:?} is {other}: write a list of texts, like [\"4\", \"four\"]"
                )));
            }
        };
        list.iter()
            .map(|v| match v {
                Value::String(s) if !s.trim().is_empty() => Ok(s.clone()),
                other => Err(self.error(&format!(
                    "{key:?} holds {other}: write every answer as a text in quotation marks, like \"4\""
                ))),
            })
            .collect()
    }

    fn question(&self) -> Result<Question> {
        let question = self.text("question")?.ok_or_else(|| {
            self.error("\"question\" is missing or blank: write what is asked, or delete the line")
        })?;
        let file = self.name.rsplit(['/', '\\']).next().unwrap_or(self.name);
        let stem = file
            .split('.')
            .next()
            .filter(|s| !s.is_empty())
            .unwrap_or(file);
        let source = self.text("source")?.unwrap_or_else(|| stem.to_owned());
        Ok(Question {
            id: self
                .text("id")?
                .unwrap_or_else(|| format!("{stem}/{}", self.line)),
            template: self.text("template")?.unwrap_or_else(|| source.clone()),
            source,
            question,
            answers: self.texts("answers")?,
            context: self.text("context")?,
            truth: self.texts("truth")?,
        })
    }
}

/// How many questions there are, by source and template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Number of questions.
    pub questions: usize,
    /// Counts of each source's templates.
    pub sources: BTreeMap<String, BTreeMap<String, usize>>,
}

/// Counts questions by source and template.
pub fn summary(questions: &[Question]) -> Summary {
    let mut sources: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for q in questions {
        let templates = sources.entry(q.source.clone()).or_default();
        *templates.entry(q.template.clone()).or_default() += 1;
    }
    Summary {
        questions: questions.len(),
        sources,
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} questions", self.questions)?;
        for (source, templates) in &self.sources {
            let sum: usize = templates.values().sum();
            write!(f, "\n{source}: {sum}")?;
            if templates.len() > 1 || !templates.contains_key(source) {
                for (template, n) in templates {
                    write!(f, "\n  {template}: {n}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
