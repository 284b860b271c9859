//! What a model says to many questions: greedily, and ten times drawn; and which of it is consistently right or wrong.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::{
    bulk::{self, Answer, Job},
    judge::{Verdict, judge},
    log::Log,
    questions::Question,
    split::stable_hash,
};
use crate::{
    engine::{Edits, Engine},
    error::Result,
    model::ModelFile,
    session::Sampling,
    text::{Conversation, Message, Tokenizer},
};

/// How questions are asked and answers drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    /// The user's message; `{question}` stands for the question, `{context}` for its context.
    pub prompt: String,
    /// Answers drawn for each question, besides the greedy one; 0: the greedy answer alone says what is consistent.
    pub samples: usize,
    /// Temperature of these.
    pub temperature: f64,
    /// Drawn among this many most probable tokens.
    pub top_k: usize,
    /// Drawn among the most probable tokens that make up this probability.
    pub top_p: f64,
    /// Longest answer, in tokens.
    pub max_tokens: usize,
    /// Consistently right: at least this many of the drawn answers.
    pub right_at_least: usize,
    /// Consistently wrong: none right, and at most this many refusals.
    pub refusals_at_most: usize,
    /// In each template, questions of the commoner verdict that are drawn for, for each of the rarer: classes are balanced, so
    /// that more are not needed.
    pub others_for_each: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Asking {
    /// The paper's, but for the temperature: at its 1.0 a model of 135M parameters is hardly ever consistent.
    fn default() -> Self {
        Self {
            prompt: "{question} Respond with the answer only, without any explanation.".into(),
            samples: 10,
            temperature: 0.5,
            top_k: 50,
            top_p: 0.9,
            max_tokens: 32,
            right_at_least: 8,
            refusals_at_most: 3,
            others_for_each: 2,
            seed: 1,
        }
    }
}

/// What runs: model, tokenizer and engine.
pub struct Subject<'a> {
    /// The model's file.
    pub file: &'a ModelFile,
    /// Its tokenizer.
    pub text: &'a Tokenizer,
    /// What computes.
    pub engine: &'a mut dyn Engine,
}

impl<'a> Subject<'a> {
    /// How its answers are read.
    pub(super) fn says(&self) -> Says<'a> {
        Says {
            text: self.text,
            base: self.is_base(),
        }
    }

    /// Whether the model has no chat template, as base models have none: it is given text to go on from, and its answer is the
    /// rest of the line.
    fn is_base(&self) -> bool {
        self.file.vocabulary().chat_template.is_none()
    }

    /// The tokens of a question as it is asked: in the chat template, or for a model without one after "Question:" and before
    /// "Answer:".
    ///
    /// # Errors
    /// As [`Conversation::encode`].
    pub fn prompt(&self, template: &str, question: &Question) -> Result<Vec<u32>> {
        let message = template
            .replace("{context}", question.context.as_deref().unwrap_or_default())
            .replace("{question}", &question.question);
        let conversation = if self.is_base() {
            Conversation::Raw(format!("Question: {}\nAnswer:", message.trim()))
        } else {
            Conversation::Messages(vec![Message::user(message.trim())])
        };
        let tokens = conversation.encode(self.text, self.file.vocabulary())?;
        Ok(tokens.iter().map(|t| t.id).collect())
    }
}

/// What a model says with an answer's tokens.
#[derive(Clone, Copy)]
pub(super) struct Says<'a> {
    text: &'a Tokenizer,
    base: bool,
}

impl Says<'_> {
    /// The answer, of a base model up to the end of its line, and its text.
    pub(super) fn of(self, mut answer: Answer) -> (Answer, String) {
        if self.base {
            answer = first_line(|id| self.text.bytes(id), answer);
        }
        let said = self.text.decode(&answer.ids);
        (answer, said)
    }
}

/// An answer up to the end of its line; with that it is finished.
fn first_line<'a>(bytes: impl Fn(u32) -> &'a [u8], mut answer: Answer) -> Answer {
    let ends = |&id: &u32| bytes(id).contains(&b'\n');
    if let Some(end) = answer.ids.iter().position(ends) {
        answer.ids.truncate(end);
        answer.logprobs.truncate(end);
        answer.finished = true;
    }
    answer
}

/// The greedy answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Greedy {
    /// Which question.
    pub id: String,
    /// What was said.
    pub text: String,
    /// Its tokens.
    pub answer: Answer,
    /// Whether it is right.
    pub verdict: Verdict,
}

/// The drawn answers to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Which question.
    pub id: String,
    /// What was said, and whether it is right.
    pub answers: Vec<(String, Verdict)>,
}

/// Seed of one draw: of the run's, the question's id and the draw's number, so that neither the order of questions nor their
/// number matters.
fn seed_of(seed: u64, id: &str, which: usize) -> u64 {
    stable_hash("draw", &format!("{id}#{which}"), seed)
}

/// Asks every question greedily; goes on where an earlier run of the same log stopped. In the order of the questions.
///
/// # Errors
/// As [`bulk::run`] and [`Log`].
pub fn greedy(
    subject: &mut Subject<'_>,
    asking: &Asking,
    questions: &[Question],
    path: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Greedy>> {
    let (mut log, held) = Log::open::<Greedy>(path)?;
    let mut have: HashMap<String, Greedy> = held.into_iter().map(|g| (g.id.clone(), g)).collect();
    let left: Vec<&Question> = questions
        .iter()
        .filter(|q| !have.contains_key(&q.id))
        .collect();
    let jobs = left
        .iter()
        .map(|q| {
            Ok(Job {
                prompt: subject.prompt(&asking.prompt, q)?,
                edits: Edits::none(),
                samplings: vec![Sampling::greedy()],
                max_tokens: asking.max_tokens,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let (text, total, says) = (subject.text, questions.len(), subject.says());
    pollster::block_on(bulk::run(
        subject.engine,
        text.stops(),
        &jobs,
        &mut |j, answers| {
            for answer in answers {
                let (answer, said) = says.of(answer);
                let greedy = Greedy {
                    id: left[j].id.clone(),
                    verdict: judge(&said, &answer, &left[j].answers),
                    text: said,
                    answer,
                };
                log.push(&greedy)?;
                have.insert(greedy.id.clone(), greedy);
            }
            progress(have.len(), total);
            Ok(true)
        },
    ))?;
    Ok(questions
        .iter()
        .filter_map(|q| have.remove(&q.id))
        .collect())
}

/// Draws answers to the questions that may turn out consistent and be needed; none where no draws are asked for.
///
/// # Errors
/// As [`greedy`].
pub fn draw(
    subject: &mut Subject<'_>,
    asking: &Asking,
    questions: &[Question],
    greedy: &[Greedy],
    path: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Drawn>> {
    let (mut log, held) = Log::open::<Drawn>(path)?;
    if asking.samples == 0 {
        return Ok(Vec::new());
    }
    let wanted = worth_drawing(asking, questions, greedy);
    let mut have: HashMap<String, Drawn> = held.into_iter().map(|d| (d.id.clone(), d)).collect();
    let left: Vec<&Question> = questions
        .iter()
        .filter(|q| wanted.contains(q.id.as_str()) && !have.contains_key(&q.id))
        .collect();
    let jobs = left
        .iter()
        .map(|q| {
            let sampling = |i: usize| Sampling {
                temperature: asking.temperature,
                top_k: Some(asking.top_k),
                top_p: Some(asking.top_p),
                seed: seed_of(asking.seed, &q.id, i),
            };
            Ok(Job {
                prompt: subject.prompt(&asking.prompt, q)?,
                edits: Edits::none(),
                samplings: (0..asking.samples).map(sampling).collect(),
                max_tokens: asking.max_tokens,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let (text, total, says) = (subject.text, wanted.len(), subject.says());
    pollster::block_on(bulk::run(
        subject.engine,
        text.stops(),
        &jobs,
        &mut |j, answers| {
            let judged = answers.into_iter().map(|answer| {
                let (answer, said) = says.of(answer);
                let verdict = judge(&said, &answer, &left[j].answers);
                (said, verdict)
            });
            let drawn = Drawn {
                id: left[j].id.clone(),
                answers: judged.collect(),
            };
            log.push(&drawn)?;
            have.insert(drawn.id.clone(), drawn);
            progress(have.len(), total);
            Ok(true)
        },
    ))?;
    // What an earlier run, or another part of it, drew for without need is left out.
    Ok(questions
        .iter()
        .filter(|q| wanted.contains(q.id.as_str()))
        .filter_map(|q| have.remove(&q.id))
        .collect())
}

/// Ids of the questions to draw answers to: of each source and template those of the rarer greedy verdict, and of the other
/// `others_for_each` times as many, chosen by the seed. More would be left out by balancing.
fn worth_drawing<'a>(
    asking: &Asking,
    questions: &'a [Question],
    greedy: &[Greedy],
) -> HashSet<&'a str> {
    let verdicts: HashMap<&str, &Greedy> = greedy.iter().map(|g| (g.id.as_str(), g)).collect();
    let mut groups: BTreeMap<(&str, &str), [Vec<&str>; 2]> = BTreeMap::new();
    for q in questions {
        let verdict = verdicts.get(q.id.as_str()).filter(|g| g.answer.finished);
        let group = groups.entry((&q.source, &q.template)).or_default();
        match verdict.map(|g| g.verdict) {
            Some(Verdict::Right) => group[0].push(&q.id),
            Some(Verdict::Wrong) => group[1].push(&q.id),
            _ => {}
        }
    }
    let mut wanted = HashSet::new();
    for of_verdict in groups.values_mut() {
        let rarer = of_verdict[0].len().min(of_verdict[1].len());
        for ids in of_verdict {
            ids.sort_by_key(|id| stable_hash("worth drawing", id, asking.seed));
            wanted.extend(ids.iter().take(rarer * asking.others_for_each));
        }
    }
    wanted
}

/// A question that the model answers consistently.
#[derive(Debug, Clone, PartialEq)]
pub struct Consistent<'a> {
    /// The question.
    pub question: &'a Question,
    /// Its greedy answer.
    pub greedy: &'a Greedy,
    /// Whether it is wrong: a hallucination.
    pub wrong: bool,
}

/// The consistent ones, in the order of the questions. Without draws these are all that were answered right or wrong greedily.
pub fn consistent<'a>(
    asking: &Asking,
    questions: &'a [Question],
    greedy: &'a [Greedy],
    drawn: &[Drawn],
) -> Vec<Consistent<'a>> {
    let drawn: HashMap<&str, &Drawn> = drawn.iter().map(|d| (d.id.as_str(), d)).collect();
    let greedy: HashMap<&str, &Greedy> = greedy.iter().map(|g| (g.id.as_str(), g)).collect();
    questions
        .iter()
        .filter_map(|question| {
            let greedy = *greedy.get(question.id.as_str())?;
            let answers: &[(String, Verdict)] = match asking.samples {
                0 => &[],
                _ => &drawn.get(question.id.as_str())?.answers,
            };
            let count = |v: Verdict| answers.iter().filter(|(_, w)| *w == v).count();
            let (right, refused) = (count(Verdict::Right), count(Verdict::Refused));
            let wrong = match greedy.verdict {
                Verdict::Right if right >= asking.right_at_least => false,
                Verdict::Wrong if right == 0 && refused <= asking.refusals_at_most => true,
                _ => return None,
            };
            Some(Consistent {
                question,
                greedy,
                wrong,
            })
        })
        .collect()
}

/// A line of progress on a terminal, about once a second: what is done, how fast, and how long it will take.
pub struct Progress {
    what: String,
    begin: Instant,
    first: Option<usize>,
    shown: Instant,
}

impl Progress {
    /// Of a stage of the work.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            begin: Instant::now(),
            first: None,
            shown: Instant::now(),
        }
    }

    /// `done` of `total` are done.
    pub fn show(&mut self, done: usize, total: usize) {
        let first = *self.first.get_or_insert(done.saturating_sub(1));
        if self.shown.elapsed().as_millis() < 1000 && done < total {
            return;
        }
        self.shown = Instant::now();
        let seconds = self.begin.elapsed().as_secs_f64();
        let rate = (done - first) as f64 / seconds.max(1e-9);
        let left = (total.saturating_sub(done)) as f64 / rate.max(1e-9);
        eprintln!(
            "{}: {done} of {total}, {rate:.1} a second, {:.0} s left",
            self.what, left
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_draws_the_greedy_answer_says_what_is_consistent() {
        let question = |id: &str| Question {
            id: id.into(),
            source: "some".into(),
            template: "some".into(),
            question: format!("{id}?"),
            answers: vec!["a".into()],
            context: None,
            truth: Vec::new(),
        };
        let greedy = |(id, verdict): (&str, Verdict)| Greedy {
            id: id.into(),
            text: String::new(),
            answer: Answer {
                ids: vec![1],
                logprobs: vec![-0.1],
                finished: true,
            },
            verdict,
        };
        let said = [
            ("right", Verdict::Right),
            ("wrong", Verdict::Wrong),
            ("refused", Verdict::Refused),
            ("cut", Verdict::Truncated),
        ];
        let questions: Vec<Question> = said.iter().map(|(id, _)| question(id)).collect();
        let greedy: Vec<Greedy> = said.into_iter().map(greedy).collect();
        let asking = Asking {
            samples: 0,
            right_at_least: 0,
            refusals_at_most: 0,
            ..Asking::default()
        };
        let of = |asking: &Asking| -> Vec<(String, bool)> {
            let items = consistent(asking, &questions, &greedy, &[]);
            items
                .iter()
                .map(|i| (i.question.id.clone(), i.wrong))
                .collect()
        };
        assert_eq!(
            of(&asking),
            [("right".into(), false), ("wrong".into(), true)]
        );
        assert_eq!(
            of(&Asking::default()),
            [],
            "with draws, what was not drawn for is left out"
        );
    }

    #[test]
    fn a_base_model_s_answer_ends_with_its_line() {
        let said = |words: [&'static str; 3]| {
            let answer = Answer {
                ids: vec![0, 1, 2],
                logprobs: vec![-0.1, -0.2, -0.3],
                finished: false,
            };
            first_line(move |id| words[id as usize].as_bytes(), answer)
        };
        let ended = said([" Paris", ".\n", "Question"]);
        assert_eq!((ended.ids, ended.logprobs), (vec![0], vec![-0.1]));
        assert!(ended.finished);
        assert!(
            !said([" Paris", " and", " then"]).finished,
            "it was cut off"
        );
    }
}
