//! Tokens per second, natively and in one headless browser: ours in each variant and, beside it, candle's own quantized
//! Llama and llama.cpp (wllama).

use std::fs;
use std::path::Path;

use clap::ValueEnum;

use crate::wasm::{Lint, Profile, Variant};
use crate::{Result, bindgen, browser, dist, paths, process, report, wasm};

/// A part of the benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The engines as native code
    Native,
    /// The page's module in a browser
    Browser,
    /// The CPU engine and llama.cpp as native code, one thread each, on the same files (only when asked for)
    NativePeers,
}

/// Builds what takes part, measures and races it, and writes `native.json`, `native-peers.json` and `browser.json` (for
/// a given model `browser-MODEL.json`) into `target/bench/`.
pub fn run(
    profile: Profile,
    peers: bool,
    model: Option<&str>,
    rounds: u32,
    only: Option<Part>,
    software: bool,
    no_gpu: bool,
) -> Result<()> {
    crate::model()?;
    if only == Some(Part::NativePeers) {
        return native_peers(rounds);
    }
    if only != Some(Part::Browser) {
        let mut cargo = process::cargo();
        cargo
            .args(["bench", "--bench", "engines"])
            .env("ROUNDS", rounds.to_string());
        if no_gpu {
            cargo.env("NO_GPU", "1");
        }
        process::run(&mut cargo)?;
    }
    if only == Some(Part::Native) {
        return Ok(());
    }
    dist::build(profile, &paths::root().join("dist"), Lint::No)?;
    let out = paths::target().join("bench");
    fs::create_dir_all(&out).map_err(|e| format!("cannot write {}: {e}", out.display()))?;
    let candle = out.join("candle");
    if peers {
        report::step("wasm candle", || {
            let file = wasm::compile("candle-peer", Variant::Simd128, profile, Lint::No)?;
            bindgen::generate(&file, "candle_peer", &candle, profile)
        })?;
    }
    let result = out.join(match model.map(Path::new).and_then(Path::file_name) {
        Some(name) => format!("browser-{}.json", name.to_string_lossy()),
        None => "browser.json".to_owned(),
    });
    let mut node = browser::node()?;
    node.arg("benches/browser/race.mjs")
        .args(["--rounds", &rounds.to_string()])
        .args(["--profile", profile.name()])
        .args(model.map(|model| format!("--model={model}")))
        .arg("--out")
        .arg(&result);
    if peers {
        browser::packages(&paths::root().join("benches/browser"))?;
        node.arg("--candle").arg(&candle).arg("--wllama");
    }
    if no_gpu {
        node.arg("--no-gpu");
    }
    if software {
        node.arg("--software");
    }
    process::run(&mut node)?;
    eprintln!("written: {}", paths::shown(&result));
    Ok(())
}

/// Races the CPU engine against llama.cpp natively (`benches/native/race.mjs`).
fn native_peers(rounds: u32) -> Result<()> {
    let out = paths::target().join("bench");
    fs::create_dir_all(&out).map_err(|e| format!("cannot write {}: {e}", out.display()))?;
    let result = out.join("native-peers.json");
    let mut node = browser::plain_node()?;
    browser::packages(&paths::root().join("benches/native"))?;
    process::forget_us(&mut node);
    node.arg("benches/native/race.mjs")
        .args(["--rounds", &rounds.to_string()])
        .arg("--out")
        .arg(&result);
    process::run(&mut node)?;
    eprintln!("written: {}", paths::shown(&result));
    Ok(())
}
