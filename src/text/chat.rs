//! The chat template: a conversation becomes the tokens the model was trained to answer.
//!
//! The template is the file's own (Jinja). It works on what people typed, and every character of what it gives is known to be
//! the template's or theirs (see `jinja`): special tokens are recognized in the former only. Between two special tokens,
//! template text and content are encoded together, exactly as if the whole had been one string (merges may cross the seam).

use std::ops::Range;

use serde::Serialize;

use super::{
    Message, Role, TextStream, Tokenizer,
    jinja::{Fault, Glyph, TEMPLATE, Template, Text, Value, plain, strip},
    messages::check,
};
use crate::{
    error::{Error, Result},
    gguf::Vocabulary,
};

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

/// A token of the prompt, and where it comes from.
struct Placed {
    id: u32,
    role: Role,
    turn: usize,
    /// Whether it begins with a space that the encoder put in front of the text.
    added_space: bool,
}

impl Placed {
    /// A token that the template places.
    fn special(id: u32, turn: usize) -> Self {
        Self {
            id,
            role: Role::Template,
            turn,
            added_space: false,
        }
    }
}

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
                check(messages)?;
                let template = vocabulary.chat_template.as_deref().ok_or_else(|| {
                    Error::model(
                        "the file has no chat template: use --raw, or an instruction-tuned model",
                    )
                })?;
                pieces(template, messages, vocabulary)?
            }
        };
        let mut ids = Vec::new();
        encode_pieces(&pieces, tokenizer, &mut ids)?;
        // A template may have printed the beginning itself.
        if let Some(bos) = tokenizer.bos()
            && ids.first().is_none_or(|first| first.id != bos)
        {
            ids.insert(0, Placed::special(bos, 0));
        }
        let mut stream = TextStream::default();
        Ok(ids
            .into_iter()
            .map(|token| {
                let bytes = tokenizer.bytes(token.id);
                // A space that the encoder put there is nobody's text.
                let bytes = bytes.get(usize::from(token.added_space)..);
                PromptToken {
                    id: token.id,
                    text: stream.push(bytes.unwrap_or_default()),
                    role: token.role,
                    turn: token.turn,
                }
            })
            .collect())
    }
}

fn refusal(fault: &Fault) -> Error {
    Error::model(if fault.raised {
        format!(
            "the file's chat template refuses this conversation ({fault}): change it accordingly, or use --raw"
        )
    } else {
        format!(
            "the file's chat template cannot be followed ({fault}): use --raw, or another model"
        )
    })
}

/// Renders the template. The origin of a character is the number of its message, from 1, or [`TEMPLATE`].
fn render(
    template: &Template,
    messages: &[Message],
    vocabulary: &Vocabulary,
    add_generation_prompt: bool,
) -> Result<Vec<Glyph>> {
    let dict = |entries: Vec<(&str, Value)>| {
        Value::dict(
            entries
                .into_iter()
                .map(|(k, v)| (Value::text(k), v))
                .collect(),
        )
    };
    let given = messages.iter().zip(1u32..).map(|(message, number)| {
        dict(vec![
            ("role", Value::text(message.role.name())),
            ("content", Value::Text(Text::new(&message.content, number))),
        ])
    });
    let given = given
        .collect::<std::result::Result<_, _>>()
        .and_then(Value::list);
    let mut variables = vec![
        ("messages", given.map_err(Error::internal)?),
        ("add_generation_prompt", Value::Bool(add_generation_prompt)),
        ("tools", Value::None),
        ("documents", Value::None),
    ];
    for (name, id) in [
        ("bos_token", vocabulary.bos_token),
        ("eos_token", Some(vocabulary.eos)),
        ("unk_token", vocabulary.unknown_token),
        ("pad_token", vocabulary.padding_token),
    ] {
        if let Some(token) = id.and_then(|id| vocabulary.tokens.get(id as usize)) {
            variables.push((name, Value::text(token)));
        }
    }
    template.render(variables).map_err(|fault| refusal(&fault))
}

/// The rendered template, cut where the origin of its text changes.
fn pieces(source: &str, messages: &[Message], vocabulary: &Vocabulary) -> Result<Vec<Piece>> {
    let template = Template::parse(source).map_err(|fault| refusal(&fault))?;
    let rendered = render(&template, messages, vocabulary, true)?;
    check_used(&template, &rendered, messages, vocabulary)?;
    let mut pieces: Vec<Piece> = Vec::new();
    // From the end, because template text belongs to the message that follows.
    let mut turn = messages.len();
    for run in rendered.chunk_by(|a, b| a.from == b.from).rev() {
        let from = run.first().map_or(TEMPLATE, |g| g.from);
        let role = match (from as usize).checked_sub(1) {
            None => Role::Template,
            Some(number) => {
                turn = number;
                messages[number].role
            }
        };
        pieces.push(Piece {
            text: plain(run),
            role,
            turn,
        });
    }
    pieces.reverse();
    Ok(pieces)
}

/// Refuses a template that leaves a message out without a word: the model would answer something else.
///
/// A message of which nothing is printed may still have been read, as a switch such as "/no_think" is. Then another text in
/// its place makes a difference.
fn check_used(
    template: &Template,
    rendered: &[Glyph],
    messages: &[Message],
    vocabulary: &Vocabulary,
) -> Result<()> {
    let last = messages.len() - 1;
    for (i, message) in messages.iter().enumerate() {
        if rendered.iter().any(|g| g.from as usize == i + 1) {
            continue;
        }
        let read = i != last && {
            let mut other = messages.to_vec();
            other[i].content = "x".to_owned();
            render(template, &other, vocabulary, true)
                .map_or(true, |text| plain(&text) != plain(rendered))
        };
        if !read {
            return Err(Error::model(format!(
                "the file's chat template leaves out message {} ({}): take the message out, or use --raw or another model",
                i + 1,
                message.role.name()
            )));
        }
    }
    Ok(())
}

/// The special tokens with which the file's template ends a turn of the model: what follows its words, with or without a next
/// turn. None where there is no template, or where it cannot be rendered; a conversation then says why.
pub(super) fn turn_ends(tokenizer: &Tokenizer, vocabulary: &Vocabulary) -> Vec<u32> {
    let parsed = vocabulary.chat_template.as_deref().map(Template::parse);
    let Some(Ok(template)) = parsed else {
        return Vec::new();
    };
    let said = [
        Message::user("Hi"),
        Message::assistant("Yes"),
        Message::user("Why"),
    ];
    let mut out = Vec::new();
    for (messages, generation) in [(&said[..2], false), (&said[..3], true)] {
        let Ok(rendered) = render(&template, messages, vocabulary, generation) else {
            continue;
        };
        let Some(end) = rendered.iter().rposition(|g| g.from == 2) else {
            continue;
        };
        let after = rendered[end + 1..].split(|g| g.from != TEMPLATE).next();
        let after = plain(strip(after.unwrap_or_default(), None, true, false));
        if let Some((range, id)) = tokenizer.find_special(&after)
            && range.start == 0
            && !out.contains(&id)
        {
            out.push(id);
        }
    }
    out
}

/// Encodes pieces run by run: a run goes from one special token of the template to the next.
fn encode_pieces(pieces: &[Piece], tokenizer: &Tokenizer, ids: &mut Vec<Placed>) -> Result<()> {
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
            ids.push(Placed::special(id, piece.turn));
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
    ids: &mut Vec<Placed>,
) -> Result<()> {
    for token in tokenizer.encode_with_ranges(run)? {
        // A token that covers nothing belongs to what follows it.
        let covered = token.range.start..token.range.end.max(token.range.start + 1);
        // A token may reach over a seam, as " Hello" does behind a space of the template. It belongs to whom most of it does,
        // and rather to people than to the template.
        let shared = |source: &Range<usize>| {
            let end = source.end.min(covered.end);
            end.saturating_sub(source.start.max(covered.start))
        };
        let most = sources
            .iter()
            .min_by_key(|s| (std::cmp::Reverse(shared(&s.0)), s.1 == Role::Template));
        let (role, turn) = most.map_or((Role::Template, 0), |&(_, role, turn)| (role, turn));
        ids.push(Placed {
            id: token.id,
            role,
            turn,
            added_space: token.added_space,
        });
    }
    run.clear();
    sources.clear();
    Ok(())
}
