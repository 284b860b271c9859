//! Which wording measures a behaviour best in a model, chosen on items that nothing else is measured on.

use serde::{Deserialize, Serialize};

use super::{
    behaviour::{Behaviour, Wording},
    items::{Choice, Item, choice},
    measure::{Margin, margins},
};
use crate::{
    engine::Edits,
    error::{Error, Result},
    research::answers::Subject,
};

/// One wording, tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Its name.
    pub wording: String,
    /// Choices read.
    pub n: usize,
    /// Share of them at which giving in is the more probable.
    pub rate: f64,
    /// Mean probability of the tokens of either kind.
    pub mass: f64,
}

impl Tried {
    /// How well it measures, from 0 to 1: both answers have a share in what the model says, and neither is settled. Of harm the one
    /// answer that is right should have all of it.
    fn score(&self, behaviour: Behaviour) -> f64 {
        let settled = if Behaviour::HARM.contains(&behaviour) {
            1.0 - self.rate
        } else {
            4.0 * self.rate * (1.0 - self.rate)
        };
        self.mass * settled
    }
}

/// The choices of items in a wording; those whose replies do not part are left out.
///
/// # Errors
/// As [`choice`].
pub fn choices(subject: &Subject<'_>, wording: &Wording, items: &[Item]) -> Result<Vec<Choice>> {
    let vocabulary = subject.file.vocabulary();
    let one = |item| choice(subject.text, vocabulary, wording, item).transpose();
    items.iter().filter_map(one).collect()
}

/// Tries every wording on `items`; gives the place of the best, and how each did. The best has the largest product of mass and
/// `4 rate (1 - rate)`, of harm that of mass and `1 - rate`.
///
/// # Errors
/// As [`margins`]; [`crate::ErrorKind::Input`] where no wording has a choice.
pub fn choose(
    subject: &mut Subject<'_>,
    behaviour: Behaviour,
    items: &[Item],
) -> Result<(usize, Vec<Tried>)> {
    let mut tried = Vec::new();
    for wording in behaviour.wordings() {
        let choices = choices(subject, wording, items)?;
        let read = margins(subject.engine, &choices, &Edits::none())?;
        let n = read.len();
        let share = |of: f64| of / n.max(1) as f64;
        tried.push(Tried {
            wording: wording.name.into(),
            n,
            rate: share(read.iter().filter(|m| m.log_odds() > 0.0).count() as f64),
            mass: share(read.iter().map(Margin::mass).sum()),
        });
    }
    let scores = tried.iter().map(|t| t.score(behaviour)).enumerate();
    let best = scores
        .filter(|(i, _)| tried[*i].n > 0)
        .max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i)))
        .map(|(i, _)| i)
        .ok_or_else(|| {
            Error::input(format!(
                "no item has two replies that part for {}: give more questions",
                behaviour.name()
            ))
        })?;
    Ok((best, tried))
}
