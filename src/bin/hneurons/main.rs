//! The command line: what the page does, natively, and what it shows, computed.

mod artifact;
mod evaluate;
mod found;
mod gallery;
mod identify;
mod inspect;
mod intervene;
mod levers;
mod margins;
mod merge;
mod model;
mod origins;
mod published;
mod questions;
mod run;
mod trace;
mod transfer;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// See, and switch, the neurons that go with a language model's hallucinations.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer a prompt in one or more lanes, with and without the H-Neurons.
    Run(run::Args),
    /// Say what is in a model file.
    Inspect(inspect::Args),
    /// Show, write or import questions.
    Questions(questions::Args),
    /// Find the neurons that go with hallucinations.
    Identify(identify::Args),
    /// Join the parts of a sharded `identify`.
    Merge(merge::Args),
    /// Say how good the detector of `identify`, or of an artifact, is.
    Evaluate(evaluate::Args),
    /// Choose small sets of neurons that move a behaviour, by the gradient of its margin.
    Levers(levers::Args),
    /// Say what silencing and amplifying change.
    Intervene(intervene::Args),
    /// Say whether the H-Neurons were there before tuning, and whether tuning moved them more than others.
    Origins(origins::Args),
    /// Record the runs that the page shows before any model is there.
    Gallery(gallery::Args),
    /// Make an artifact (hneurons.json) from a list of weighted neurons.
    Artifact(artifact::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::main(&args),
        Command::Inspect(args) => inspect::main(&args),
        Command::Questions(args) => questions::main(&args),
        Command::Identify(args) => identify::main(&args),
        Command::Merge(args) => merge::main(&args),
        Command::Evaluate(args) => evaluate::main(&args),
        Command::Levers(args) => levers::main(&args),
        Command::Intervene(args) => intervene::main(&args),
        Command::Origins(args) => origins::main(&args),
        Command::Gallery(args) => gallery::main(&args),
        Command::Artifact(args) => artifact::main(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("hneurons: {e}");
            ExitCode::from(2)
        }
    }
}
