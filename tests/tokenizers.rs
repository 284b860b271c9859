//! Token ids of other vocabularies than SmolLM2's, against the publishers' tokenizers and against llama.cpp (see
//! `tests/fixtures/make_tokenizer_tables.py` and `make_llama_cpp_tokens.mjs`).

mod common;

use std::io::Read;

use hneurons::{
    gguf::Vocabulary,
    text::{Conversation, Message, Tokenizer},
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

/// More than the header of any of the files has.
const HEADER: u64 = 32 << 20;

/// A vocabulary of `tests/fixtures/tokenizers`, with another pre-tokenizer if one is named.
fn vocabulary(name: &str, pre: Option<&str>) -> Vocabulary {
    let path = common::root().join(format!("tests/fixtures/tokenizers/{name}.gguf.br"));
    let packed = std::fs::read(path).expect("the vocabulary is committed");
    let mut header = Vec::new();
    brotli::Decompressor::new(&packed[..], 1 << 16)
        .read_to_end(&mut header)
        .expect("it is compressed with brotli");
    if let Some(pre) = pre {
        // The value follows its key and the four bytes of its type.
        let key = b"tokenizer.ggml.pre";
        let at = header
            .windows(key.len())
            .position(|w| w == key)
            .expect("it has one")
            + key.len()
            + 4;
        let len = u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes")) as usize;
        let value = [&(pre.len() as u64).to_le_bytes()[..], pre.as_bytes()].concat();
        header.splice(at..at + 8 + len, value);
    }
    Vocabulary::of_header(&header).expect("the vocabulary is sound")
}

/// The vocabulary of a model of the catalogue.
fn of_model(id: &str) -> Vocabulary {
    let opened = std::fs::File::open(common::catalogue_model(id)).expect("the model can be opened");
    let mut header = Vec::new();
    let read = opened.take(HEADER).read_to_end(&mut header);
    read.expect("the model can be read");
    Vocabulary::of_header(&header).expect("the vocabulary is sound")
}

const QWEN: &str = "qwen2.5-coder-0.5b-instruct-q4_k_m";
const GEMMA: &str = "gemma-3-270m-q4_k_m";

fn tokenizer(vocabulary: &Vocabulary) -> Tokenizer {
    Tokenizer::new(vocabulary).expect("the vocabulary can be used")
}

fn encode(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    let ids = tokenizer.encode(text).expect("any text is encoded");
    assert!(
        !ids.iter().any(|&id| tokenizer.is_special(id)),
        "{text:?} became a special token"
    );
    ids
}

#[derive(Deserialize)]
struct Tables {
    strings: Vec<String>,
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    by: String,
    vocabulary: String,
    pre: Option<String>,
    ids: Vec<Vec<u32>>,
}

fn tables() -> Tables {
    serde_json::from_str(&common::fixture("tokenizers/tables.json")).expect("the tables are JSON")
}

/// Holds one table against our ids.
fn hold(strings: &[String], table: &Table, tokenizer: &Tokenizer) {
    assert!(strings.len() >= 80);
    assert_eq!(strings.len(), table.ids.len());
    for (text, ids) in strings.iter().zip(&table.ids) {
        let place = format!(
            "{} {} {:?}: {text:?}",
            table.by, table.vocabulary, table.pre
        );
        assert_eq!(&encode(tokenizer, text), ids, "{place}");
    }
}

#[test]
fn texts_have_the_ids_of_the_publishers_tokenizers() {
    let Tables { strings, tables } = tables();
    let mut held = 0;
    for table in tables.iter().filter(|t| t.by == "publisher") {
        let vocabulary = match table.vocabulary.as_str() {
            "gemma3" => of_model(GEMMA),
            name => vocabulary(name, None),
        };
        hold(&strings, table, &tokenizer(&vocabulary));
        held += 1;
    }
    assert_eq!(held, 3);
}

#[test]
fn texts_have_llama_cpp_s_ids_with_every_pre_tokenizer() {
    let Tables { strings, tables } = tables();
    let mut held = 0;
    for table in tables.iter().filter(|t| t.by == "llama.cpp") {
        let vocabulary = vocabulary(&table.vocabulary, table.pre.as_deref());
        hold(&strings, table, &tokenizer(&vocabulary));
        held += 1;
    }
    assert_eq!(held, 7);
}

#[test]
fn texts_have_llama_cpp_s_ids_in_the_vocabularies_of_two_model_files() {
    let table: Value =
        serde_json::from_str(&common::fixture("llama_cpp_tokens.json")).expect("the table is JSON");
    let models = table["models"].as_array().expect("models");
    assert_eq!(models.len(), 2);
    for model in models {
        let file = model["file"].as_str().expect("a file");
        let id = file.strip_suffix(".gguf").expect("a GGUF file");
        let vocabulary = of_model(id);
        let tokenizer = tokenizer(&vocabulary);
        let strings = model["strings"].as_array().expect("strings");
        assert!(strings.len() >= 120);
        let mut apart = 0;
        for entry in strings {
            let text = entry["text"].as_str().expect("a text");
            let ids: Vec<u32> =
                serde_json::from_value(entry["ids"].clone()).expect("ids are numbers");
            let ours = encode(&tokenizer, text);
            // A user-defined token that the template marks something with is kept from people here. And llama.cpp takes "</s>"
            // for a control token by its name; in Gemma's vocabulary it is HTML, and the publisher's tokenizer agrees with us.
            let html = id == GEMMA && text.contains("</s>");
            if html || ids.iter().any(|&id| tokenizer.is_special(id)) {
                apart += 1;
                assert_ne!(ours, ids);
                assert_eq!(tokenizer.decode(&ours), text);
            } else {
                assert_eq!(ours, ids, "{file}: {text:?}");
            }
        }
        assert!(apart <= 3, "{file}: {apart} texts differ");
    }
}

#[test]
fn what_is_user_defined_is_found_in_every_text_unless_it_marks_turns() {
    let mut gemma = of_model(GEMMA);
    let id = |v: &Vocabulary, token: &str| {
        let at = v.tokens.iter().position(|t| t == token);
        at.expect("Gemma has the token") as u32
    };
    let (lines, image) = (id(&gemma, "\n\n"), id(&gemma, "<start_of_image>"));
    assert_eq!(encode(&tokenizer(&gemma), "\n\n"), [lines]);
    assert_eq!(encode(&tokenizer(&gemma), "<start_of_image>"), [image]);
    // A file whose template has the token reads the same list of types another way.
    gemma.defined.retain(|&token| token != image);
    gemma.special.push(image);
    gemma.chat_template = Some(
        "{% for m in messages %}<start_of_image>{{ m['content'] }}\n\n{% endfor %}".to_owned(),
    );
    let tokenizer = tokenizer(&gemma);
    assert!(encode(&tokenizer, "<start_of_image>").len() > 1);
    assert_eq!(encode(&tokenizer, "\n\n"), [lines]);
    let chat = Conversation::Messages(vec![Message::user("<start_of_image>\n")]);
    let tokens = chat.encode(&tokenizer, &gemma).expect("a conversation");
    let ids: Vec<u32> = tokens.iter().map(|t| t.id).collect();
    assert_eq!(ids.iter().filter(|&&t| t == image).count(), 1);
    // What was typed and what the template adds are one text: three line feeds are one token.
    assert_eq!(ids.last(), Some(&id(&gemma, "\n\n\n")));
}

#[test]
fn a_space_that_the_vocabulary_puts_in_front_of_texts_is_not_shown() {
    let mut v = vocabulary("mistral", None);
    v.chat_template =
        Some("{% for m in messages %}<s>{{ m['content'] }}</s>{% endfor %}".to_owned());
    let tokenizer = tokenizer(&v);
    for text in ["Hello world", " Hello", "\nHello", "你好", "▁", " "] {
        let raw = Conversation::Raw(text.to_owned());
        let tokens = raw.encode(&tokenizer, &v).expect("a text");
        assert_eq!(
            tokens.first().map(|t| t.id),
            v.bos,
            "the file does not say, and llama.cpp adds it"
        );
        let shown: String = tokens[1..].iter().map(|t| t.text.as_str()).collect();
        assert_eq!(shown, text.replace('▁', " "));
        assert_eq!(tokenizer.decode(&encode(&tokenizer, text)), shown);
    }
    let chat = Conversation::Messages(vec![
        Message::user("Hello"),
        Message::assistant("you"),
        Message::user("world"),
    ]);
    let tokens = chat.encode(&tokenizer, &v).expect("a conversation");
    let shown: String = tokens.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(shown, "<s>Hello</s><s>you</s><s>world</s>");
    // Every text between two special tokens begins like a text of its own.
    let word = |text: &str| encode(&tokenizer, text);
    assert_eq!(tokens[1].id, word("Hello")[0]);
    assert_eq!(tokens[4].id, word("you")[0]);
    assert!(tokenizer.bytes(tokens[4].id).starts_with(b" "));
}

#[test]
fn what_a_file_does_not_say_is_as_llama_cpp_has_it() {
    let qwen3 = vocabulary("qwen3", None);
    assert_eq!((qwen3.bos, qwen3.bos_token), (None, Some(151_643)));
    assert_eq!(vocabulary("qwen3", Some("llama-bpe")).bos, Some(151_643));
    assert_eq!(vocabulary("qwen3", Some("smaug-bpe")).bos, None);
    let mistral = vocabulary("mistral", None);
    assert_eq!(mistral.bos, Some(1));
    assert_eq!(mistral.special, [0, 1, 2]);
    // White space, and what stands for pictures: without a template nothing marks turns.
    assert_eq!(of_model(GEMMA).defined.len(), 165);
    assert_eq!(
        of_model(QWEN).defined,
        [0; 0],
        "<tool_call> is the template's"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn texts_come_back(text in "(\\PC|[ \\n\\t\\r\u{0}▁<>|]|<s>|</s>|<\\|eot_id\\|>|<0x0A>| {2,5}){0,40}") {
        thread_local! {
            static ALL: [Tokenizer; 3] = [
                tokenizer(&vocabulary("qwen3", Some("llama-bpe"))),
                tokenizer(&vocabulary("mistral", None)),
                tokenizer(&of_model(GEMMA)),
            ];
        }
        ALL.with(|all| {
            for (i, tokenizer) in all.iter().enumerate() {
                let ids = encode(tokenizer, &text);
                // SentencePiece writes a space as this sign, so that the two are the same to it.
                let expected = if i > 0 { text.replace('▁', " ") } else { text.clone() };
                assert_eq!(tokenizer.decode(&ids), expected);
            }
        });
    }
}
