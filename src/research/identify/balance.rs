//! Which answers are learnt from, and which are kept apart.

use std::collections::BTreeMap;

use super::Fitting;
use crate::{
    error::{Error, Result},
    research::{
        answers::Consistent,
        split::{self, Part, Within, stable_hash},
    },
};

/// Answers of each kind that are the least to learn from.
const LEAST: usize = 20;

/// Ids of questions, each with whether its answer is wrong.
pub type Labelled = Vec<(String, bool)>;

/// As many right as wrong answers of each source and template: neither may be a cue. A collection's questions have its
/// name for a template, so that it is balanced as a whole. Where nothing can be balanced, none.
pub fn balance<'a, 'b>(items: &'b [Consistent<'a>], seed: u64) -> Vec<&'b Consistent<'a>> {
    let of: Vec<split::Item<'_>> = items
        .iter()
        .map(|i| split::Item {
            id: &i.question.id,
            source: &i.question.source,
            template: Some(&i.question.template),
            wrong: i.wrong,
        })
        .collect();
    let chosen = split::balanced(&of, Within::Template, seed).unwrap_or_default();
    chosen.into_iter().map(|at| &items[at]).collect()
}

/// What a detector is judged on: with several templates as [`balance`]; with one, which then is no cue, every consistent answer
/// (an AUROC does not depend on how many are wrong).
pub fn judged_on<'a, 'b>(items: &'b [Consistent<'a>], seed: u64) -> Vec<&'b Consistent<'a>> {
    let mut templates = items
        .iter()
        .map(|i| (&i.question.source, &i.question.template));
    let first = templates.next();
    if templates.all(|t| Some(t) == first) {
        return items.iter().collect();
    }
    balance(items, seed)
}

/// The labels of answers, dealt out anew among those of each source and template: what is found with these is chance.
pub fn shuffled(items: &[&Consistent<'_>], seed: u64) -> Vec<bool> {
    let mut groups: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let q = item.question;
        groups.entry((&q.source, &q.template)).or_default().push(at);
    }
    let mut labels = vec![false; items.len()];
    for group in groups.into_values() {
        let mut to = group.clone();
        to.sort_by_key(|&at| stable_hash("shuffle", &items[at].question.id, seed));
        for (to, from) in to.into_iter().zip(group) {
            labels[to] = items[from].wrong;
        }
    }
    labels
}

/// The answers to learn from, and those to be judged on: balanced, without the sources held out, with shuffled labels if
/// that is asked for.
///
/// # Errors
/// [`crate::ErrorKind::Input`] for too few answers of a class.
pub(super) fn sides(items: &[Consistent<'_>], fitting: &Fitting) -> Result<(Labelled, Labelled)> {
    let mut balanced = balance(items, fitting.seed);
    balanced.retain(|i| !fitting.hold_out.contains(&i.question.source));
    let labels = match fitting.shuffle_labels {
        Some(seed) => shuffled(&balanced, seed),
        None => balanced.iter().map(|i| i.wrong).collect(),
    };
    let (mut train, mut test) = (Vec::new(), Vec::new());
    if !balanced.is_empty() {
        let ids: Vec<&str> = balanced.iter().map(|i| i.question.id.as_str()).collect();
        let parts = split::parts(&ids, fitting.test_share, fitting.seed)?;
        for ((id, wrong), part) in ids.into_iter().zip(labels).zip(parts) {
            let to = match part {
                Part::Train => &mut train,
                Part::Test => &mut test,
            };
            to.push((id.to_owned(), wrong));
        }
    }
    let wrong = train.iter().filter(|t| t.1).count();
    let least = wrong.min(train.len() - wrong);
    if least < LEAST {
        return Err(Error::input(format!(
            "only {least} consistently right or wrong answers are left to learn from after balancing, and {LEAST} of each are the \
             least: give more questions that the model knows (of {} consistent answers {} are wrong)",
            items.len(),
            items.iter().filter(|i| i.wrong).count()
        )));
    }
    Ok((train, test))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::research::{answers::Greedy, bulk::Answer, judge::Verdict, questions};

    fn questions(lines: impl Iterator<Item = String>) -> Vec<questions::Question> {
        let text: Vec<String> = lines.collect();
        questions::read(&text.join("\n"), "some.jsonl")
            .expect("questions")
            .0
    }

    /// A bank of two templates, and a collection whose questions name no template.
    fn some() -> (Vec<questions::Question>, Greedy) {
        let of = |source: &'static str, template: &'static str, n: usize| {
            (0..n).map(move |i| {
                let own = match template {
                    "" => String::new(),
                    _ => format!(r#""template":"{template}","#),
                };
                format!(
                    r#"{{"id":"{source}-{template}-{i}","source":"{source}",{own}"question":"{source} {template} {i}?","answers":["a"]}}"#
                )
            })
        };
        let lines = of("bank", "capital", 90)
            .chain(of("bank", "opposite", 90))
            .chain(of("trivia", "", 120));
        let greedy = Greedy {
            id: String::new(),
            text: String::new(),
            answer: Answer {
                ids: vec![1],
                logprobs: vec![-0.1],
                finished: true,
            },
            verdict: Verdict::Right,
        };
        (questions(lines), greedy)
    }

    /// Templates and the collection differ in how often they are wrong.
    fn consistent<'a>(
        questions: &'a [questions::Question],
        greedy: &'a Greedy,
    ) -> Vec<Consistent<'a>> {
        let often = |q: &questions::Question| match q.template.as_str() {
            "capital" => 2,
            "opposite" => 3,
            _ => 4,
        };
        (questions.iter().enumerate())
            .map(|(i, question)| Consistent {
                question,
                greedy,
                wrong: i % often(question) == 0,
            })
            .collect()
    }

    fn count(items: &[&Consistent<'_>], source: &str, template: &str) -> [usize; 2] {
        [false, true].map(|wrong| {
            let of = |i: &&&Consistent<'_>| {
                let q = i.question;
                (q.source.as_str(), q.template.as_str(), i.wrong) == (source, template, wrong)
            };
            items.iter().filter(of).count()
        })
    }

    #[test]
    fn a_bank_is_balanced_in_each_template_and_a_collection_as_a_whole() {
        let (questions, greedy) = some();
        let items = consistent(&questions, &greedy);
        let balanced = balance(&items, 1);
        assert_eq!(count(&balanced, "bank", "capital"), [45, 45]);
        assert_eq!(count(&balanced, "bank", "opposite"), [30, 30]);
        // Without a template of its own a question has its source's name for one.
        assert_eq!(count(&balanced, "trivia", "trivia"), [30, 30]);
    }

    #[test]
    fn a_source_held_out_is_on_neither_side() {
        let (questions, greedy) = some();
        let items = consistent(&questions, &greedy);
        let fitting = Fitting {
            hold_out: vec!["trivia".into()],
            ..Fitting::default()
        };
        let (train, test) = sides(&items, &fitting).expect("enough of the bank");
        assert_eq!(train.len() + test.len(), 150);
        assert!(
            train
                .iter()
                .chain(&test)
                .all(|(id, _)| id.starts_with("bank"))
        );
        let all = sides(&items, &Fitting::default()).expect("enough");
        assert_eq!(all.0.len() + all.1.len(), 210);
        assert!(
            train.iter().all(|t| all.0.contains(t)),
            "no answer changes its side"
        );
    }

    #[test]
    fn shuffled_labels_stay_balanced_and_say_nothing_of_the_answers() {
        let (questions, greedy) = some();
        let items = consistent(&questions, &greedy);
        let balanced = balance(&items, 1);
        let labels = shuffled(&balanced, 7);
        let mut turned = balanced.iter().map(|i| (*i).clone()).collect::<Vec<_>>();
        for (item, wrong) in turned.iter_mut().zip(&labels) {
            item.wrong = *wrong;
        }
        let turned: Vec<&Consistent<'_>> = turned.iter().collect();
        for (source, template) in [
            ("bank", "capital"),
            ("bank", "opposite"),
            ("trivia", "trivia"),
        ] {
            let before = count(&balanced, source, template);
            assert_eq!(count(&turned, source, template), before);
        }
        let same = (balanced.iter().zip(&labels)).filter(|(i, l)| i.wrong == **l);
        let same = same.count() as f64 / labels.len() as f64;
        assert!((0.4..0.6).contains(&same), "{same}");
    }
}
