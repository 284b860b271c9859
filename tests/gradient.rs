//! The margin's gradient (`src/research/gradient/`), on tiny models of every architecture and on a real one: the margin against
//! transformers and the CPU engine, the gradient against differences of margins.

mod common;

use hneurons::{
    ErrorKind,
    engine::{Edits, Engine, Logits, Neuron, Watch, cpu::Cpu, logprob},
    model::{Blueprint, ModelFile},
    research::gradient::{Margin, MarginPass, Sides},
};

use common::{Sequence, TINY_MODELS as NAMES};

const SIDES: Sides<'_> = Sides {
    give: &[5, 11],
    stand: &[17, 20, 41],
};

fn tiny(name: &str) -> (ModelFile, MarginPass, Vec<Sequence>) {
    let (file, sequences) = common::tiny_model(name);
    let pass = MarginPass::new(&file).expect("room");
    (file, pass, sequences)
}

/// The margin that a position's logits make.
fn of_logits(logits: &[f32], sides: &Sides<'_>) -> Margin {
    let p = |side: &[u32]| {
        side.iter()
            .map(|&id| logprob(logits, id).exp())
            .sum::<f64>()
    };
    let (give, stand) = (p(sides.give), p(sides.stand));
    Margin {
        value: give.ln() - stand.ln(),
        mass: give + stand,
    }
}

/// The margin that the CPU engine gives.
fn of_engine(cpu: &mut Cpu, ids: &[u32], sides: &Sides<'_>, edits: &Edits) -> Margin {
    let lane = cpu.open(edits).expect("a lane");
    let logits = common::feed(cpu, lane, ids, Logits::Last, &Watch::None).logits;
    cpu.close(lane);
    of_logits(&logits, sides)
}

fn far(a: Margin, b: Margin) -> f64 {
    (a.value - b.value).abs().max((a.mass - b.mass).abs())
}

/// The derivative at 0 of a function, by differences over `h` and `2 h`: exact for a polynomial of the fourth order.
fn slope(mut f: impl FnMut(f32) -> f64, h: f32) -> f64 {
    let near = f(h) - f(-h);
    let wide = f(2.0 * h) - f(-2.0 * h);
    (8.0 * near - wide) / (12.0 * f64::from(h))
}

fn neuron(at: usize, c: &Blueprint) -> Neuron {
    Neuron {
        layer: at / c.neurons,
        index: at % c.neurons,
    }
}

/// Places of the largest values, largest first.
fn largest(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    order
}

/// Of every layer its five largest values, and twenty that a generator draws.
fn some_of_every_layer(values: &[f32], c: &Blueprint) -> Vec<usize> {
    let mut state = 7u64;
    let mut out = Vec::new();
    for (l, of_layer) in values.chunks(c.neurons).enumerate() {
        let drawn = (0..20).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % c.neurons
        });
        let most = largest(of_layer).into_iter().take(5);
        out.extend(most.chain(drawn).map(|j| l * c.neurons + j));
    }
    out
}

#[test]
fn margin_and_mass_are_those_of_transformers_and_of_the_engine() {
    for name in NAMES {
        let (file, pass, sequences) = tiny(name);
        let mut cpu = Cpu::new(&file).expect("room");
        let (mut exact, mut engine) = (0f64, 0f64);
        for s in &sequences {
            for end in [1, 4, s.tokens.len()] {
                let ids = &s.tokens[..end];
                let got = pass.margin(ids, &SIDES, &Edits::none()).expect("a pass");
                assert!(got.mass > 0.0 && got.mass < 1.0, "{name}: {got:?}");
                exact = exact.max(far(got, of_logits(&s.logits[end - 1], &SIDES)));
                let same = of_engine(&mut cpu, ids, &SIDES, &Edits::none());
                engine = engine.max(far(got, same));
            }
        }
        println!("{name}: off by {exact:e} from transformers, by {engine:e} from the engine");
        assert!(exact < 2e-5, "{name}: off by {exact} from transformers");
        assert!(engine < 1e-3, "{name}: off by {engine} from the engine");
    }
}

/// Differences of the pass's own margins: of a model as trained, and of one with two neurons edited, where factors are not 1.
#[test]
fn the_gradient_is_the_derivative_of_the_margin() {
    for name in NAMES {
        let (file, pass, sequences) = tiny(name);
        let c = file.blueprint();
        // The longest: longer than Gemma 3's window.
        let ids = &sequences[2].tokens;
        let (first, second) = (neuron(3, c), neuron(c.neurons + 5, c));
        for edits in [vec![], vec![(first, 0.5), (second, 1.5)]] {
            let factor = |n: Neuron| edits.iter().find(|e| e.0 == n).map_or(1.0, |e| e.1);
            let point = Edits::each(&edits, c).expect("edits");
            let gradient = pass.gradient(ids, &SIDES, &point).expect("a pass");
            let margin = pass.margin(ids, &SIDES, &point).expect("a pass");
            assert_eq!(gradient.margin, margin, "{name}: one margin");
            assert_eq!(gradient.factors.len(), c.neuron_count());
            let size = gradient.factors.iter().fold(0f32, |m, g| m.max(g.abs()));
            let mut worst = 0f64;
            for at in some_of_every_layer(&gradient.factors, c) {
                let n = neuron(at, c);
                let moved = |by: f32| {
                    let mut edits = vec![(n, factor(n) + by)];
                    edits.extend(point.iter().map(|e| (e.neuron, e.alpha)));
                    let edits = Edits::each(&edits, c).expect("of a neuron twice the first");
                    pass.margin(ids, &SIDES, &edits).expect("a pass").value
                };
                let slope = slope(moved, 1.0 / 64.0);
                worst = worst.max((slope - f64::from(gradient.factors[at])).abs());
            }
            let share = worst / f64::from(size);
            println!("{name}: largest {size:e}, off by {worst:e}, {share:e} of it");
            assert!(share < 1e-3, "{name}: off by {share} of the largest");
        }
    }
}

/// The engine is another program, and rounds activations.
#[test]
fn the_engines_margin_moves_as_the_gradient_says() {
    for name in NAMES {
        let (file, pass, sequences) = tiny(name);
        let c = file.blueprint();
        let mut cpu = Cpu::new(&file).expect("room");
        check_with_engine(name, &pass, &mut cpu, c, &sequences[2].tokens, &SIDES);
    }
}

#[test]
fn the_real_models_margin_moves_as_the_gradient_says() {
    let file = common::model();
    let pass = MarginPass::new(&file).expect("room");
    let mut cpu = Cpu::new(&file).expect("room");
    let tokenizer = hneurons::text::Tokenizer::new(file.vocabulary()).expect("a tokenizer");
    let ids = tokenizer.encode("The capital of France is").expect("ids");
    let id = |text: &str| tokenizer.encode(text).expect("ids")[0];
    let (give, stand) = ([id(" Paris"), id(" the")], [id(" Lyon"), id(" London")]);
    let sides = Sides {
        give: &give,
        stand: &stand,
    };
    check_with_engine("real", &pass, &mut cpu, file.blueprint(), &ids, &sides);
}

/// The ten neurons of the largest gradients, each moved by a twentieth and a tenth in the engine.
fn check_with_engine(
    name: &str,
    pass: &MarginPass,
    cpu: &mut Cpu,
    c: &Blueprint,
    ids: &[u32],
    sides: &Sides<'_>,
) {
    let gradient = pass.gradient(ids, sides, &Edits::none()).expect("a pass");
    let plain = of_engine(cpu, ids, sides, &Edits::none());
    let off = far(gradient.margin, plain);
    assert!(off < 2e-3, "{name}: the margin is off by {off}");
    let order = largest(&gradient.factors);
    let size = f64::from(gradient.factors[order[0]].abs());
    for &at in order.iter().take(10) {
        let moved = |by: f32| {
            let edits = Edits::scale(&[neuron(at, c)], 1.0 + by, c).expect("an edit");
            of_engine(cpu, ids, sides, &edits).value
        };
        let slope = slope(moved, 0.05);
        let wanted = f64::from(gradient.factors[at]);
        println!("{name}: neuron {at}: {wanted:.5}, and {slope:.5} in the engine");
        let off = (slope - wanted).abs() / size;
        assert!(off < 0.03, "{name}: neuron {at}: {wanted} and {slope}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let (file, pass, _) = tiny("qwen2");
    let c = file.blueprint();
    let none = Edits::none();
    let sides = |give, stand| Sides { give, stand };
    let size = c.vocabulary as u32;
    let outside: &[u32] = &[size];
    let kind = |ids: &[u32], sides: &Sides<'_>| {
        let error = pass.gradient(ids, sides, &none).expect_err("a refusal");
        assert_eq!(pass.margin(ids, sides, &none), Err(error.clone()));
        error.kind()
    };
    assert_eq!(kind(&[], &SIDES), ErrorKind::Input, "no prompt");
    assert_eq!(kind(&[1, size], &SIDES), ErrorKind::Input, "no such token");
    assert_eq!(kind(&[1], &sides(&[], &[2])), ErrorKind::Input, "no side");
    assert_eq!(kind(&[1], &sides(&[2], outside)), ErrorKind::Input);
    assert_eq!(kind(&[1], &sides(&[2, 4], &[3, 4])), ErrorKind::Input);
    let long = vec![1; c.context + 1];
    assert_eq!(kind(&long, &SIDES), ErrorKind::Context);
    // Edits of another, larger model.
    let larger = Blueprint {
        layers: c.layers + 1,
        ..c.clone()
    };
    let beyond = Neuron {
        layer: c.layers,
        index: 0,
    };
    let edits = Edits::scale(&[beyond], 0.0, &larger).expect("an edit");
    let error = pass.margin(&[1], &SIDES, &edits).expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Input);
    // A token that is listed twice counts once.
    let twice = pass.margin(&[1], &sides(&[2, 2], &[3]), &none);
    assert_eq!(twice, pass.margin(&[1], &sides(&[2], &[3]), &none));
}
