//! From text to tokens and back: the file's own byte-pair encoding, and its chat template.

mod bytes;
mod chat;
mod tokenizer;

pub use bytes::TextStream;
pub use chat::{Conversation, Message, PromptToken, Role};
pub use tokenizer::Tokenizer;
