//! The items that margins are read on: questions with a right and a wrong answer, and their tokens up to where the two part.

use std::collections::BTreeMap;

use super::behaviour::{Behaviour, Wording};
use crate::{
    error::Result,
    gguf::Vocabulary,
    research::{judge::words, questions::Question, split::stable_hash},
    text::{Conversation, Message, Tokenizer},
};

/// A question, the right answer to it, and a wrong one. Made-up things have neither: both are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The question's id.
    pub id: String,
    /// The question.
    pub question: String,
    /// Its first accepted answer.
    pub right: String,
    /// An answer to another question of the same template.
    pub wrong: String,
}

/// Whether an answer is among the accepted ones, or says one of them.
fn accepted(question: &Question, answer: &str) -> bool {
    let said = words(answer);
    question.answers.iter().any(|a| {
        let a = words(a);
        !a.is_empty()
            && (said.windows(a.len()).any(|w| w == a)
                || a.windows(said.len().max(1)).any(|w| w == said))
    })
}

/// An item for each question of which another of its template has another answer. The wrong answer is drawn by a hash of the
/// question's id, so that a question that is added moves few others.
pub fn items(questions: &[Question], seed: u64) -> Vec<Item> {
    let mut pools: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for q in questions {
        let pool = pools.entry((&q.source, &q.template)).or_default();
        pool.extend(q.answers.first().map(String::as_str));
    }
    for pool in pools.values_mut() {
        pool.sort_unstable();
        pool.dedup();
    }
    let item = |q: &Question| {
        let right = q.answers.first()?;
        let pool = pools.get(&(q.source.as_str(), q.template.as_str()))?;
        let draw = |answer: &&&str| stable_hash("wrong", &format!("{}\n{answer}", q.id), seed);
        let others = pool.iter().filter(|answer| !accepted(q, answer));
        Some(Item {
            id: q.id.clone(),
            question: q.question.clone(),
            right: right.clone(),
            wrong: (*others.min_by_key(draw)?).to_owned(),
        })
    };
    questions.iter().filter_map(item).collect()
}

/// Items of questions that nobody can answer.
pub fn unanswerable(questions: &[Question]) -> Vec<Item> {
    let item = |q: &Question| Item {
        id: q.id.clone(),
        question: q.question.clone(),
        right: String::new(),
        wrong: String::new(),
    };
    questions.iter().map(item).collect()
}

/// An item as tokens: what is read, and the tokens that then give in or stand by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The item's id.
    pub id: String,
    /// Everything up to the place where the two kinds of replies part, at least one token.
    pub prompt: Vec<u32>,
    /// Next tokens of replies that give in; none of `stand`.
    pub give: Vec<u32>,
    /// Next tokens of replies that stand by what is right.
    pub stand: Vec<u32>,
}

fn fill(text: &str, item: &Item) -> String {
    text.replace("{right}", &item.right)
        .replace("{wrong}", &item.wrong)
        .replace("{question}", &item.question)
}

/// An item as a person asks it, for a reply in the model's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The item's id.
    pub id: String,
    /// Everything up to the reply, at least one token.
    pub prompt: Vec<u32>,
    /// What replies say that give in.
    pub give: Vec<String>,
    /// What replies say that stand by what is right.
    pub stand: Vec<String>,
}

/// The message as it is sent, with nothing of the reply begun.
///
/// # Errors
/// As [`Conversation::encode`].
pub fn asked(
    text: &Tokenizer,
    vocabulary: &Vocabulary,
    wording: &Wording,
    item: &Item,
) -> Result<Asked> {
    // Asked for a yes or a no, a model may name an answer instead.
    let all = |of: &[&str], answer: &String| -> Vec<String> {
        let filled = of.iter().map(|reply| fill(reply, item));
        filled.chain([answer.clone()]).collect()
    };
    Ok(Asked {
        id: item.id.clone(),
        prompt: prompt(text, vocabulary, wording, item)?,
        give: all(wording.give, &item.wrong),
        stand: all(wording.stand, &item.right),
    })
}

fn prompt(
    text: &Tokenizer,
    vocabulary: &Vocabulary,
    wording: &Wording,
    item: &Item,
) -> Result<Vec<u32>> {
    let message = fill(wording.message, item);
    let base = vocabulary.chat_template.is_none();
    let plain = Behaviour::Plain.wordings()[0].message;
    let conversation = match (base, wording.after_answer) {
        (true, false) => Conversation::Raw(format!("Question: {message}\nAnswer:")),
        (true, true) => Conversation::Raw(format!(
            "Question: {}\nAnswer: {}\nQuestion: {message}\nAnswer:",
            item.question, item.right
        )),
        (false, false) => Conversation::Messages(vec![Message::user(message)]),
        (false, true) => Conversation::Messages(vec![
            Message::user(fill(plain, item)),
            Message::assistant(item.right.clone()),
            Message::user(message),
        ]),
    };
    let tokens = conversation.encode(text, vocabulary)?;
    Ok(tokens.iter().map(|t| t.id).collect())
}

/// A choice's tokens. `None` where replies of both kinds go on with the same token, as "30" and "36" do where a digit is one.
///
/// # Errors
/// As [`Conversation::encode`].
pub fn choice(
    text: &Tokenizer,
    vocabulary: &Vocabulary,
    wording: &Wording,
    item: &Item,
) -> Result<Option<Choice>> {
    let base = vocabulary.chat_template.is_none();
    let mut prompt = prompt(text, vocabulary, wording, item)?;
    let replies = |of: &[&str]| {
        let reply = |answer: &&str| {
            let answer = fill(answer, item);
            let words = match wording.lead {
                "" => answer,
                lead => format!("{lead} {answer}"),
            };
            text.encode(&if base { format!(" {words}") } else { words })
        };
        of.iter().map(reply).collect::<Result<Vec<_>>>()
    };
    let (give, stand) = (replies(wording.give)?, replies(wording.stand)?);
    let all = || give.iter().chain(&stand);
    let Some(first) = all().next() else {
        return Ok(None);
    };
    let common = |reply: &Vec<u32>| {
        let pairs = reply.iter().zip(first);
        pairs.take_while(|(a, b)| a == b).count()
    };
    let shared = all().map(common).min().unwrap_or(0);
    if all().any(|reply| reply.len() <= shared) {
        return Ok(None);
    }
    let next = |replies: &[Vec<u32>]| {
        let mut ids: Vec<u32> = replies.iter().map(|reply| reply[shared]).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (next_give, next_stand) = (next(&give), next(&stand));
    if next_give.iter().any(|id| next_stand.contains(id)) {
        return Ok(None);
    }
    prompt.extend_from_slice(&first[..shared]);
    Ok(Some(Choice {
        id: item.id.clone(),
        prompt,
        give: next_give,
        stand: next_stand,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(id: &str, template: &str, answers: &[&str]) -> Question {
        Question {
            id: id.into(),
            source: "facts".into(),
            template: template.into(),
            question: format!("{id}?"),
            answers: answers.iter().map(|&a| a.to_owned()).collect(),
            context: None,
            truth: Vec::new(),
        }
    }

    #[test]
    fn a_wrong_answer_is_another_questions_right_one_and_no_accepted_one() {
        let questions = [
            question("a", "capital", &["Paris"]),
            question("b", "capital", &["Rome", "Roma"]),
            question("c", "capital", &["The city of Rome"]),
            question("d", "lone", &["Oslo"]),
        ];
        let made = items(&questions, 1);
        assert_eq!(made, items(&questions, 1), "drawn by the ids alone");
        let of = |id: &str| made.iter().find(|i| i.id == id);
        assert_eq!(
            of("b").map(|i| i.wrong.as_str()),
            Some("Paris"),
            "the city of Rome is Rome"
        );
        assert_eq!(of("c").map(|i| i.wrong.as_str()), Some("Paris"));
        assert!(of("d").is_none(), "its template has no other answer");
        assert!(made.iter().all(|i| i.wrong != i.right));
    }
}
