//! Messages, and how they are read from JSON: by the command line and by the page.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

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

impl Role {
    /// Its name in JSON and in templates.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Template => "template",
        }
    }
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

/// Refuses a conversation that a model cannot answer.
pub(super) fn check(messages: &[Message]) -> Result<()> {
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

/// JSON text without the byte order mark that some editors begin a file with.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Reads the messages of a conversation: a list of `{role, content}`, or an object whose `messages` is one.
///
/// A content is a text, or a list of parts `{"type": "text", "text": …}`; several parts become one text, a line each, as
/// servers of this form of JSON have it.
///
/// # Errors
/// [`crate::ErrorKind::Input`], naming the message and what it has that cannot be read.
pub fn messages(json: &Value) -> Result<Vec<Message>> {
    const FORM: &str = "write a list of {\"role\": \"user\", \"content\": …}";
    let list = match json {
        Value::Array(list) => list,
        Value::Object(object) => match object.get("messages") {
            Some(Value::Array(list)) => list,
            Some(_) => return Err(Error::input(format!("'messages' is no list: {FORM}"))),
            None => return Err(Error::input(format!("there are no 'messages': {FORM}"))),
        },
        _ => return Err(Error::input(format!("this is no conversation: {FORM}"))),
    };
    (list.iter().zip(1..))
        .map(|(json, number)| message(json, number))
        .collect()
}

fn message(json: &Value, number: usize) -> Result<Message> {
    let Value::Object(fields) = json else {
        return Err(Error::input(format!(
            "message {number} is no object: write {{\"role\": …, \"content\": …}}"
        )));
    };
    let role = match fields.get("role") {
        Some(Value::String(role)) => role.as_str(),
        Some(_) => {
            return Err(Error::input(format!(
                "the role of message {number} is no text: use system, user or assistant"
            )));
        }
        None => {
            return Err(Error::input(format!(
                "message {number} has no role: use system, user or assistant"
            )));
        }
    };
    let speaker = match role {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => {
            return Err(Error::input(format!(
                "message {number} has the role {other:?}, which is not supported: use system, user or assistant"
            )));
        }
    };
    let refuse = |what: String| Err(Error::input(format!("message {number} ({role}) {what}")));
    // What a template would be given elsewhere, and here would be lost.
    let left = |(key, value): &(&String, &Value)| {
        let empty = match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        !matches!(key.as_str(), "role" | "content") && !empty
    };
    if let Some((key, _)) = fields.iter().find(left) {
        return refuse(format!("has {key:?}, which is not supported: take it out"));
    }
    match content(fields) {
        Ok(content) => Ok(Message {
            role: speaker,
            content,
        }),
        Err(why) => refuse(why),
    }
}

fn content(fields: &Map<String, Value>) -> std::result::Result<String, String> {
    let parts = match fields.get("content") {
        Some(Value::String(text)) => return Ok(text.clone()),
        Some(Value::Array(parts)) => parts,
        None | Some(Value::Null) => return Err("has no content: add a text".to_owned()),
        Some(_) => {
            return Err(
                "has a content that is no text: write a text, or a list of text parts".to_owned(),
            );
        }
    };
    let mut texts = Vec::with_capacity(parts.len());
    for (part, number) in parts.iter().zip(1..) {
        let kind = part.get("type").and_then(Value::as_str);
        match (kind, part.get("text").and_then(Value::as_str)) {
            (Some("text"), Some(text)) => texts.push(text),
            (Some("text"), None) => {
                return Err(format!(
                    "has a part {number} without text: give it \"text\""
                ));
            }
            (Some(other), _) => {
                return Err(format!(
                    "has a part {number} of type {other:?}, which is not supported: keep text parts only"
                ));
            }
            (None, _) => {
                return Err(format!(
                    "has a part {number} without a type: write {{\"type\": \"text\", \"text\": …}}"
                ));
            }
        }
    }
    Ok(texts.join("\n"))
}

/// Reads messages where a larger form has them, with the same errors.
///
/// # Errors
/// As [`messages`].
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<Message>, D::Error> {
    let json = Value::deserialize(deserializer)?;
    messages(&json).map_err(|e| D::Error::custom(e.to_string()))
}
