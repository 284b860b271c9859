//! What a model still knows while a set of neurons is silenced: known questions, asked again.

use std::{collections::HashMap, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    answers::{Asking, Subject},
    bulk::{self, Answer, Job},
    identify::Kept,
    judge::{Verdict, judge},
    log::Log,
    questions::Question,
    split::stable_hash,
};
use crate::{
    engine::{Edits, Neuron},
    error::Result,
    session::Sampling,
};

/// One answer with a set silenced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Silenced {
    /// A hash of the set's neurons.
    set: String,
    /// Which question.
    id: String,
    /// What was said.
    text: String,
    /// Its tokens.
    answer: Answer,
}

/// A set's name in the log: another set has another.
fn name_of(set: &[Neuron]) -> String {
    let mut set = set.to_vec();
    set.sort_unstable();
    let places: Vec<String> = (set.iter())
        .map(|n| format!("{}.{}", n.layer, n.index))
        .collect();
    format!("{:016x}", stable_hash("set", &places.join(" "), 0))
}

/// At most `n` of the questions, the same ones whatever their order.
pub fn some(mut known: Vec<&Question>, n: usize, seed: u64) -> Vec<&Question> {
    known.sort_by_key(|q| stable_hash("knowledge", &q.id, seed));
    known.truncate(n);
    known
}

/// Asks the questions greedily with each set times 0, and counts right answers, judged as in identification; goes on where
/// an earlier run of the same log stopped.
///
/// # Errors
/// As [`bulk::run`] and [`Log`].
pub fn kept(
    subject: &mut Subject<'_>,
    asking: &Asking,
    known: &[&Question],
    sets: &[Vec<Neuron>],
    path: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Kept>> {
    let (mut log, held) = Log::open::<Silenced>(path)?;
    let mut have: HashMap<(String, String), Silenced> = (held.into_iter())
        .map(|s| ((s.set.clone(), s.id.clone()), s))
        .collect();
    let names: Vec<String> = sets.iter().map(|set| name_of(set)).collect();
    let (mut left, mut jobs) = (Vec::new(), Vec::new());
    for (set, name) in sets.iter().zip(&names) {
        let edits = Edits::scale(set, 0.0, subject.engine.blueprint())?;
        for question in known {
            if have.contains_key(&(name.clone(), question.id.clone())) {
                continue;
            }
            left.push((name, *question));
            jobs.push(Job {
                prompt: subject.prompt(&asking.prompt, question)?,
                edits: edits.clone(),
                samplings: vec![Sampling::greedy()],
                max_tokens: asking.max_tokens,
            });
        }
    }
    let (says, total) = (subject.says(), jobs.len());
    let mut done = 0;
    let mut take = |j: usize, answers: Vec<Answer>| {
        let (set, question): (&String, &Question) = left[j];
        for answer in answers {
            let (answer, text) = says.of(answer);
            let silenced = Silenced {
                set: set.clone(),
                id: question.id.clone(),
                text,
                answer,
            };
            log.push(&silenced)?;
            have.insert((set.clone(), question.id.clone()), silenced);
        }
        done += 1;
        progress(done, total);
        Ok(true)
    };
    let stops = subject.text.stops();
    pollster::block_on(bulk::run(subject.engine, stops, &jobs, &mut take))?;
    let right = |name: &String, question: &Question| {
        let said = have.get(&(name.clone(), question.id.clone()));
        // Judged anew: what was kept may be of an earlier version of the rules.
        said.is_some_and(|s| judge(&s.text, &s.answer, &question.answers) == Verdict::Right)
    };
    Ok(names
        .iter()
        .map(|name| Kept {
            right: known.iter().filter(|q| right(name, q)).count(),
            of: known.len(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_named_by_its_neurons_in_any_order() {
        let n = |layer, index| Neuron { layer, index };
        let name = name_of(&[n(1, 2), n(12, 3)]);
        assert_eq!(name, name_of(&[n(12, 3), n(1, 2)]));
        assert_ne!(name, name_of(&[n(11, 2), n(2, 3)]));
        assert_ne!(name, name_of(&[n(1, 2)]));
    }
}
