//! A small Jinja for chat templates, whose texts remember where every character comes from.
//!
//! Chat templates trim, split and compare what people typed. A renderer that gives plain text back cannot tell afterwards
//! which characters are people's and which the template's, and then what people type could become a special token. Here every
//! character carries its origin through all operations (see [`text`]), so the answer is exact for any template. Work and
//! memory are bounded as well, whatever the template does (see [`run`]).
//!
//! The language is what Hugging Face's `apply_chat_template` gives to templates: Jinja 3.1 in its immutable sandbox, with
//! `trim_blocks`, `lstrip_blocks`, `loopcontrols`, `{% generation %}`, `tojson`, `raise_exception` and `strftime_now`. What is not
//! known is refused by name. `tests/fixtures/make_templates.py` compares it with the original.

mod builtins;
mod date;
mod filters;
mod json;
mod lexer;
mod methods;
mod parser;
mod run;
mod syntax;
mod tests_is;
mod text;
mod value;

pub(crate) use date::TODAY;
pub(crate) use text::{Glyph, TEMPLATE, Text, plain, strip};
pub(crate) use value::Value;

/// What is wrong with a template, or with what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Line of the template, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// Whether the template itself says so, by `raise_exception`.
    pub raised: bool,
}

impl Fault {
    fn new(line: u32, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
            raised: false,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.raised {
            write!(f, "{}", self.message)
        } else {
            write!(f, "line {}: {}", self.line, self.message)
        }
    }
}

/// A template, parsed.
#[derive(Debug)]
pub(crate) struct Template(syntax::Body);

impl Template {
    /// # Errors
    /// Where the source is no Jinja, or uses what is not known here.
    pub fn parse(source: &str) -> Result<Self, Fault> {
        parser::parse(source).map(Self)
    }

    /// The template's text, given these variables.
    ///
    /// # Errors
    /// Where the template fails, refuses by `raise_exception`, or does more work than [`run::Run`] allows.
    pub fn render(&self, variables: Vec<(&str, Value)>) -> Result<Vec<Glyph>, Fault> {
        run::Run::new(variables).render(&self.0)
    }
}
