//! What the detector and its span cost a token, in short answers and long ones: `cargo bench --bench score`.
//!
//! Rounds of both are interleaved; the ratio of their medians says whether a long answer costs more a token.

use std::{hint::black_box, time::Instant};

use hneurons::neurons::{Artifact, Detector, RunningScore};

const ARTIFACT: &str = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json";
const SHORT: usize = 64;
const LONG: usize = 4096;
const ROUNDS: usize = 21;

/// The text of an answer's token, by its place.
type Text = fn(usize) -> &'static str;

/// Seconds a token of an answer of `tokens` tokens, each of which is read and scored, and its span told.
fn per_token(detector: &Detector, tokens: usize, text: Text) -> f64 {
    let contributions = vec![0.001f32; detector.neurons().count()];
    let begin = Instant::now();
    // As many tokens in all, so that the clock is as exact.
    for _ in 0..LONG / tokens {
        let mut score = RunningScore::new(detector.clone(), "What is the capital of France?");
        for i in 0..tokens {
            black_box(score.read(text(i), &contributions));
            black_box(score.score());
            black_box(score.take_span());
        }
    }
    begin.elapsed().as_secs_f64() / LONG as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let json = std::fs::read_to_string(ARTIFACT).expect("the artifact is in the repository");
    let detector = Detector::of(&Artifact::parse(&json).expect("the artifact is sound"));
    let kinds: [(&str, Text); 3] = [
        ("sentences", |i| {
            [" The", " river", " runs", " far", "."][i % 5]
        }),
        ("one sentence", |i| [" and", " water", " goes"][i % 3]),
        ("one word", |_| "ab"),
    ];
    println!("microseconds a token, medians of {ROUNDS} interleaved rounds");
    for (name, text) in kinds {
        let rounds: Vec<(f64, f64)> = (0..ROUNDS)
            .map(|_| {
                let short = per_token(&detector, SHORT, text);
                (short, per_token(&detector, LONG, text))
            })
            .collect();
        let short = median(rounds.iter().map(|r| r.0).collect());
        let long = median(rounds.iter().map(|r| r.1).collect());
        println!(
            "{name:>14}  {SHORT} tokens {:.2}  {LONG} tokens {:.2}  ratio {:.2}",
            1e6 * short,
            1e6 * long,
            long / short
        );
    }
}
