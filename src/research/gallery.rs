//! The gallery: recorded runs, which the page shows and explores before any model is there.
//!
//! A recording has every lane of a sweep, and the contributions of neurons at every token of the conversation. It has
//! to be small (a page opens with it), so a contribution is one character, its place on a logarithmic scale, at most
//! 13 % off; and where a lane still says what the as-trained one says, it is the difference from that lane's, which
//! is mostly nothing (`docs/gallery.md`).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    engine::Neuron,
    error::{Error, Result},
    lab::{ControlOf, Lab, LaneRequest, Request, Set},
    neurons::Shares,
    session::{Candidate, Limit, Sampling, Stopped},
    text::{Conversation, Message, Role},
};

/// The schema of a recording.
pub const SCHEMA: &str = "hneurons-trace/1";

/// The alphas of a sweep; 1 is the lane as trained.
pub const ALPHAS: [f32; 6] = [0.0, 0.5, 1.5, 2.0, 2.5, 3.0];

/// The seeds of the random controls recorded.
pub const CONTROLS: [u64; 2] = [1, 2];

/// The alphas at which a control's own neurons are kept, and anything of the second control.
const KEPT: [f32; 2] = [0.0, 3.0];

/// Candidates kept at each token of an answer, and the least probability that one is kept with.
const NEXT: usize = 5;
const LEAST_P: f64 = 0.01;

/// Neurons named at each token of the as-trained lane, of all there are.
const TOP: usize = 8;

/// Contributions below this are kept as nothing.
pub const LEAST: f64 = 3e-4;

/// Steps in a factor of ten, and in all: up to a contribution of 3.
pub const STEPS_A_DECADE: f64 = 10.0;
/// See [`STEPS_A_DECADE`].
pub const STEPS: u8 = 40;

/// What is asked: a line of `data/gallery.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name in addresses and files: letters, digits and hyphens.
    pub id: String,
    /// What it is an example of.
    pub kind: Kind,
    /// A line for people.
    pub title: String,
    /// The user's message.
    pub prompt: String,
    /// The second turn, if there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub then: String,
}

/// What a run is an example of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A fact the model knows.
    Known,
    /// A fact it gets wrong.
    Wrong,
    /// A thing that does not exist.
    MadeUp,
    /// A question that assumes something false.
    FalsePremise,
    /// A right answer that is then doubted.
    Doubt,
    /// A question that suggests a wrong answer.
    Opinion,
}

/// Reads a list of entries, one JSON object a line.
///
/// # Errors
/// [`crate::ErrorKind::Input`], naming the line.
pub fn entries(text: &str) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let at = i + 1;
        let entry: Entry = serde_json::from_str(line)
            .map_err(|e| Error::input(format!("line {at} is no gallery entry ({e})")))?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if entry.id.is_empty() || entry.id.len() > 60 || !entry.id.chars().all(plain) {
            return Err(Error::input(format!(
                "line {at}: the id '{}' must be 1 to 60 small letters, digits and hyphens",
                entry.id
            )));
        }
        if entry.prompt.trim().is_empty() {
            return Err(Error::input(format!("line {at}: the prompt is empty")));
        }
        if entries.iter().any(|other| other.id == entry.id) {
            return Err(Error::input(format!(
                "line {at}: the id '{}' is there twice",
                entry.id
            )));
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(Error::input("there are no entries: write one a line"));
    }
    Ok(entries)
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recording {
    schema: &'static str,
    id: String,
    kind: Kind,
    title: String,
    /// What was asked.
    #[serde(skip)]
    pub entry: Entry,
    model: Named,
    artifact: Named,
    engine: String,
    max_tokens: usize,
    messages: Vec<Message>,
    /// `[id, text, role, turn]` of every prompt token.
    prompt: Vec<(u32, String, Role, usize)>,
    /// Position of the first token whose contributions are kept: the conversation's, after the template's own.
    from: usize,
    /// The sets of neurons: the H-Neurons, then the controls.
    sets: Vec<SetOut>,
    /// The lanes: as trained, then each set at every alpha.
    pub lanes: Vec<LaneOut>,
    /// At each position from `from` on of the as-trained lane, the neurons that contribute most: layer, index, step,
    /// and so on.
    top: Vec<Vec<usize>>,
    /// `[id, text]` of every token that is a candidate somewhere.
    candidates: Vec<(u32, String)>,
}

/// A file by its name and SHA-256.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Hash of the file.
    pub sha256: String,
}

/// A set of neurons.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct SetOut {
    set: Set,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lever: Option<String>,
    neurons: Vec<(usize, usize)>,
}

/// A recorded lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneOut {
    /// Which neurons it edits.
    pub set: Set,
    /// For a random control, its seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The lever that is edited, or that a random control is one of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lever: Option<String>,
    /// The factor on them.
    pub alpha: f32,
    /// The detector's probability.
    pub score: Option<f64>,
    stopped: Option<Stopped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit>,
    /// `[id, text, log-probability]` of every token of the answer.
    pub tokens: Vec<(u32, String, f64)>,
    /// For each token of the answer the most probable ones in its place: their places in [`Recording`]'s candidates and
    /// probabilities in thousandths, in turn. Here and below: nothing where a lane has only its answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next: Vec<Vec<usize>>,
    /// Each token's pull on the detector's log-odds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pulls: Vec<f64>,
    /// For each token a digit: 1 in a word, 2 in a new word of the first sentence, 3 in both.
    #[serde(skip_serializing_if = "String::is_empty")]
    words: String,
    /// For each set that is kept (its index in `sets`), a string a neuron: its contribution's step at every position
    /// from `from` on; up to where the lane parts from the first one, the difference from that lane's, modulo 41.
    cells: Vec<(usize, Vec<String>)>,
    /// Contributions of the H-Neurons by position, unrounded; for what is computed over the gallery.
    #[serde(skip)]
    pub read: Vec<Vec<f32>>,
}

impl LaneOut {
    /// The answer.
    pub fn text(&self) -> String {
        self.tokens
            .iter()
            .map(|(_, text, _)| text.as_str())
            .collect()
    }
}

impl Recording {
    /// The text of an H-Neuron's column: position `from + i` of a lane.
    pub fn token_at(&self, lane: usize, position: usize) -> &str {
        match position.checked_sub(self.prompt.len()) {
            None => self.prompt.get(position).map_or("", |(_, text, ..)| text),
            Some(i) => self.lanes[lane]
                .tokens
                .get(i)
                .map_or("", |(_, text, _)| text),
        }
    }

    /// Position of the first token kept.
    pub fn from(&self) -> usize {
        self.from
    }

    /// The lane of a set (no lever's) at an alpha; the lane as trained for alpha 1.
    pub fn lane(&self, set: Set, seed: Option<u64>, alpha: f32) -> Option<&LaneOut> {
        self.lanes.iter().find(|lane| {
            if alpha == 1.0 {
                lane.set == Set::None
            } else {
                lane.set == set && lane.seed == seed && lane.alpha == alpha && lane.lever.is_none()
            }
        })
    }
}

/// A contribution's step, 0 to 40: 0 below 3e-4, then ten to a factor of ten, up to 3.
pub fn step(contribution: f32) -> u8 {
    let step = (STEPS_A_DECADE * (f64::from(contribution) / LEAST).log10()).round();
    // A contribution of zero has the logarithm minus infinity, which ends at 0 too.
    step.clamp(0.0, f64::from(STEPS)) as u8
}

/// The character that stands for a step.
fn letter(step: u8) -> char {
    char::from(b'#' + step)
}

/// Records one run.
///
/// # Errors
/// [`crate::ErrorKind::Artifact`] without an artifact; as [`Lab::start`] and [`Lab::step`].
pub fn record(
    lab: &mut Lab,
    entry: &Entry,
    max_tokens: usize,
    artifact: Named,
) -> Result<Recording> {
    lab.h_neurons()?;
    let levers: Vec<String> = (lab.artifact().into_iter())
        .flat_map(|a| a.levers.iter().map(|lever| lever.id.clone()))
        .collect();
    let lanes = lanes(&levers);
    let mut request = Request {
        conversation: Conversation::Messages(vec![Message::user(&entry.prompt)]),
        lanes,
        max_tokens,
        sampling: Sampling::greedy(),
        top: TOP,
        show: Vec::new(),
        next: NEXT,
    };
    if !entry.then.is_empty() {
        request.conversation = pollster::block_on(lab.doubted(&request, &entry.then))?;
    }
    let Conversation::Messages(messages) = request.conversation.clone() else {
        return Err(Error::internal("a gallery's run has messages"));
    };
    let (mut session, plans) = lab.start(&request)?;
    let shown = session.plan().shown.clone();
    let prompt = session.plan().prompt.clone();
    let said = |role| matches!(role, Role::User | Role::Assistant);
    let from = prompt.iter().position(|t| said(t.role)).unwrap_or(0);

    let place = |neurons: &[Neuron]| -> Result<Vec<usize>> {
        let find = |n| shown.iter().position(|s| s == n);
        let found: Option<Vec<usize>> = neurons.iter().map(find).collect();
        found.ok_or_else(|| Error::internal("an edited neuron is not shown"))
    };
    // Each set once, in the order of the lanes.
    let mut sets: Vec<SetOut> = Vec::new();
    let mut places = Vec::new();
    for (plan, asked) in plans.iter().zip(&request.lanes) {
        let set = SetOut {
            set: plan.set,
            seed: (plan.set == Set::Random).then_some(asked.seed),
            lever: plan.lever.clone(),
            neurons: plan.neurons.iter().map(|n| (n.layer, n.index)).collect(),
        };
        if plan.set != Set::None && !sets.contains(&set) {
            places.push(place(&plan.neurons)?);
            sets.push(set);
        }
    }

    let mut values: Vec<Vec<Vec<f32>>> = vec![Vec::new(); plans.len()];
    let mut top = Vec::new();
    let mut candidates = Candidates::default();
    let mut shares = vec![Shares::default(); plans.len()];
    let mut out: Vec<LaneOut> = plans
        .iter()
        .zip(&request.lanes)
        .map(|(plan, asked)| LaneOut {
            set: plan.set,
            seed: (plan.set == Set::Random).then_some(asked.seed),
            lever: plan.lever.clone(),
            alpha: plan.alpha,
            score: None,
            stopped: None,
            limit: None,
            tokens: Vec::new(),
            next: Vec::new(),
            pulls: Vec::new(),
            words: String::new(),
            cells: Vec::new(),
            read: Vec::new(),
        })
        .collect();
    loop {
        let step_ = pollster::block_on(lab.step(&mut session))?;
        for event in step_.lanes {
            let lane = &mut out[event.lane];
            let whole = !answer_only(lane.set, lane.seed, lane.alpha);
            let shares = &mut shares[event.lane];
            for pull in event.read.iter().filter_map(|read| read.pull) {
                shares.read(pull);
            }
            if let Some(news) = &event.span {
                shares.tell(news);
            }
            for read in event.read.into_iter().filter(|read| read.at >= from) {
                if event.lane == 0 {
                    let named = read.top.iter();
                    let three = |(n, c): &(Neuron, f32)| [n.layer, n.index, step(*c).into()];
                    top.push(named.flat_map(three).collect());
                }
                values[event.lane].push(read.contributions);
            }
            if let Some(token) = event.token {
                lane.tokens
                    .push((token.id, token.text, thousandth(token.logprob)));
                if whole {
                    lane.next.push(candidates.flat(token.next));
                }
            }
            lane.score = event.score.or(lane.score);
            lane.stopped = event.stopped.or(lane.stopped);
            lane.limit = event.limit.or(lane.limit);
        }
        if step_.done {
            break;
        }
    }
    let ids = |lane: &LaneOut| -> Vec<u32> { lane.tokens.iter().map(|(id, ..)| *id).collect() };
    let trained = ids(&out[0]);
    let said_before = prompt.len() - from;
    for ((lane, lane_values), shares) in out.iter_mut().zip(&values).zip(&shares) {
        if !answer_only(lane.set, lane.seed, lane.alpha) {
            lane.pulls = shares.pulls().iter().copied().map(thousandth).collect();
            lane.words = shares
                .words()
                .iter()
                .map(|word| char::from(b'0' + word))
                .collect();
        }
        let own = ids(lane);
        let same = own.iter().zip(&trained).take_while(|(a, b)| a == b).count();
        let shared = if lane.set == Set::None {
            0
        } else {
            said_before + same
        };
        let kept = sets.iter().zip(&places).enumerate();
        let kept = kept.filter(|(i, (of, _))| match lane.set {
            Set::None => true,
            _ if answer_only(lane.set, lane.seed, lane.alpha) => false,
            // H-Neurons in every lane; a control's own, or a lever's, where it is edited.
            _ => {
                let own = lane.set == of.set && lane.seed == of.seed && lane.lever == of.lever;
                *i == 0 || (own && KEPT.contains(&lane.alpha))
            }
        });
        lane.cells = kept
            .map(|(i, (_, places))| {
                let row = |&place: &usize| {
                    let steps = lane_values.iter().enumerate().map(|(at, v)| {
                        let own = step(v[place]);
                        let before = values[0].get(at).filter(|_| at < shared);
                        let before = before.map_or(0, |v| step(v[place]));
                        letter((own + (STEPS + 1) - before) % (STEPS + 1))
                    });
                    steps.collect()
                };
                (i, places.iter().map(row).collect())
            })
            .collect();
        lane.read = lane_values
            .iter()
            .map(|v| places[0].iter().map(|&p| v[p]).collect())
            .collect();
    }
    let file = lab.file();
    Ok(Recording {
        schema: SCHEMA,
        id: entry.id.clone(),
        kind: entry.kind,
        title: entry.title.clone(),
        entry: entry.clone(),
        model: Named {
            id: lab
                .artifact()
                .map(|a| a.model.id.clone())
                .unwrap_or_default(),
            sha256: file.sha256().into(),
        },
        artifact,
        engine: lab.engine().description(),
        max_tokens,
        messages,
        prompt: prompt
            .into_iter()
            .map(|t| (t.id, t.text, t.role, t.turn))
            .collect(),
        from,
        sets,
        lanes: out,
        top,
        candidates: candidates.list,
    })
}

/// Whether only the answer of a lane is kept: the second control's, but at the ends of the slider.
fn answer_only(set: Set, seed: Option<u64>, alpha: f32) -> bool {
    set == Set::Random && seed != Some(CONTROLS[0]) && !KEPT.contains(&alpha)
}

fn thousandth(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The candidates of a recording, each once: the same few come again at most tokens.
#[derive(Default)]
struct Candidates {
    list: Vec<(u32, String)>,
    places: HashMap<u32, usize>,
}

impl Candidates {
    /// What could have come at one token: place, thousandths, and so on.
    fn flat(&mut self, next: Vec<Candidate>) -> Vec<usize> {
        let probable = next.into_iter().filter(|candidate| candidate.p >= LEAST_P);
        probable
            .flat_map(|Candidate { id, text, p }| {
                let place = *self.places.entry(id).or_insert_with(|| {
                    self.list.push((id, text));
                    self.list.len() - 1
                });
                [place, (1e3 * p).round() as usize]
            })
            .collect()
    }
}

/// The lanes of a sweep: as trained, then the H-Neurons and each control at every alpha, then each lever and one control of it.
fn lanes(levers: &[String]) -> Vec<LaneRequest> {
    let mut lanes = vec![LaneRequest::new(Set::None, 1.0)];
    lanes.extend(ALPHAS.map(|alpha| LaneRequest::new(Set::H, alpha)));
    for seed in CONTROLS {
        lanes.extend(ALPHAS.map(|alpha| LaneRequest {
            seed,
            ..LaneRequest::new(Set::Random, alpha)
        }));
    }
    for lever in levers {
        lanes.extend(ALPHAS.map(|alpha| LaneRequest {
            lever: Some(lever.clone()),
            ..LaneRequest::new(Set::Lever, alpha)
        }));
        lanes.extend(ALPHAS.map(|alpha| LaneRequest {
            control_of: ControlOf::Lever(Some(lever.clone())),
            ..LaneRequest::new(Set::Random, alpha)
        }));
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_stands_for_its_contribution_within_thirteen_per_cent() {
        for (nothing, k) in [(0.0, 0), (1e-5, 0), (f32::NAN, 0), (3.0, 40), (1e9, 40)] {
            assert_eq!(step(nothing), k);
        }
        let mut c = 3.4e-4;
        while c < 3.0 {
            let back = 3e-4 * 10f64.powf(f64::from(step(c as f32)) / 10.0);
            assert!((back / c - 1.0).abs() < 0.13, "{c} came back as {back}");
            c *= 1.007;
        }
    }

    #[test]
    fn a_list_with_a_fault_is_refused_by_its_line() {
        let good = r#"{"id":"a-1","kind":"known","title":"T","prompt":"P?"}"#;
        assert_eq!(entries(&format!("{good}\n\n")).unwrap().len(), 1);
        for (bad, says) in [
            (
                format!("{good}\n{good}"),
                "line 2: the id 'a-1' is there twice",
            ),
            (good.replace("a-1", "../x"), "line 1: the id"),
            (good.replace("P?", " "), "line 1: the prompt is empty"),
            (good.replace("known", "odd"), "line 1 is no gallery entry"),
            (String::new(), "no entries"),
        ] {
            let error = entries(&bad).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
