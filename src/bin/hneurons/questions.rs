//! `hneurons questions`: the question bank, and the readers of published ones.

use std::path::PathBuf;

use hneurons::{
    Error, ErrorKind, Result,
    research::questions::{bank, count_warnings, import, read, summary, write},
};

use super::model::read_text;

#[derive(clap::Args)]
pub struct Args {
    /// Write the project's own questions into this folder, a file a source.
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Read questions in a published format: triviaqa, nq-open, bioasq, falseqa, faitheval or jsonl.
    #[arg(long, value_name = "FORMAT", requires = "from")]
    import: Option<String>,
    /// The file to read. Without --import it is checked and counted.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where imported questions go; without it they are counted only.
    #[arg(long, value_name = "FILE", requires = "import")]
    out: Option<PathBuf>,
}

fn save(path: &std::path::Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| {
        Error::new(
            ErrorKind::Io,
            format!("cannot write {} ({e}): check the folder", path.display()),
        )
    })?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

pub fn main(args: &Args) -> Result<()> {
    if let Some(folder) = &args.write {
        for (name, questions) in [
            ("facts", bank::facts()),
            ("made-up", bank::made_up()),
            ("misleading", bank::misleading()),
            ("false-premise", bank::false_premises()),
        ] {
            save(&folder.join(format!("{name}.jsonl")), &write(&questions)?)?;
        }
    }
    let Some(from) = &args.from else {
        if args.write.is_none() {
            for questions in [
                bank::facts(),
                bank::made_up(),
                bank::misleading(),
                bank::false_premises(),
            ] {
                println!("{}\n", summary(&questions));
            }
        }
        return Ok(());
    };
    let (text, name) = (read_text(from)?, from.display().to_string());
    let questions = match &args.import {
        Some(format) => import::import(import::Format::named(format)?, &text, &name)?,
        None => {
            let (questions, warnings) = read(&text, &name)?;
            for warning in &warnings {
                eprintln!("{name}, {warning}");
            }
            if !warnings.is_empty() {
                eprintln!("{}", count_warnings(&warnings));
            }
            questions
        }
    };
    println!("{}", summary(&questions));
    if let Some(out) = &args.out {
        save(out, &write(&questions)?)?;
    }
    Ok(())
}
