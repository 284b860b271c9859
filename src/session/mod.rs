//! Lanes and sampling become a stream of steps.
//!
//! A [`Session`] is one run: the same prompt in several lanes, each with its own edits. It holds no engine; whoever
//! drives it passes one to [`Session::step`], once per chunk of prompt and once per token, and may stop in between.

mod candidates;
mod plan;
pub(crate) mod reread;
mod sampler;

use std::collections::{HashMap, VecDeque};

pub use candidates::Candidate;
pub(crate) use candidates::most_probable;
pub(crate) use plan::check_prompt;
pub use plan::{
    LaneStep, Limit, MAX_NEXT, MAX_TOKENS, NewToken, Plan, Read, Sampling, Step, Stopped,
};
pub(crate) use sampler::{Sampler, choose, sampler};

use crate::{
    engine::{
        CHOSEN, Choice, Engine, Feed, LaneId, Logits, Neuron, Reading, Ticket, Watch,
        contributions, logprob, open_lanes,
    },
    error::{Error, Result},
    neurons::{Detector, RunningScore},
    text::{Role, TextStream, Tokenizer},
};

/// Prompt tokens read in one step: enough to share each read of the weights, few enough that Stop acts at once.
const PROMPT_CHUNK: usize = 32;

/// One lane of a run.
struct Lane {
    id: LaneId,
    sampler: Option<Sampler>,
    stream: TextStream,
    /// The answer's tokens.
    ids: Vec<u32>,
    /// What the detector makes of what was read of it.
    score: Option<RunningScore>,
    /// Answer tokens read: all but the last, which is read when there is a next.
    read: usize,
    /// The text of the token that is read next.
    unread: String,
    /// Answer tokens whose reading was asked for.
    fed: usize,
    /// Whether the engine itself knows the token to go on from.
    chosen_there: bool,
    stopped: Option<Stopped>,
}

/// A step asked of the engine and not yet collected.
struct Flight {
    ticket: Ticket,
    /// Lanes fed, in order.
    lanes: Vec<usize>,
    /// The end of the prompt's chunk, where it is one.
    prompt: Option<usize>,
}

/// A run in progress. Its lanes stay open in the engine until they end, or [`Session::close`].
pub struct Session {
    plan: Plan,
    ids: Vec<u32>,
    watch: Watch,
    /// Where the detector's neurons are among those watched.
    detected: Vec<usize>,
    lanes: Vec<Lane>,
    /// Prompt tokens asked to be read, and those read.
    fed: usize,
    read: usize,
    flight: VecDeque<Flight>,
    /// After a move to another engine: what is to be read again, and how much of it has been.
    again: Vec<(usize, Vec<u32>)>,
    again_read: usize,
}

impl Session {
    /// Checks a plan and opens its lanes.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a plan that makes no sense, [`ErrorKind::Context`] for a prompt that leaves no room for
    /// an answer, [`ErrorKind::Memory`].
    pub fn start(engine: &mut dyn Engine, plan: Plan, detector: Option<Detector>) -> Result<Self> {
        plan.sampling.check()?;
        check_prompt(plan.prompt.len(), engine.blueprint().context)?;
        if plan.lanes.is_empty() || plan.lanes.len() > 64 {
            return Err(Error::input(format!(
                "{} lanes were asked for: choose 1 to 64",
                plan.lanes.len()
            )));
        }
        if plan.max_tokens == 0 || plan.max_tokens > MAX_TOKENS {
            return Err(Error::input(format!(
                "{} tokens were asked for: choose 1 to {MAX_TOKENS}",
                plan.max_tokens
            )));
        }
        if plan.next > MAX_NEXT {
            return Err(Error::input(format!(
                "{} candidates were asked for at each token: choose 0 to {MAX_NEXT}",
                plan.next
            )));
        }
        let mut neurons = plan.shown.clone();
        let mut places: HashMap<Neuron, usize> = neurons.iter().copied().zip(0..).collect();
        let mut detected = Vec::new();
        for neuron in detector.iter().flat_map(Detector::neurons) {
            detected.push(*places.entry(neuron).or_insert_with(|| {
                neurons.push(neuron);
                neurons.len() - 1
            }));
        }
        let watch = match plan.top {
            0 => Watch::Chosen(neurons),
            count => Watch::Top { neurons, count },
        };
        let lanes = open_lanes(engine, &plan.lanes)?
            .into_iter()
            .map(|id| Lane {
                id,
                sampler: sampler(&plan.sampling),
                stream: TextStream::default(),
                ids: Vec::new(),
                score: detector
                    .clone()
                    .map(|d| RunningScore::new(d, &plan.question)),
                read: 0,
                unread: String::new(),
                fed: 0,
                chosen_there: false,
                stopped: None,
            })
            .collect();
        Ok(Self {
            ids: plan.prompt.iter().map(|t| t.id).collect(),
            plan,
            watch,
            detected,
            lanes,
            fed: 0,
            read: 0,
            flight: VecDeque::new(),
            again: Vec::new(),
            again_read: 0,
        })
    }

    /// What was planned.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Reads one chunk of the prompt, or one token in every lane that has not ended. After the last step it does
    /// nothing more. Where the engine can, later steps are asked for before this one is waited for; what they give is not
    /// seen before its turn.
    ///
    /// # Errors
    /// As [`Engine::submit`] and [`Engine::collect`]. After [`ErrorKind::Gpu`] the engine is gone: [`Session::move_to`]
    /// another and go on. After any other error the step may be tried again.
    pub async fn step(&mut self, engine: &mut dyn Engine, text: &Tokenizer) -> Result<Step> {
        if !self.again.is_empty() {
            self.read_again(engine).await?;
            return Ok(self.report(Vec::new()));
        }
        while self.flight.len() < engine.depth() && self.ask(engine)? {}
        let Some(flight) = self.flight.pop_front() else {
            return Ok(self.report(Vec::new()));
        };
        let readings = engine.collect(flight.ticket).await?;
        let start = self.read;
        if let Some(end) = flight.prompt {
            self.read = end;
        }
        let mut steps = Vec::with_capacity(readings.len());
        for (i, reading) in flight.lanes.into_iter().zip(readings) {
            // A lane that ended meanwhile had steps under way.
            if self.lanes[i].stopped.is_none() {
                let start = flight.prompt.map(|_| start);
                steps.push(self.take(i, reading, start, engine, text)?);
            }
        }
        Ok(self.report(steps))
    }

    /// Asks for the next step, if there is one that can be asked for now.
    fn ask(&mut self, engine: &mut dyn Engine) -> Result<bool> {
        let live: Vec<usize> = (0..self.lanes.len())
            .filter(|&i| self.lanes[i].stopped.is_none())
            .collect();
        let prompt =
            (self.fed < self.ids.len()).then(|| (self.fed + PROMPT_CHUNK).min(self.ids.len()));
        let choose = |lane: &Lane| match lane.sampler {
            None if self.plan.next == 0 => Logits::Choice,
            _ => Logits::Last,
        };
        let mut fed = Vec::new();
        let mut tokens = Vec::new();
        for i in live {
            let lane = &self.lanes[i];
            if let Some(end) = prompt {
                let last = end == self.ids.len();
                fed.push((i, if last { choose(lane) } else { Logits::None }));
                continue;
            }
            // The token to be read next is known here, or the engine knows it, or it is not chosen yet.
            let next = lane.ids.get(lane.fed).copied();
            let known = if lane.sampler.is_none() && lane.chosen_there {
                CHOSEN
            } else if let Some(id) = next {
                id
            } else {
                continue;
            };
            if lane.fed > 0 && self.limit(lane.fed, engine).is_some() {
                continue;
            }
            // The last token of an answer is read too, and nothing chosen after it.
            let last = self.limit(lane.fed + 1, engine).is_some();
            fed.push((i, if last { Logits::None } else { choose(lane) }));
            tokens.push([known]);
        }
        if fed.is_empty() {
            return Ok(false);
        }
        let feeds: Vec<Feed<'_>> = fed
            .iter()
            .enumerate()
            .map(|(n, &(i, logits))| Feed {
                lane: self.lanes[i].id,
                tokens: match prompt {
                    Some(end) => &self.ids[self.fed..end],
                    None => &tokens[n],
                },
                logits,
            })
            .collect();
        let ticket = engine.submit(&feeds, &self.watch)?;
        for &(i, logits) in &fed {
            let lane = &mut self.lanes[i];
            lane.chosen_there = logits == Logits::Choice;
            lane.fed += usize::from(prompt.is_none());
        }
        self.fed = prompt.unwrap_or(self.fed);
        self.flight.push_back(Flight {
            ticket,
            lanes: fed.into_iter().map(|(i, _)| i).collect(),
            prompt,
        });
        Ok(true)
    }

    /// Which limit an answer of `tokens` tokens has reached.
    fn limit(&self, tokens: usize, engine: &dyn Engine) -> Option<Limit> {
        if tokens >= self.plan.max_tokens {
            Some(Limit::MaxTokens)
        } else if self.ids.len() + tokens >= engine.blueprint().context {
            Some(Limit::Context)
        } else {
            None
        }
    }

    /// Takes what a lane read; `start` is where the prompt's chunk began.
    fn take(
        &mut self,
        i: usize,
        reading: Reading,
        start: Option<usize>,
        engine: &mut dyn Engine,
        text: &Tokenizer,
    ) -> Result<LaneStep> {
        let mut step = LaneStep {
            lane: i,
            read: Vec::with_capacity(reading.activity.len()),
            token: None,
            stopped: None,
            limit: None,
            score: None,
            span: None,
        };
        for (k, activity) in reading.activity.iter().enumerate() {
            let all = contributions(
                &self.watch,
                activity,
                engine.column_norms(),
                engine.blueprint(),
            );
            let at = match start {
                Some(start) => start + k,
                None => self.ids.len() + self.lanes[i].read,
            };
            let mut pull = None;
            if start.is_none() {
                let lane = &mut self.lanes[i];
                lane.read += 1;
                if let Some(score) = &mut lane.score {
                    // Every watched neuron has a contribution, and the detector's are watched.
                    let detected: Vec<f32> = self.detected.iter().map(|&at| all[at]).collect();
                    pull = Some(score.read(&lane.unread, &detected));
                }
            }
            step.read.push(Read {
                at,
                contributions: all[..self.plan.shown.len()].to_vec(),
                top: activity.top.clone(),
                pull,
            });
        }
        step.score = self.score(i);
        if start.is_none() && !step.read.is_empty() {
            let score = &mut self.lanes[i].score;
            step.span = score.as_mut().map(RunningScore::take_span);
        }
        let choice = match reading.choice {
            Some(choice) => Some(choice),
            None if reading.logits.is_empty() => None,
            None => {
                let id = choose(self.lanes[i].sampler.as_mut(), &reading.logits)?;
                Some(Choice {
                    id,
                    logprob: logprob(&reading.logits, id),
                })
            }
        };
        match choice {
            Some(choice) if text.is_stop(choice.id) => step.stopped = Some(Stopped::Eos),
            Some(choice) => {
                // Where the template has the last word, the model begins a text of its own.
                let begins = self
                    .plan
                    .prompt
                    .last()
                    .is_some_and(|t| t.role == Role::Template);
                let lane = &mut self.lanes[i];
                let piece = lane.stream.push(if begins && lane.ids.is_empty() {
                    text.first_bytes(choice.id)
                } else {
                    text.bytes(choice.id)
                });
                lane.ids.push(choice.id);
                lane.unread.clone_from(&piece);
                step.token = Some(NewToken {
                    id: choice.id,
                    text: piece,
                    logprob: choice.logprob,
                    next: most_probable(&reading.logits, self.plan.next, text),
                });
            }
            // The answer's last token was read.
            None if start.is_none() => {
                step.limit = self.limit(self.lanes[i].ids.len(), engine);
                step.stopped = Some(Stopped::Length);
            }
            None => {}
        }
        if step.stopped.is_some() {
            self.lanes[i].stopped = step.stopped;
            engine.close(self.lanes[i].id);
        }
        Ok(step)
    }

    /// Goes on with another engine of the same model, from the same token: what the lanes had read is read again by the steps
    /// that follow, in silence. For an engine that is gone, with all its lanes and all that was asked of it.
    ///
    /// # Errors
    /// As [`Engine::open`]; the session cannot go on then.
    pub fn move_to(&mut self, engine: &mut dyn Engine) -> Result<()> {
        self.flight.clear();
        self.fed = self.read;
        self.again.clear();
        self.again_read = 0;
        let live: Vec<usize> = (0..self.lanes.len())
            .filter(|&i| self.lanes[i].stopped.is_none())
            .collect();
        let opened = match open_lanes(engine, live.iter().map(|&i| &self.plan.lanes[i])) {
            Ok(opened) => opened,
            Err(e) => {
                // The numbers of their lanes mean nothing to the new engine.
                for i in live {
                    self.lanes[i].stopped = Some(Stopped::Stop);
                }
                return Err(e);
            }
        };
        for (i, id) in live.into_iter().zip(opened) {
            let lane = &mut self.lanes[i];
            lane.id = id;
            lane.fed = lane.read;
            lane.chosen_there = false;
            let answer = &lane.ids[..lane.read];
            let tokens = [&self.ids[..self.read], answer].concat();
            if !tokens.is_empty() {
                self.again.push((i, tokens));
            }
        }
        Ok(())
    }

    /// One chunk of what is to be read again.
    async fn read_again(&mut self, engine: &mut dyn Engine) -> Result<()> {
        let start = self.again_read;
        let end = start + PROMPT_CHUNK;
        let feeds: Vec<Feed<'_>> = self
            .again
            .iter()
            .filter(|(_, tokens)| tokens.len() > start)
            .map(|(i, tokens)| Feed {
                lane: self.lanes[*i].id,
                tokens: &tokens[start..end.min(tokens.len())],
                logits: Logits::None,
            })
            .collect();
        engine.forward(&feeds, &Watch::None).await?;
        self.again_read = end;
        if self.again.iter().all(|(_, tokens)| tokens.len() <= end) {
            self.again.clear();
        }
        Ok(())
    }

    /// Ends every lane that has not ended, and says so.
    pub fn stop(&mut self, engine: &mut dyn Engine) -> Step {
        self.forget(engine);
        let mut steps = Vec::new();
        for i in 0..self.lanes.len() {
            if self.lanes[i].stopped.is_none() {
                engine.close(self.lanes[i].id);
                self.lanes[i].stopped = Some(Stopped::Stop);
                steps.push(LaneStep {
                    lane: i,
                    read: Vec::new(),
                    token: None,
                    stopped: Some(Stopped::Stop),
                    limit: None,
                    score: self.score(i),
                    span: None,
                });
            }
        }
        self.report(steps)
    }

    /// Frees the lanes of a run that is given up.
    pub fn close(mut self, engine: &mut dyn Engine) {
        self.forget(engine);
        for lane in self.lanes.iter().filter(|l| l.stopped.is_none()) {
            engine.close(lane.id);
        }
    }

    fn forget(&mut self, engine: &mut dyn Engine) {
        self.again.clear();
        for flight in self.flight.drain(..) {
            engine.forget(flight.ticket);
        }
    }

    /// A step in which `lanes` did something.
    fn report(&self, lanes: Vec<LaneStep>) -> Step {
        Step {
            done: self.lanes.iter().all(|l| l.stopped.is_some()),
            prompt_read: self.read,
            prompt_total: self.ids.len(),
            lanes,
        }
    }

    /// The detector over the answer's words that a lane has read.
    fn score(&self, lane: usize) -> Option<f64> {
        self.lanes[lane].score.as_ref()?.score()
    }
}
