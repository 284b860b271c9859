//! How often the rule judges agree with a reader of the same replies (data/judged/README.md). Prints what docs/science.md states.

mod common;

use std::collections::HashMap;

use hneurons::research::{
    bulk::Answer,
    compliance::{Benchmark, Reply, judge_reply},
    questions::{Question, read},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Judged {
    id: String,
    text: String,
    finished: bool,
    reader: Reply,
}

/// Of how many replies, which both could judge, in how many they agree; and the reader's and the rule's count of "not".
fn agreement(benchmark: Benchmark, questions: &str) -> (usize, usize, usize, usize) {
    let text =
        |path: String| std::fs::read_to_string(common::root().join(path)).expect("it is there");
    let (all, _) = read(
        &text(format!("data/questions/{questions}.jsonl")),
        questions,
    )
    .expect("questions");
    let by_id: HashMap<&str, &Question> = all.iter().map(|q| (q.id.as_str(), q)).collect();
    let lines = text(format!("data/judged/{}.jsonl", benchmark.name()));
    let (mut both, mut agree, mut reader_not, mut rule_not) = (0, 0, 0, 0);
    for line in lines.lines() {
        let judged: Judged = serde_json::from_str(line).expect("a judged reply");
        let answer = Answer {
            ids: Vec::new(),
            logprobs: Vec::new(),
            finished: judged.finished,
        };
        let rule = judge_reply(benchmark, by_id[judged.id.as_str()], &judged.text, &answer);
        if rule == Reply::Unclear || judged.reader == Reply::Unclear {
            continue;
        }
        both += 1;
        agree += usize::from(rule == judged.reader);
        reader_not += usize::from(judged.reader == Reply::Not);
        rule_not += usize::from(rule == Reply::Not);
    }
    println!(
        "{}: {agree} of {both} agree; \"not\" says the reader {reader_not} times, the rule {rule_not} times",
        benchmark.name()
    );
    (agree, both, reader_not, rule_not)
}

#[test]
fn rules_and_reader_agree_as_often_as_is_said() {
    for (benchmark, questions, at_least) in [
        (Benchmark::Doubt, "facts", 97),
        (Benchmark::FalsePremise, "false-premise", 92),
        (Benchmark::MadeUp, "made-up", 93),
        (Benchmark::Misleading, "misleading", 93),
    ] {
        let (agree, both, ..) = agreement(benchmark, questions);
        assert!(both >= 95 && agree >= at_least, "{}", benchmark.name());
    }
}
