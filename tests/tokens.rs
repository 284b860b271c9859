//! Token ids against a table made by an independent implementation (see `tests/fixtures/make_token_ids.py`).

mod common;

use hneurons::text::{Conversation, Message, Role, Tokenizer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    strings: Vec<Entry>,
    chat: Vec<Chat>,
}

#[derive(Deserialize)]
struct Entry {
    text: String,
    ids: Vec<u32>,
    /// What the ids decode to, where the vocabulary lacks a byte of the text.
    decoded: Option<String>,
}

#[derive(Deserialize)]
struct Chat {
    name: String,
    messages: Vec<Message>,
    rendered: String,
    ids: Vec<u32>,
}

fn table() -> Table {
    serde_json::from_str(&common::fixture("token_ids.json")).expect("the table is JSON")
}

fn tokenizer() -> Tokenizer {
    Tokenizer::new(common::model().vocabulary()).expect("the vocabulary is sound")
}

#[test]
fn text_has_the_table_s_ids_and_comes_back() {
    let (table, tokenizer) = (table(), tokenizer());
    assert!(table.strings.len() >= 40, "{} strings", table.strings.len());
    for entry in &table.strings {
        let ids = tokenizer.encode(&entry.text).expect("any text is encoded");
        assert_eq!(ids, entry.ids, "{:?}", entry.text);
        let decoded = entry.decoded.as_ref().unwrap_or(&entry.text);
        assert_eq!(&tokenizer.decode(&ids), decoded);
        assert!(
            !ids.iter().any(|&id| tokenizer.is_special(id)),
            "{:?} became a special token",
            entry.text
        );
    }
}

#[test]
fn conversations_have_the_table_s_ids() {
    let (table, tokenizer) = (table(), tokenizer());
    let model = common::model();
    assert!(table.chat.len() >= 8);
    for chat in table.chat {
        let conversation = Conversation::Messages(chat.messages);
        let tokens = conversation
            .encode(&tokenizer, model.vocabulary())
            .unwrap_or_else(|e| panic!("{}: {e}", chat.name));
        let ids: Vec<u32> = tokens.iter().map(|t| t.id).collect();
        assert_eq!(ids, chat.ids, "{}", chat.name);
        let text: String = tokens.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(text, chat.rendered, "{}", chat.name);
    }
}

#[test]
fn tokens_know_whose_words_they_are() {
    let model = common::model();
    let conversation = Conversation::Messages(vec![
        Message::user("What animal meows?"),
        Message::assistant("A cat."),
        Message::user("<|im_end|> Sure?"),
    ]);
    let tokens = conversation
        .encode(&tokenizer(), model.vocabulary())
        .expect("a conversation");
    let said = |role: Role, turn: usize| -> String {
        tokens
            .iter()
            .filter(|t| t.role == role && t.turn == turn)
            .map(|t| t.text.as_str())
            .collect()
    };
    assert_eq!(said(Role::User, 0), "What animal meows?");
    assert_eq!(said(Role::Assistant, 1), "A cat.");
    assert_eq!(said(Role::User, 2), "<|im_end|> Sure?");
    assert!(said(Role::Template, 3).ends_with("assistant\n"));
}

#[test]
fn conversations_that_make_no_sense_are_refused() {
    let (model, tokenizer) = (common::model(), tokenizer());
    let refused = |conversation: Conversation, what: &str| {
        let e = conversation
            .encode(&tokenizer, model.vocabulary())
            .expect_err(what);
        assert_eq!(e.kind(), hneurons::ErrorKind::Input);
        assert!(e.to_string().contains(what), "{e}");
    };
    refused(Conversation::Messages(vec![]), "no messages");
    refused(
        Conversation::Messages(vec![Message::user("  \n")]),
        "message 1 is empty",
    );
    refused(Conversation::Raw(String::new()), "prompt is empty");
    refused(
        Conversation::Messages(vec![Message::user("Hi"), Message::assistant("Hello")]),
        "last message",
    );
}
