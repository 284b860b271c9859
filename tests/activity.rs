//! What all neurons did at one token, asked about one token after another: the layer map.

mod common;

use std::{cell::RefCell, rc::Rc};

use candle_core::quantized::GgmlDType;
use common::tiny::Tiny;
use hneurons::{
    ErrorKind,
    engine::{BoxFuture, Edits, Engine, Feed, LaneId, Reading, Ticket, Watch, cpu::Cpu},
    gguf::{Config, ModelFile},
    lab::{Lab, LaneRequest, Set},
    neurons::Neuron,
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
    fn config(&self) -> &Config {
        self.cpu.config()
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
    let request = hneurons::lab::Request {
        conversation: asked("hello"),
        lanes: vec![LaneRequest::new(Set::None, 1.0); 2],
        max_tokens: 2,
        sampling: hneurons::generate::Sampling::greedy(),
        top: 0,
    };
    let (session, _) = lab.start(&request).expect("it starts");
    assert_eq!(count.borrow().open, 2);
    lab.close(session);
}
