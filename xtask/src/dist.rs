//! The deployable folder: the page and its module, as files any static host can serve.

use std::fs;
use std::path::Path;

use crate::wasm::{Profile, Variant};
use crate::{Result, bindgen, files, paths, report, wasm};

/// Builds `pkg/`, then `out`.
pub fn build(profile: Profile, out: &Path) -> Result<()> {
    pkg(profile)?;
    report::step("page", || {
        let said = assemble(&paths::root(), out)?;
        Ok(format!("{} (any static host), {said}", paths::shown(out)))
    })
}

/// Builds `pkg/`: the module in each variant.
pub fn pkg(profile: Profile) -> Result<()> {
    wasm::ensure_target()?;
    for variant in Variant::ALL {
        report::step(&format!("wasm {}", variant.name()), || {
            let file = wasm::compile("hneurons", variant, profile)?;
            let out = paths::root().join("pkg").join(variant.name());
            bindgen::generate(&file, "hneurons", &out, profile)
        })?;
    }
    Ok(())
}

/// Copies what a visitor's browser asks for, and nothing else, from `root` into `out`; returns what to say about it.
fn assemble(root: &Path, out: &Path) -> Result<String> {
    if out.exists() {
        // A mistyped --out must not cost anyone a folder of their own.
        if !out.join("index.html").exists() && !is_empty(out) {
            return Err(format!(
                "{} exists and is not an earlier build; choose another folder with --out",
                out.display()
            ));
        }
        fs::remove_dir_all(out).map_err(|e| format!("cannot clear {}: {e}", out.display()))?;
    }
    copy(&root.join("index.html"), &out.join("index.html"))?;
    copy_folder(&root.join("www"), &out.join("www"))?;
    copy_folder(&root.join("pkg"), &out.join("pkg"))?;
    // A service worker rules over the folder it lies in, so it must lie at the root.
    let worker = out.join("www/sw.js");
    fs::rename(&worker, out.join("sw.js"))
        .map_err(|e| format!("cannot move {}: {e}", worker.display()))?;
    // What other people's pages name in their markup has the shortest address.
    copy(&root.join("www/embed.js"), &out.join("embed.js"))?;
    files::write(out)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
    for entry in entries {
        let path = entry
            .map_err(|e| format!("cannot read {}: {e}", from.display()))?
            .path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    to.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::copy(from, to))
        .map(|_| ())
        .map_err(|e| format!("cannot copy {} to {}: {e}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dist_has_the_page_and_nothing_hidden_and_never_eats_a_foreign_folder() {
        let root = std::env::temp_dir().join(format!("hneurons-dist-{}", std::process::id()));
        for file in [
            "index.html",
            "www/sw.js",
            "www/embed.js",
            "www/.hidden",
            "www/lib/page.js",
            "pkg/simd128/hneurons.js",
            "models/x.gguf",
            "mine/letter.txt",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let out = root.join("dist");
        assemble(&root, &out).unwrap();
        assemble(&root, &out).unwrap();
        assert!(out.join("sw.js").exists());
        assert!(out.join("embed.js").exists());
        assert!(!out.join("www/sw.js").exists());
        let list = fs::read_to_string(out.join("files.json")).unwrap();
        assert!(list.contains("www/lib/page.js") && !list.contains("sw.js"));
        assert!(out.join("www/lib/page.js").exists());
        assert!(out.join("pkg/simd128/hneurons.js").exists());
        assert!(!out.join("www/.hidden").exists());
        assert!(!out.join("models").exists());
        assert!(assemble(&root, &root.join("mine")).is_err());
        assert!(root.join("mine/letter.txt").exists());
        fs::remove_dir_all(root).unwrap();
    }
}
