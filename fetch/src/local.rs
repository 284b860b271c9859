//! The local folder: is the file there, and is it the right one?
//!
//! Hashing 100 MB at every start would be felt, so a verified file leaves a note beside it, `NAME.verified`, that holds for
//! as long as the file's size and time of change stay what they were.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

use crate::{Error, Model, Progress, Result};

/// What the local folder has.
pub(crate) enum Found {
    Verified,
    Nothing,
    /// A file of that name that is not the model, and why.
    Other(String),
}

pub(crate) fn check(path: &Path, model: &Model, progress: &Progress) -> Found {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(e) => return Found::Other(format!("cannot be read: {e}")),
    };
    if meta.len() != model.bytes {
        return Found::Other(format!(
            "has {} bytes instead of {}",
            meta.len(),
            model.bytes
        ));
    }
    let note = note_text(&meta, model);
    if fs::read_to_string(note_path(path)).is_ok_and(|kept| kept == note) {
        return Found::Verified;
    }
    match sha256(path, model.bytes, progress) {
        Ok(hash) if hash == model.sha256 => {
            // A folder one cannot write to only costs the next start its time.
            let _ = fs::write(note_path(path), note);
            Found::Verified
        }
        Ok(hash) => Found::Other(format!("has SHA-256 {hash} instead of {}", model.sha256)),
        Err(e) => Found::Other(format!("cannot be read: {e}")),
    }
}

/// Verifies `part` and gives it its name. A wrong `part` is deleted: resuming it could never come out right.
pub(crate) fn accept(
    part: &Path,
    path: &Path,
    model: &Model,
    progress: &Progress,
) -> std::result::Result<(), String> {
    let bytes = fs::metadata(part)
        .map_err(|e| format!("{} cannot be read: {e}", part.display()))?
        .len();
    let wrong = if bytes == model.bytes {
        let hash = sha256(part, bytes, progress)
            .map_err(|e| format!("{} cannot be read: {e}", part.display()))?;
        (hash != model.sha256).then(|| {
            format!(
                "the file it gave has SHA-256 {hash} instead of {} and was deleted",
                model.sha256
            )
        })
    } else {
        let want = model.bytes;
        Some(format!(
            "the file it gave has {bytes} bytes instead of {want} and was deleted"
        ))
    };
    if let Some(why) = wrong {
        let _ = fs::remove_file(part);
        return Err(why);
    }
    if path.exists() {
        // A file someone put there under this name is theirs: it is moved aside, not lost.
        let _ = fs::rename(path, with_suffix(path, ".other"));
    }
    fs::rename(part, path).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    if let Ok(meta) = fs::metadata(path) {
        let _ = fs::write(note_path(path), note_text(&meta, model));
    }
    Ok(())
}

/// Holds the file's lock until dropped; waits for whoever has it.
pub(crate) fn lock(path: &Path, progress: &Progress) -> Result<File> {
    let lock = with_suffix(path, ".lock");
    let file = File::create(&lock).map_err(|e| Error::folder(&lock, &e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.line("another run is fetching the model; waiting for it");
            file.lock().map_err(|e| Error::folder(&lock, &e))?;
        }
        // Some network folders have no locks. Going on without one is no worse than having none.
        Err(TryLockError::Error(_)) => {}
    }
    Ok(file)
}

/// `path` with `suffix` after its whole name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn note_path(path: &Path) -> PathBuf {
    with_suffix(path, ".verified")
}

fn note_text(meta: &fs::Metadata, model: &Model) -> String {
    let changed = meta
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos());
    format!("{} {} {changed}\n", model.sha256, meta.len())
}

fn sha256(path: &Path, bytes: u64, progress: &Progress) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut meter = progress.begin("checking the model's SHA-256", bytes, 0);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        at += n as u64;
        meter.at(at);
    }
    Ok(format!("{:x}", hasher.finalize()))
}
