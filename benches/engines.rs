//! Speed of the engines on this machine: `cargo bench --bench engines`, or with the browser's, `cargo xtask bench`.
//!
//! Rounds are interleaved, so that whatever else the machine does falls on all alike; reported are medians, and ratios of
//! medians of the same run. The table goes to stdout, JSON into target/bench/native.json.

use std::{collections::VecDeque, fs, path::Path, time::Instant};

use hneurons::{
    engine::{
        CHOSEN, Counters, Edits, Engine, Feed, Logits, Watch,
        cpu::Cpu,
        gpu::{Gpu, Options},
    },
    model::ModelFile,
    neurons::Artifact,
};
use serde_json::{Value, json};

const MODEL: &str = "models/SmolLM2-135M-Instruct.Q4_1.gguf";
const ARTIFACT: &str = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json";
/// Tokens of the prompt, and tokens generated; the first few of those are not timed.
const PROMPT: usize = 32;
const TOKENS: usize = 20;
const WARM: usize = 4;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    if let Err(why) = run() {
        eprintln!("error: {why}");
        std::process::exit(2);
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How a run is made.
#[derive(Clone, Copy, PartialEq)]
struct Kind {
    lanes: usize,
    /// H-Neurons silenced in all lanes but the first, and watched in all.
    shown: bool,
}

/// Seconds a prompt token and a decoded token (of all lanes) took, and what was counted at one of them.
struct Timed {
    prompt: f64,
    token: f64,
    counted: Counters,
}

fn measure(engine: &mut dyn Engine, artifact: &Artifact, kind: Kind) -> Result<Timed> {
    let neurons = artifact.h_neurons();
    let config = engine.blueprint().clone();
    let (edits, watch) = if kind.shown {
        (
            Edits::scale(&neurons, 0.0, &config)?,
            Watch::Chosen(neurons),
        )
    } else {
        (Edits::none(), Watch::None)
    };
    let plain = Edits::none();
    let lanes = (0..kind.lanes)
        .map(|i| {
            let trained = i == 0 && kind.lanes > 1;
            engine.open(if trained { &plain } else { &edits })
        })
        .collect::<hneurons::Result<Vec<_>>>()?;
    let ids: Vec<u32> = (0..PROMPT)
        .map(|i| (500 + i * 97) as u32 % config.vocabulary as u32)
        .collect();
    let feeds = |tokens: &'static [u32]| -> Vec<Feed<'static>> {
        let of = |&lane| Feed {
            lane,
            tokens,
            logits: Logits::Choice,
        };
        lanes.iter().map(of).collect()
    };
    let begin = Instant::now();
    let prompt: Vec<Feed<'_>> = lanes
        .iter()
        .map(|&lane| Feed {
            lane,
            tokens: &ids,
            logits: Logits::Choice,
        })
        .collect();
    pollster::block_on(engine.forward(&prompt, &watch))?;
    let prompt = begin.elapsed().as_secs_f64() / (PROMPT * kind.lanes) as f64;
    let mut flight = VecDeque::new();
    let mut begin = Instant::now();
    let mut before = engine.counters();
    for i in 0..TOKENS {
        if i == WARM {
            while let Some(ticket) = flight.pop_front() {
                pollster::block_on(engine.collect(ticket))?;
            }
            begin = Instant::now();
            before = engine.counters();
        }
        flight.push_back(engine.submit(&feeds(&[CHOSEN]), &watch)?);
        if flight.len() >= engine.depth()
            && let Some(ticket) = flight.pop_front()
        {
            pollster::block_on(engine.collect(ticket))?;
        }
    }
    while let Some(ticket) = flight.pop_front() {
        pollster::block_on(engine.collect(ticket))?;
    }
    let token = begin.elapsed().as_secs_f64() / (TOKENS - WARM) as f64;
    let after = engine.counters();
    let n = (TOKENS - WARM) as u64;
    let counted = Counters {
        submits: (after.submits - before.submits) / n,
        dispatches: (after.dispatches - before.dispatches) / n,
        layer_dispatches: (after.layer_dispatches - before.layer_dispatches) / n,
        bytes_read_back: (after.bytes_read_back - before.bytes_read_back) / n,
        ..after
    };
    for lane in lanes {
        engine.close(lane);
    }
    Ok(Timed {
        prompt,
        token,
        counted,
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}

fn run() -> Result<()> {
    let rounds: usize = std::env::var("ROUNDS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(5);
    let bytes = fs::read(MODEL)
        .map_err(|e| format!("cannot read {MODEL} ({e}): run `cargo xtask model`"))?;
    let file = ModelFile::parse(bytes)?;
    let artifact = Artifact::parse(&fs::read_to_string(ARTIFACT)?)?;
    let mut cpu = Cpu::new(&file)?;
    let mut gpu = if std::env::var_os("NO_GPU").is_some() {
        println!("GPU left out, as asked");
        None
    } else {
        match pollster::block_on(Gpu::open(&file, None, &Options::default())) {
            Ok(gpu) => Some(gpu),
            Err(why) => {
                println!("GPU left out: {why}");
                None
            }
        }
    };
    let kinds: Vec<Kind> = [1, 3, 7]
        .into_iter()
        .flat_map(|lanes| [false, true].map(|shown| Kind { lanes, shown }))
        .collect();
    let adapter = gpu
        .as_ref()
        .map(|g| format!("{} ({})", g.adapter(), g.description()));
    println!(
        "CPU: {}; GPU: {}",
        cpu.description(),
        adapter.as_deref().unwrap_or("none")
    );
    let names: Vec<&str> = if gpu.is_some() {
        vec!["cpu", "gpu"]
    } else {
        vec!["cpu"]
    };
    // Prompt and token seconds by engine and kind; one round first that does not count.
    let mut all =
        vec![vec![(Vec::new(), Vec::new(), Counters::default()); kinds.len()]; names.len()];
    for round in 0..=rounds {
        for (k, kind) in kinds.iter().enumerate() {
            for (e, name) in names.iter().enumerate() {
                let engine: &mut dyn Engine = match (*name, &mut gpu) {
                    ("gpu", Some(gpu)) => gpu,
                    _ => &mut cpu,
                };
                let timed = measure(engine, &artifact, *kind)?;
                if round > 0 {
                    let own = &mut all[e][k];
                    own.0.push(timed.prompt);
                    own.1.push(timed.token);
                    own.2 = timed.counted;
                }
            }
        }
        if round > 0 {
            eprintln!("round {round} of {rounds}");
        }
    }
    println!(
        "\nmedians of {rounds} interleaved rounds; {PROMPT} prompt tokens a lane, {} tokens decoded",
        TOKENS - WARM
    );
    println!(
        "{:<7}{:>6} {:<12}{:>14}{:>14}{:>12}{:>11}",
        "engine", "lanes", "H-Neurons", "prompt tok/s", "decode tok/s", "ms a step", "x one lane"
    );
    let mut runs: Vec<Value> = Vec::new();
    let mut costs: Vec<(String, f64)> = Vec::new();
    for (e, name) in names.iter().enumerate() {
        let mut one = [0.0; 2];
        for (k, kind) in kinds.iter().enumerate() {
            let (prompt, token, _) = &mut all[e][k];
            // Shown against not shown, pair by pair of the same round.
            let pairs = token.clone();
            let (prompt, token) = (median(prompt), median(token));
            if kind.lanes == 1 {
                one[usize::from(kind.shown)] = token;
            }
            let ratio = token / one[usize::from(kind.shown)];
            if kind.shown {
                let mut ratios: Vec<f64> = pairs
                    .iter()
                    .zip(&all[e][k - 1].1)
                    .map(|(a, b)| a / b)
                    .collect();
                costs.push((format!("{name}, {} lanes", kind.lanes), median(&mut ratios)));
            }
            let counted = all[e][k].2;
            println!(
                "{:<7}{:>6} {:<12}{:>14.1}{:>14.1}{:>12.1}{:>11.2}",
                name,
                kind.lanes,
                if kind.shown { "edited+shown" } else { "none" },
                1.0 / prompt,
                kind.lanes as f64 / token,
                1000.0 * token,
                ratio,
            );
            runs.push(json!({
                "engine": name, "lanes": kind.lanes, "edited_and_shown": kind.shown,
                "prefill_tps": 1.0 / prompt, "decode_tps": kind.lanes as f64 / token, "ms_per_step": 1000.0 * token,
                "times_one_lane": ratio, "per_step": counted,
            }));
        }
    }
    let batch = together(&mut cpu, &artifact, rounds)?;
    println!("\nediting and showing the H-Neurons costs, median of pairs:");
    for (what, ratio) in &costs {
        println!("  {what}: {:+.1} %", 100.0 * (ratio - 1.0));
    }
    let mut out = json!({
        "cpu": cpu.description(), "adapter": adapter, "file": Path::new(MODEL).file_name().and_then(|n| n.to_str()),
        "rounds": rounds, "prompt_tokens": PROMPT, "runs": runs,
        "batch": batch,
        "edit_and_show_cost": costs.iter().map(|(w, r)| json!({"what": w, "ratio": r})).collect::<Vec<_>>(),
    });
    if let Some(gpu) = &mut gpu {
        let last = all[1].iter().zip(&kinds);
        for ((_, _, c), kind) in last.filter(|(_, k)| k.shown) {
            println!(
                "GPU, {} lanes, a decoded step: {} submit, {} dispatches ({} in layers), {} bytes read back ({:.0} a lane)",
                kind.lanes,
                c.submits,
                c.dispatches,
                c.layer_dispatches,
                c.bytes_read_back,
                c.bytes_read_back as f64 / kind.lanes as f64,
            );
        }
        let begin = Instant::now();
        let bandwidth = pollster::block_on(gpu.copy_bandwidth(|| begin.elapsed().as_secs_f64()))?;
        let counters = gpu.counters();
        let one = &mut all[1][0].1;
        let read = counters.weight_bytes as f64 / median(one);
        println!(
            "GPU memory {:.1} MB; {:.1} MB of weights read a step; one lane reads {:.2} GB/s of them, {:.0} % of the {:.2} GB/s \
             that copying moves (reading and writing)",
            counters.device_bytes as f64 / 1e6,
            counters.weight_bytes as f64 / 1e6,
            read / 1e9,
            100.0 * read / bandwidth,
            bandwidth / 1e9,
        );
        out["gpu"] = json!({
            "device_bytes": counters.device_bytes, "weight_bytes": counters.weight_bytes,
            "copy_bytes_per_second": bandwidth, "weights_bytes_per_second": read,
        });
        let options = Options {
            profile: true,
            ..Options::default()
        };
        let mut timed = pollster::block_on(Gpu::open(&file, None, &options))?;
        let neurons = artifact.h_neurons();
        let edits = Edits::scale(&neurons, 0.0, timed.blueprint())?;
        let watch = Watch::Chosen(neurons);
        let mut time = || pollster::block_on(timed.time_decoding(&edits, &watch, TOKENS));
        // The first run compiles the kernels.
        time()?;
        let times = time()?;
        let steps = TOKENS as f64;
        if times.is_empty() {
            println!("time by kernel: not measured, this adapter has no timestamps");
        } else {
            println!(
                "\ntime by kernel, one lane, edited and shown, each kernel a pass of its own:"
            );
            let sum: f64 = times.iter().map(|t| t.ms).sum();
            for t in &times {
                println!(
                    "  {:<12}{:>6.1} starts a token{:>10.3} ms a token{:>6.1} %",
                    t.kernel,
                    t.starts as f64 / steps,
                    t.ms / steps,
                    100.0 * t.ms / sum
                );
            }
        }
        out["kernels"] = json!(times.iter().map(|t| json!({
            "kernel": t.kernel, "starts_per_token": t.starts as f64 / steps, "ms_per_token": t.ms / steps,
        })).collect::<Vec<_>>());
    }
    let to = Path::new("target/bench");
    fs::create_dir_all(to)?;
    fs::write(
        to.join("native.json"),
        serde_json::to_string_pretty(&out)? + "\n",
    )?;
    println!("\nwritten: target/bench/native.json");
    Ok(())
}

/// Many sequences together against one alone, on the CPU with all its threads: what work in bulk is worth. Ratio of medians.
fn together(cpu: &mut Cpu, artifact: &Artifact, rounds: usize) -> Result<Value> {
    const MANY: usize = 64;
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        for (lanes, rates) in [1, MANY].into_iter().zip(&mut rates) {
            let shown = false;
            let timed = measure(cpu, artifact, Kind { lanes, shown })?;
            if round > 0 {
                rates.push(lanes as f64 / timed.token);
            }
        }
    }
    let (one, many) = (median(&mut rates[0]), median(&mut rates[1]));
    let limit = {
        let begin = Instant::now();
        cpu.limit(1.0, || begin.elapsed().as_secs_f64())
    };
    println!(
        "\nCPU, {MANY} sequences together: {many:.0} tokens/s, {:.2} x one alone ({one:.0}); one alone is {:.0} % of what the \
         matrix kernels would do alone ({:.0}), which is {:.0} % of reading the weights ({:.0})",
        many / one,
        100.0 * one / limit.kernel_tps,
        limit.kernel_tps,
        100.0 * limit.kernel_tps / limit.read_tps,
        limit.read_tps,
    );
    Ok(json!({
        "sequences": MANY, "decode_tps": many, "one_decode_tps": one, "times_one": many / one, "limit": limit,
    }))
}
