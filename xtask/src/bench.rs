//! Tokens per second in one headless browser: ours in each variant and, beside it, candle's own quantized Llama.

use std::fs;

use crate::wasm::{Profile, Variant};
use crate::{Result, bindgen, browser, dist, paths, process, report, wasm};

/// Builds what takes part, races it and writes `target/bench/browser.json`.
pub fn run(profile: Profile, peers: bool, rounds: u32) -> Result<()> {
    crate::model()?;
    dist::build(profile, &paths::root().join("dist"))?;
    let out = paths::target().join("bench");
    fs::create_dir_all(&out).map_err(|e| format!("cannot write {}: {e}", out.display()))?;
    let candle = out.join("candle");
    if peers {
        report::step("wasm candle", || {
            let file = wasm::compile("candle-peer", Variant::Simd128, profile)?;
            bindgen::generate(&file, "candle_peer", &candle, profile)
        })?;
    }
    let result = out.join("browser.json");
    let mut node = browser::node()?;
    node.arg("benches/browser/race.mjs")
        .args(["--rounds", &rounds.to_string()])
        .args(["--profile", profile.name()])
        .arg("--out")
        .arg(&result);
    if peers {
        node.arg("--candle").arg(&candle);
    }
    process::run(&mut node)?;
    eprintln!("written: {}", paths::shown(&result));
    Ok(())
}
