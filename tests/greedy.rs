//! Real files of two architectures against an f32 pass over the same weights (`tests/fixtures/make_greedy.py`): at every
//! token of every answer the engine chooses what that pass chose, unless that was a near-tie.

mod common;

use hneurons::{
    engine::{Edits, Engine, Feed, Logits, Watch, cpu::Cpu},
    model::ModelFile,
    text::{Conversation, Message, Tokenizer},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
struct Prompt {
    text: String,
    /// The question, where the prompt is one in the model's chat template.
    user: Option<String>,
    ids: Vec<u32>,
    generated: Vec<u32>,
    /// How far the first logit is ahead of the second, at each generated token.
    margins: Vec<f32>,
}

/// A logit that is less ahead than this may change places with the second.
const NEAR_TIE: f32 = 0.3;
/// Lanes that share a read of the weights.
const LANES: usize = 8;

fn read(table: &str) -> Table {
    serde_json::from_str(&common::fixture(table)).expect("the table is JSON")
}

fn holds(file: &ModelFile, table: &str) {
    let table = read(table);
    assert!(table.prompts.len() >= 30, "{} prompts", table.prompts.len());
    let vocabulary = file.blueprint().vocabulary;
    let mut cpu = Cpu::new(file).expect("room");
    let (mut near, mut tokens) = (0, 0);
    for prompts in table.prompts.chunks(LANES) {
        let lanes: Vec<_> = prompts
            .iter()
            .map(|_| cpu.open(&Edits::none()).expect("a lane"))
            .collect();
        // The prompt but its last token, then that and the answer, whose logits are looked at.
        let starts: Vec<Feed<'_>> = prompts
            .iter()
            .zip(&lanes)
            .filter(|(p, _)| p.ids.len() > 1)
            .map(|(p, &lane)| Feed {
                lane,
                tokens: &p.ids[..p.ids.len() - 1],
                logits: Logits::None,
            })
            .collect();
        pollster::block_on(cpu.forward(&starts, &Watch::None)).expect("a pass");
        let rests: Vec<Vec<u32>> = prompts
            .iter()
            .map(|p| {
                let last = p.ids.last().expect("a prompt has tokens");
                let said = &p.generated[..p.generated.len() - 1];
                [&[*last], said].concat()
            })
            .collect();
        let feeds: Vec<Feed<'_>> = rests
            .iter()
            .zip(&lanes)
            .map(|(tokens, &lane)| Feed {
                lane,
                tokens,
                logits: Logits::All,
            })
            .collect();
        let readings = pollster::block_on(cpu.forward(&feeds, &Watch::None)).expect("a pass");
        for (p, reading) in prompts.iter().zip(readings) {
            let rows = reading.logits.chunks_exact(vocabulary);
            for ((row, &id), &margin) in rows.zip(&p.generated).zip(&p.margins) {
                tokens += 1;
                let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                if row[id as usize] < most {
                    near += 1;
                    assert!(
                        margin < NEAR_TIE,
                        "{:?}: another token than {id}, which was {margin} ahead",
                        p.text
                    );
                }
            }
        }
        for lane in lanes {
            cpu.close(lane);
        }
    }
    println!("{tokens} tokens, {near} other choices at near-ties");
    // Rounding moves few of these.
    assert!(near * 20 <= tokens, "{near} of {tokens} tokens are others");
}

#[test]
fn qwen2_5_coder_says_what_an_f32_pass_over_its_file_says() {
    let file = common::file_of("qwen2.5-coder-0.5b-instruct-q4_k_m");
    holds(&file, "greedy_qwen2.5-coder-0.5b.json");
    // Its chat template, with the system message that it adds itself.
    let vocabulary = file.vocabulary();
    let tokenizer = Tokenizer::new(vocabulary).expect("a sound vocabulary");
    let table = read("greedy_qwen2.5-coder-0.5b.json");
    let asked = table
        .prompts
        .iter()
        .filter_map(|p| Some((p.user.as_ref()?, &p.ids)));
    let mut count = 0;
    for (question, ids) in asked {
        let conversation = Conversation::Messages(vec![Message::user(question)]);
        let prompt = conversation
            .encode(&tokenizer, vocabulary)
            .expect("a prompt");
        let got: Vec<u32> = prompt.iter().map(|t| t.id).collect();
        assert_eq!(&got, ids, "{question}");
        count += 1;
    }
    assert!(count >= 15, "{count} questions");
}

#[test]
fn gemma_3_says_what_an_f32_pass_over_its_file_says() {
    let file = common::file_of("gemma-3-270m-q4_k_m");
    holds(&file, "greedy_gemma-3-270m.json");
}
