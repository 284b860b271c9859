//! Our side of `benches/native/race.mjs`: one model on one thread of the CPU, in a process that stays between rounds.
//!
//! It reads a command a line from stdin and answers with a line of JSON on stdout, until stdin ends:
//! - `prefill 1 2 3` reads these token ids in a new lane and chooses the next token;
//! - `decode 64` feeds the chosen token and chooses the next, so many times.
//!
//! An answer is `{"ms": 12.3, "ids": [4]}`: milliseconds, and the tokens that were chosen. The first line comes when the
//! model is loaded, and names the engine: `{"engine": "cpu/avx2"}`.

use std::{
    fs::File,
    io::{Write, stdin, stdout},
    time::Instant,
};

use hneurons::{
    engine::{CHOSEN, Edits, Engine, Feed, LaneId, Logits, Watch, cpu::Cpu},
    model::ModelFile,
};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` only asks whether it starts.
    if arguments.iter().any(|a| a == "--test") {
        return;
    }
    // Cargo adds `--bench`.
    let Some(path) = arguments.iter().find(|a| !a.starts_with("--")) else {
        println!("served: waits for commands of benches/native/race.mjs, and needs a model file");
        return;
    };
    if let Err(why) = serve(path) {
        eprintln!("error: {why}");
        std::process::exit(2);
    }
}

fn serve(path: &str) -> Result<()> {
    let mut file = File::open(path).map_err(|e| format!("cannot read {path}: {e}"))?;
    let size = file.metadata()?.len();
    let model = ModelFile::read(&mut file, size)?;
    let mut cpu = Cpu::new(&model)?;
    cpu.set_threads(1);
    say(&json!({ "engine": cpu.description() }))?;
    let mut open: Option<LaneId> = None;
    for line in stdin().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let command = words.next().unwrap_or_default();
        let numbers = words
            .map(str::parse::<u32>)
            .collect::<std::result::Result<Vec<u32>, _>>()?;
        let mut ids = Vec::new();
        let begin;
        match (command, open, numbers.as_slice()) {
            ("prefill", _, tokens) => {
                if let Some(lane) = open {
                    cpu.close(lane);
                }
                let lane = cpu.open(&Edits::none())?;
                open = Some(lane);
                begin = Instant::now();
                ids.push(choose(&mut cpu, lane, tokens)?);
            }
            ("decode", Some(lane), &[count]) => {
                begin = Instant::now();
                for _ in 0..count {
                    ids.push(choose(&mut cpu, lane, &[CHOSEN])?);
                }
            }
            _ => {
                return Err(format!(
                    "'{line}' is neither `prefill IDS` nor `decode COUNT` after it"
                )
                .into());
            }
        }
        let ms = begin.elapsed().as_secs_f64() * 1000.0;
        say(&json!({ "ms": ms, "ids": ids }))?;
    }
    Ok(())
}

/// Reads tokens, and chooses the next.
fn choose(cpu: &mut Cpu, lane: LaneId, tokens: &[u32]) -> Result<u32> {
    let feed = Feed {
        lane,
        tokens,
        logits: Logits::Choice,
    };
    let readings = pollster::block_on(cpu.forward(&[feed], &Watch::None))?;
    let choice = readings[0].choice.ok_or("the engine chose no token")?;
    Ok(choice.id)
}

fn say(what: &Value) -> Result<()> {
    writeln!(stdout(), "{what}")?;
    Ok(())
}
