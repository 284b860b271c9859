//! From text to tokens and back: the file's own vocabulary, and its chat template.

mod bytes;
mod chat;
mod jinja;
mod messages;
mod tokenizer;

pub use bytes::TextStream;
pub use chat::{Conversation, PromptToken};
pub use messages::{
    Message, Role, deserialize as deserialize_messages, messages as read_messages, without_mark,
};
pub use tokenizer::{PreTokenizer, Tokenizer};

/// The date that every chat template is told, whatever the day; so a prompt has the same tokens always.
pub const TEMPLATE_DATE: &str = jinja::TODAY;
