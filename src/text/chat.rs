//! The chat template: a conversation becomes the tokens the model was trained to answer.
//!
//! The template is the file's own (Jinja). It is rendered with a placeholder for each message's content, so that it is
//! known which characters come from the template and which from people: special tokens are recognized in the former
//! only. Between two special tokens, template text and content are encoded together, exactly as if the whole had been
//! one string (merges may cross the seam).

use std::ops::Range;

use minijinja::{Environment, ErrorKind as JinjaError, context};
use serde::{Deserialize, Serialize};

use super::{TextStream, Tokenizer};
use crate::{
    error::{Error, Result},
    gguf::Vocabulary,
};

/// Who says something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions that stand before the conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Not a speaker: text the template adds.
    Template,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of the person.
    pub fn user(content: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            content: content.into(),
        }
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self {
            role: Role::Assistant,
            content: content.into(),
        }
    }
}

/// What the model is asked: messages in the chat template, or bare text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversation {
    /// Messages, the last of them usually the person's.
    Messages(Vec<Message>),
    /// Text to go on from, without template.
    Raw(String),
}

/// One token of the prompt, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromptToken {
    /// Token id.
    pub id: u32,
    /// The text it completes (see [`TextStream`]).
    pub text: String,
    /// Whose words it belongs to.
    pub role: Role,
    /// Which message it belongs to, counted from 0; for template text, the message that follows or, at the end, the
    /// number of messages.
    pub turn: usize,
}

/// Bound on the work a template may do: SmolLM2's takes under a thousand steps for a long conversation.
const TEMPLATE_FUEL: u64 = 1_000_000;

/// A stretch of rendered text and where it comes from.
struct Piece {
    text: String,
    role: Role,
    turn: usize,
}

impl Conversation {
    /// The words of the person's last message (or the raw text): what an answer answers.
    pub fn question(&self) -> &str {
        match self {
            Self::Raw(text) => text,
            Self::Messages(messages) => messages
                .iter()
                .rev()
                .find(|m| m.role == Role::User)
                .map_or("", |m| &m.content),
        }
    }

    /// The prompt's tokens.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for an empty conversation or message;
    /// [`crate::ErrorKind::Model`] where the file's template cannot be used.
    pub fn encode(
        &self,
        tokenizer: &Tokenizer,
        vocabulary: &Vocabulary,
    ) -> Result<Vec<PromptToken>> {
        let pieces = match self {
            Self::Raw(text) => {
                if text.is_empty() {
                    return Err(Error::input("the prompt is empty: type a question"));
                }
                vec![Piece {
                    text: text.clone(),
                    role: Role::User,
                    turn: 0,
                }]
            }
            Self::Messages(messages) => {
                check_messages(messages)?;
                let template = vocabulary.chat_template.as_deref().ok_or_else(|| {
                    Error::model(
                        "the file has no chat template: use --raw, or an instruction-tuned model",
                    )
                })?;
                render(template, messages, vocabulary)?
            }
        };
        let mut ids = Vec::new();
        if let Some(bos) = tokenizer.bos() {
            ids.push((bos, Role::Template, 0));
        }
        encode_pieces(&pieces, tokenizer, &mut ids)?;
        let mut stream = TextStream::default();
        Ok(ids
            .into_iter()
            .map(|(id, role, turn)| PromptToken {
                id,
                text: stream.push(tokenizer.bytes(id)),
                role,
                turn,
            })
            .collect())
    }
}

fn check_messages(messages: &[Message]) -> Result<()> {
    let Some(last) = messages.last() else {
        return Err(Error::input(
            "the conversation has no messages: add one of role 'user'",
        ));
    };
    if last.role != Role::User {
        return Err(Error::input(
            "the last message is not the user's: the model answers a user's message",
        ));
    }
    for (i, message) in messages.iter().enumerate() {
        if message.role == Role::Template {
            return Err(Error::input(format!(
                "message {} has the role 'template': use system, user or assistant",
                i + 1
            )));
        }
        if message.content.trim().is_empty() {
            return Err(Error::input(format!(
                "message {} is empty: type something",
                i + 1
            )));
        }
    }
    Ok(())
}

/// Renders the template with placeholders and cuts the result at them.
fn render(template: &str, messages: &[Message], vocabulary: &Vocabulary) -> Result<Vec<Piece>> {
    let mark = placeholder_char(template, messages)?;
    let placeholder = |i: usize| format!("{mark}{i}{mark}");
    let mut env = Environment::new();
    // As `apply_chat_template` of Hugging Face sets them, which templates are written for.
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.set_keep_trailing_newline(true);
    env.set_fuel(Some(TEMPLATE_FUEL));
    env.add_function("raise_exception", |message: String| {
        Err::<String, _>(minijinja::Error::new(JinjaError::InvalidOperation, message))
    });
    let fail = |e: minijinja::Error| {
        Error::model(format!(
            "the file's chat template refuses this conversation ({e}): use --raw, or another model"
        ))
    };
    env.add_template("chat", template).map_err(fail)?;
    let role_name = |role: Role| match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant | Role::Template => "assistant",
    };
    let marked: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(i, m)| context! { role => role_name(m.role), content => placeholder(i) })
        .collect();
    let special = |id: Option<u32>| {
        id.and_then(|id| vocabulary.tokens.get(id as usize))
            .map_or("", String::as_str)
    };
    let rendered = env
        .get_template("chat")
        .and_then(|t| {
            t.render(context! {
                messages => marked,
                add_generation_prompt => true,
                // The tokenizer adds the beginning itself.
                bos_token => "",
                eos_token => special(Some(vocabulary.eos)),
            })
        })
        .map_err(fail)?;
    let mut pieces = Vec::new();
    let mut rest = rendered.as_str();
    for (i, message) in messages.iter().enumerate() {
        // A template may leave a message out, as some do with a second system message.
        let Some((before, after)) = rest.split_once(&placeholder(i)) else {
            continue;
        };
        pieces.push(Piece {
            text: before.to_owned(),
            role: Role::Template,
            turn: i,
        });
        pieces.push(Piece {
            text: message.content.clone(),
            role: message.role,
            turn: i,
        });
        rest = after;
    }
    if rest.contains(mark) {
        return Err(Error::model(
            "the file's chat template repeats or reorders messages, which this program cannot follow: use --raw, or another model",
        ));
    }
    pieces.push(Piece {
        text: rest.to_owned(),
        role: Role::Template,
        turn: messages.len(),
    });
    Ok(pieces)
}

/// A private-use character that occurs nowhere else.
fn placeholder_char(template: &str, messages: &[Message]) -> Result<char> {
    ('\u{e000}'..='\u{f8ff}')
        .find(|&c| !template.contains(c) && !messages.iter().any(|m| m.content.contains(c)))
        .ok_or_else(|| {
            Error::input("the prompt uses every private-use character: take some of them out")
        })
}

/// Encodes pieces run by run: a run goes from one special token of the template to the next.
fn encode_pieces(
    pieces: &[Piece],
    tokenizer: &Tokenizer,
    ids: &mut Vec<(u32, Role, usize)>,
) -> Result<()> {
    let mut run = String::new();
    let mut sources: Vec<(Range<usize>, Role, usize)> = Vec::new();
    let add = |run: &mut String, sources: &mut Vec<_>, text: &str, piece: &Piece| {
        if !text.is_empty() {
            let start = run.len();
            run.push_str(text);
            sources.push((start..run.len(), piece.role, piece.turn));
        }
    };
    for piece in pieces {
        let mut rest = piece.text.as_str();
        let special = |text| match piece.role {
            Role::Template => tokenizer.find_special(text),
            _ => None,
        };
        while let Some((range, id)) = special(rest) {
            add(&mut run, &mut sources, &rest[..range.start], piece);
            flush(&mut run, &mut sources, tokenizer, ids)?;
            ids.push((id, Role::Template, piece.turn));
            rest = &rest[range.end..];
        }
        add(&mut run, &mut sources, rest, piece);
    }
    flush(&mut run, &mut sources, tokenizer, ids)
}

fn flush(
    run: &mut String,
    sources: &mut Vec<(Range<usize>, Role, usize)>,
    tokenizer: &Tokenizer,
    ids: &mut Vec<(u32, Role, usize)>,
) -> Result<()> {
    for (id, range) in tokenizer.encode_with_ranges(run)? {
        let (role, turn) = sources
            .iter()
            .find(|(source, ..)| source.contains(&range.start))
            .or(sources.last())
            .map_or((Role::Template, 0), |&(_, role, turn)| (role, turn));
        ids.push((id, role, turn));
    }
    run.clear();
    sources.clear();
    Ok(())
}
