//! What the GPU engine promises, on the real model: the CPU's answers, and the same bits however tokens are batched.
//!
//! These tests need an adapter, and fail without one: lavapipe is one, in software (Debian: mesa-vulkan-drivers).

mod common;

use std::sync::{Mutex, MutexGuard, OnceLock};

use candle_core::quantized::GgmlDType;
use common::tiny::Tiny;
use hneurons::{
    ErrorKind,
    choose::Wanted,
    engine::{
        CHOSEN, Edits, Engine, Feed, Logits, Neuron, Reading, Watch, contributions,
        cpu::Cpu,
        gpu::{Gpu, Options, Tiling},
    },
    lab::{Lab, LaneRequest, Request, Set},
    model::ModelFile,
    neurons::largest,
    text::{Conversation, Message, Tokenizer},
};

const MAX_TOKENS: usize = 12;

fn open(file: &ModelFile, options: &Options) -> Gpu {
    pollster::block_on(Gpu::open(file, None, options))
        .expect("these tests need a Vulkan, Metal or D3D12 adapter (Debian: mesa-vulkan-drivers)")
}

/// One engine with the real model for all tests, one test at a time: an adapter in software takes every core.
fn gpu() -> MutexGuard<'static, Gpu> {
    static GPU: OnceLock<Mutex<Gpu>> = OnceLock::new();
    GPU.get_or_init(|| {
        let gpu = open(&common::model(), &Options::default());
        println!("adapter: {}, {}", gpu.adapter(), gpu.description());
        Mutex::new(gpu)
    })
    .lock()
    .unwrap_or_else(|broken| broken.into_inner())
}

/// Before which step a GPU fails, and how.
type Failure = (usize, fn(&Gpu));

fn ordinary(file: &ModelFile, n: usize) -> Vec<u32> {
    let text = Tokenizer::new(file.vocabulary()).expect("a tokenizer");
    let mut ids = text
        .encode(&common::fixture("ordinary.txt"))
        .expect("ordinary text");
    assert!(ids.len() >= n, "the text is long enough");
    ids.truncate(n);
    ids
}

fn bits(reading: &Reading) -> (Vec<u32>, Vec<u32>) {
    let activity = reading.activity.iter();
    (
        reading.logits.iter().map(|v| v.to_bits()).collect(),
        activity
            .flat_map(|a| a.z.iter().chain(&a.output_norms))
            .map(|v| v.to_bits())
            .collect(),
    )
}

fn alone(engine: &mut Gpu, edits: &Edits, ids: &[u32], watch: &Watch) -> Reading {
    let lane = engine.open(edits).expect("a lane");
    let reading = common::feed(engine, lane, ids, Logits::All, watch);
    engine.close(lane);
    reading
}

#[test]
fn logits_and_contributions_are_the_cpu_s() {
    let file = common::model();
    let config = file.blueprint().clone();
    let ids = ordinary(&file, 512);
    let mut cpu = Cpu::new(&file).expect("an engine");
    let mut gpu = gpu();
    let (mut worst, mut same, mut close) = (0f32, 0, 0);
    // How far contributions are off, in parts of what most keep to: 0.001 and 2 % of the value.
    let (mut contribution, mut beyond, mut all) = (0f32, 0usize, 0usize);
    for piece in ids.chunks(128) {
        let (a, b) = (cpu.open(&Edits::none()), gpu.open(&Edits::none()));
        let (a, b) = (a.expect("a lane"), b.expect("a lane"));
        let x = common::feed(&mut cpu, a, piece, Logits::All, &Watch::All);
        let y = common::feed(&mut *gpu, b, piece, Logits::All, &Watch::All);
        cpu.close(a);
        gpu.close(b);
        let rows = x.logits.chunks(config.vocabulary);
        for (x, y) in rows.zip(y.logits.chunks(config.vocabulary)) {
            let off = x.iter().zip(y).map(|(a, b)| (a - b).abs());
            worst = worst.max(off.fold(0.0, f32::max));
            let top = |v: &[f32]| {
                let best = hneurons::engine::Choice::of(v).id as usize;
                let others = v.iter().enumerate().filter(|(i, _)| *i != best);
                (
                    best,
                    v[best] - others.map(|(_, v)| *v).fold(f32::MIN, f32::max),
                )
            };
            let ((a, margin), (b, _)) = (top(x), top(y));
            same += usize::from(a == b);
            close += usize::from(margin <= 0.1);
            assert!(
                a == b || margin <= 0.1,
                "another token at a margin of {margin}"
            );
        }
        for (x, y) in x.activity.iter().zip(&y.activity) {
            let of = |activity, norms| contributions(&Watch::All, activity, norms, &config);
            let (x, y) = (of(x, cpu.column_norms()), of(y, gpu.column_norms()));
            for (x, y) in x.iter().zip(&y) {
                let off = (x - y).abs() / (0.001 + 0.02 * x);
                contribution = contribution.max(off);
                beyond += usize::from(off > 1.0);
                all += 1;
            }
        }
    }
    println!(
        "{same} of {} positions have the same top token ({close} have a margin of at most 0.1); logits differ by {worst:.4} \
         at most; of {all} contributions {beyond} differ by more than 0.001 and 2 % of their value, by {:.2} times as much \
         at most",
        ids.len(),
        contribution
    );
    assert!(worst < 0.1, "logits differ by {worst}");
    // The few are of neurons that cancel each other, where the CPU's 15-bit rounding shows.
    assert!(beyond * 100_000 < all, "{beyond} of {all} differ");
    assert!(contribution < 3.0, "contributions differ: {contribution}");
}

#[test]
fn a_decoded_token_is_few_dispatches_one_submit_and_little_read_back() {
    let file = common::model();
    let layers = file.blueprint().layers as u64;
    let neurons = common::artifact().h_neurons();
    let mut gpu = gpu();
    // What ARCHITECTURE.md says: five dispatches a layer, and five outside; one more where the largest are named.
    for (watch, outside) in [
        (Watch::Chosen(neurons.clone()), 5),
        (Watch::Top { neurons, count: 10 }, 6),
    ] {
        let lanes: Vec<_> = (0..3)
            .map(|_| gpu.open(&Edits::none()).expect("a lane"))
            .collect();
        let mut step = |tokens: &[u32]| {
            let feeds: Vec<Feed<'_>> = lanes
                .iter()
                .map(|&lane| Feed {
                    lane,
                    tokens,
                    logits: Logits::Choice,
                })
                .collect();
            let before = gpu.counters();
            pollster::block_on(gpu.forward(&feeds, &watch)).expect("it reads");
            let after = gpu.counters();
            (
                after.submits - before.submits,
                after.layer_dispatches - before.layer_dispatches,
                after.dispatches - before.dispatches,
                after.bytes_read_back - before.bytes_read_back,
            )
        };
        step(&[1, 2, 3]);
        let (submits, in_layers, all, bytes) = step(&[CHOSEN]);
        for lane in lanes {
            gpu.close(lane);
        }
        println!(
            "{in_layers} dispatches in {layers} layers, {} outside, {submits} submit, {bytes} bytes back",
            all - in_layers
        );
        assert_eq!(submits, 1);
        assert_eq!(in_layers, 5 * layers, "dispatches in the layers");
        assert_eq!(all - in_layers, outside, "dispatches outside the layers");
        assert!(bytes <= 3 * 4096, "{bytes} bytes read back");
    }
}

#[test]
fn alpha_one_gives_the_bits_of_no_edit() {
    let file = common::model();
    let ids = ordinary(&file, 12);
    let h = common::artifact().h_neurons();
    let one = Edits::scale(&h, 1.0, file.blueprint()).expect("alpha 1");
    let half = Edits::scale(&h, 0.5, file.blueprint()).expect("alpha 0.5");
    let mut gpu = gpu();
    let plain = bits(&alone(&mut gpu, &Edits::none(), &ids, &Watch::All));
    assert!(bits(&alone(&mut gpu, &one, &ids, &Watch::All)) == plain);
    assert!(bits(&alone(&mut gpu, &half, &ids, &Watch::All)) != plain);
}

#[test]
fn a_lane_does_not_depend_on_its_neighbours_nor_on_how_its_tokens_are_split() {
    let file = common::model();
    let ids = ordinary(&file, 70);
    let edits =
        Edits::scale(&common::artifact().h_neurons(), 0.0, file.blueprint()).expect("edits");
    let watch = Watch::Chosen(common::artifact().h_neurons());
    let mut gpu = gpu();
    let expected = bits(&alone(&mut gpu, &edits, &ids[..20], &watch));
    for (pieces, neighbours) in [
        (&[20][..], 2),
        (&[1; 20], 0),
        (&[7, 1, 3, 9], 6),
        (&[19, 1], 3),
    ] {
        let beside: Vec<_> = (0..neighbours)
            .map(|_| gpu.open(&Edits::none()).expect("a lane"))
            .collect();
        let lane = gpu.open(&edits).expect("a lane");
        let mut got = (Vec::new(), Vec::new());
        let mut at = 0;
        for &n in pieces {
            let mut feeds: Vec<Feed<'_>> = beside
                .iter()
                .enumerate()
                .map(|(i, &lane)| Feed {
                    lane,
                    // Neighbours read other text, and other amounts of it.
                    tokens: &ids[20 + i..20 + i + n.min(3)],
                    logits: Logits::Last,
                })
                .collect();
            feeds.insert(
                neighbours / 2,
                Feed {
                    lane,
                    tokens: &ids[at..at + n],
                    logits: Logits::All,
                },
            );
            let readings = pollster::block_on(gpu.forward(&feeds, &watch)).expect("it reads");
            let (logits, activity) = bits(&readings[neighbours / 2]);
            got.0.extend(logits);
            got.1.extend(activity);
            at += n;
        }
        assert!(got == expected, "split {pieces:?} beside {neighbours}");
        for lane in beside.into_iter().chain([lane]) {
            gpu.close(lane);
        }
    }
}

#[test]
fn the_same_holds_for_every_tiling_and_without_subgroups() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
    let ids: Vec<u32> = (0..90).map(|i| 3 + (i * 29) % 250).collect();
    let mut cpu = Cpu::new(&file).expect("an engine");
    let lane = cpu.open(&Edits::none()).expect("a lane");
    let truth = common::feed(&mut cpu, lane, &ids, Logits::All, &Watch::All);
    for tiling in [Tiling::WIDE, Tiling::EMULATED] {
        for subgroups in [true, false] {
            let options = Options {
                tiling: Some(tiling),
                subgroups,
                ..Options::default()
            };
            let mut gpu = open(&file, &options);
            let whole = alone(&mut gpu, &Edits::none(), &ids, &Watch::All);
            let off = truth.logits.iter().zip(&whole.logits);
            let off = off.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(
                off < 0.02,
                "{tiling:?} subgroups {subgroups}: logits differ by {off}"
            );
            // Token by token, beside a lane with other edits.
            let beside = gpu.open(&Edits::none()).expect("a lane");
            let lane = gpu.open(&Edits::none()).expect("a lane");
            let mut got = (Vec::new(), Vec::new());
            for (id, other) in ids.iter().zip(ids.iter().rev()) {
                let feed = |lane, id| Feed {
                    lane,
                    tokens: std::slice::from_ref(id),
                    logits: Logits::All,
                };
                let feeds = [feed(beside, other), feed(lane, id)];
                let readings = pollster::block_on(gpu.forward(&feeds, &Watch::All));
                let (logits, activity) = bits(&readings.expect("it reads")[1]);
                got.0.extend(logits);
                got.1.extend(activity);
            }
            assert!(got == bits(&whole), "{tiling:?} subgroups {subgroups}");
        }
    }
}

/// What a lab answers: texts, and contributions of the H-Neurons at every token read.
fn answers(lab: &mut Lab, prompt: &str) -> (Vec<String>, Vec<f32>) {
    let request = Request {
        conversation: Conversation::Messages(vec![Message::user(prompt)]),
        lanes: vec![
            LaneRequest::new(Set::None, 1.0),
            LaneRequest::new(Set::H, 0.0),
        ],
        max_tokens: MAX_TOKENS,
        sampling: hneurons::session::Sampling::greedy(),
        top: 0,
        show: Vec::new(),
        next: 0,
    };
    let (mut session, _) = lab.start(&request).expect("it starts");
    let mut texts = vec![String::new(); 2];
    let mut all = Vec::new();
    loop {
        let step = pollster::block_on(lab.step(&mut session)).expect("it runs");
        for lane in &step.lanes {
            texts[lane.lane].push_str(lane.token.as_ref().map_or("", |t| &t.text));
            all.extend(
                lane.read
                    .iter()
                    .flat_map(|r| r.contributions.iter().copied()),
            );
        }
        if step.done {
            return (texts, all);
        }
    }
}

#[test]
fn answers_are_the_cpu_s_on_many_prompts() {
    let prompts = common::fixture("prompts.txt");
    let prompts: Vec<&str> = prompts.lines().collect();
    assert!(prompts.len() >= 30);
    // Its own engine: the lab owns it. The lock keeps the other tests off the cores meanwhile.
    let _turn = gpu();
    let mut cpu = common::lab();
    let mut lab = common::lab();
    let chosen = pollster::block_on(lab.choose(Wanted::Gpu, || 0.0)).expect("an engine");
    assert_eq!(chosen.engine, "gpu", "{chosen:?}");
    let mut worst = 0f32;
    for prompt in &prompts {
        let (expected, x) = answers(&mut cpu, prompt);
        let (got, y) = answers(&mut lab, prompt);
        assert_eq!(got, expected, "{prompt}");
        assert_eq!(x.len(), y.len(), "{prompt}");
        for (a, b) in x.iter().zip(&y) {
            worst = worst.max((a - b).abs() / a.max(0.01));
        }
    }
    println!(
        "{} prompts, two lanes each: the same text; contributions differ by {:.3} % at most",
        prompts.len(),
        100.0 * worst
    );
    assert!(worst < 0.02, "contributions differ by {worst}");
}

#[test]
fn every_format_agrees_with_the_cpu_on_a_tiny_model() {
    let ids: Vec<u32> = (0..90).map(|i| 3 + (i * 29) % 250).collect();
    let set: Vec<Neuron> = (0..12)
        .map(|i| Neuron {
            layer: i % 2,
            index: (i * 17) % 96,
        })
        .collect();
    for dtype in [
        GgmlDType::F32,
        GgmlDType::F16,
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::Q8_0,
    ] {
        // A file that mixes formats within a matrix of ours, too.
        for mixed in [false, true] {
            let mut tiny = Tiny::new(dtype);
            if mixed {
                let name = "blk.0.attn_v.weight";
                tiny = tiny.with_tensor(
                    name,
                    &[common::tiny::KV, common::tiny::HIDDEN],
                    GgmlDType::Q8_0,
                );
            }
            let file = ModelFile::parse(tiny.write()).expect("a tiny model");
            let edits = Edits::scale(&set, 0.5, file.blueprint()).expect("edits");
            let mut cpu = Cpu::new(&file).expect("an engine");
            let mut gpu = open(&file, &Options::default());
            let lane = cpu.open(&edits).expect("a lane");
            let x = common::feed(&mut cpu, lane, &ids, Logits::All, &Watch::All);
            let y = alone(&mut gpu, &edits, &ids, &Watch::All);
            let off = |a: &[f32], b: &[f32]| {
                a.iter()
                    .zip(b)
                    .map(|(a, b)| (a - b).abs() / (1.0 + a.abs()))
                    .fold(0.0, f32::max)
            };
            let logits = off(&x.logits, &y.logits);
            assert!(
                logits < 0.01,
                "{dtype:?} mixed {mixed}: logits differ by {logits}"
            );
            for (x, y) in x.activity.iter().zip(&y.activity) {
                let (z, norms) = (off(&x.z, &y.z), off(&x.output_norms, &y.output_norms));
                assert!(
                    z < 0.01 && norms < 0.01,
                    "{dtype:?} mixed {mixed}: z {z}, norms {norms}"
                );
            }
        }
    }
}

#[test]
fn the_neurons_that_contribute_most_are_those_of_all_read_back() {
    let file = common::model();
    let config = file.blueprint().clone();
    let ids = ordinary(&file, 70);
    let neurons = common::artifact().h_neurons();
    let edits = Edits::scale(&neurons, 0.0, &config).expect("edits");
    let mut gpu = gpu();
    let every = alone(&mut gpu, &edits, &ids, &Watch::All);
    let before = gpu.counters().bytes_read_back;
    let count = 10;
    let watch = Watch::Top { neurons, count };
    let lane = gpu.open(&edits).expect("a lane");
    let named = common::feed(&mut *gpu, lane, &ids, Logits::None, &watch);
    gpu.close(lane);
    let bytes = (gpu.counters().bytes_read_back - before) / ids.len() as u64;
    println!("{bytes} bytes read back a token");
    assert!(bytes <= 1024, "{bytes} bytes read back a token");
    let mut other = 0;
    for (named, all) in named.activity.iter().zip(&every.activity) {
        let of_all = contributions(&Watch::All, all, gpu.column_norms(), &config);
        let expected = largest(&of_all, count, &config);
        assert_eq!(named.top.len(), count);
        for ((n, size), (m, expected)) in named.top.iter().zip(&expected) {
            // The device divides a little less exactly, so that two of nearly one size may change places.
            assert!((size - expected).abs() <= 1e-5 * expected);
            other += usize::from(n != m);
        }
    }
    assert!(other <= 2, "{other} neurons are others");
}

#[test]
fn memory_is_level_over_runs_and_after_a_lost_device_or_too_little_memory_the_cpu_goes_on() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
    let mut gpu = open(&file, &Options::default());
    let run = |gpu: &mut Gpu| {
        let lanes: Vec<_> = (0..5)
            .map(|_| gpu.open(&Edits::none()).expect("a lane"))
            .collect();
        let feed = |tokens: &'static [u32]| -> Vec<Feed<'static>> {
            let of = |&lane| Feed {
                lane,
                tokens,
                logits: Logits::Choice,
            };
            lanes.iter().map(of).collect()
        };
        pollster::block_on(gpu.forward(&feed(&[3, 4, 5]), &Watch::All)).expect("it reads");
        let tickets: Vec<_> = (0..3)
            .map(|_| {
                gpu.submit(&feed(&[CHOSEN]), &Watch::None)
                    .expect("it goes on")
            })
            .collect();
        // One is waited for, the others are given up.
        pollster::block_on(gpu.collect(tickets[1])).expect("it comes back");
        gpu.forget(tickets[0]);
        gpu.forget(tickets[2]);
        for lane in lanes {
            gpu.close(lane);
        }
        gpu.counters().device_bytes
    };
    let sizes: Vec<u64> = (0..20).map(|_| run(&mut gpu)).collect();
    // Staging buffers come and go, so the size is level rather than one number.
    let most = |sizes: &[u64]| sizes.iter().copied().max();
    assert_eq!(most(&sizes[10..]), most(&sizes[..10]), "{sizes:?}");

    // The lab's own: lost after some tokens of an answer.
    let lab = |gpu: bool| {
        let mut lab = Lab::new(file.clone()).expect("a lab");
        let wanted = if gpu { Wanted::Gpu } else { Wanted::Cpu };
        let chosen = pollster::block_on(lab.choose(wanted, || 0.0)).expect("an engine");
        assert_eq!(chosen.engine, if gpu { "gpu" } else { "cpu" }, "{chosen:?}");
        lab
    };
    let request = Request {
        conversation: Conversation::Messages(vec![Message::user("hello")]),
        lanes: vec![LaneRequest::new(Set::None, 1.0); 2],
        max_tokens: 12,
        sampling: hneurons::session::Sampling::greedy(),
        top: 0,
        show: Vec::new(),
        next: 0,
    };
    let answer = |lab: &mut Lab, lose_at: Option<Failure>| {
        let (mut session, _) = lab.start(&request).expect("it starts");
        let mut ids = vec![Vec::new(); 2];
        for i in 0.. {
            if let Some((_, fail)) = lose_at.filter(|(at, _)| *at == i) {
                fail(lab.gpu().expect("the GPU runs"));
            }
            let step = pollster::block_on(lab.step(&mut session)).expect("it goes on");
            for lane in &step.lanes {
                ids[lane.lane].extend(lane.token.as_ref().map(|t| t.id));
            }
            if step.done {
                break;
            }
        }
        ids
    };
    let expected = answer(&mut lab(false), None);
    assert!(
        expected[0].len() > 6,
        "the answer is long enough to be cut: {expected:?}"
    );
    let cases: [Failure; 5] = [
        (0, Gpu::lose),
        (1, Gpu::lose),
        (4, Gpu::lose),
        (1, Gpu::run_out),
        (4, Gpu::run_out),
    ];
    for case in cases {
        let mut lab = lab(true);
        assert_eq!(
            answer(&mut lab, Some(case)),
            expected,
            "lost, or out of memory, before step {}",
            case.0
        );
        let notice = lab.take_notice().expect("the visitor is told");
        assert!(notice.contains("CPU goes on"), "{notice}");
        assert_eq!(answer(&mut lab, None), expected, "the next run works");
    }
}

#[test]
fn lost_while_idle_the_cpu_reads_the_token_that_is_clicked() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
    let lane = LaneRequest::new(Set::None, 1.0);
    let conversation = Conversation::Messages(vec![Message::user("hello")]);
    let at = |lab: &mut Lab, at| {
        pollster::block_on(lab.activity(&conversation, &lane, &[5, 6, 7], at)).expect("it reads")
    };
    let bits = |all: Vec<f32>| all.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let mut cpu = Lab::new(file.clone()).expect("a lab");
    // Before any token was read, and with lanes that stay open for the next.
    for clicks in 0..2 {
        for fail in [Gpu::lose, Gpu::run_out] {
            let mut lab = Lab::new(file.clone()).expect("a lab");
            let chosen = pollster::block_on(lab.choose(Wanted::Gpu, || 0.0)).expect("an engine");
            assert_eq!(chosen.engine, "gpu", "{chosen:?}");
            for click in 0..clicks {
                at(&mut lab, click);
            }
            fail(lab.gpu().expect("the GPU runs"));
            assert_eq!(bits(at(&mut lab, 9)), bits(at(&mut cpu, 9)));
            let notice = lab.take_notice().expect("the visitor is told");
            assert!(notice.contains("The CPU goes on."), "{notice}");
            assert!(lab.cpu().is_some());
            assert_eq!(bits(at(&mut lab, 3)), bits(at(&mut cpu, 3)));
        }
    }
}

#[test]
fn what_could_come_next_is_the_softmax_of_its_logits_and_lost_while_idle_the_cpu_s() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
    let lane = LaneRequest::new(Set::None, 1.0);
    let conversation = Conversation::Messages(vec![Message::user("hello")]);
    let tokens = [5, 6, 7];
    let next = |lab: &mut Lab, at| {
        pollster::block_on(lab.next(&conversation, &lane, &tokens, at)).expect("it reads")
    };
    let mut cpu = Lab::new(file.clone()).expect("a lab");
    let mut lab = Lab::new(file.clone()).expect("a lab");
    let chosen = pollster::block_on(lab.choose(Wanted::Gpu, || 0.0)).expect("an engine");
    assert_eq!(chosen.engine, "gpu", "{chosen:?}");
    let prompt = conversation.encode(lab.text(), file.vocabulary());
    let mut ids: Vec<u32> = prompt.expect("ids").iter().map(|t| t.id).collect();
    ids.extend(tokens);
    let last = ids.len() - 1;
    let mut gpu = open(&file, &Options::default());
    for at in [last, 9] {
        let fresh = gpu.open(&Edits::none()).expect("a lane");
        let reading = common::feed(&mut gpu, fresh, &ids[..=at], Logits::Last, &Watch::None);
        let sum: f64 = reading.logits.iter().map(|&l| f64::from(l).exp()).sum();
        let found = next(&mut lab, at);
        assert_eq!(found.len(), 8);
        assert!(found.is_sorted_by(|a, b| a.p >= b.p));
        for candidate in &found {
            let p = f64::from(reading.logits[candidate.id as usize]).exp() / sum;
            assert!((candidate.p - p).abs() < 1e-6, "{candidate:?}, {p}");
        }
        for (a, b) in found.iter().zip(next(&mut cpu, at)) {
            assert!((a.p - b.p).abs() < 1e-3, "{a:?} and, on the CPU, {b:?}");
        }
    }
    lab.gpu().expect("the GPU runs").lose();
    assert_eq!(next(&mut lab, last), next(&mut cpu, last));
    let notice = lab.take_notice().expect("the visitor is told");
    assert!(notice.contains("The CPU goes on."), "{notice}");
}

#[test]
fn what_another_token_s_neurons_did_is_the_same_whether_or_not_it_was_read_before() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model");
    let lane = LaneRequest::new(Set::None, 1.0);
    let conversation = Conversation::Messages(vec![Message::user("hello")]);
    let answer: Vec<u32> = (0..90).map(|i| 3 + (i * 29) % 250).collect();
    let open = || {
        let mut lab = Lab::new(file.clone()).expect("a lab");
        pollster::block_on(lab.choose(Wanted::Gpu, || 0.0)).expect("an engine");
        lab
    };
    let at = |lab: &mut Lab, at| {
        let read = pollster::block_on(lab.activity(&conversation, &lane, &answer, at));
        let read = read.expect("it reads").into_iter().map(f32::to_bits);
        read.collect::<Vec<_>>()
    };
    let mut kept = open();
    // Back over a page of the cache, and on again.
    for place in [80, 81, 40, 41, 63, 64, 65, 20, 95] {
        assert_eq!(at(&mut kept, place), at(&mut open(), place), "{place}");
    }
    assert!(kept.gpu().is_some(), "the GPU was not lost");
}

#[test]
fn a_gpu_that_computes_wrongly_is_refused() {
    let file = ModelFile::parse(Tiny::new(GgmlDType::Q8_0).write()).expect("a tiny model");
    let text = Tokenizer::new(file.vocabulary()).expect("a tokenizer");
    let mut cpu = Cpu::new(&file).expect("an engine");
    let what = hneurons::choose::GOLDEN_TEXT;
    let mut golden = pollster::block_on(hneurons::choose::Golden::make(&mut cpu, &text, what))
        .expect("golden tokens");
    let mut gpu = open(&file, &Options::default());
    let said = pollster::block_on(golden.measure(&mut gpu, &text, || 0.0)).expect("it runs");
    golden.check(&said).expect("this one computes rightly");
    golden.tokens[7] ^= 1;
    let error = golden.check(&said).expect_err("another token");
    assert!(error.to_string().contains("computes wrongly"), "{error}");
}

/// The GPU refuses numbers that are not finite; the CPU, which takes over, says in which layer they come up.
#[test]
fn numbers_that_overflow_end_the_run_on_the_gpu_too() {
    let file = common::tiny::with_weights("blk.1.ffn_down.weight", 1e25);
    let mut gpu = open(&file, &Options::default());
    let lane = gpu.open(&Edits::none()).expect("a lane");
    let feed = [Feed {
        lane,
        tokens: &[5, 6],
        logits: Logits::Choice,
    }];
    // As a run has it: the norms of all layers' outputs come back.
    let read = pollster::block_on(gpu.forward(&feed, &Watch::Chosen(Vec::new())));
    let e = read.expect_err("a layer's output cannot be squared");
    assert_eq!(e.kind(), ErrorKind::Gpu);
    assert!(e.to_string().contains("not finite in layer 1"), "{e}");
    let mut lab = Lab::new(file).expect("a small model fits");
    let chosen = pollster::block_on(lab.choose(Wanted::Gpu, || 0.0));
    let e = chosen.expect_err("neither engine can run it");
    assert!(e.to_string().contains("not finite in layer 1"), "{e}");
}
