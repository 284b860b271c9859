//! `hneurons merge`: the parts of a sharded `identify` become one.

use std::path::PathBuf;

use hneurons::{Result, research::collect::merge};

#[derive(clap::Args)]
pub struct Args {
    /// The folders of all parts.
    #[arg(required = true, value_name = "FOLDER")]
    parts: Vec<PathBuf>,
    /// The folder for the whole.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

pub fn main(args: &Args) -> Result<()> {
    let n = merge(&args.parts, &args.out)?;
    eprintln!(
        "joined {n} parts: run identify with --out {} and without --shard to go on",
        args.out.display()
    );
    Ok(())
}
