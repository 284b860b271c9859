//! Many answers at once: the work that the research commands live on.
//!
//! Prompts wait in line, up to [`LANES`] answers are in progress together, and each step reads one token of each. What a
//! prompt has in common with all others is read once for all, the rest once for all its answers. A lane's numbers do not
//! depend on its neighbours, so an answer is the same whatever it was batched with.

use crate::{
    engine::{Choice, Edits, Engine, Feed, LaneId, Logits, Reading, Watch, logprob},
    error::{Error, ErrorKind, Result},
    session::{Sampler, Sampling, choose, sampler},
};

/// Answers in progress together: enough to share each read of the weights, few enough for the caches to stay small.
const LANES: usize = 64;

/// One prompt, and how it is to be answered.
#[derive(Debug, Clone)]
pub struct Job {
    /// The prompt's tokens, at least one.
    pub prompt: Vec<u32>,
    /// What is edited.
    pub edits: Edits,
    /// One answer for each.
    pub samplings: Vec<Sampling>,
    /// Longest answer, in tokens.
    pub max_tokens: usize,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// Its tokens, without the one that ends it.
    pub ids: Vec<u32>,
    /// Their natural log-probabilities at temperature 1.
    pub logprobs: Vec<f64>,
    /// Whether the model ended it by itself.
    pub finished: bool,
}

/// An answer in progress.
struct Active {
    job: usize,
    /// Which of the job's.
    which: usize,
    lane: LaneId,
    sampler: Option<Sampler>,
    answer: Answer,
    max_tokens: usize,
}

/// Answers that belong together, until all are there.
struct Pending {
    job: usize,
    answers: Vec<Option<Answer>>,
}

/// Runs all jobs, each answer up to one of the tokens `stops`; `done` gets the answers of each as it is finished (its number, and one answer a sampling), in no particular
/// order, and says whether to go on.
///
/// # Errors
/// As [`Engine::forward`]; what `done` gives; [`ErrorKind::Context`] for a prompt that leaves no room for an answer.
pub async fn run(
    engine: &mut dyn Engine,
    stops: &[u32],
    jobs: &[Job],
    done: &mut dyn FnMut(usize, Vec<Answer>) -> Result<bool>,
) -> Result<()> {
    let mut work = Work {
        shared: common_prefix(jobs),
        roots: Vec::new(),
        active: Vec::new(),
        pending: Vec::new(),
        starting: Vec::new(),
        stops: stops.to_vec(),
    };
    let result = work.all(engine, jobs, done).await;
    for lane in work
        .active
        .iter()
        .map(|a| a.lane)
        .chain(work.roots.iter().map(|r| r.1))
        .chain(work.starting.iter().copied())
    {
        engine.close(lane);
    }
    result
}

/// Tokens with which every prompt begins; at least one is left to each.
fn common_prefix(jobs: &[Job]) -> usize {
    let Some(first) = jobs.first() else { return 0 };
    let common = |job: &Job| {
        let pairs = first.prompt.iter().zip(&job.prompt);
        let same = pairs.take_while(|(a, b)| a == b).count();
        same.min(job.prompt.len().saturating_sub(1))
    };
    jobs.iter().map(common).min().unwrap_or(0)
}

struct Work {
    /// Tokens that all prompts begin with.
    shared: usize,
    /// For each kind of edits the lane that has read these.
    roots: Vec<(Edits, LaneId)>,
    active: Vec<Active>,
    pending: Vec<Pending>,
    /// Lanes that no answer has taken yet.
    starting: Vec<LaneId>,
    /// Tokens that end an answer.
    stops: Vec<u32>,
}

impl Work {
    async fn all(
        &mut self,
        engine: &mut dyn Engine,
        jobs: &[Job],
        done: &mut dyn FnMut(usize, Vec<Answer>) -> Result<bool>,
    ) -> Result<()> {
        let mut next = 0;
        loop {
            // New prompts while there is room, several at a time.
            let mut starting = Vec::new();
            let mut lanes = self.active.len();
            while let Some(job) = jobs.get(next)
                && (lanes == 0 || lanes + job.samplings.len() <= LANES)
            {
                lanes += job.samplings.len();
                starting.push(next);
                next += 1;
            }
            if !starting.is_empty() {
                self.start(engine, jobs, &starting).await?;
            }
            while let Some(at) = self
                .pending
                .iter()
                .position(|p| p.answers.iter().all(Option::is_some))
            {
                let finished = self.pending.swap_remove(at);
                if !done(
                    finished.job,
                    finished.answers.into_iter().flatten().collect(),
                )? {
                    return Ok(());
                }
            }
            if self.active.is_empty() {
                if next >= jobs.len() {
                    return Ok(());
                }
                continue;
            }
            self.step(engine).await?;
        }
    }

    /// A lane that has read what all prompts begin with.
    async fn opened(&mut self, engine: &mut dyn Engine, job: &Job) -> Result<(LaneId, usize)> {
        if self.shared == 0 {
            return Ok((engine.open(&job.edits)?, 0));
        }
        let known = self.roots.iter().find(|(edits, _)| *edits == job.edits);
        let root = match known {
            Some((_, root)) => *root,
            None => {
                let root = engine.open(&job.edits)?;
                self.roots.push((job.edits.clone(), root));
                let feed = Feed {
                    lane: root,
                    tokens: &job.prompt[..self.shared],
                    logits: Logits::None,
                };
                engine.forward(&[feed], &Watch::None).await?;
                root
            }
        };
        match engine.fork(root)? {
            Some(lane) => Ok((lane, self.shared)),
            None => Ok((engine.open(&job.edits)?, 0)),
        }
    }

    /// Reads prompts and takes the first token of each answer.
    async fn start(
        &mut self,
        engine: &mut dyn Engine,
        jobs: &[Job],
        which: &[usize],
    ) -> Result<()> {
        let mut lanes = Vec::with_capacity(which.len());
        for &j in which {
            let (lane, read) = self.opened(engine, &jobs[j]).await?;
            self.starting.push(lane);
            lanes.push((lane, read));
        }
        let feeds: Vec<Feed<'_>> = which
            .iter()
            .zip(&lanes)
            .map(|(&j, &(lane, read))| Feed {
                lane,
                tokens: &jobs[j].prompt[read..],
                logits: Logits::Last,
            })
            .collect();
        let readings = engine.forward(&feeds, &Watch::None).await?;
        for ((&j, (lane, _)), reading) in which.iter().zip(lanes).zip(readings) {
            let job = &jobs[j];
            self.pending.push(Pending {
                job: j,
                answers: vec![None; job.samplings.len()],
            });
            for (which, sampling) in job.samplings.iter().enumerate() {
                // The last answer takes the lane itself.
                let last = which + 1 == job.samplings.len();
                let own = if last { Some(lane) } else { engine.fork(lane)? };
                let lane = match own {
                    Some(lane) => lane,
                    None => {
                        let again = engine.open(&job.edits)?;
                        self.starting.push(again);
                        let feed = Feed {
                            lane: again,
                            tokens: &job.prompt,
                            logits: Logits::None,
                        };
                        engine.forward(&[feed], &Watch::None).await?;
                        again
                    }
                };
                self.active.push(Active {
                    job: j,
                    which,
                    lane,
                    sampler: sampler(sampling),
                    answer: Answer {
                        ids: Vec::new(),
                        logprobs: Vec::new(),
                        finished: false,
                    },
                    max_tokens: job.max_tokens,
                });
                let at = self.active.len() - 1;
                let choice = draw(&mut self.active[at], &reading)?;
                self.take(at, engine, choice)?;
            }
        }
        self.starting.clear();
        self.sweep(engine);
        Ok(())
    }

    /// One more token of every answer in progress.
    async fn step(&mut self, engine: &mut dyn Engine) -> Result<()> {
        let tokens: Vec<[u32; 1]> = self
            .active
            .iter()
            .map(|a| [a.answer.ids.last().copied().unwrap_or_default()])
            .collect();
        let feeds: Vec<Feed<'_>> = self
            .active
            .iter()
            .zip(&tokens)
            .map(|(a, tokens)| Feed {
                lane: a.lane,
                tokens,
                logits: match a.sampler {
                    None => Logits::Choice,
                    Some(_) => Logits::Last,
                },
            })
            .collect();
        let readings = engine.forward(&feeds, &Watch::None).await?;
        // Drawing from 50,000 logits takes a good part of a small model's time.
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let each = self.active.len().div_ceil(threads).max(1);
        let choices: Vec<Result<Choice>> = std::thread::scope(|scope| {
            let parts = self.active.chunks_mut(each).zip(readings.chunks(each));
            let running: Vec<_> = parts
                .map(|(active, readings)| {
                    let pairs = active.iter_mut().zip(readings);
                    scope.spawn(move || pairs.map(|(a, r)| draw(a, r)).collect::<Vec<_>>())
                })
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|p| std::panic::resume_unwind(p))
            };
            running.into_iter().flat_map(join).collect()
        });
        for (i, choice) in choices.into_iter().enumerate() {
            self.take(i, engine, choice?)?;
        }
        self.sweep(engine);
        Ok(())
    }

    /// Takes an answer's next token; what is finished is handed on, and its lane left to [`Work::sweep`].
    fn take(&mut self, i: usize, engine: &dyn Engine, choice: Choice) -> Result<()> {
        let a = &mut self.active[i];
        if self.stops.contains(&choice.id) {
            a.answer.finished = true;
        } else {
            a.answer.ids.push(choice.id);
            a.answer.logprobs.push(choice.logprob);
        }
        let full = engine.position(a.lane) + 1 >= engine.blueprint().context;
        if full && a.answer.ids.len() <= 1 && !a.answer.finished {
            return Err(Error::new(
                ErrorKind::Context,
                "a prompt fills the model's context: shorten it",
            ));
        }
        if (a.answer.finished || full || a.answer.ids.len() >= a.max_tokens)
            && let Some(pending) = self.pending.iter_mut().find(|p| p.job == a.job)
        {
            pending.answers[a.which] = Some(a.answer.clone());
            a.max_tokens = 0;
        }
        Ok(())
    }

    /// Closes the lanes of answers that are finished.
    fn sweep(&mut self, engine: &mut dyn Engine) {
        self.active.retain(|a| {
            if a.max_tokens == 0 {
                engine.close(a.lane);
            }
            a.max_tokens > 0
        });
    }
}

/// The next token of an answer.
fn draw(a: &mut Active, reading: &Reading) -> Result<Choice> {
    if let Some(choice) = reading.choice {
        return Ok(choice);
    }
    let id = choose(a.sampler.as_mut(), &reading.logits)?;
    Ok(Choice {
        id,
        logprob: logprob(&reading.logits, id),
    })
}
