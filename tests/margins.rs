//! Margins and levers on the real model, in small: what is read is the model's own probability, work goes on where it was stopped,
//! and a lever moves what it was chosen for, on items that it was not chosen on, where one of shuffled sides does not.

mod common;

use hneurons::{
    engine::{Edits, Engine, Feed, Logits, Neuron, Watch, cpu::Cpu, logprob},
    model::ModelFile,
    neurons::matched_control,
    research::{
        answers::Subject,
        gradient::{MarginPass, Sides},
        lever::{Attribution, Recipe, choose},
        margins::{Behaviour, Choice, Set, choices, items, margins, study, summarize},
        questions::bank,
    },
    text::Tokenizer,
};

/// Choices of plain arithmetic with an opinion, which the model answers in one token.
fn opinions(file: &ModelFile, text: &Tokenizer, engine: &mut Cpu, n: usize) -> Vec<Choice> {
    let subject = Subject { file, text, engine };
    let asked: Vec<_> = (bank::facts().into_iter())
        .filter(|q| q.template == "capital")
        .collect();
    let wording = Behaviour::Opinion
        .wordings()
        .iter()
        .find(|w| w.name == "i-think, the answer is")
        .expect("a wording of this name");
    let mut all = choices(&subject, wording, &items(&asked, 1)).expect("they can be asked");
    all.truncate(n);
    assert_eq!(all.len(), n, "the bank has this many");
    all
}

#[test]
fn margins_are_the_model_s_own_probabilities_alone_and_in_company() {
    let file = common::model();
    let text = Tokenizer::new(file.vocabulary()).expect("a tokenizer");
    let mut engine = Cpu::new(&file).expect("an engine");
    let choices = opinions(&file, &text, &mut engine, 5);
    let together = margins(&mut engine, &choices, &Edits::none()).expect("read");
    for (choice, margin) in choices.iter().zip(&together) {
        let alone = margins(&mut engine, std::slice::from_ref(choice), &Edits::none());
        assert_eq!(alone.expect("read"), [*margin]);
        let lane = engine.open(&Edits::none()).expect("a lane");
        let feed = [Feed {
            lane,
            tokens: &choice.prompt,
            logits: Logits::Last,
        }];
        let read = pollster::block_on(engine.forward(&feed, &Watch::None)).expect("read");
        engine.close(lane);
        let sum = |ids: &[u32]| {
            let each = ids.iter().map(|&id| logprob(&read[0].logits, id).exp());
            each.sum::<f64>()
        };
        let odds = (sum(&choice.give) / sum(&choice.stand)).ln();
        assert!((margin.log_odds() - odds).abs() < 1e-9);
        let mass = sum(&choice.give) + sum(&choice.stand);
        assert!((margin.mass() - mass).abs() < 1e-9 && mass > 0.0 && mass <= 1.0);
        assert!(choice.give.iter().all(|id| !choice.stand.contains(id)));
    }
}

#[test]
fn a_lever_moves_new_items_further_than_random_sets_and_one_of_shuffled_sides_does_not() {
    let file = common::model();
    let text = Tokenizer::new(file.vocabulary()).expect("a tokenizer");
    let mut engine = Cpu::new(&file).expect("an engine");
    let all = opinions(&file, &text, &mut engine, 30);
    let (learnt, rest) = all.split_at(8);
    let (validation, new) = rest.split_at(4);
    let pass = MarginPass::new(&file).expect("room");
    let (mut effect, mut shuffled) = (Attribution::default(), Attribution::default());
    for (i, choice) in learnt.iter().enumerate() {
        let sides = Sides {
            give: &choice.give,
            stand: &choice.stand,
        };
        let read = pass
            .gradient(&choice.prompt, &sides, &Edits::none())
            .expect("a gradient");
        effect.add(&read.factors);
        // Which side is which, exchanged at every other item.
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        let turned: Vec<f32> = read.factors.iter().map(|g| sign * g).collect();
        shuffled.add(&turned);
    }
    let none = Attribution::default();
    let recipe = Recipe {
        sizes: vec![1.0],
        penalties: vec![0.0],
        ..Recipe::default()
    };
    let mut lever = |of: &Attribution| -> Vec<Neuron> {
        let of = [("gradient", of)];
        let made = choose(
            &mut engine,
            &recipe,
            &of,
            &none,
            validation,
            validation,
            &mut |_, _| {},
        );
        made.expect("a lever")
            .neurons
            .iter()
            .map(|(n, _)| *n)
            .collect()
    };
    let (true_one, false_one) = (lever(&effect), lever(&shuffled));
    let per_layer = file.blueprint().neurons;
    let set = |name: String, neurons| Set {
        name,
        neurons,
        choices: new.len(),
        alphas: vec![0.0],
    };
    let mut sets = vec![
        set("lever:opinion".into(), true_one.clone()),
        set("shuffled".into(), false_one),
    ];
    for seed in 1..=6 {
        let like = matched_control(&true_one, &[], per_layer, seed).expect("room");
        sets.push(set(format!("lever:opinion/layer/{seed}"), like));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("margins.jsonl");
    let mut asked = 0;
    let run = |asked: &mut usize| {
        let mut engine = Cpu::new(&file).expect("an engine");
        let mut count = |_, _| *asked += 1;
        study(
            &mut engine,
            Behaviour::Opinion,
            new,
            &sets,
            &path,
            &mut count,
        )
        .expect("read")
    };
    let read = run(&mut asked);
    assert_eq!(asked, 9, "as trained, and every set");
    let summary = summarize(&read, "test", 1).expect("a summary");
    let of = |name: &str| {
        summary
            .effects
            .iter()
            .find(|e| e.set == name)
            .expect("measured")
    };
    let (lever, chance) = (of("lever:opinion"), of("shuffled"));
    let against = &lever.against[0];
    assert_eq!((against.sets, against.n), (6, new.len()));
    assert!(
        lever.effect.high < 0.0 && against.z < -4.0,
        "the lever moves {:+.3} [{:+.3}, {:+.3}], z {:+.1}",
        lever.effect.value,
        lever.effect.low,
        lever.effect.high,
        against.z
    );
    assert!(
        chance.effect.value > 0.5 * lever.effect.value,
        "of shuffled sides {:+.3}, of true ones {:+.3}",
        chance.effect.value,
        lever.effect.value
    );

    // Cut in the middle of a line, as a power cut would; the rest is read again, and it is the same.
    let whole = std::fs::read(&path).expect("the log");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("room");
    assert_eq!(run(&mut asked), read);
    assert_eq!(std::fs::read(&path).expect("the log"), whole);
}
