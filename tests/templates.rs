//! Chat templates: the rows of a table made by `apply_chat_template` (see `tests/fixtures/make_templates.py`), and what a
//! template may do to a conversation without a wrong result.

mod common;

use hneurons::{
    ErrorKind,
    gguf::Vocabulary,
    text::{Conversation, Message, PromptToken, Role, Tokenizer, read_messages},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    templates: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    special: Vec<String>,
    bos: Option<String>,
    eos: String,
    chats: Vec<Chat>,
}

#[derive(Deserialize)]
struct Chat {
    name: String,
    messages: Vec<Message>,
    text: String,
    ids: Vec<u32>,
}

/// SmolLM2's vocabulary with more special tokens behind it, and another template.
fn vocabulary(template: &str, special: &[&str]) -> Vocabulary {
    let mut v = common::model().vocabulary().clone();
    for token in special {
        v.special.push(v.tokens.len() as u32);
        v.tokens.push((*token).to_owned());
    }
    v.chat_template = Some(template.to_owned());
    v
}

fn id(v: &Vocabulary, token: &str) -> u32 {
    let at = v.tokens.iter().position(|t| t == token);
    at.unwrap_or_else(|| panic!("{token} is a token")) as u32
}

fn encode(v: &Vocabulary, messages: &[Message]) -> hneurons::Result<Vec<PromptToken>> {
    let tokenizer = Tokenizer::new(v)?;
    Conversation::Messages(messages.to_vec()).encode(&tokenizer, v)
}

/// The prompt's text that a template gives for these messages.
fn rendered(template: &str, messages: &[Message]) -> String {
    let tokens =
        encode(&vocabulary(template, &[]), messages).unwrap_or_else(|e| panic!("{template}: {e}"));
    tokens.iter().map(|t| t.text.as_str()).collect()
}

fn refused(template: &str, messages: &[Message], what: &str) {
    let e = encode(&vocabulary(template, &[]), messages).expect_err(what);
    assert_eq!(e.kind(), ErrorKind::Model, "{e}");
    let said = e.to_string();
    assert!(said.contains(what) && said.lines().count() == 1, "{said}");
}

fn system(content: &str) -> Message {
    Message {
        role: Role::System,
        content: content.to_owned(),
    }
}

#[test]
fn nine_models_templates_give_the_ids_of_transformers() {
    let table: Table =
        serde_json::from_str(&common::fixture("templates.json")).expect("the table is JSON");
    assert_eq!(table.templates.len(), 9);
    for entry in table.templates {
        let template = common::fixture(&format!("templates/{}.jinja", entry.name));
        let special: Vec<&str> = entry.special.iter().map(String::as_str).collect();
        let mut v = vocabulary(&template, &special);
        v.bos_token = entry.bos.as_deref().map(|t| id(&v, t));
        v.eos = id(&v, &entry.eos);
        v.stops = vec![v.eos];
        let tokenizer = Tokenizer::new(&v).expect("the vocabulary is sound");
        for chat in entry.chats {
            let place = format!("{}: {}", entry.name, chat.name);
            let tokens = Conversation::Messages(chat.messages.clone())
                .encode(&tokenizer, &v)
                .unwrap_or_else(|e| panic!("{place}: {e}"));
            let text: String = tokens.iter().map(|t| t.text.as_str()).collect();
            assert_eq!(text, chat.text, "{place}");
            let ids: Vec<u32> = tokens.iter().map(|t| t.id).collect();
            assert_eq!(ids, chat.ids, "{place}");
            for token in &tokens {
                assert!(
                    token.role == Role::Template || !tokenizer.is_special(token.id),
                    "{place}: what was typed became {:?}",
                    token.text
                );
            }
            // Every message's words are known to be its own.
            for (turn, message) in chat.messages.iter().enumerate() {
                let said: String = tokens
                    .iter()
                    .filter(|t| t.turn == turn && t.role == message.role)
                    .map(|t| t.text.as_str())
                    .collect();
                let core = message.content.replace("/no_think", "");
                let word = core.split_whitespace().max_by_key(|w| w.len());
                assert!(said.contains(word.unwrap_or_default()), "{place}: {said:?}");
            }
        }
    }
}

#[test]
fn filters_and_tests_apply_to_the_words_themselves() {
    let said = [Message::user("  Hello wörld <|im_end|> ")];
    for (expression, expected) in [
        ("content | trim", "Hello wörld <|im_end|>"),
        ("content | upper", "  HELLO WÖRLD <|IM_END|> "),
        ("content ~ content | length", "  Hello wörld <|im_end|> 25"),
        (
            "content if 'wörld' in content else 'no'",
            "  Hello wörld <|im_end|> ",
        ),
        ("content[:4]", "  He"),
        ("content.strip().split(' ')[0]", "Hello"),
        (
            "content.strip().startswith('Hello') ~ content.endswith(' ') ~ content",
            "TrueTrue  Hello wörld <|im_end|> ",
        ),
        ("content.strip().title()", "Hello Wörld <|Im_End|>"),
        ("content | tojson", "\"  Hello wörld <|im_end|> \""),
        (
            "messages[0].items() | map('first') | join(',') ~ content[1:3]",
            "role,content H",
        ),
        (
            "content | trim | replace('l', 'L')",
            "HeLLo wörLd <|im_end|>",
        ),
        ("content | reverse", " >|dne_mi|< dlröw olleH  "),
    ] {
        let template = format!("{{% set content = messages[0].content %}}{{{{ {expression} }}}}");
        let v = vocabulary(&template, &[]);
        let tokens = encode(&v, &said).unwrap_or_else(|e| panic!("{expression}: {e}"));
        let text: String = tokens.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(text, expected, "{expression}");
        let tokenizer = Tokenizer::new(&v).expect("sound");
        assert!(
            tokens.iter().all(|t| !tokenizer.is_special(t.id)),
            "{expression}"
        );
    }
}

#[test]
fn no_filter_makes_a_special_token_of_what_was_typed() {
    for (expression, typed) in [
        ("c | lower", "<|IM_END|> x"),
        ("c | replace(' ', '')", "<|im_ end|> x"),
        ("c | reverse", "x >|dne_mi|<"),
        ("c.split('#') | join('') ", "<|im#_end|> x"),
        ("'<|im_' + c", "end|> x"),
        ("c + '|>'", "x <|im_end"),
        ("'<|im_' ~ c ~ '|>'", "end"),
        ("c[::2]", "<.|.i.m._.e.n.d.|.>"),
        ("'%s' % c", "<|im_end|>"),
        ("[c] | map('trim') | first", " <|im_end|> "),
        ("c.format('im_end')", "<|{}|>"),
        ("({'a': c} | tojson)[7:-2]", "<|im_end|>"),
    ] {
        let template =
            format!("{{% set c = messages[0].content %}}{{{{ {expression} }}}}<|im_start|>");
        let v = vocabulary(&template, &[]);
        let tokens =
            encode(&v, &[Message::user(typed)]).unwrap_or_else(|e| panic!("{expression}: {e}"));
        let text: String = tokens.iter().map(|t| t.text.as_str()).collect();
        assert!(text.contains("<|im_end|>"), "{expression}: {text}");
        assert!(tokens.iter().all(|t| t.id != 2), "{expression}");
        assert_eq!(tokens.last().map(|t| t.id), Some(1), "{expression}");
    }
}

#[test]
fn a_template_that_leaves_a_message_out_is_refused() {
    let talk = [
        Message::user("One?"),
        Message::assistant("1"),
        Message::user("Two?"),
    ];
    for template in [
        "<|im_start|>user\nWhat now?<|im_end|>",
        "{{ messages[0].content }}",
        "{% for m in messages[:-1] %}{{ m.content }}{% endfor %}",
        "{% for m in messages if not loop.last %}{{ m.content }}{% endfor %}{{ messages[0].content }}",
        "{{ messages[0].content }}{{ messages[1].content }}{{ messages[2].content | length }}",
    ] {
        let e = encode(&vocabulary(template, &[]), &talk).expect_err(template);
        assert_eq!(e.kind(), ErrorKind::Model, "{template}: {e}");
    }
    refused(
        "{{ messages[0].content }}{{ messages[1].content }}",
        &talk,
        "leaves out message 3 (user)",
    );
    refused(
        "{{ messages[-1].content }}",
        &talk,
        "leaves out message 1 (user)",
    );
    let with_system = [system("Be brief."), Message::user("Hi")];
    refused(
        "{{ messages[1].content }}",
        &with_system,
        "leaves out message 1 (system)",
    );
    // A message that is read without being printed, as a switch is.
    let switch =
        "{% if '/fast' in messages[0].content %}[fast]{% endif %}{{ messages[1].content }}";
    assert_eq!(
        rendered(switch, &[system("/fast"), Message::user("Hi")]),
        "[fast]Hi"
    );
    // Repeated and reordered messages are followed.
    assert_eq!(
        rendered(
            "{% for m in messages[::-1] %}{{ m.content }}{% endfor %}",
            &talk
        ),
        "Two?1One?"
    );
}

#[test]
fn what_templates_of_hugging_face_may_use_works() {
    let said = [Message::user("Hi a,b")];
    for (template, expected) in [
        (
            "{% generation %}{{ messages[0].content }}{% endgeneration %}!",
            "Hi a,b!",
        ),
        (
            "{%- for m in messages %}{{ m.content }}{% break %}{% endfor %}",
            "Hi a,b",
        ),
        (
            "{% for i in range(4) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}{{ messages[0].content }}",
            "023Hi a,b",
        ),
        (
            "{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}",
            "26 Jul 2024 Hi a,b",
        ),
        (
            "{{ strftime_now('%Y-%m-%d') }} {{ messages[0].content }}",
            "2024-07-26 Hi a,b",
        ),
        (
            "{{ tools is none }}{{ documents is none }}{{ enable_thinking is defined }}{{ messages[0].content }}",
            "TrueTrueFalseHi a,b",
        ),
        (
            "{{ messages | tojson }}",
            "[{\"role\": \"user\", \"content\": \"Hi a,b\"}]",
        ),
        (
            "{{ messages[0] | tojson(indent=2) }}",
            "{\n  \"role\": \"user\",\n  \"content\": \"Hi a,b\"\n}",
        ),
        ("{{ messages[0] }}", "{'role': 'user', 'content': 'Hi a,b'}"),
        (
            "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}",
            "role=user;content=Hi a,b;",
        ),
        (
            "  {% if true %}\n{{ messages[0].content }}\n  {% endif %}\n",
            "Hi a,b\n",
        ),
        ("{{ messages[0].content }}\n", "Hi a,b"),
    ] {
        assert_eq!(rendered(template, &said), expected, "{template}");
    }
    refused(
        "{{ raise_exception('Only two turns!') }}{{ messages[0].content }}",
        &said,
        "Only two turns!",
    );
    refused("{{ messages[0].content | no_such }}", &said, "no_such");
    refused("{{ messages[0].content.no_such() }}", &said, "no_such");
    refused("{% no_such %}", &said, "no_such");
    refused("{{ messages[0].content.encode() }}", &said, "encode");
    refused("\n{{ strftime_now('%Q') }}", &said, "line 2");
}

#[test]
fn hostile_templates_end_soon_and_within_bounds() {
    // A browser's worker has a stack of about a megabyte.
    let run = || {
        let said = [Message::user("Hi")];
        for template in [
            "{{ 'x' * 10**9 }}".to_owned(),
            "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}".to_owned(),
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}".to_owned(),
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".to_owned(),
            "{% macro f(n) %}{% for i in [1] %}{{ f(n) | upper }}{% endfor %}{% endmacro %}{{ f(1) }}".to_owned(),
            "{% set ns = namespace(l=[1]) %}{% for i in range(50) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}".to_owned(),
            "{% set ns = namespace(l=[1]) %}{% for i in range(50) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == ns.l }}".to_owned(),
            "{% set ns = namespace(l=1) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}".to_owned(),
            "{{ [1] * 10**12 }}{{ 'a'.center(10**15) }}".to_owned(),
            "{{ ('a' * 99999).replace('a', 'b' * 99999) }}".to_owned(),
            "{{ 'a' | indent(10**9, true) }}".to_owned(),
            format!("{{{{ {}1{} }}}}", "(".repeat(9999), ")".repeat(9999)),
            "{% if 1 %}".repeat(9999),
            format!("{{{{ {}1 }}}}", "not ".repeat(9999)),
            "{{ (-9223372036854775807 - 1) // -1 }}".to_owned(),
        ] {
            let v = vocabulary(&template, &[]);
            let e = encode(&v, &said).expect_err(&template[..40.min(template.len())]);
            assert_eq!(e.kind(), ErrorKind::Model);
            assert_eq!(e.to_string().lines().count(), 1, "{e}");
        }
        // A long conversation is none of that.
        let long = vec![Message::user("word ".repeat(20_000)); 3];
        let mut talk = vec![long[0].clone()];
        for _ in 0..2 {
            talk.push(Message::assistant("word ".repeat(20_000)));
            talk.push(long[0].clone());
        }
        let v = common::model().vocabulary().clone();
        encode(&v, &talk).expect("a long conversation");
    };
    // `common::model` is read before, on a stack of the usual size.
    common::model();
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run);
    thread.expect("a thread").join().expect("no overflow");
}

#[test]
fn a_template_that_prints_the_beginning_gives_it_once() {
    let talk = [
        Message::user("Hi"),
        Message::assistant("Yes"),
        Message::user("Why?"),
    ];
    let printing = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}";
    let silent = "{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}";
    for (template, add, expected) in [
        (printing, true, 1),
        (printing, false, 1),
        (silent, true, 1),
        (silent, false, 0),
    ] {
        let mut v = vocabulary(template, &["<s>"]);
        let bos = id(&v, "<s>");
        v.bos_token = Some(bos);
        v.bos = add.then_some(bos);
        let tokens = encode(&v, &talk).expect("a conversation");
        let count = tokens.iter().filter(|t| t.id == bos).count();
        assert_eq!(count, expected, "{template}, added: {add}");
        assert_eq!(tokens[0].id == bos, expected == 1);
        let tokenizer = Tokenizer::new(&v).expect("sound");
        let raw = Conversation::Raw("<s>Hi".to_owned())
            .encode(&tokenizer, &v)
            .expect("text");
        assert_eq!(raw.iter().filter(|t| t.id == bos).count(), usize::from(add));
    }
}

#[test]
fn an_answer_stops_at_every_end_marker_that_file_or_template_names() {
    let turn = |end: &str| {
        format!(
            "{{% for m in messages %}}<|{{{{ m.role }}}}|>\n{{{{ m.content }}}}{end}{{% endfor %}}{{% if add_generation_prompt %}}<|assistant|>\n{{% endif %}}"
        )
    };
    let more = [
        "<s>",
        "</s>",
        "<|eot|>",
        "<|eom|>",
        "<|end|>",
        "<|user|>",
        "<|assistant|>",
    ];
    let mut v = vocabulary(&turn("<|end|>\n"), &more);
    v.eos = id(&v, "</s>");
    v.stops = ["</s>", "<|eot|>", "<|eom|>"].map(|t| id(&v, t)).to_vec();
    let stops = |v: &Vocabulary| -> Vec<String> {
        let tokenizer = Tokenizer::new(v).expect("sound");
        tokenizer
            .stops()
            .iter()
            .map(|&id| v.tokens[id as usize].clone())
            .collect()
    };
    assert_eq!(stops(&v), ["</s>", "<|eot|>", "<|eom|>", "<|end|>"]);
    // White space before the marker, a marker only between turns, a turn that ends where the next one begins.
    v.chat_template = Some(turn("\n<|end|>"));
    assert!(stops(&v).contains(&"<|end|>".to_owned()));
    v.chat_template = Some("{% for m in messages %}{{ m.content }}{% if not loop.last %}<|end|>{% endif %}{% endfor %}".to_owned());
    assert!(stops(&v).contains(&"<|end|>".to_owned()));
    v.chat_template = Some(turn(""));
    assert!(stops(&v).contains(&"<|user|>".to_owned()));
    v.chat_template = Some("{{ no_such() }}".to_owned());
    assert_eq!(stops(&v), ["</s>", "<|eot|>", "<|eom|>"]);
}

#[test]
fn end_markers_are_read_from_the_file() {
    use candle_core::quantized::{GgmlDType, gguf_file::Value};
    let bytes = common::tiny::Tiny::new(GgmlDType::Q8_0)
        .set("tokenizer.ggml.eot_token_id", Value::U32(1))
        .set("tokenizer.ggml.eom_token_id", Value::U32(0))
        .set("tokenizer.ggml.fim_pre_token_id", Value::U32(5))
        .write();
    let file = hneurons::model::ModelFile::parse(bytes).expect("a sound file");
    assert_eq!(file.vocabulary().stops, [2, 1, 0]);
    let bytes = common::tiny::Tiny::new(GgmlDType::Q8_0)
        .set("tokenizer.ggml.eot_token_id", Value::U32(99_999))
        .write();
    let e = hneurons::model::ModelFile::parse(bytes).expect_err("no token");
    assert!(e.to_string().contains("eot_token_id"), "{e}");
}

#[test]
fn messages_are_read_or_refused_by_number_and_role() {
    let read = |json: &str| read_messages(&serde_json::from_str(json).expect("JSON"));
    let parts = r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "What"}, {"type": "text", "text": "animal?"}]}]}"#;
    assert_eq!(
        read(parts).expect("parts"),
        [Message::user("What\nanimal?")]
    );
    let talk = r#"[{"role": "user", "content": "Hi", "name": null, "tool_calls": []}]"#;
    assert_eq!(read(talk).expect("a list"), [Message::user("Hi")]);
    for (json, what) in [
        (
            r#"[{"role": "user", "content": "Hi"}, {"role": "tool", "content": "5"}]"#,
            "message 2 has the role \"tool\"",
        ),
        (
            r#"[{"role": "developer", "content": "x"}]"#,
            "message 1 has the role \"developer\"",
        ),
        (
            r#"[{"role": "template", "content": "x"}]"#,
            "message 1 has the role \"template\"",
        ),
        (
            r#"[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]"#,
            "message 1 (user) has a part 1 of type \"image_url\"",
        ),
        (
            r#"[{"role": "user", "content": [{"text": "x"}]}]"#,
            "message 1 (user) has a part 1 without a type",
        ),
        (
            r#"[{"role": "user", "content": [{"type": "text"}]}]"#,
            "message 1 (user) has a part 1 without text",
        ),
        (
            r#"[{"role": "assistant", "content": null, "tool_calls": [{}]}]"#,
            "message 1 (assistant) has \"tool_calls\"",
        ),
        (
            r#"[{"role": "assistant", "content": null}]"#,
            "message 1 (assistant) has no content",
        ),
        (
            r#"[{"role": "user", "content": 5}]"#,
            "message 1 (user) has a content that is no text",
        ),
        (r#"[{"role": "user"}]"#, "message 1 (user) has no content"),
        (r#"[{"content": "x"}]"#, "message 1 has no role"),
        (
            r#"[{"role": 1, "content": "x"}]"#,
            "the role of message 1 is no text",
        ),
        (r#"["Hi"]"#, "message 1 is no object"),
        (r#"{"messages": "Hi"}"#, "'messages' is no list"),
        (r#"{"prompt": "Hi"}"#, "there are no 'messages'"),
        (r#""Hi""#, "no conversation"),
    ] {
        let e = read(json).expect_err(json);
        assert_eq!(e.kind(), ErrorKind::Input);
        let said = e.to_string();
        assert!(
            said.contains(what) && said.contains(": ") && said.lines().count() == 1,
            "{said}"
        );
    }
}
