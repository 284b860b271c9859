//! What all neurons did at one token, and what could come after it, asked about one token after another: the layer map, and
//! the bars of the next word.

mod common;

use std::{cell::RefCell, rc::Rc};

use candle_core::quantized::GgmlDType;
use common::tiny::Tiny;
use hneurons::{
    ErrorKind,
    engine::{BoxFuture, Edits, Engine, Feed, LaneId, Logits, Reading, Ticket, Watch, cpu::Cpu},
    lab::{Lab, LaneRequest, Request, Set},
    model::{Blueprint, ModelFile},
    neurons::Neuron,
    session::{Candidate, NewToken, Sampling},
    text::{Conversation, Message},
};

/// What a counted engine was asked for.
#[derive(Default)]
struct Count {
    /// Tokens read.
    tokens: usize,
    /// Lanes open, and the most that were at once.
    open: usize,
    most: usize,
    /// Positions that all open lanes have read together, at most.
    positions: usize,
    /// The next so many submissions fail.
    fails: usize,
}

/// The CPU engine, counted; it goes back in a lane only if it `rewinds`.
struct Counted {
    cpu: Cpu,
    rewinds: bool,
    lanes: Vec<LaneId>,
    count: Rc<RefCell<Count>>,
}

impl Engine for Counted {
    fn blueprint(&self) -> &Blueprint {
        self.cpu.blueprint()
    }
    fn description(&self) -> String {
        self.cpu.description()
    }
    fn column_norms(&self) -> &[f32] {
        self.cpu.column_norms()
    }
    fn open(&mut self, edits: &Edits) -> hneurons::Result<LaneId> {
        let lane = self.cpu.open(edits)?;
        self.lanes.push(lane);
        let mut count = self.count.borrow_mut();
        count.open += 1;
        count.most = count.most.max(count.open);
        Ok(lane)
    }
    fn rewind(&mut self, lane: LaneId, position: usize) -> hneurons::Result<bool> {
        if self.rewinds {
            self.cpu.rewind(lane, position)
        } else {
            Ok(false)
        }
    }
    fn close(&mut self, lane: LaneId) {
        self.cpu.close(lane);
        self.lanes.retain(|&l| l != lane);
        self.count.borrow_mut().open = self.lanes.len();
    }
    fn position(&self, lane: LaneId) -> usize {
        self.cpu.position(lane)
    }
    fn submit(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> hneurons::Result<Ticket> {
        let mut count = self.count.borrow_mut();
        if count.fails > 0 {
            count.fails -= 1;
            return Err(hneurons::Error::new(
                ErrorKind::Memory,
                "no room: close a tab",
            ));
        }
        count.tokens += feeds.iter().map(|f| f.tokens.len()).sum::<usize>();
        let ticket = self.cpu.submit(feeds, watch)?;
        let all: usize = self.lanes.iter().map(|&l| self.cpu.position(l)).sum();
        count.positions = count.positions.max(all);
        Ok(ticket)
    }
    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, hneurons::Result<Vec<Reading>>> {
        self.cpu.collect(ticket)
    }
    fn forget(&mut self, ticket: Ticket) {
        self.cpu.forget(ticket);
    }
}

fn tiny() -> ModelFile {
    ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model")
}

fn counted(rewinds: bool) -> (Lab, Rc<RefCell<Count>>) {
    let file = tiny();
    let count = Rc::new(RefCell::new(Count::default()));
    let engine = Counted {
        cpu: Cpu::new(&file).expect("an engine"),
        rewinds,
        lanes: Vec::new(),
        count: count.clone(),
    };
    (
        Lab::with_engine(file, Box::new(engine)).expect("a lab"),
        count,
    )
}

fn asked(text: &str) -> Conversation {
    Conversation::Messages(vec![Message::user(text)])
}

fn silenced(index: usize) -> LaneRequest {
    LaneRequest {
        neurons: vec![Neuron { layer: 0, index }],
        ..LaneRequest::new(Set::Custom, 0.0)
    }
}

fn at(lab: &mut Lab, text: &str, lane: &LaneRequest, answer: &[u32], at: usize) -> Vec<u32> {
    pollster::block_on(lab.activity(&asked(text), lane, answer, at))
        .expect("it reads")
        .iter()
        .map(|v| v.to_bits())
        .collect()
}

/// An answer of the tiny model's vocabulary.
fn answer(tokens: usize) -> Vec<u32> {
    (0..tokens as u32).map(|i| 3 + (i * 29) % 250).collect()
}

#[test]
fn a_click_on_another_token_reads_what_is_new_and_not_the_whole_prefix() {
    let (mut lab, count) = counted(true);
    let none = LaneRequest::new(Set::None, 1.0);
    let answer = answer(40);
    let mut read = |at_| {
        let before = count.borrow().tokens;
        at(&mut lab, "hello", &none, &answer, at_);
        let now = count.borrow().tokens;
        now - before
    };
    assert_eq!(read(50), 51, "the first click reads everything before it");
    assert_eq!(read(51), 1, "the next token");
    assert_eq!(read(49), 1, "a token before");
    assert_eq!(read(49), 1, "the same again");
    assert_eq!(read(53), 4, "four on from there");
    assert_eq!(read(0), 1, "the first of all");
}

#[test]
fn what_it_gives_is_to_the_bit_what_reading_everything_gives() {
    for rewinds in [true, false] {
        let (mut lab, count) = counted(rewinds);
        let answer = answer(60);
        let lanes = [
            LaneRequest::new(Set::None, 1.0),
            silenced(3),
            silenced(90),
            silenced(5),
            silenced(6),
        ];
        let context = 128;
        let mut seed = 7u64;
        for step in 0..60 {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let pick = |n: usize, shift: u32| ((seed >> shift) as usize) % n;
            let (lane, place) = (&lanes[pick(lanes.len(), 33)], pick(70, 40));
            let text = ["hello", "hell"][pick(2, 50)];
            let kept = at(&mut lab, text, lane, &answer, place);
            let mut fresh = Lab::new(tiny()).expect("a lab");
            assert!(
                kept == at(&mut fresh, text, lane, &answer, place),
                "step {step}: position {place}, rewinds {rewinds}"
            );
        }
        let count = count.borrow();
        assert!(count.most <= 5, "{} lanes were open at once", count.most);
        assert!(
            count.positions <= context,
            "{} positions were held at once",
            count.positions
        );
    }
}

#[test]
fn it_has_the_checks_that_a_run_has_before_anything_is_read() {
    let (mut lab, count) = counted(true);
    let none = LaneRequest::new(Set::None, 1.0);
    let mut refused = |text: &str, answer: &[u32], at: usize| {
        pollster::block_on(lab.activity(&asked(text), &none, answer, at))
            .expect_err("it is refused")
    };
    let long = "x".repeat((1 << 20) + 1);
    assert!(refused(&long, &[], 0).to_string().contains("shorten it"));
    let error = refused(&"hello ".repeat(60), &[], 0);
    assert_eq!(error.kind(), ErrorKind::Context, "{error}");
    let error = refused("hello", &answer(200), 150);
    assert_eq!(error.kind(), ErrorKind::Context, "{error}");
    let error = refused("hello", &answer(5000), 3);
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    let error = refused("hello", &[1_000_000], 3);
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    let error = refused("hello", &[5], 100);
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    assert_eq!(count.borrow().tokens, 0);
    assert_eq!(count.borrow().most, 0, "no lane was opened");
}

#[test]
fn a_failure_leaves_no_lane_open_and_the_next_click_works() {
    let (mut lab, count) = counted(true);
    let none = LaneRequest::new(Set::None, 1.0);
    let expected = at(&mut lab, "hello", &none, &answer(9), 12);
    assert_eq!(count.borrow().open, 1);
    count.borrow_mut().fails = 1;
    let failed = pollster::block_on(lab.activity(&asked("hello"), &none, &answer(9), 14));
    assert_eq!(failed.expect_err("no room").kind(), ErrorKind::Memory);
    assert_eq!(count.borrow().open, 0);
    assert!(at(&mut lab, "hello", &none, &answer(9), 12) == expected);
}

#[test]
fn a_run_has_all_of_the_memory() {
    let (mut lab, count) = counted(true);
    at(&mut lab, "hello", &silenced(4), &answer(9), 12);
    let request = Request {
        conversation: asked("hello"),
        lanes: vec![LaneRequest::new(Set::None, 1.0); 2],
        max_tokens: 2,
        sampling: Sampling::greedy(),
        top: 0,
        show: Vec::new(),
        next: 0,
    };
    let (session, _) = lab.start(&request).expect("it starts");
    assert_eq!(count.borrow().open, 2);
    lab.close(session);
}

fn next(lab: &mut Lab, lane: &LaneRequest, answer: &[u32], at: usize) -> Vec<Candidate> {
    pollster::block_on(lab.next(&asked("hello"), lane, answer, at)).expect("it reads")
}

/// Each token's id and probability after `ids`, the most probable first: the softmax of the logits of a fresh run.
fn probable(engine: &mut dyn Engine, edits: &Edits, ids: &[u32]) -> Vec<(u32, f64)> {
    let lane = engine.open(edits).expect("a lane");
    let reading = common::feed(engine, lane, ids, Logits::Last, &Watch::None);
    engine.close(lane);
    let sum: f64 = reading.logits.iter().map(|&l| f64::from(l).exp()).sum();
    let p = reading.logits.iter().map(|&l| f64::from(l).exp() / sum);
    let mut all: Vec<(u32, f64)> = (0..).zip(p).collect();
    // Stable: of equals the lowest id stays first.
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

#[test]
fn what_could_come_next_is_the_softmax_of_a_fresh_run() {
    let (mut lab, count) = counted(true);
    let answer = answer(40);
    let prompt = asked("hello").encode(lab.text(), lab.file().vocabulary());
    let prompt: Vec<u32> = prompt.expect("ids").iter().map(|t| t.id).collect();
    let ids = [prompt, answer.clone()].concat();
    let mut cpu = Cpu::new(&tiny()).expect("an engine");
    for lane in [LaneRequest::new(Set::None, 1.0), silenced(3)] {
        let (_, edits) = lab.resolve(&lane).expect("edits");
        for at in [30, 31, 12, 0, 50] {
            let expected = probable(&mut cpu, &edits, &ids[..=at]);
            let found = next(&mut lab, &lane, &answer, at);
            assert_eq!(found.len(), 8);
            for (found, (id, p)) in found.iter().zip(expected) {
                assert_eq!(found.id, id, "position {at}");
                assert!((found.p - p).abs() < 1e-6, "position {at}: {found:?}, {p}");
                let bytes = lab.text().bytes(id);
                assert_eq!(found.text, String::from_utf8_lossy(bytes));
            }
        }
    }
    // The lanes are those of the neurons: what these have read is not read again.
    at(&mut lab, "hello", &silenced(3), &answer, 40);
    let before = count.borrow().tokens;
    next(&mut lab, &silenced(3), &answer, 41);
    assert_eq!(count.borrow().tokens - before, 1);
    let error = pollster::block_on(lab.next(&asked("hello"), &silenced(3), &[5], 100));
    assert_eq!(error.expect_err("no such token").kind(), ErrorKind::Input);
}

#[test]
fn naming_candidates_changes_no_token_and_they_are_those_of_its_place() {
    for temperature in [0.0, 1.0] {
        let run = |next: usize| -> (Lab, Vec<Vec<NewToken>>) {
            let mut lab = Lab::new(tiny()).expect("a lab");
            let request = Request {
                conversation: asked("hello"),
                lanes: vec![LaneRequest::new(Set::None, 1.0), silenced(3)],
                max_tokens: 12,
                sampling: Sampling {
                    temperature,
                    ..Sampling::greedy()
                },
                top: 0,
                show: Vec::new(),
                next,
            };
            let (mut session, _) = lab.start(&request).expect("it starts");
            let mut lanes = vec![Vec::new(); 2];
            loop {
                let step = pollster::block_on(lab.step(&mut session)).expect("it runs");
                for lane in step.lanes {
                    lanes[lane.lane].extend(lane.token);
                }
                if step.done {
                    return (lab, lanes);
                }
            }
        };
        let ((_, plain), (mut lab, named)) = (run(0), run(5));
        let prompt = asked("hello").encode(lab.text(), lab.file().vocabulary());
        let prompt = prompt.expect("ids").len();
        let lanes = [LaneRequest::new(Set::None, 1.0), silenced(3)];
        for ((plain, named), lane) in plain.iter().zip(&named).zip(&lanes) {
            assert!(plain.len() > 6, "the answer is long enough");
            assert!(plain.iter().all(|token| token.next.is_empty()));
            let said = |tokens: &[NewToken]| -> Vec<(u32, u64)> {
                let pair = |t: &NewToken| (t.id, t.logprob.to_bits());
                tokens.iter().map(pair).collect()
            };
            assert_eq!(said(plain), said(named));
            let ids: Vec<u32> = named.iter().map(|token| token.id).collect();
            for (i, token) in named.iter().enumerate() {
                assert_eq!(
                    token.next[..],
                    next(&mut lab, lane, &ids, prompt + i - 1)[..5]
                );
                let itself = token.next.iter().find(|c| c.id == token.id);
                if let Some(candidate) = itself {
                    assert!((candidate.p.ln() - token.logprob).abs() < 1e-12);
                }
                assert!(temperature > 0.0 || token.next[0].id == token.id);
            }
        }
    }
    let (mut lab, _) = counted(true);
    let request = Request {
        conversation: asked("hello"),
        lanes: vec![LaneRequest::new(Set::None, 1.0)],
        max_tokens: 2,
        sampling: Sampling::greedy(),
        top: 0,
        show: Vec::new(),
        next: 21,
    };
    let error = lab.start(&request).err().expect("too many");
    assert!(error.to_string().contains("choose 0 to 20"), "{error}");
}
