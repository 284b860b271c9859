//! Lanes that were opened before something failed are closed, and what a failed step chose is not kept.

mod common;

use std::{cell::RefCell, collections::HashSet, rc::Rc};

use candle_core::quantized::GgmlDType;
use common::tiny::Tiny;
use hneurons::{
    Error, ErrorKind, Result,
    choose::pace,
    engine::{
        BoxFuture, CHOSEN, Edits, Engine, Feed, LaneId, Logits, Reading, Ticket, Watch, cpu::Cpu,
    },
    model::{Blueprint, ModelFile},
    research::bulk::{self, Job},
    session::{Plan, Sampling, Session},
    text::{Conversation, Message, Tokenizer},
};

/// An engine that has room for a few lanes only, or fails to read, and knows which lanes are open.
struct Scarce {
    cpu: Cpu,
    room: usize,
    reads: usize,
    open: Rc<RefCell<HashSet<LaneId>>>,
}

impl Scarce {
    fn new(room: usize, reads: usize) -> Self {
        let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
        Self {
            cpu: Cpu::new(&file).expect("a small model fits"),
            room,
            reads,
            open: Rc::default(),
        }
    }

    fn none_open(&self) -> bool {
        self.open.borrow().is_empty()
    }
}

fn full() -> Error {
    Error::new(ErrorKind::Memory, "there is no more room: this is a test")
}

impl Engine for Scarce {
    fn blueprint(&self) -> &Blueprint {
        self.cpu.blueprint()
    }

    fn description(&self) -> String {
        "scarce/test".into()
    }

    fn column_norms(&self) -> &[f32] {
        self.cpu.column_norms()
    }

    fn open(&mut self, edits: &Edits) -> Result<LaneId> {
        if self.open.borrow().len() >= self.room {
            return Err(full());
        }
        let lane = self.cpu.open(edits)?;
        assert!(self.open.borrow_mut().insert(lane), "a lane is opened once");
        Ok(lane)
    }

    fn close(&mut self, lane: LaneId) {
        self.open.borrow_mut().remove(&lane);
        self.cpu.close(lane);
    }

    fn position(&self, lane: LaneId) -> usize {
        self.cpu.position(lane)
    }

    fn submit(&mut self, feeds: &[Feed<'_>], watch: &Watch) -> Result<Ticket> {
        self.reads = self.reads.checked_sub(1).ok_or_else(full)?;
        self.cpu.submit(feeds, watch)
    }

    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Reading>>> {
        self.cpu.collect(ticket)
    }

    fn forget(&mut self, ticket: Ticket) {
        self.cpu.forget(ticket);
    }
}

fn tokenizer() -> (Tokenizer, ModelFile) {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
    let text = Tokenizer::new(file.vocabulary()).expect("a vocabulary");
    (text, file)
}

fn plan(lanes: usize) -> Plan {
    let (text, file) = tokenizer();
    let conversation = Conversation::Messages(vec![Message::user("hello")]);
    Plan {
        prompt: conversation
            .encode(&text, file.vocabulary())
            .expect("it is encoded"),
        question: "hello".into(),
        lanes: vec![Edits::none(); lanes],
        shown: Vec::new(),
        top: 0,
        next: 0,
        max_tokens: 8,
        sampling: Sampling::greedy(),
    }
}

#[test]
fn a_run_that_finds_no_room_for_its_third_lane_leaves_none_open() {
    let mut engine = Scarce::new(2, 9);
    let e = Session::start(&mut engine, plan(3), None).err();
    assert_eq!(e.map(|e| e.kind()), Some(ErrorKind::Memory));
    assert!(engine.none_open());
}

#[test]
fn a_run_that_moves_to_an_engine_without_room_leaves_none_open() {
    let (text, _) = tokenizer();
    let mut first = Scarce::new(9, 99);
    let mut session = Session::start(&mut first, plan(3), None).expect("there is room");
    for _ in 0..4 {
        pollster::block_on(session.step(&mut first, &text)).expect("it reads");
    }
    let mut second = Scarce::new(3, 99);
    // Somebody else's lane: it has the number that a lane of the run had in the first engine.
    let other = second.open(&Edits::none()).expect("there is room");
    let e = session.move_to(&mut second).expect_err("there is none");
    assert_eq!(e.kind(), ErrorKind::Memory);
    session.close(&mut second);
    assert_eq!(*second.open.borrow(), HashSet::from([other]));
}

#[test]
fn the_measuring_run_leaves_no_lane_open() {
    for (room, reads) in [(2, 99), (9, 0), (9, 3), (9, 99)] {
        let mut engine = Scarce::new(room, reads);
        let pace = pollster::block_on(pace(&mut engine, || 0.0));
        assert_eq!(pace.is_ok(), room == 9 && reads == 99);
        assert!(engine.none_open(), "room for {room}, {reads} reads");
    }
}

#[test]
fn bulk_work_that_fails_leaves_no_lane_open() {
    let jobs: Vec<Job> = (0..6u32)
        .map(|j| Job {
            prompt: vec![10, 11, 12 + j, 13],
            edits: Edits::none(),
            samplings: (0..2)
                .map(|seed| Sampling {
                    temperature: 1.0,
                    seed,
                    ..Sampling::greedy()
                })
                .collect(),
            max_tokens: 4,
        })
        .collect();
    for (room, reads) in [
        (2, 99),
        (5, 99),
        (7, 99),
        (99, 0),
        (99, 1),
        (99, 2),
        (99, 5),
    ] {
        let mut engine = Scarce::new(room, reads);
        let done = pollster::block_on(bulk::run(&mut engine, &[2], &jobs, &mut |_, _| Ok(true)));
        assert!(done.is_err(), "room for {room}, {reads} reads");
        assert!(engine.none_open(), "room for {room}, {reads} reads");
    }
}

/// One lane fails and takes the step with it: the other, whose pass was done, goes on from the choice it had.
#[test]
fn what_a_failed_step_chose_is_not_kept() {
    let mut bytes = Tiny::new(GgmlDType::F32).write();
    let file = ModelFile::parse(bytes.clone()).expect("sound");
    // A token whose embedding cannot be squared.
    let poison = 77usize;
    let embedding = file.tensor("token_embd.weight").expect("it has one");
    let row = embedding.range.start as usize + poison * common::tiny::HIDDEN * 4;
    for weight in bytes[row..][..common::tiny::HIDDEN * 4]
        .as_chunks_mut::<4>()
        .0
    {
        *weight = 1e25f32.to_le_bytes();
    }
    let file = ModelFile::parse(bytes).expect("every weight is finite");
    let mut engine = Cpu::new(&file).expect("a small model fits");
    engine.set_threads(2);
    let read = |engine: &mut Cpu, feeds: &[(LaneId, u32)]| {
        let tokens: Vec<[u32; 1]> = feeds.iter().map(|&(_, t)| [t]).collect();
        let feeds: Vec<Feed<'_>> = feeds
            .iter()
            .zip(&tokens)
            .map(|(&(lane, _), tokens)| Feed {
                lane,
                tokens,
                logits: Logits::Choice,
            })
            .collect();
        let readings = pollster::block_on(engine.forward(&feeds, &Watch::None))?;
        Ok::<_, Error>(readings.into_iter().map(|r| r.choice).collect::<Vec<_>>())
    };
    let (a, b) = (
        engine.open(&Edits::none()).expect("no edits"),
        engine.open(&Edits::none()).expect("no edits"),
    );
    read(&mut engine, &[(a, 5), (b, 6)]).expect("both are read");
    let reference = {
        let lane = engine.open(&Edits::none()).expect("no edits");
        read(&mut engine, &[(lane, 5)]).expect("it is read");
        read(&mut engine, &[(lane, CHOSEN)]).expect("it is read")
    };
    let e = read(&mut engine, &[(a, 40), (b, poison as u32)]).expect_err("b cannot be read");
    assert!(e.to_string().contains("not finite"), "{e}");
    assert_eq!((engine.position(a), engine.position(b)), (1, 1));
    let again = read(&mut engine, &[(a, CHOSEN)]).expect("a goes on");
    assert_eq!(again, reference);
}
