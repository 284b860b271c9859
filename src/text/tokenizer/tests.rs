use std::io::Read;

use proptest::prelude::*;

use super::*;

/// A vocabulary of `tests/fixtures/tokenizers`.
fn vocabulary(name: &str) -> Vocabulary {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tokenizers");
    let packed = std::fs::read(format!("{folder}/{name}.gguf.br")).expect("it is committed");
    let mut header = Vec::new();
    brotli::Decompressor::new(&packed[..], 1 << 16)
        .read_to_end(&mut header)
        .expect("it is compressed with brotli");
    Vocabulary::of_header(&header).expect("the vocabulary is sound")
}

fn with_pre(name: &str) -> Tokenizer {
    let mut v = vocabulary("qwen3");
    if let Segmentation::Merges { pre, .. } = &mut v.segmentation {
        *pre = PreTokenizer::named(name).expect("a name of the table");
    }
    Tokenizer::new(&v).expect("the vocabulary can be used")
}

fn spaced() -> Tokenizer {
    Tokenizer::new(&vocabulary("mistral")).expect("the vocabulary can be used")
}

/// Any text, with much of what vocabularies treat apart.
fn texts() -> impl Strategy<Value = String> {
    "(\\PC|[ \\n\\t\\r\u{0}\u{301}\u{323}▁e]|<think>|</s>|é| {2,5}){0,30}"
}

/// Ranges are those of the bytes, one behind the other.
fn check_exact(tokenizer: &Tokenizer, text: &str) {
    let mut at = 0;
    for token in tokenizer.encode_with_ranges(text).expect("a text") {
        assert_eq!(token.range.start, at, "{text:?}");
        at = token.range.end;
        let shown = text.as_bytes()[token.range.clone()].to_vec();
        let bytes = &tokenizer.bytes(token.id)[usize::from(token.added_space)..];
        let sign = String::from_utf8_lossy(&shown).replace(SPACE, " ");
        assert!(
            bytes == shown || bytes == sign.as_bytes(),
            "{text:?}: {token:?}"
        );
    }
    assert_eq!(at, text.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn ranges_are_those_of_the_bytes(text in texts()) {
        thread_local! {
            static ALL: [Tokenizer; 3] = [with_pre("llama-bpe"), with_pre("default"), spaced()];
        }
        ALL.with(|all| all.iter().for_each(|tokenizer| check_exact(tokenizer, &text)));
    }

    #[test]
    fn ranges_of_composed_characters_are_those_of_the_text_as_it_was(text in texts()) {
        thread_local! {
            static QWEN: Tokenizer = with_pre("qwen2");
        }
        let tokens = QWEN.with(|q| q.encode_with_ranges(&text)).expect("a text");
        let (mut start, mut end) = (0, 0);
        for Token { id, range, .. } in tokens {
            // Tokens of parts of one composed character share its place.
            assert!(range.start >= start && range.start <= end && range.end >= end, "{text:?}");
            // What is no part of a character begins and ends with one.
            if QWEN.with(|q| std::str::from_utf8(q.bytes(id)).is_ok()) {
                assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
            }
            (start, end) = (range.start, range.end);
        }
        assert_eq!(end, text.len());
    }
}

#[test]
fn an_accent_belongs_to_its_letter() {
    let tokens = with_pre("qwen2")
        .encode_with_ranges("cafe\u{301} ok")
        .expect("a text");
    let ranges: Vec<_> = tokens.into_iter().map(|t| t.range).collect();
    assert_eq!(ranges.last(), Some(&(6..9)));
    assert_eq!(ranges.iter().map(|r| r.end).rev().nth(1), Some(6));
}

#[test]
fn a_space_in_front_covers_nothing() {
    let tokenizer = spaced();
    let tokens = tokenizer.encode_with_ranges("\u{1f980}").expect("a text");
    assert_eq!(
        (tokens[0].range.clone(), tokens[0].added_space),
        (0..0, true)
    );
    assert_eq!(tokenizer.bytes(tokens[0].id), b" ");
    let hello = tokenizer.encode_with_ranges("Hello").expect("a text");
    assert_eq!((hello[0].range.clone(), hello[0].added_space), (0..5, true));
    assert_eq!(tokenizer.bytes(hello[0].id), b" Hello");
}

#[test]
fn a_long_text_without_any_space_takes_no_longer_than_one_with_spaces() {
    // Without a queue the pairs of one long piece would be looked through for each of its merges.
    let text = "ab".repeat(100_000);
    for tokenizer in [with_pre("qwen2"), spaced()] {
        let ids = tokenizer.encode(&text).expect("a text");
        assert_eq!(tokenizer.decode(&ids), text);
    }
}
