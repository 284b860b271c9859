//! What the engine promises: edits, batches and lanes do not disturb each other; contributions are the formula's.

mod common;

use candle_core::{Device, quantized::GgmlDType, quantized::gguf_file};
use common::tiny::Tiny;
use hneurons::{
    ErrorKind,
    engine::{Edits, Engine, Feed, Logits, Neuron, Reading, Watch, contributions, cpu::Cpu},
    model::ModelFile,
    neurons::largest,
};
use std::io::Cursor;

fn tiny() -> ModelFile {
    ModelFile::parse(Tiny::new(GgmlDType::Q4_1).write()).expect("a tiny model")
}

fn some_neurons() -> Vec<Neuron> {
    (0..12)
        .map(|i| Neuron {
            layer: i % 2,
            index: (i * 17) % 96,
        })
        .collect()
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

/// All logits and activity of one lane alone, read in one piece.
fn alone(file: &ModelFile, edits: &Edits, ids: &[u32]) -> Reading {
    let mut engine = Cpu::new(file).expect("an engine");
    let lane = engine.open(edits).expect("a lane");
    common::feed(&mut engine, lane, ids, Logits::All, &Watch::All)
}

#[test]
fn alpha_one_gives_the_bits_of_no_edit() {
    let file = common::model();
    let ids = [1, 9690, 198, 504, 3575, 282, 4649, 314];
    let artifact = common::artifact();
    let one = Edits::scale(&artifact.h_neurons(), 1.0, file.blueprint()).expect("alpha 1");
    let half = Edits::scale(&artifact.h_neurons(), 0.5, file.blueprint()).expect("alpha 0.5");
    let plain = alone(&file, &Edits::none(), &ids);
    assert!(bits(&alone(&file, &one, &ids)) == bits(&plain));
    assert!(bits(&alone(&file, &half, &ids)) != bits(&plain));
}

#[test]
fn a_lane_does_not_depend_on_its_neighbours_nor_on_how_its_tokens_are_split() {
    let file = tiny();
    let ids: Vec<u32> = (0..23).map(|i| 3 + (i * 29) % 250).collect();
    let other: Vec<u32> = (0..23).map(|i| 3 + (i * 41) % 250).collect();
    let edits = Edits::scale(&some_neurons(), 0.0, file.blueprint()).expect("edits");
    let expected = bits(&alone(&file, &edits, &ids));
    for pieces in [&[23][..], &[1; 23], &[5, 1, 9, 8], &[22, 1]] {
        let mut engine = Cpu::new(&file).expect("an engine");
        let beside = engine.open(&Edits::none()).expect("a lane");
        let lane = engine.open(&edits).expect("a lane");
        let mut got = (Vec::new(), Vec::new());
        let mut at = 0;
        for (i, &n) in pieces.iter().enumerate() {
            let feeds = [
                Feed {
                    lane: beside,
                    tokens: &other[at..at + n],
                    logits: Logits::None,
                },
                Feed {
                    lane,
                    tokens: &ids[at..at + n],
                    logits: Logits::All,
                },
            ];
            // The neighbour sits out every other call and so falls behind.
            let feeds = if i % 2 == 0 { &feeds[..] } else { &feeds[1..] };
            let readings =
                pollster::block_on(engine.forward(feeds, &Watch::All)).expect("it reads");
            let (logits, activity) = bits(readings.last().expect("our lane"));
            got.0.extend(logits);
            got.1.extend(activity);
            at += n;
        }
        assert!(got == expected, "split {pieces:?}");
    }
}

/// `W` of one tensor in f32, by candle.
fn weights(name: &str) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(common::model_path()).expect("the model can be read");
    let mut cursor = Cursor::new(bytes.as_slice());
    let content = gguf_file::Content::read(&mut cursor).expect("candle reads the file");
    let tensor = content.tensor(&mut cursor, name, &Device::Cpu).expect(name);
    let tensor = tensor.dequantize(&Device::Cpu).expect("a known format");
    tensor.to_vec2().expect("a matrix")
}

#[test]
fn contributions_are_the_formula_s_at_every_layer() {
    let file = common::model();
    let config = file.blueprint().clone();
    let ids = [504, 3575, 282, 4649, 314, 7042, 30];
    let mut engine = Cpu::new(&file).expect("an engine");
    let lane = engine.open(&Edits::none()).expect("a lane");
    let reading = common::feed(&mut engine, lane, &ids, Logits::None, &Watch::All);
    let mut worst = 0f64;
    for layer in 0..config.layers {
        let down = weights(&format!("blk.{layer}.ffn_down.weight"));
        let mut norms = vec![0f64; config.neurons];
        for row in &down {
            for (n, w) in norms.iter_mut().zip(row) {
                *n += f64::from(*w).powi(2);
            }
        }
        for activity in &reading.activity {
            let z = &activity.z[layer * config.neurons..][..config.neurons];
            // h = W_down z, all in floating point: nothing of the engine's integer arithmetic.
            let h: f64 = down
                .iter()
                .map(|row| {
                    let h: f64 = row
                        .iter()
                        .zip(z)
                        .map(|(w, z)| f64::from(*w) * f64::from(*z))
                        .sum();
                    h * h
                })
                .sum();
            let got = contributions(&Watch::All, activity, engine.column_norms(), &config);
            for j in 0..config.neurons {
                let exact = f64::from(z[j].abs()) * norms[j].sqrt() / h.sqrt();
                let got = f64::from(got[layer * config.neurons + j]);
                worst = worst.max((got - exact).abs() / exact.max(1e-4));
            }
        }
    }
    println!(
        "contributions: off by {:.4} % of their value at most",
        100.0 * worst
    );
    // The only difference is the 15-bit rounding of z in norm(h).
    assert!(worst < 1e-3, "off by {:.3} %", 100.0 * worst);
}

#[test]
fn the_neurons_that_contribute_most_are_named() {
    let file = tiny();
    let ids = [10, 20, 30, 40];
    let config = file.blueprint();
    let every = alone(&file, &Edits::none(), &ids);
    let mut engine = Cpu::new(&file).expect("an engine");
    let watched = some_neurons();
    for count in [1, 7, config.neuron_count() + 5] {
        let lane = engine.open(&Edits::none()).expect("a lane");
        let watch = Watch::Top {
            neurons: watched.clone(),
            count,
        };
        let reading = common::feed(&mut engine, lane, &ids, Logits::None, &watch);
        for (named, all) in reading.activity.iter().zip(&every.activity) {
            let of_all = contributions(&Watch::All, all, engine.column_norms(), config);
            assert_eq!(named.top, largest(&of_all, count, config));
            assert_eq!(named.top.len(), count.min(config.neuron_count()));
            let of_watched = contributions(&watch, named, engine.column_norms(), config);
            let expected: Vec<f32> = watched
                .iter()
                .map(|n| of_all[n.layer * config.neurons + n.index])
                .collect();
            assert_eq!(of_watched, expected);
        }
    }
}

#[test]
fn a_silenced_neuron_still_shows_what_it_would_do() {
    let file = tiny();
    let ids = [10, 20, 30, 40];
    let set = some_neurons();
    let silenced = Edits::scale(&set, 0.0, file.blueprint()).expect("edits");
    let (plain, edited) = (
        alone(&file, &Edits::none(), &ids),
        alone(&file, &silenced, &ids),
    );
    let norms = Cpu::new(&file).expect("an engine").column_norms().to_vec();
    let config = file.blueprint();
    let of = |r: &Reading, t: usize| contributions(&Watch::All, &r.activity[t], &norms, config);
    // Layer 0 at the first token sees the same input in both: contributions differ by rounding only.
    let (a, b) = (of(&plain, 0), of(&edited, 0));
    for n in set.iter().filter(|n| n.layer == 0) {
        let (a, b) = (a[n.index], b[n.index]);
        assert!(a > 0.0 && (a - b).abs() < 1e-3 * a, "{n:?}: {a} and {b}");
    }
    assert_ne!(plain.logits, edited.logits);
}

#[test]
fn edits_outside_the_model_or_the_scale_are_refused() {
    let file = tiny();
    let config = file.blueprint();
    let at = |layer, index| [Neuron { layer, index }];
    for alpha in [f32::NAN, -1.0, 3.01, f32::INFINITY] {
        let e = Edits::scale(&at(0, 0), alpha, config).expect_err("a bad alpha");
        assert_eq!(e.kind(), ErrorKind::Input);
        assert!(e.to_string().contains("alpha is"), "{e}");
    }
    for (layer, index) in [(2, 0), (0, 128), (usize::MAX, usize::MAX)] {
        let e = Edits::scale(&at(layer, index), 0.0, config).expect_err("no such neuron");
        assert_eq!(e.kind(), ErrorKind::Input);
        assert!(e.to_string().contains("there is no neuron"), "{e}");
    }
    let e = Edits::scale(&[], f32::NAN, config).expect_err("even for no neurons");
    assert_eq!(e.kind(), ErrorKind::Input);
}

#[test]
fn a_full_context_is_said_and_changes_nothing() {
    let file = tiny();
    let mut engine = Cpu::new(&file).expect("an engine");
    let lane = engine.open(&Edits::none()).expect("a lane");
    let ids = [5; 127];
    common::feed(&mut engine, lane, &ids, Logits::None, &Watch::None);
    let feeds = [Feed {
        lane,
        tokens: &[6, 7],
        logits: Logits::Last,
    }];
    let e = pollster::block_on(engine.forward(&feeds, &Watch::None)).expect_err("128 is all");
    assert_eq!(e.kind(), ErrorKind::Context);
    assert!(e.to_string().contains("129 tokens"), "{e}");
    assert_eq!(engine.position(lane), 127);
    let more = common::feed(&mut engine, lane, &[6], Logits::Last, &Watch::None);
    assert_eq!(more.logits.len(), file.blueprint().vocabulary);
}

#[test]
fn tokens_outside_the_vocabulary_are_refused() {
    let file = tiny();
    let mut engine = Cpu::new(&file).expect("an engine");
    let lane = engine.open(&Edits::none()).expect("a lane");
    let feeds = [Feed {
        lane,
        tokens: &[60_000],
        logits: Logits::Last,
    }];
    let e = pollster::block_on(engine.forward(&feeds, &Watch::None)).expect_err("no such token");
    assert_eq!(e.kind(), ErrorKind::Input);
}
