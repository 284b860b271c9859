//! The browsers, Node and the packages that drive them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, paths, process, report};

/// Where Chrome or Chromium usually is. Names without a folder are looked for on the PATH.
const CHROMES: [&str; 8] = [
    "/usr/bin/chromium",
    "/usr/bin/google-chrome",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// Where Firefox usually is. Debian's long-term release comes first: it is the older one.
const FIREFOXES: [&str; 4] = [
    "/usr/bin/firefox-esr",
    "firefox-esr",
    "firefox",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
];

/// The oldest Node whose test runner has what the tests use.
const NODE_MIN: u32 = 20;

/// The folder of the browser tests, which has the Node packages.
pub fn tests_folder() -> PathBuf {
    paths::root().join("tests/browser")
}

/// Chrome or Chromium: `CHROME`, or the first one found.
pub fn chrome() -> Result<PathBuf> {
    named_or_found("CHROME", &CHROMES, "Chrome or Chromium", "chromium")
}

/// Firefox: `FIREFOX`, or the first one found.
pub fn firefox() -> Result<PathBuf> {
    named_or_found("FIREFOX", &FIREFOXES, "Firefox", "firefox-esr")
}

/// The major version of this Firefox, where it says one.
pub fn firefox_version(firefox: &Path) -> Option<u32> {
    let said = Command::new(firefox).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    said.split_whitespace()
        .find_map(|word| word.split('.').next()?.parse().ok())
}

/// The browser that the environment names in `variable`, or the first of `places` that is there.
fn named_or_found(variable: &str, places: &[&str], name: &str, package: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        let path = Path::new(&path);
        return find(path)
            .ok_or_else(|| format!("{variable} names {}, which is not there", path.display()));
    }
    places
        .iter()
        .find_map(|place| find(Path::new(place)))
        .ok_or_else(|| {
            format!(
                "{name} was not found; install it (Debian: apt-get install {package}) or name it in {variable}"
            )
        })
}

/// `program` where it is: itself when it has a folder, else on the PATH.
fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// A Node command that knows the browser; its packages are installed when they are not.
pub fn node() -> Result<Command> {
    let chrome = chrome()?;
    let mut node = plain_node()?;
    packages(&tests_folder())?;
    node.env("CHROME", chrome);
    Ok(node)
}

/// A Node command in the repository's root.
pub fn plain_node() -> Result<Command> {
    let said = process::output(Command::new("node").arg("--version")).ok_or_else(|| {
        format!(
            "Node was not found; install version {NODE_MIN} or newer (Debian: apt-get install nodejs npm)"
        )
    })?;
    let major = said
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    if major.is_none_or(|n| n < NODE_MIN) {
        return Err(format!(
            "Node {said} is too old; install version {NODE_MIN} or newer"
        ));
    }
    let mut node = Command::new("node");
    node.current_dir(paths::root());
    Ok(node)
}

/// `npm ci` in a folder, unless the lock file is the one that was installed.
pub fn packages(folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).map_err(|e| format!("cannot read {}: {e}", paths::shown(&lock)))?;
    let stamp = folder.join("node_modules/.installed-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    report::step("npm ci", || {
        // On Windows npm is a script, which only the shell finds.
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        process::run(
            Command::new(npm)
                .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(folder),
        )
        .map_err(|why| format!("{why}; npm comes with Node (Debian: apt-get install npm)"))?;
        fs::write(&stamp, &lock).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
        Ok(String::new())
    })
}
