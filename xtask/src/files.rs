//! The list of a deployment's files, by which the service worker (`www/sw.js`) installs a version as a whole: nothing that
//! it keeps is believed unless its hash is the one listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::Result;

/// The list's place in the deployment.
pub const LIST: &str = "files.json";

/// The models whose H-Neurons are published.
pub const MODELS: &str = "www/artifacts/index.json";

/// Folders of which a visit uses a part: one of the modules and of the models, and the recorded runs that somebody looks at.
const IN_PARTS: &[&str] = &["pkg/", "www/artifacts/", "www/gallery/", "www/lessons/"];

/// The lists of what is in those folders.
const LISTS: &[&str] = &[MODELS, "www/lessons/index.json"];

struct File {
    sha256: String,
    bytes: usize,
    /// Needed to open the page without a network; the others are kept once they were used.
    shell: bool,
}

/// Writes `files.json`, the list of the files `paths`, into the deployment `out`; returns what to say about it.
pub fn write(out: &Path, paths: &[&str]) -> Result<String> {
    let mut files = files(out, paths)?;
    let models =
        fs::read_to_string(out.join(MODELS)).map_err(|e| format!("cannot read {MODELS}: {e}"))?;
    for path in opening(&models)? {
        let file = files.get_mut(&path).ok_or_else(|| {
            format!(
                "{path} is missing, with which the page opens ({MODELS}); make it with `hneurons artifact` or `hneurons gallery`"
            )
        })?;
        file.shell = true;
    }
    let version = version(&files);
    let path = out.join(LIST);
    fs::write(&path, list(&version, &files)?)
        .map_err(|e| format!("cannot write {}: {e}", path.display()))?;
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

fn is_shell(path: &str) -> bool {
    LISTS.contains(&path) || !IN_PARTS.iter().any(|folder| path.starts_with(folder))
}

/// What the page opens with, by the text of [`MODELS`]: the default model's artifact, the list of its gallery, and the run that
/// is shown first.
pub fn opening(models: &str) -> Result<[String; 3]> {
    let list: serde_json::Value =
        serde_json::from_str(models).map_err(|e| format!("{MODELS} is not JSON: {e}"))?;
    let usual = list["models"]
        .as_array()
        .and_then(|models| models.iter().find(|model| model["id"] == list["default"]))
        .ok_or_else(|| format!("{MODELS} names no default model"))?;
    let of = |name: &str| {
        let text = usual[name].as_str();
        text.ok_or_else(|| format!("{MODELS}: the default model has no {name:?}"))
    };
    let gallery = format!("www/gallery/{}", of("id")?);
    Ok([
        format!("www/artifacts/{}", of("artifact")?),
        format!("{gallery}/index.json"),
        format!("{gallery}/{}.json", of("opens")?),
    ])
}

/// The SHA-256 of what `sha256sum` would print for these files, by path.
fn version(files: &BTreeMap<String, File>) -> String {
    let mut hash = Sha256::new();
    for (path, file) in files {
        hash.update(format!("{}  {path}\n", file.sha256));
    }
    format!("{:x}", hash.finalize())
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

/// The files at `paths` below `out`, but the worker, which is of no version.
fn files(out: &Path, paths: &[&str]) -> Result<BTreeMap<String, File>> {
    let mut found = BTreeMap::new();
    for &name in paths.iter().filter(|name| **name != "sw.js") {
        let path = out.join(name);
        let content =
            fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let file = File {
            sha256: format!("{:x}", Sha256::digest(&content)),
            bytes: content.len(),
            shell: is_shell(name),
        };
        found.insert(name.to_owned(), file);
    }
    Ok(found)
}

/// The files that the list in `out` names, if it is one that [`write`] wrote: its version is that of what it lists.
pub fn listed(out: &Path) -> Option<Vec<String>> {
    let list: serde_json::Value = serde_json::from_slice(&fs::read(out.join(LIST)).ok()?).ok()?;
    let mut files = BTreeMap::new();
    for (path, file) in list["files"].as_object()? {
        let file = File {
            sha256: file["sha256"].as_str()?.to_owned(),
            bytes: usize::try_from(file["bytes"].as_u64()?).ok()?,
            shell: file["shell"].as_bool()?,
        };
        files.insert(path.clone(), file);
    }
    (list["version"] == version(&files)).then(|| files.into_keys().collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn deployment(name: &str, page: &str) -> PathBuf {
        let out = std::env::temp_dir().join(format!("hneurons-{name}-{}", std::process::id()));
        for (file, text) in [
            ("index.html", page),
            (
                "www/artifacts/index.json",
                r#"{"default":"m","models":[{"id":"n"},{"id":"m","artifact":"m/h.json","opens":"a"}]}"#,
            ),
            ("www/artifacts/m/h.json", "{}"),
            ("www/artifacts/n/h.json", "{}"),
            ("www/gallery/m/index.json", "{}"),
            ("www/gallery/m/a.json", "{}"),
            ("www/gallery/m/b.json", "{}"),
            ("www/gallery/n/index.json", "{}"),
            ("www/lessons/index.json", "[]"),
            ("pkg/simd128/hneurons.js", "export {};"),
        ] {
            let path = out.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        out
    }

    const PATHS: [&str; 11] = [
        "index.html",
        "sw.js",
        "www/artifacts/index.json",
        "www/artifacts/m/h.json",
        "www/artifacts/n/h.json",
        "www/gallery/m/index.json",
        "www/gallery/m/a.json",
        "www/gallery/m/b.json",
        "www/gallery/n/index.json",
        "www/lessons/index.json",
        "pkg/simd128/hneurons.js",
    ];

    fn written(out: &Path) -> serde_json::Value {
        write(out, &PATHS).unwrap();
        let list = fs::read_to_string(out.join("files.json")).unwrap();
        serde_json::from_str(&list).unwrap()
    }

    #[test]
    fn every_file_is_listed_with_its_hash_but_the_worker() {
        let out = deployment("files", "abc");
        fs::write(out.join("sw.js"), "// a worker").unwrap();
        let list = written(&out);
        let files = list["files"].as_object().unwrap();
        assert_eq!(files.len(), 10);
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(files["index.html"]["sha256"], abc);
        assert_eq!(files["index.html"]["bytes"], 3);
        for (path, shell) in [
            ("index.html", true),
            ("www/artifacts/index.json", true),
            ("www/artifacts/m/h.json", true),
            ("www/artifacts/n/h.json", false),
            ("www/gallery/m/index.json", true),
            ("www/gallery/m/a.json", true),
            ("www/gallery/m/b.json", false),
            ("www/gallery/n/index.json", false),
            ("www/lessons/index.json", true),
            ("pkg/simd128/hneurons.js", false),
        ] {
            assert_eq!(files[path]["shell"], shell, "{path}");
        }
        // Building again, over the earlier list, changes nothing; nor does another worker.
        fs::write(out.join("sw.js"), "// another").unwrap();
        assert_eq!(written(&out), list);
        fs::remove_dir_all(out).unwrap();
    }

    #[test]
    fn one_changed_byte_makes_another_version() {
        let (a, b) = (deployment("a", "abc"), deployment("b", "abd"));
        assert_ne!(written(&a)["version"], written(&b)["version"]);
        for out in [a, b] {
            fs::remove_dir_all(out).unwrap();
        }
    }

    #[test]
    fn a_gallery_without_its_first_run_is_refused() {
        let out = deployment("gallery", "abc");
        fs::remove_file(out.join("www/gallery/m/a.json")).unwrap();
        let paths: Vec<_> = PATHS
            .into_iter()
            .filter(|path| !path.ends_with("a.json"))
            .collect();
        let why = write(&out, &paths).unwrap_err();
        assert!(why.starts_with("www/gallery/m/a.json"), "{why}");
        fs::remove_dir_all(out).unwrap();
    }
}
