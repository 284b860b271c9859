use super::*;

fn error(format: Format, text: &str) -> String {
    import(format, text, "file")
        .expect_err("a broken file")
        .to_string()
}

#[test]
fn triviaqa_in_both_forms() {
    let own = r#"{"Data": [{"Question": "Who dug the hole?", "QuestionId": "tc_1",
        "Answer": {"Value": "Ann", "Aliases": ["Ann", "Ann Digger"]}}], "Version": 1.0}"#;
    let hub = r#"{"question":"Who dug the hole?","question_id":"tc_1","answer":{"value":"Ann","aliases":["Ann Digger","Ann"]}}"#;
    for text in [own, hub] {
        let q = import(Format::TriviaQa, text, "file").expect("a question");
        assert_eq!(
            (&*q[0].id, &*q[0].question),
            ("triviaqa/tc_1", "Who dug the hole?")
        );
        assert_eq!(q[0].answers, ["Ann", "Ann Digger"]);
    }
    let e = error(
        Format::TriviaQa,
        r#"{"Data":[{"Question":"q","QuestionId":"x"}]}"#,
    );
    assert!(e.contains("file, entry 1") && e.contains("dev file"), "{e}");
    let e = error(Format::TriviaQa, "{\"Data\": [\n{\"Question\": ");
    assert!(e.contains("line 1"), "{e}");
    let e = error(Format::TriviaQa, "{\n\"Data\": [\n{\"Question\": ");
    assert!(e.contains("line 3"), "{e}");
}

#[test]
fn nq_open_rows() {
    let text = "{\"question\":\"how deep is it\",\"answer\":[\"7 m\",\"seven metres\"]}\r\n\n{\"question\":\"and now\",\"answer\":[\"8 m\"]}";
    let q = import(Format::NqOpen, text, "file").expect("questions");
    assert_eq!((&*q[1].id, &*q[1].question), ("nq-open/00002", "and now"));
    assert_eq!(q[0].answers, ["7 m", "seven metres"]);
    let e = error(
        Format::NqOpen,
        "{\"question\":\"q\",\"answer\":[\"a\"]}\n{\"question\":\"q\"}",
    );
    assert!(e.contains("file, line 2"), "{e}");
    let e = error(
        Format::NqOpen,
        "{\"question\":\"q\",\"answer\":[\"a\"]}\n{\"quest",
    );
    assert!(e.contains("file, line 2"), "{e}");
}

#[test]
fn bioasq_factoids_only() {
    let text = r#"{"questions":[
        {"id":"1","type":"factoid","body":"Which gene?","exact_answer":[["ABC1","abc-1"],["ABC1"]]},
        {"id":"2","type":"yesno","body":"Is it?","exact_answer":"yes"},
        {"id":"3","type":"factoid","body":"Which cell?","exact_answer":"T cell"},
        {"id":"3","type":"factoid","body":"Which cell?","exact_answer":"T cell"}]}"#;
    let q = import(Format::BioAsq, text, "file").expect("questions");
    assert_eq!(q.len(), 2, "no other type, and none twice");
    assert_eq!(q[0].answers, ["ABC1", "abc-1"]);
    assert_eq!(
        (&*q[1].id, &q[1].answers[..]),
        ("bioasq/3", &["T cell".to_owned()][..])
    );
    let e = error(
        Format::BioAsq,
        r#"{"questions":[{"id":"1","type":"factoid","body":"q"}]}"#,
    );
    assert!(e.contains("entry 1") && e.contains("golden"), "{e}");
    let e = error(
        Format::BioAsq,
        r#"{"questions":[{"id":"1","type":"yesno","body":"q"}]}"#,
    );
    assert!(e.contains("no questions"), "{e}");
    let two = r#"[{"id":"1","type":"factoid","body":"q","exact_answer":"a"},{"id":"1","type":"factoid","body":"r","exact_answer":"a"}]"#;
    assert!(error(Format::BioAsq, two).contains("two different questions"));
}

#[test]
fn falseqa_with_quotes_and_line_breaks() {
    let text = "\u{feff}question,answer,label\r\n\"Why, then,\nis ice \"\"hot\"\"?\",\"It is\nnot\",1\r\nWhy is ice cold?,x,0\r\nWhy do stones sing?,They do not,1\r\n";
    let q = import(Format::FalseQa, text, "file").expect("questions");
    let asked: Vec<_> = q.iter().map(|q| (&*q.id, &*q.question)).collect();
    assert_eq!(
        asked,
        [
            ("falseqa/00001", "Why, then,\nis ice \"hot\"?"),
            ("falseqa/00003", "Why do stones sing?")
        ]
    );
    assert!(q[0].answers.is_empty());
    let e = error(
        Format::FalseQa,
        "question,answer,label\n\"a\nb?\",x,1\nc?,y,2\n",
    );
    assert!(e.contains("file, line 4") && e.contains('2'), "{e}");
    assert!(error(Format::FalseQa, "question,label\n ,1\n").contains("line 2"));
    assert!(error(Format::FalseQa, "a,b\n").contains("question,answer,label"));
    assert!(error(Format::FalseQa, "").contains("no column"));
}

#[test]
fn faitheval_answers_are_the_contexts() {
    let text = r#"[{"id":"m1","question":"What is glass made of?","context":"Glass is made of snow.","answerKey":"B",
        "choices":{"label":["A","B"],"text":["sand","snow"]}},
        {"id":"m2","question":"Where is it?","context":"It is up.","answer":"up"}]"#;
    let q = import(Format::FaithEval, text, "file").expect("questions");
    assert_eq!(
        (&*q[0].id, &q[0].answers[..]),
        ("faitheval/m1", &["snow".to_owned()][..])
    );
    assert_eq!(
        (q[1].context.as_deref(), &q[1].answers[..]),
        (Some("It is up."), &["up".to_owned()][..])
    );
    let wrong = r#"{"id":"m1","question":"q","context":"c","answerKey":"C","choices":{"label":["A"],"text":["t"]}}"#;
    assert!(error(Format::FaithEval, wrong).contains("line 1"));
    assert!(
        error(
            Format::FaithEval,
            r#"{"id":"m","question":"q","answer":"a"}"#
        )
        .contains("\"context\"")
    );
}

#[test]
fn our_own_and_names() {
    let q = import(
        Format::Own,
        "{\"question\":\"q?\",\"answers\":[\"a\"]}",
        "mine.jsonl",
    )
    .expect("a question");
    assert_eq!(q[0].id, "mine/1");
    for format in Format::ALL {
        assert_eq!(Format::named(format.name()).expect("a name"), format);
    }
    assert!(
        Format::named("x")
            .expect_err("no format")
            .to_string()
            .contains("nq-open")
    );
}
