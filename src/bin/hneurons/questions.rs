//! `hneurons questions`: the question bank, and the readers of published ones.

use std::path::PathBuf;

use hneurons::{
    Error, ErrorKind, Result,
    research::questions::{bank, count_warnings, import, read, summary, write},
};

use hneurons_fetch::Progress;

use super::model::read_text;

#[derive(clap::Args)]
pub struct Args {
    /// Write the project's own questions into this folder, a file a source.
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Read questions in a published format: triviaqa, nq-open, bioasq, falseqa, faitheval or jsonl.
    #[arg(long, value_name = "FORMAT")]
    import: Option<String>,
    /// The file to read. Without --import it is checked and counted.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// With --import: get the file from where its authors publish it (nq-open, falseqa).
    #[arg(long, requires = "import", conflicts_with = "from")]
    fetch: bool,
    /// With --fetch: another address of that file.
    #[arg(long, value_name = "ADDRESS", requires = "fetch")]
    url: Option<String>,
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
    let format = match &args.import {
        Some(name) => Some(import::Format::named(name)?),
        None => None,
    };
    let (text, name) = if let (Some(format), true) = (format, args.fetch) {
        let url = match &args.url {
            Some(url) => url,
            None => format.published()?,
        };
        let text = hneurons_fetch::text(url, &Progress::to_stderr())
            .map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?;
        (text, url.to_owned())
    } else if let Some(from) = &args.from {
        (read_text(from)?, from.display().to_string())
    } else if format.is_some() {
        return Err(Error::new(
            ErrorKind::Input,
            "nothing is there to import: give the file with --from, or have it fetched with --fetch",
        ));
    } else {
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
    let questions = match format {
        Some(format) => import::import(format, &text, &name)?,
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
