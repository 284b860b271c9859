//! What silencing and amplifying change: over-compliance, knowledge and language, at each alpha, against random sets.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    answers::Subject,
    bulk::{self, Answer, Job},
    compliance::{Benchmark, Reply, judge_reply},
    log::Log,
    questions::Question,
    stats::{Bootstrap, Estimate, Tail, Units, empirical_p, slope, wilson},
};
use crate::{
    engine::{Edits, Feed, Logits, Neuron, Watch, logprob},
    error::Result,
    session::Sampling,
    text::{Conversation, Message},
};

/// One thing asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The question, with what the judge needs.
    pub question: Question,
    /// The whole conversation before the reply.
    pub messages: Vec<Message>,
}

/// A set of neurons to edit.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedSet {
    /// `None` for the H-Neurons, the seed of a random set otherwise.
    pub seed: Option<u64>,
    /// Which.
    pub neurons: Vec<Neuron>,
    /// At which alphas; 1 is the model as trained, and measured once for all sets.
    pub alphas: Vec<f32>,
}

/// One reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replied {
    /// Which benchmark.
    pub benchmark: Benchmark,
    /// Which set: `None` the H-Neurons.
    pub seed: Option<u64>,
    /// At which alpha.
    pub alpha: f32,
    /// Which question.
    pub id: String,
    /// What was said.
    pub text: String,
    /// Its tokens.
    pub answer: Answer,
    /// What it was judged to be.
    pub reply: Reply,
}

/// Asks everything with every set at every alpha; goes on where an earlier run of the same log stopped.
///
/// # Errors
/// As [`bulk::run`] and [`Log`].
pub fn replies(
    subject: &mut Subject<'_>,
    benchmark: Benchmark,
    asked: &[Asked],
    sets: &[EditedSet],
    max_tokens: usize,
    path: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Replied>> {
    type Key = (Option<u64>, u32, String);
    let key = |r: &Replied| -> Key { (r.seed, r.alpha.to_bits(), r.id.clone()) };
    let (mut log, held) = Log::open::<Replied>(path)?;
    let mut have: HashMap<Key, Replied> = held.into_iter().map(|r| (key(&r), r)).collect();
    let mut wanted: Vec<(Option<u64>, f32, &Asked, Edits)> = Vec::new();
    for set in sets {
        for &alpha in &set.alphas {
            // As trained is the same with every set.
            if alpha == 1.0 && set.seed.is_some() {
                continue;
            }
            let edits = Edits::scale(&set.neurons, alpha, subject.engine.blueprint())?;
            wanted.extend(asked.iter().map(|a| (set.seed, alpha, a, edits.clone())));
        }
    }
    let total = wanted.len();
    let left: Vec<&(Option<u64>, f32, &Asked, Edits)> = wanted
        .iter()
        .filter(|(seed, alpha, a, _)| {
            !have.contains_key(&(*seed, alpha.to_bits(), a.question.id.clone()))
        })
        .collect();
    let jobs = left
        .iter()
        .map(|(_, _, a, edits)| {
            let conversation = Conversation::Messages(a.messages.clone());
            let prompt = conversation.encode(subject.text, subject.file.vocabulary())?;
            Ok(Job {
                prompt: prompt.iter().map(|t| t.id).collect(),
                edits: edits.clone(),
                samplings: vec![Sampling::greedy()],
                max_tokens,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let text = subject.text;
    let mut take = |j: usize, answers: Vec<Answer>| {
        let (seed, alpha, a, _) = left[j];
        for answer in answers {
            let said = text.decode(&answer.ids);
            let replied = Replied {
                benchmark,
                seed: *seed,
                alpha: *alpha,
                id: a.question.id.clone(),
                reply: judge_reply(benchmark, &a.question, &said, &answer),
                text: said,
                answer,
            };
            log.push(&replied)?;
            have.insert(key(&replied), replied);
        }
        progress(have.len().min(total), total);
        Ok(true)
    };
    pollster::block_on(bulk::run(subject.engine, text.stops(), &jobs, &mut take))?;
    let key_of = |(seed, alpha, a, _): &(Option<u64>, f32, &Asked, Edits)| -> Key {
        (*seed, alpha.to_bits(), a.question.id.clone())
    };
    // Judged anew: what was kept may be of an earlier version of the rules, and asking costs more than judging.
    let judged = wanted.iter().filter_map(|w| {
        let mut replied = have.remove(&key_of(w))?;
        let (_, _, asked, _) = w;
        replied.reply = judge_reply(benchmark, &asked.question, &replied.text, &replied.answer);
        Some(replied)
    });
    Ok(judged.collect())
}

/// A share, as in the artifact's `impact` (docs/artifact.md).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Which benchmark.
    pub benchmark: String,
    /// What is counted.
    pub measure: String,
    /// `h` or `random`.
    pub set: String,
    /// Of a random set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<u64>,
    /// The factor.
    pub alpha: f32,
    /// Replies judged.
    pub n: usize,
    /// Replies that could not be judged, left out of `n`.
    pub unclear: usize,
    /// The share counted.
    pub value: f64,
    /// Its 95 % interval (Wilson).
    pub ci: [f64; 2],
}

/// How a benchmark moves with alpha.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Which benchmark.
    pub benchmark: String,
    /// Change of the share per unit of alpha with the H-Neurons, with its interval over questions.
    pub slope: Estimate,
    /// The same of each random set, at its alphas and as trained.
    pub random: Vec<f64>,
    /// Two-sided empirical p of the H-Neurons' slope, taken at the random sets' alphas, among these.
    pub p: f64,
}

/// Shares of every set at every alpha, and the trend.
///
/// # Errors
/// [`crate::ErrorKind::Input`] where nothing could be judged.
pub fn summarize(
    benchmark: Benchmark,
    replies: &[Replied],
    sets: &[EditedSet],
    seed: u64,
) -> Result<(Vec<Share>, Trend)> {
    let mut groups: BTreeMap<(Option<u64>, u32), Vec<&Replied>> = BTreeMap::new();
    for r in replies {
        groups
            .entry((r.seed, r.alpha.to_bits()))
            .or_default()
            .push(r);
    }
    let mut shares = Vec::new();
    for ((seed, alpha), of) in &groups {
        let count = |what: Reply| of.iter().filter(|r| r.reply == what).count();
        let (yes, n) = (count(Reply::Counted), of.len() - count(Reply::Unclear));
        if n == 0 {
            continue;
        }
        let interval = wilson(yes, n, 0.95)?;
        shares.push(Share {
            benchmark: benchmark.name().into(),
            measure: benchmark.measure().into(),
            set: if seed.is_some() { "random" } else { "h" }.into(),
            seed: *seed,
            alpha: f32::from_bits(*alpha),
            n,
            unclear: of.len() - n,
            value: interval.value,
            ci: [interval.low, interval.high],
        });
    }
    // Points of one set: a reply each, those as trained with every set.
    let points = |seed: Option<u64>, alphas: &[f32]| {
        let mut x = Vec::new();
        let mut y = Vec::new();
        let mut ids = Vec::new();
        for r in replies {
            let own = r.seed == seed || r.alpha == 1.0;
            if own && alphas.contains(&r.alpha) && r.reply != Reply::Unclear {
                x.push(f64::from(r.alpha));
                y.push(f64::from(u8::from(r.reply == Reply::Counted)));
                ids.push(r.id.as_str());
            }
        }
        (x, y, ids)
    };
    let all: Vec<f32> = sets
        .iter()
        .find(|s| s.seed.is_none())
        .map_or(Vec::new(), |s| s.alphas.clone());
    let (x, y, ids) = points(None, &all);
    let bootstrap = Bootstrap {
        seed,
        ..Bootstrap::default()
    };
    let trend = bootstrap.slope(&Units::groups(&ids), &x, &y)?;
    let mut random = Vec::new();
    let mut theirs = all.clone();
    for set in sets.iter().filter(|s| s.seed.is_some()) {
        let mut alphas = set.alphas.clone();
        alphas.push(1.0);
        let (x, y, _) = points(set.seed, &alphas);
        random.push(slope(&x, &y)?);
        theirs = alphas;
    }
    let (x, y, _) = points(None, &theirs);
    let p = if random.is_empty() {
        1.0
    } else {
        empirical_p(slope(&x, &y)?, &random, Tail::Both)?
    };
    Ok((
        shares,
        Trend {
            benchmark: benchmark.name().into(),
            slope: trend,
            random,
            p,
        },
    ))
}

/// Perplexity of a text with edits: `exp` of the mean negative log-probability of its tokens, in windows of 256 of which the first
/// token is not counted.
///
/// # Errors
/// As [`crate::engine::Engine::forward`].
pub fn perplexity(subject: &mut Subject<'_>, text: &str, edits: &Edits) -> Result<f64> {
    const WINDOW: usize = 256;
    let ids = subject.text.encode(text)?;
    let vocabulary = subject.engine.blueprint().vocabulary;
    let (mut sum, mut n) = (0f64, 0usize);
    for window in ids.chunks(WINDOW).filter(|w| w.len() > 1) {
        let lane = subject.engine.open(edits)?;
        let feed = [Feed {
            lane,
            tokens: &window[..window.len() - 1],
            logits: Logits::All,
        }];
        let readings = pollster::block_on(subject.engine.forward(&feed, &Watch::None));
        subject.engine.close(lane);
        for reading in readings? {
            for (row, &next) in reading.logits.chunks_exact(vocabulary).zip(&window[1..]) {
                sum -= logprob(row, next);
                n += 1;
            }
        }
    }
    Ok((sum / n.max(1) as f64).exp())
}
