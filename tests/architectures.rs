//! Tiny random models of every architecture against the logits of transformers (`tests/fixtures/make_tiny_models.py`), on every
//! engine, with the promises that every engine keeps.

mod common;

use hneurons::{
    engine::{
        Edits, Engine, Feed, Logits, Neuron, Watch,
        cpu::{Cpu, Isa},
        gpu::{Gpu, Options},
    },
    model::ModelFile,
};
use proptest::prelude::*;

use common::{Sequence, TINY_MODELS as NAMES};

/// A model of the fixture: its file and its logits.
struct Tiny {
    name: &'static str,
    file: ModelFile,
    sequences: Vec<Sequence>,
}

fn tiny(name: &'static str) -> Tiny {
    let (file, sequences) = common::tiny_model(name);
    Tiny {
        name,
        file,
        sequences,
    }
}

fn gpu(file: &ModelFile) -> Gpu {
    let options = Options {
        emulated: true,
        ..Options::default()
    };
    pollster::block_on(Gpu::open(file, None, &options))
        .expect("these tests need a Vulkan, Metal or D3D12 adapter (Debian: mesa-vulkan-drivers)")
}

/// The logits at every position, read in pieces of these lengths.
fn logits(engine: &mut dyn Engine, edits: &Edits, tokens: &[u32], pieces: &[usize]) -> Vec<f32> {
    let lane = engine.open(edits).expect("a lane");
    let mut out = Vec::new();
    let mut rest = tokens;
    for piece in pieces.iter().cycle() {
        let (now, later) = rest.split_at(rest.len().min(*piece));
        let feed = Feed {
            lane,
            tokens: now,
            logits: Logits::All,
        };
        let readings = pollster::block_on(engine.forward(&[feed], &Watch::None)).expect("a pass");
        out.extend(&readings[0].logits);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    engine.close(lane);
    out
}

/// The largest difference, as a share of the largest logit's size.
fn worst(got: &[f32], wanted: &[Vec<f32>]) -> f32 {
    let wanted: Vec<f32> = wanted.iter().flatten().copied().collect();
    assert_eq!(
        got.len(),
        wanted.len(),
        "a logit of every token at every position"
    );
    let size = wanted.iter().fold(0f32, |m, w| m.max(w.abs()));
    let off = got.iter().zip(&wanted).map(|(g, w)| (g - w).abs());
    off.fold(0f32, f32::max) / size
}

#[test]
fn logits_are_those_of_transformers_on_every_cpu_variant() {
    for name in NAMES {
        let model = tiny(name);
        for isa in Isa::available() {
            let mut cpu = Cpu::with_isa(&model.file, isa).expect("this machine has it");
            for s in &model.sequences {
                let got = logits(&mut cpu, &Edits::none(), &s.tokens, &[5, 1, 9]);
                let off = worst(&got, &s.logits);
                println!(
                    "{name} on {}: {} tokens, off by {off:e}",
                    isa.name(),
                    s.tokens.len()
                );
                assert!(off < 1e-3, "{name} on {}: off by {off}", isa.name());
            }
        }
    }
}

#[test]
fn logits_are_those_of_transformers_on_the_gpu() {
    for name in NAMES {
        let model = tiny(name);
        let mut gpu = gpu(&model.file);
        for s in &model.sequences {
            let before = gpu.counters();
            let got = logits(&mut gpu, &Edits::none(), &s.tokens, &[5, 1, 9]);
            let off = worst(&got, &s.logits);
            println!(
                "{name} on the GPU: {} tokens, off by {off:e}",
                s.tokens.len()
            );
            assert!(off < 1e-3, "{name} on the GPU: off by {off}");
            let after = gpu.counters();
            let layers = model.file.blueprint().layers as u64;
            let each = (after.layer_dispatches - before.layer_dispatches)
                / (after.submits - before.submits)
                / layers;
            let most = if model.name == "gemma3" { 7 } else { 5 };
            assert!(each <= most, "{name}: {each} dispatches a layer");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The promises: an edit of 1 is none; a lane's numbers depend neither on the lanes beside it nor on how its tokens were cut.
    #[test]
    fn promises_hold_for_every_architecture(
        which in 0usize..NAMES.len(), pieces in prop::collection::vec(1usize..12, 1..5),
        index in 0usize..48, layer in 0usize..2, alpha in 0f32..3.0,
    ) {
        let model = tiny(NAMES[which]);
        let c = model.file.blueprint();
        let mut cpu = Cpu::new(&model.file).expect("room");
        let tokens = &model.sequences[2].tokens;
        let plain = logits(&mut cpu, &Edits::none(), tokens, &[tokens.len()]);
        let cut = logits(&mut cpu, &Edits::none(), tokens, &pieces);
        prop_assert_eq!(&plain, &cut, "however the tokens are cut");
        let neuron = [Neuron { layer, index }];
        let one = Edits::scale(&neuron, 1.0, c).expect("an edit");
        prop_assert_eq!(&plain, &logits(&mut cpu, &one, tokens, &pieces), "an edit of 1");
        // Beside two other lanes.
        let edits = Edits::scale(&neuron, alpha, c).expect("an edit");
        let alone = logits(&mut cpu, &edits, tokens, &pieces);
        let lanes: Vec<_> = [&edits, &one, &edits]
            .map(|e| cpu.open(e).expect("a lane"))
            .to_vec();
        let feeds: Vec<_> = lanes.iter().map(|&lane| Feed { lane, tokens, logits: Logits::All }).collect();
        let together = pollster::block_on(cpu.forward(&feeds, &Watch::None)).expect("a pass");
        prop_assert_eq!(&alone, &together[0].logits);
        prop_assert_eq!(&plain, &together[1].logits);
        prop_assert_eq!(&alone, &together[2].logits);
    }
}

#[test]
fn an_edit_takes_out_what_the_activity_says() {
    for name in NAMES {
        let model = tiny(name);
        let c = model.file.blueprint();
        let mut cpu = Cpu::new(&model.file).expect("room");
        let tokens = &model.sequences[0].tokens;
        let watch = Watch::All;
        let read = |cpu: &mut Cpu, edits: &Edits| {
            let lane = cpu.open(edits).expect("a lane");
            let feed = Feed {
                lane,
                tokens,
                logits: Logits::None,
            };
            let mut readings = pollster::block_on(cpu.forward(&[feed], &watch)).expect("a pass");
            cpu.close(lane);
            readings.swap_remove(0).activity
        };
        // Activity is taken before the edit, so in the first layer an edit changes nothing of it.
        let neuron = Neuron { layer: 0, index: 3 };
        let plain = read(&mut cpu, &Edits::none());
        let edited = read(&mut cpu, &Edits::scale(&[neuron], 0.0, c).expect("an edit"));
        for (a, b) in plain.iter().zip(&edited) {
            assert_eq!(
                a.z[..c.neurons],
                b.z[..c.neurons],
                "{name}: z of the first layer"
            );
            let off = (a.output_norms[0] - b.output_norms[0]).abs() / a.output_norms[0];
            assert!(
                off < 1e-3,
                "{name}: the norm without the edit is off by {off}"
            );
        }
        let moved = plain
            .iter()
            .zip(&edited)
            .any(|(a, b)| a.z[c.neurons..] != b.z[c.neurons..]);
        assert!(
            moved,
            "{name}: an edit in the first layer changes the second"
        );
    }
}
