//! The hub: one file over HTTP(S), resumed where the last attempt stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::{Model, Progress, local};

/// How often a broken download is taken up again, as long as each attempt gets further.
const ATTEMPTS: usize = 4;

/// Downloads the file, verifies it and gives it its name.
pub(crate) fn fetch(
    url: &str,
    path: &Path,
    model: &Model,
    progress: &Progress,
) -> Result<(), String> {
    let part = local::with_suffix(path, ".part");
    let agent = agent();
    let named = |why: String| format!("{url}: {why}");

    let resumed = size(&part) > 0;
    download(&agent, url, &part, model, progress).map_err(named)?;
    match local::accept(&part, path, model, progress) {
        Ok(()) => Ok(()),
        // The earlier run's bytes may be of another file; a whole download settles it.
        Err(why) if resumed => {
            progress.line(&format!("{why}; starting over"));
            download(&agent, url, &part, model, progress).map_err(named)?;
            local::accept(&part, path, model, progress).map_err(named)
        }
        Err(why) => Err(named(why)),
    }
}

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        // Without a way to the hub one should know soon: there is another source.
        .timeout_connect(Some(Duration::from_secs(5)))
        .timeout_resolve(Some(Duration::from_secs(5)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .timeout_per_read(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .user_agent(concat!("hneurons/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Brings `part` to its full size, over as many connections as it takes.
fn download(
    agent: &ureq::Agent,
    url: &str,
    part: &Path,
    model: &Model,
    progress: &Progress,
) -> Result<(), String> {
    if size(part) > model.bytes {
        fs::remove_file(part).map_err(|e| format!("cannot write {}: {e}", part.display()))?;
    }
    let mut attempt = 0;
    while size(part) < model.bytes {
        let before = size(part);
        attempt += 1;
        match transfer(agent, url, part, model, progress) {
            Ok(()) => {}
            Err(Stop::Final(why)) => return Err(why),
            Err(Stop::Cut(why)) if size(part) > before && attempt < ATTEMPTS => {
                progress.line(&format!("the connection broke ({why}); resuming"));
            }
            Err(Stop::Cut(why)) if size(part) == 0 => return Err(why),
            Err(Stop::Cut(why)) => {
                return Err(format!(
                    "{why} after {} of {} bytes (kept; the next run resumes)",
                    size(part),
                    model.bytes
                ));
            }
        }
    }
    Ok(())
}

/// Why one connection did not bring the rest of the file.
enum Stop {
    /// Another attempt may get further.
    Cut(String),
    /// No attempt will.
    Final(String),
}

fn transfer(
    agent: &ureq::Agent,
    url: &str,
    part: &Path,
    model: &Model,
    progress: &Progress,
) -> Result<(), Stop> {
    let have = size(part);
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let mut response = request.call().map_err(|e| match e {
        // Nothing was reached at all: a second try would only wait again.
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => Stop::Final(e.to_string()),
        ureq::Error::Timeout(_) => Stop::Final(format!("no answer in time ({e})")),
        _ => Stop::Cut(e.to_string()),
    })?;

    let cannot_write =
        |e: std::io::Error| Stop::Final(format!("cannot write {}: {e}", part.display()));
    let mut at = match response.status().as_u16() {
        206 if starts_at(&response, have) => have,
        // The server does not resume: from the beginning, then.
        200 => 0,
        206 | 416 => {
            fs::remove_file(part).map_err(cannot_write)?;
            return Err(Stop::Final(
                "the server does not have the rest of the file; the part was deleted".to_owned(),
            ));
        }
        code => {
            let name = response.status().canonical_reason().unwrap_or("");
            return Err(Stop::Final(format!("HTTP {code} {name}").trim().to_owned()));
        }
    };
    if let Some(length) = response.body().content_length()
        && at + length != model.bytes
    {
        return Err(Stop::Final(format!(
            "it has a file of {} bytes instead of {}",
            at + length,
            model.bytes
        )));
    }

    let mut file = if at == 0 {
        File::create(part)
    } else {
        OpenOptions::new().append(true).open(part)
    }
    .map_err(cannot_write)?;
    let verb = if at == 0 { "downloading" } else { "resuming" };
    let mut meter = progress.begin(&format!("{verb} {}", model.file), model.bytes, at);
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) if at < model.bytes => return Err(Stop::Cut("the answer ended".to_owned())),
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) => return Err(Stop::Cut(e.to_string())),
        };
        at += n as u64;
        if at > model.bytes {
            return Err(Stop::Final(format!(
                "it sent more than the file's {} bytes",
                model.bytes
            )));
        }
        file.write_all(&buffer[..n]).map_err(cannot_write)?;
        meter.at(at);
    }
}

/// Whether the answer's `Content-Range` begins at byte `at`.
fn starts_at(response: &ureq::http::Response<ureq::Body>, at: u64) -> bool {
    response
        .headers()
        .get("content-range")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("bytes "))
        .and_then(|value| value.split('-').next())
        .is_some_and(|first| first.trim().parse() == Ok(at))
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}
