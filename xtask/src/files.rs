//! The list of a deployment's files, by which the service worker (`www/sw.js`) installs a version as a whole: nothing that
//! it keeps is believed unless its hash is the one listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::Result;

/// The list's place in the deployment.
const LIST: &str = "files.json";

/// The line of the service worker's source that names the version.
const STAMP: &str = "const VERSION = \"\";";

/// The run that the page opens on. It has to be there offline; the other recorded runs are kept once they were looked at.
const OPENING: &[&str] = &["www/traces/france.json"];

/// Folders of which a visit uses a part.
const IN_PARTS: &[&str] = &["pkg/", "www/gallery/", "www/lessons/", "www/traces/"];

struct File {
    sha256: String,
    bytes: usize,
    shell: bool,
}

/// Writes `files.json` and the service worker, stamped with the version, into the deployment `out`; returns what to say
/// about it. `worker` is the source of the service worker.
pub fn write(out: &Path, worker: &str) -> Result<String> {
    let files = files(out)?;
    let version = version(&files);
    if worker.matches(STAMP).count() != 1 {
        return Err(format!(
            "www/sw.js has no line `{STAMP}`; put it back, the build writes the version there"
        ));
    }
    save(
        &out.join("sw.js"),
        &worker.replace(STAMP, &format!("const VERSION = \"{version}\";")),
    )?;
    save(&out.join(LIST), &list(&version, &files)?)?;
    let sum = |shell: bool| files.values().filter(move |file| file.shell == shell);
    let bytes = |shell| sum(shell).map(|file| file.bytes).sum::<usize>();
    Ok(format!(
        "version {}; {} files, {:.2} MB, are kept at a first visit, {} more, {:.2} MB, when used",
        version.get(..8).unwrap_or_default(),
        sum(true).count(),
        bytes(true) as f64 / 1e6,
        sum(false).count(),
        bytes(false) as f64 / 1e6,
    ))
}

/// Is this file needed to open the page without a network?
fn is_shell(path: &str) -> bool {
    OPENING.contains(&path)
        || path.ends_with("/index.json")
        || !IN_PARTS.iter().any(|folder| path.starts_with(folder))
}

/// The SHA-256 of what `sha256sum` would print for these files, by path.
fn version(files: &BTreeMap<String, File>) -> String {
    let mut hash = Sha256::new();
    for (path, file) in files {
        hash.update(format!("{}  {path}\n", file.sha256));
    }
    hex(&hash.finalize())
}

/// One line a file, so that two versions can be compared by eye.
fn list(version: &str, files: &BTreeMap<String, File>) -> Result<String> {
    let mut lines = Vec::new();
    for (path, file) in files {
        let entry = json!({ "sha256": file.sha256, "bytes": file.bytes, "shell": file.shell });
        let path = serde_json::to_string(path).map_err(|e| e.to_string())?;
        lines.push(format!("{path}: {entry}"));
    }
    Ok(format!(
        "{{\n\"version\": \"{version}\",\n\"files\": {{\n{}\n}}\n}}\n",
        lines.join(",\n")
    ))
}

/// The files below `out`, with their paths as in an address.
fn files(out: &Path) -> Result<BTreeMap<String, File>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        let cannot = |e| format!("cannot read {}: {e}", folder.display());
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(out).map_err(|e| e.to_string())?;
            let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
            let name = names.join("/");
            if name == LIST || name == "sw.js" {
                continue;
            }
            let content =
                fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
            let file = File {
                sha256: hex(&Sha256::digest(&content)),
                bytes: content.len(),
                shell: is_shell(&name),
            };
            found.insert(name, file);
        }
    }
    Ok(found)
}

fn save(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(name: &str, page: &str) -> std::path::PathBuf {
        let out = std::env::temp_dir().join(format!("hneurons-{name}-{}", std::process::id()));
        for (file, text) in [
            ("index.html", page),
            ("www/traces/france.json", "{}"),
            ("www/traces/other.json", "{}"),
            ("www/lessons/index.json", "[]"),
            ("pkg/simd128/hneurons.js", "export {};"),
        ] {
            let path = out.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        out
    }

    fn written(out: &Path) -> (serde_json::Value, String) {
        write(out, "// a worker\nconst VERSION = \"\";\n").unwrap();
        let list = fs::read_to_string(out.join("files.json")).unwrap();
        let worker = fs::read_to_string(out.join("sw.js")).unwrap();
        (serde_json::from_str(&list).unwrap(), worker)
    }

    #[test]
    fn every_file_is_listed_with_its_hash_and_the_worker_names_the_list() {
        let out = deployment("files", "abc");
        let (list, worker) = written(&out);
        let files = list["files"].as_object().unwrap();
        assert_eq!(files.len(), 5);
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(files["index.html"]["sha256"], abc);
        assert_eq!(files["index.html"]["bytes"], 3);
        for (path, shell) in [
            ("index.html", true),
            ("www/traces/france.json", true),
            ("www/traces/other.json", false),
            ("www/lessons/index.json", true),
            ("pkg/simd128/hneurons.js", false),
        ] {
            assert_eq!(files[path]["shell"], shell, "{path}");
        }
        let version = list["version"].as_str().unwrap();
        assert!(worker.contains(&format!("const VERSION = \"{version}\";")));
        // Building again, over the earlier list, changes nothing.
        assert_eq!(written(&out), (list, worker));
        fs::remove_dir_all(out).unwrap();
    }

    #[test]
    fn one_changed_byte_makes_another_version() {
        let (a, b) = (deployment("a", "abc"), deployment("b", "abd"));
        assert_ne!(written(&a).0["version"], written(&b).0["version"]);
        for out in [a, b] {
            fs::remove_dir_all(out).unwrap();
        }
    }

    #[test]
    fn a_worker_that_cannot_be_stamped_is_refused() {
        let out = deployment("stamp", "abc");
        assert!(write(&out, "const VERSION = 1;").is_err());
        fs::remove_dir_all(out).unwrap();
    }

    #[test]
    fn the_opening_run_exists_and_the_worker_can_be_stamped() {
        let root = crate::paths::root();
        for path in OPENING {
            assert!(root.join(path).exists(), "{path}: name the new opening run");
        }
        let worker = fs::read_to_string(root.join("www/sw.js")).unwrap();
        assert_eq!(worker.matches(STAMP).count(), 1);
    }
}
