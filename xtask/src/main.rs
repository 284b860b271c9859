//! Every chore of the repository is a subcommand of `cargo xtask`, in Rust, so that a fresh machine needs rustup and git
//! and nothing else. Each command does its own set-up, says what it does, and skips what is already done.

mod artifact;
mod bench;
mod bindgen;
mod browser;
mod bundle;
mod dist;
mod files;
mod fuzz;
mod javascript;
mod lint;
mod made;
mod native;
mod paths;
mod process;
#[cfg(test)]
mod references;
mod report;
mod serve;
mod test;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hneurons_fetch::{Model, Progress, catalogue};

use crate::wasm::{Lint, Profile};

/// What went wrong: one line with cause and remedy, shown to whoever ran the command.
type Result<T> = std::result::Result<T, String>;

/// The chores of H-Neuron Lab.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Get the model, build the page, serve it and open it in the browser
    Demo {
        /// The port to serve on [default: 8000, or the next free one]
        #[arg(long)]
        port: Option<u16>,
        /// Only print the address
        #[arg(long)]
        no_open: bool,
        /// Build as for publishing (slow to compile, a little faster to run)
        #[arg(long)]
        full: bool,
    },
    /// Run every test: format, lints, native, wasm, browser
    Test {
        /// Only these steps
        #[arg(long, value_delimiter = ',', value_enum)]
        only: Vec<test::Step>,
        /// Leave out what takes minutes, and say what that is; a test file that was changed runs all the same
        #[arg(long, conflicts_with = "only")]
        quick: bool,
    },
    /// Try broken model headers, and a tenth as many templates, addresses and messages: no crash, no memory bomb
    Fuzz {
        /// How many headers
        #[arg(long, default_value_t = 100_000)]
        cases: u64,
        /// The first case's number: other numbers are other cases
        #[arg(long, default_value_t = 0)]
        first: u64,
    },
    /// Build pkg/ and dist/, a folder any static host can serve under any path
    Build {
        /// Compile in a fraction of the time, to somewhat larger and slower code
        #[arg(long)]
        quick: bool,
        /// Where the deployable files go
        #[arg(long, default_value = "dist")]
        out: PathBuf,
    },
    /// Measure tokens per second, natively and in one headless browser; JSON into target/bench/
    Bench {
        /// Only this part
        #[arg(long, value_enum)]
        only: Option<bench::Part>,
        /// In the browser, use WebGPU's software adapter (for machines without a GPU)
        #[arg(long)]
        software: bool,
        /// Leave the GPU out
        #[arg(long)]
        no_gpu: bool,
        /// Race candle's own quantized Llama and llama.cpp (wllama) beside ours
        #[arg(long)]
        peers: bool,
        /// In the browser, race on this model of models/ (see benches/browser/race.mjs) or this GGUF file [default: SmolLM2]
        #[arg(long, value_name = "ID|FILE")]
        model: Option<String>,
        /// How many times each engine is measured (at least 5 for numbers worth quoting)
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
        rounds: u32,
        /// Use the quick build (for trying the bench itself out)
        #[arg(long)]
        quick: bool,
    },
    /// Serve dist/ and models/ as they are
    Serve {
        /// The port to serve on [default: 8000, or the next free one]
        #[arg(long)]
        port: Option<u16>,
    },
    /// Get a model file into models/ and verify it
    Model {
        /// A model of the catalogue (www/models/index.json), or `all` [default: SmolLM2-135M-Instruct]
        id: Option<String>,
    },
    /// Find the H-Neurons, evaluate and turn them, and write the artifact and the gallery that the page shows
    Artifact {
        /// A model of the catalogue [default: SmolLM2-135M-Instruct]
        #[arg(long, value_name = "ID")]
        model: Option<String>,
        /// Questions to learn from in place of the project's own (see `hneurons questions`)
        #[arg(long, value_name = "FILE")]
        learn_from: Vec<PathBuf>,
        /// A source of those questions that is asked and measured, and never learnt from
        #[arg(long, value_name = "SOURCE")]
        hold_out: Vec<String>,
        /// Further questions to evaluate on, a data set a file
        #[arg(long, value_name = "FILE")]
        questions: Vec<PathBuf>,
        /// Folder for what is computed; what is there is not computed again [default: target/identify, or target/ID]
        #[arg(long, value_name = "FOLDER")]
        run: Option<PathBuf>,
    },
}

fn unknown_model(id: &str) -> String {
    format!(
        "the catalogue has no model {id}; its models are {}",
        catalogue().ids()
    )
}

fn main() -> ExitCode {
    if let Some(code) = lint::in_the_compilers_place() {
        return code;
    }
    let cli = Cli::parse();
    let done = process::stop_children_on_interrupt().and_then(|()| run(cli.command));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo {
            port,
            no_open,
            full,
        } => {
            model()?;
            let profile = if full { Profile::Web } else { Profile::Quick };
            dist::build(profile, &paths::root().join("dist"), Lint::No)?;
            serve::serve(port, !no_open)
        }
        Command::Test { only, quick } => test::run(&only, quick),
        Command::Fuzz { cases, first } => fuzz::run(cases, first),
        Command::Build { quick, out } => {
            let profile = if quick { Profile::Quick } else { Profile::Web };
            // A relative folder is relative to where the command was typed, as with any tool.
            let out = std::path::absolute(out).map_err(|e| e.to_string())?;
            dist::build(profile, &out, Lint::No)
        }
        Command::Bench {
            peers,
            model,
            rounds,
            quick,
            only,
            software,
            no_gpu,
        } => {
            let profile = if quick { Profile::Quick } else { Profile::Web };
            bench::run(
                profile,
                peers,
                model.as_deref(),
                rounds,
                only,
                software,
                no_gpu,
            )
        }
        Command::Serve { port } => serve::serve(port, false),
        Command::Model { id } => match id.as_deref() {
            None => model(),
            Some("all") => catalogue().models.iter().try_for_each(fetch),
            Some(id) => fetch(catalogue().find(id).ok_or_else(|| unknown_model(id))?),
        },
        Command::Artifact {
            model,
            learn_from,
            hold_out,
            questions,
            run,
        } => {
            let of = match &model {
                None => catalogue().default_model(),
                Some(id) => catalogue().find(id).ok_or_else(|| unknown_model(id))?,
            };
            fetch(of)?;
            let usual = of.id == catalogue().default;
            let run = run.unwrap_or_else(|| match usual {
                true => paths::target().join("identify"),
                false => paths::target().join(&of.id),
            });
            let questions = artifact::Questions {
                learnt_from: learn_from,
                held_out: hold_out,
                evaluated_on: questions,
            };
            artifact::make(of, &questions, &run)
        }
    }
}

/// The catalogue's default model, verified, in `models/`.
fn model() -> Result<()> {
    fetch(catalogue().default_model())
}

/// The models that the tests run, verified, in `models/`.
fn tested_models() -> Result<()> {
    let tested = catalogue()
        .models
        .iter()
        .filter(|model| model.bytes < LARGE);
    tested.into_iter().try_for_each(fetch)
}

/// A model of more bytes is too large to be fetched for tests.
const LARGE: u64 = 1 << 30;

/// A model, verified, in `models/`.
fn fetch(model: &Model) -> Result<()> {
    report::step(&format!("model {}", model.id), || {
        hneurons_fetch::ensure(&paths::models(), model, &Progress::to_stderr())
            .map(|path| paths::shown(&path))
            .map_err(|e| e.to_string())
    })
}
