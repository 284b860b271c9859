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
        margins::{
            Behaviour, Choice, Item, Set, Turned, Wording, asked, choices, compare, items, margins,
            study, summarize, write,
        },
        questions::bank,
    },
    text::Tokenizer,
};

fn capitals() -> Vec<Item> {
    let facts = bank::facts().into_iter();
    let capitals: Vec<_> = facts.filter(|q| q.template == "capital").collect();
    items(&capitals, 1)
}

fn wording(of: Behaviour, name: &str) -> &'static Wording {
    let mut all = of.wordings().iter();
    all.find(|w| w.name == name)
        .expect("a wording of this name")
}

/// Choices of capitals with an opinion.
fn opinions(file: &ModelFile, text: &Tokenizer, engine: &mut Cpu, n: usize) -> Vec<Choice> {
    let subject = Subject { file, text, engine };
    let wording = wording(Behaviour::Opinion, "i-think, the answer is");
    let mut all = choices(&subject, wording, &capitals()).expect("they can be asked");
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

#[test]
fn replies_are_written_once_in_the_model_s_own_words_and_told_apart() {
    let file = common::model();
    let text = Tokenizer::new(file.vocabulary()).expect("a tokenizer");
    let mut engine = Cpu::new(&file).expect("an engine");
    let mut subject = Subject {
        file: &file,
        text: &text,
        engine: &mut engine,
    };
    // Asked for a yes or a no, this model names a capital.
    let wording = wording(Behaviour::FalsePremise, "is it");
    let some = &capitals()[..24];
    let read = choices(&subject, wording, some).expect("they can be asked");
    let of = |id: &str| some.iter().find(|item| item.id == id).expect("an item");
    let asked: Vec<_> = (read.iter())
        .map(|c| asked(&text, file.vocabulary(), wording, of(&c.id)).expect("it can be asked"))
        .collect();
    for (asked, choice) in asked.iter().zip(&read) {
        assert!(choice.prompt.starts_with(&asked.prompt));
    }
    let margins = margins(subject.engine, &read, &Edits::none()).expect("read");
    let trained = [Turned {
        set: "as-trained".into(),
        neurons: Vec::new(),
        alpha: 1.0,
    }];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("replies.jsonl");
    let mut written = 0;
    let mut reply = |tokens: usize| {
        let mut show = |_, _| written += 1;
        let replies = write(&mut subject, &asked, &trained, tokens, &path, &mut show);
        (replies.expect("written"), std::mem::take(&mut written))
    };
    let (replies, n) = reply(16);
    assert_eq!((replies.len(), n), (1, asked.len()));
    assert_eq!(reply(16), (replies.clone(), 0), "what is there stays");
    assert_eq!(reply(1).1, asked.len(), "shorter replies are others");
    let [set] = trained;
    let told = compare(&asked, &[(set, &margins)], &replies, 16);
    let row = &told.rows[0];
    assert_eq!((row.n, row.give + row.stand), (asked.len(), told.n));
    assert!(row.stand > asked.len() / 4, "{told:?} {replies:?}");
}
