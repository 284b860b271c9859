//! The deployable folder: the page and its module, as files any static host can serve.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::wasm::{Lint, Profile, Variant};
use crate::{Result, bindgen, files, made, paths, report, wasm};

/// Builds `pkg/`, then `out`.
pub fn build(profile: Profile, out: &Path, lint: Lint) -> Result<()> {
    pkg(profile, lint)?;
    report::step("page", || {
        let said = assemble(&paths::root(), out)?;
        Ok(format!("{} (any static host), {said}", paths::shown(out)))
    })
}

/// Builds `pkg/`: the module in each variant.
pub fn pkg(profile: Profile, lint: Lint) -> Result<()> {
    wasm::ensure_target()?;
    for variant in Variant::ALL {
        report::step(&format!("wasm {}", variant.name()), || {
            let file = wasm::compile("hneurons", variant, profile, lint)?;
            let out = paths::root().join("pkg").join(variant.name());
            bindgen::generate(&file, "hneurons", &out, profile)
        })?;
    }
    Ok(())
}

/// Copies what a visitor's browser asks for, and nothing else, from `root` into `out`; returns what to say about it.
fn assemble(root: &Path, out: &Path) -> Result<String> {
    let mut plan = BTreeMap::new();
    plan.insert("index.html".to_owned(), root.join("index.html"));
    for folder in ["www", "pkg"] {
        add_folder(&root.join(folder), folder, &mut plan)?;
    }
    // A service worker rules over the folder it lies in, so it must lie at the root.
    let worker = plan
        .remove("www/sw.js")
        .ok_or("www/sw.js is missing: the page has no service worker")?;
    plan.insert("sw.js".to_owned(), worker);
    // What other people's pages name in their markup has the shortest address.
    plan.insert("embed.js".to_owned(), root.join("www/embed.js"));
    let paths: Vec<&str> = plan.keys().map(String::as_str).collect();
    made::begin(root, out, &[&paths[..], &[files::LIST]].concat())?;
    for (path, from) in &plan {
        copy(from, &out.join(path))?;
    }
    files::write(out, &paths)
}

/// Adds the files of the folder `from`, but hidden ones, to what goes below `to`.
fn add_folder(from: &Path, to: &str, plan: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let cannot = |e| format!("cannot read {}: {e}", from.display());
    for entry in fs::read_dir(from).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let place = format!("{to}/{name}");
        if path.is_dir() {
            add_folder(&path, &place, plan)?;
        } else {
            plan.insert(place, path);
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
