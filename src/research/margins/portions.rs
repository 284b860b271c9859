//! Which items serve for what. Wordings, levers and effects each have their own, so that nothing is measured on what it was
//! chosen on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    behaviour::Behaviour,
    choose::{Tried, choices, choose},
    items::{Choice, Item, items, unanswerable},
    measure::margins,
};
use crate::{
    engine::Edits,
    error::Result,
    research::{
        answers::Subject,
        log::{Log, write_whole},
        questions::Question,
        split::stable_hash,
    },
};

/// How many items serve for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// To choose wordings on.
    pub wording: usize,
    /// To attribute on.
    pub attribution: usize,
    /// To choose among levers on.
    pub validation: usize,
    /// To measure on.
    pub measured: usize,
}

/// A behaviour's choices in the wording chosen for the model, each item in one place only.
#[derive(Debug, Clone, PartialEq)]
pub struct Portions {
    /// Which behaviour.
    pub behaviour: Behaviour,
    /// How each wording did.
    pub tried: Vec<Tried>,
    /// The one chosen.
    pub wording: &'static str,
    /// To attribute on.
    pub attribution: Vec<Choice>,
    /// To choose among levers on.
    pub validation: Vec<Choice>,
    /// To measure on.
    pub measured: Vec<Choice>,
    /// The items of `measured`, in its order.
    pub items: Vec<Item>,
}

/// What was chosen of one behaviour, as kept between commands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Chosen {
    behaviour: Behaviour,
    place: usize,
    tried: Vec<Tried>,
}

/// Whether the model knows the answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    id: String,
    known: bool,
}

/// Questions in the order in which they are taken.
fn ordered(mut items: Vec<Item>, seed: u64) -> Vec<Item> {
    items.sort_by_key(|item| stable_hash("margins", &item.id, seed));
    items
}

/// Deals out items of every behaviour. Questions that the model would not answer right as asked plainly are passed over: only
/// who knows can give in. What is chosen is kept in `folder`, and taken from there the next time.
///
/// # Errors
/// As [`choose`] and [`Log`].
pub fn portions(
    subject: &mut Subject<'_>,
    facts: &[Question],
    made_up: &[Question],
    sizes: Sizes,
    seed: u64,
    folder: &Path,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Vec<Portions>> {
    let facts = ordered(items(facts, seed), seed);
    let made_up = ordered(unanswerable(made_up), seed);
    let (mut log, mut kept) = Log::open::<Chosen>(&folder.join("wordings.jsonl"))?;
    // What is known depends on how it is asked, so that comes first.
    let first = &facts[..sizes.wording.min(facts.len())];
    decide(subject, Behaviour::Plain, first, &mut log, &mut kept)?;
    let plain = chosen_place(&kept, Behaviour::Plain);
    let wanted = sizes.wording + sizes.attribution + sizes.validation + sizes.measured;
    let known = known(subject, &facts, plain, wanted, folder, progress)?;
    let (try_known, known) = known.split_at(sizes.wording.min(known.len()));
    let (try_made_up, made_up) = made_up.split_at(sizes.wording.min(made_up.len()));
    let all = || Behaviour::HARM.into_iter().chain(Behaviour::MEASURED);
    for (at, behaviour) in all().enumerate() {
        progress("wordings", at, all().count());
        let tried_on = match behaviour {
            Behaviour::MadeUp => try_made_up,
            _ => try_known,
        };
        decide(subject, behaviour, tried_on, &mut log, &mut kept)?;
    }
    let place = |of: Behaviour| match of {
        // A right answer is asked about in the words in which a wrong one is.
        Behaviour::TruePremise => chosen_place(&kept, Behaviour::FalsePremise),
        _ => chosen_place(&kept, of),
    };
    let deal = |behaviour: Behaviour| {
        let items = match behaviour {
            Behaviour::MadeUp => made_up,
            _ => known,
        };
        let wording = &behaviour.wordings()[place(behaviour)];
        let mut left = choices(subject, wording, items)?.into_iter();
        let mut take = |n: usize| left.by_ref().take(n).collect::<Vec<_>>();
        let attribution = take(sizes.attribution);
        let validation = take(sizes.validation);
        let measured = take(sizes.measured);
        let of = |choice: &Choice| items.iter().find(|item| item.id == choice.id).cloned();
        Ok(Portions {
            behaviour,
            tried: (kept.iter().filter(|c| c.behaviour == behaviour))
                .flat_map(|c| c.tried.clone())
                .collect(),
            wording: wording.name,
            items: measured.iter().filter_map(of).collect(),
            attribution,
            validation,
            measured,
        })
    };
    all().map(deal).collect()
}

/// Chooses a behaviour's wording, unless that was done.
fn decide(
    subject: &mut Subject<'_>,
    behaviour: Behaviour,
    tried_on: &[Item],
    log: &mut Log,
    kept: &mut Vec<Chosen>,
) -> Result<()> {
    if kept.iter().any(|c| c.behaviour == behaviour) {
        return Ok(());
    }
    let (place, tried) = choose(subject, behaviour, tried_on)?;
    let chosen = Chosen {
        behaviour,
        place,
        tried,
    };
    log.push(&chosen)?;
    kept.push(chosen);
    Ok(())
}

fn chosen_place(kept: &[Chosen], of: Behaviour) -> usize {
    let chosen = kept.iter().find(|c| c.behaviour == of);
    chosen.map_or(0, |c| c.place)
}

/// The first `wanted` items whose right answer is more probable than any other next token, and so what the model would say.
fn known(
    subject: &mut Subject<'_>,
    items: &[Item],
    plain: usize,
    wanted: usize,
    folder: &Path,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Vec<Item>> {
    const AT_ONCE: usize = 64;
    let plain = &Behaviour::Plain.wordings()[plain];
    let path = folder.join("known.jsonl");
    let (mut log, held) = Log::open::<Known>(&path)?;
    let told: std::collections::HashMap<String, bool> =
        held.into_iter().map(|k| (k.id, k.known)).collect();
    let mut out: Vec<Item> = Vec::with_capacity(wanted);
    for batch in items.chunks(AT_ONCE) {
        let new: Vec<Item> = (batch.iter().filter(|i| !told.contains_key(&i.id)))
            .cloned()
            .collect();
        let choices = choices(subject, plain, &new)?;
        let read = margins(subject.engine, &choices, &Edits::none())?;
        let mut now = std::collections::HashMap::new();
        for item in &new {
            let read = choices
                .iter()
                .position(|c| c.id == item.id)
                .map(|at| read[at]);
            // More than half of all probability: no other token can have more.
            let known = read.is_some_and(|m| m.stand.exp() > 0.5);
            log.push(&Known {
                id: item.id.clone(),
                known,
            })?;
            now.insert(item.id.as_str(), known);
        }
        let is_known = |item: &&Item| {
            let told = told.get(&item.id).or(now.get(item.id.as_str()));
            told.copied().unwrap_or(false)
        };
        out.extend(batch.iter().filter(is_known).cloned());
        progress("known questions", out.len().min(wanted), wanted);
        if out.len() >= wanted {
            out.truncate(wanted);
            break;
        }
    }
    Ok(out)
}

/// Writes a summary of what serves for what: sizes and wordings, for the artifact's recipe.
///
/// # Errors
/// As [`write_whole`].
pub fn write_recipe(portions: &[Portions], sizes: Sizes, folder: &Path) -> Result<()> {
    let of = |p: &Portions| {
        serde_json::json!({
            "behaviour": p.behaviour, "wording": p.wording, "tried": p.tried,
            "attribution": p.attribution.len(), "validation": p.validation.len(), "measured": p.measured.len(),
        })
    };
    let all: Vec<_> = portions.iter().map(of).collect();
    let text = serde_json::json!({"sizes": sizes, "behaviours": all}).to_string();
    write_whole(&folder.join("items.json"), text.as_bytes())
}
