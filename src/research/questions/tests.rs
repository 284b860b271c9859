use std::{collections::HashSet, path::Path};

use proptest::prelude::*;

use super::*;

fn error(text: &str) -> String {
    read(text, "mine/own.jsonl")
        .expect_err("a broken file")
        .to_string()
}

#[test]
fn a_line_needs_only_its_question() {
    let text = "\u{feff}{\"question\":\"What is 2 plus 2?\",\"answers\":[\"4\"]}\r\n\r\n{\"question\":\"And 3?\",\"answers\":[\"5\"],\"id\":\"x\",\"source\":\"s\",\"template\":\"t\"}";
    let (questions, warnings) = read(text, "mine/own.jsonl").expect("two questions");
    assert!(warnings.is_empty());
    let q = &questions[0];
    assert_eq!((&*q.id, &*q.source, &*q.template), ("own/1", "own", "own"));
    assert_eq!((&*questions[1].id, &*questions[1].template), ("x", "t"));
}

#[test]
fn an_error_names_file_line_and_remedy() {
    let good = "{\"question\":\"q?\",\"answers\":[\"a\"]}\n\n";
    for (line, has) in [
        ("{\"question\":", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "missing or blank"),
        ("{\"question\":\" \"}", "missing or blank"),
        ("{\"question\":7}", "quotation marks"),
        ("{\"question\":\"r?\",\"answers\":[4]}", "\"4\""),
        ("{\"question\":\"r?\",\"answers\":[\" \"]}", "every answer"),
        ("{\"question\":\"r?\",\"answers\":\"4\"}", "a list"),
        ("{\"question\":\"r?\",\"id\":\"own/1\"}", "line 1's"),
    ] {
        let e = error(&format!("{good}{line}"));
        assert!(
            e.contains("mine/own.jsonl, line 3") && e.contains(has),
            "{line}: {e}"
        );
        assert!(e.contains(": "), "a remedy: {e}");
    }
    assert!(error("\n \r\n").contains("no questions"));
}

#[test]
fn repeated_questions_and_missing_answers_are_warnings() {
    let text = "{\"question\":\"What is  it?\",\"answers\":[\"a\"]}\n{\"question\":\"what is it?\",\"answers\":[\"b\"]}\n{\"question\":\"Why?\"}\n{\"question\":\"Who?\",\"source\":\"made-up\"}\n{\"question\":\"what is it?\",\"context\":\"c\",\"answers\":[\"c\"]}";
    let (questions, warnings) = read(text, "own.jsonl").expect("questions");
    assert_eq!(questions.len(), 4);
    let seen: Vec<_> = warnings.iter().map(|w| (w.line, w.kind)).collect();
    assert_eq!(
        seen,
        [(2, WarningKind::Repeated), (3, WarningKind::NoAnswers)]
    );
    assert!(
        warnings[0].to_string().starts_with("line 2: ") && warnings[0].message.contains("line 1")
    );
    assert_eq!(
        count_warnings(&warnings),
        "1 asked twice and left out once, 1 without answers"
    );
    assert_eq!(count_warnings(&[]), "");
}

#[test]
fn a_summary_counts_by_source_and_template() {
    let text = "{\"question\":\"a\",\"source\":\"s\",\"template\":\"t\"}\n{\"question\":\"b\",\"source\":\"s\",\"template\":\"u\"}\n{\"question\":\"c\",\"source\":\"r\"}";
    let (questions, _) = read(text, "x").expect("questions");
    assert_eq!(
        summary(&questions).to_string(),
        "3 questions\nr: 1\ns: 2\n  t: 1\n  u: 1"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(texts in prop::collection::vec("[a-z\"\\\\\u{e9}\n]{1,9}", 1..6)) {
        let questions: Vec<Question> = texts.iter().enumerate().map(|(i, t)| Question {
            id: format!("{i}"),
            source: "s".into(),
            template: "t".into(),
            question: format!("{i} {t}"),
            answers: vec![format!("a{t}")],
            context: (i % 2 == 0).then(|| format!("c{t}")),
            truth: (0..i % 3).map(|k| format!("{k}{t}")).collect(),
        }).collect();
        let text = write(&questions).expect("text");
        let (back, warnings) = read(&text, "x").expect("our own text");
        prop_assert!(warnings.is_empty());
        prop_assert_eq!(&back, &questions);
        prop_assert_eq!(write(&back).expect("text"), text);
    }

    #[test]
    fn no_text_makes_the_reader_fall_over(text in "\\PC*") {
        let _ = read(&text, "x");
        for format in Format::ALL {
            let _ = import(format, &text, "x");
        }
    }
}

type Bank = (&'static str, Vec<Question>, usize, usize);

fn banks() -> [Bank; 4] {
    [
        ("facts", facts(), 2500, 30),
        ("made-up", made_up(), 600, 20),
        ("misleading", misleading(), 200, 10),
        ("false-premise", false_premises(), 200, 10),
    ]
}

/// The files are for people and other programs; the code must not drift away from them.
#[test]
fn the_published_files_are_what_the_functions_give() {
    for (name, questions, ..) in banks() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/questions/{name}.jsonl"));
        let text = write(&questions).expect("text");
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == text,
            "{} is not what the bank gives: run `hneurons questions --write data/questions`",
            path.display()
        );
        let (back, warnings) = read(&published, name).expect("our own file");
        assert!(
            back == questions && warnings.is_empty(),
            "{name}: {warnings:?}"
        );
    }
}

#[test]
fn the_bank_is_large_and_nothing_in_it_is_there_twice() {
    let mut ids = HashSet::new();
    let mut asked = HashSet::new();
    for (name, questions, at_least, templates) in banks() {
        let counts = summary(&questions);
        assert!(questions.len() >= at_least, "{name}: {}", questions.len());
        assert_eq!(counts.sources.len(), 1);
        assert!(counts.sources[name].len() >= templates, "{name}");
        for q in questions {
            assert!(ids.insert(q.id.clone()), "{}", q.id);
            // A misleading passage is about a question of the facts, so only the others' questions are new.
            if name != "misleading" {
                assert!(asked.insert(normalized(&q.question)), "{}", q.question);
            }
            let start = format!("{name}/{}/", q.template);
            assert!(
                q.id.strip_prefix(&start).is_some_and(|s| !s.is_empty()),
                "{}",
                q.id
            );
            assert!(
                q.id.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-/".contains(&b)),
                "{}",
                q.id
            );
            assert!(
                q.question.ends_with('?') && !q.question.contains(['{', '}', '|', '\t']),
                "{}",
                q.question
            );
            assert!(
                q.question.starts_with(|c: char| c.is_uppercase()),
                "{}",
                q.question
            );
            assert!(!q.question.contains("  "), "{}", q.question);
            assert_eq!(
                q.answers.is_empty(),
                WITHOUT_ANSWERS.contains(&name),
                "{}",
                q.id
            );
            assert_eq!(q.context.is_some(), name == "misleading");
            assert_eq!(q.truth.is_empty(), name != "misleading");
        }
    }
}

#[test]
fn no_question_holds_its_answer() {
    for q in facts().iter().chain(&misleading()) {
        for answer in &q.answers {
            assert!(!bank::says(&q.question, answer), "{}: {answer}", q.question);
            let words = bank::words(answer);
            assert!(
                !words.is_empty(),
                "{}: {answer:?} is nothing but articles",
                q.id
            );
        }
    }
}

#[test]
fn a_passage_says_the_wrong_answer_and_never_the_right_one() {
    for q in misleading() {
        let context = q.context.expect("a passage");
        assert!(
            q.answers.iter().any(|a| bank::says(&context, a)),
            "{}",
            q.id
        );
        for t in &q.truth {
            assert!(!bank::says(&context, t), "{}: {context} says {t}", q.id);
        }
        for a in &q.answers {
            assert!(
                !q.truth.iter().any(|t| bank::says(t, a) || bank::says(a, t)),
                "{}: {a}",
                q.id
            );
        }
        let sentences = context.matches(". ").count() + 1;
        assert!(
            (2..=4).contains(&sentences),
            "{}: {sentences} sentences",
            q.id
        );
        assert!(!context.contains(['{', '}', '|']), "{context}");
    }
}

#[test]
fn nothing_made_up_is_among_the_facts() {
    let known: HashSet<String> = facts()
        .iter()
        .flat_map(|q| bank::words(&format!("{} {}", q.question, q.answers.join(" "))))
        .collect();
    for name in bank::made_up_names() {
        assert!(!known.contains(&name.to_lowercase()), "{name}");
    }
}
