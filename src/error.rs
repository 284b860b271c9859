//! One error type for the whole crate.
//!
//! Everything here ends up in front of a person: on stderr, or in the page. So an error is a sentence that names the
//! cause and the remedy, plus a [`ErrorKind`] for code that must choose what to do next.

use std::fmt;

/// What went wrong, in a sentence, and of what kind it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// The kinds of failure a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The model file is broken, truncated, or of a kind this engine cannot run.
    Model,
    /// The model file's SHA-256 is not the one that was asked for.
    Hash,
    /// Memory could not be had.
    Memory,
    /// A request that cannot be carried out as it stands: prompt, alpha, neuron …
    Input,
    /// The artifact is malformed, or belongs to another model.
    Artifact,
    /// The conversation does not fit into the model's context.
    Context,
    /// A file could not be read or written.
    Io,
    /// There is no GPU that can be used, or it was lost.
    Gpu,
    /// A bug: a promise between two parts of this crate was broken.
    Internal,
}

impl ErrorKind {
    /// The name the page and its tests know the kind by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Hash => "hash",
            Self::Memory => "memory",
            Self::Input => "input",
            Self::Artifact => "artifact",
            Self::Context => "context",
            Self::Io => "io",
            Self::Gpu => "gpu",
            Self::Internal => "internal",
        }
    }
}

impl Error {
    /// An error of `kind`; `message` names the cause and the remedy. It may quote a file, so it is made one line of bounded
    /// length here.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: one_line(message.into()),
        }
    }

    /// Of what kind this error is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    pub(crate) fn artifact(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Artifact, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Internal,
            format!("{} (a bug: please report it)", message.into()),
        )
    }

    pub(crate) fn memory(what: &str, bytes: usize) -> Self {
        Self::new(
            ErrorKind::Memory,
            format!(
                "not enough memory for {what} ({:.1} MB): close other tabs or programs, or ask for fewer tokens",
                bytes as f64 / 1e6
            ),
        )
    }
}

/// Characters of a message at its beginning and at its end that are kept where it is too long; the remedy is at the end.
const BEGINNING: usize = 400;
const END: usize = 300;

/// A message as one line: what would end the line, move the cursor or turn the direction of writing is written out, and the
/// middle of a very long one is left out.
fn one_line(message: String) -> String {
    let count = message.chars().count();
    if count <= BEGINNING + END && !message.chars().any(is_disruptive) {
        return message;
    }
    let mut out = String::new();
    for (i, c) in message.chars().enumerate() {
        if count > BEGINNING + END && (BEGINNING..count - END).contains(&i) {
            if i == BEGINNING {
                out.push('…');
            }
        } else if is_disruptive(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character has an effect on the text around it.
fn is_disruptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A vector of `len` copies of `value`, or [`ErrorKind::Memory`] where an allocation would abort.
pub(crate) fn try_vec<T: Clone>(value: T, len: usize, what: &str) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(len)
        .map_err(|_| Error::memory(what, len.saturating_mul(size_of::<T>())))?;
    out.resize(len, value);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_makes_a_message_neither_longer_nor_more_lines() {
        let short = Error::model("tensor 'a': download it again").to_string();
        assert_eq!(short, "tensor 'a': download it again");
        let lines = Error::model("the key 'a\n\u{1b}[2J\u{202e}b' is wrong").to_string();
        assert_eq!(lines, "the key 'a\\n\\u{1b}[2J\\u{202e}b' is wrong");
        let long = format!("tensor '{}': download it again", "é".repeat(1 << 20));
        let long = Error::model(long).to_string();
        assert!(long.chars().count() <= 701 && long.starts_with("tensor 'é"));
        assert!(long.ends_with("': download it again"));
    }
}
