//! The deployable folder: the page and its module, as files any static host can serve.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle::{self, Texts};
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

/// The page and an embed's first view, which share their modules' variables where both are there; and the worker, which has
/// its own.
pub const ROOTS: [&str; 2] = ["www/main.js", "www/page/preview.js"];
pub const WORKER: &str = "www/worker/worker.js";

/// Modules that the page has no use for: what reads an export again (docs/embedding.md).
pub const UNUSED: [&str; 1] = ["www/core/recording.js"];

/// Scripts that are no modules.
const SCRIPTS: [&str; 3] = ["www/embed.js", "www/start.js", "www/too-old.js"];

/// What lies at a path of the deployable folder.
enum Content {
    Copy(PathBuf),
    Text(String),
}

/// Puts what a visitor's browser asks for, and nothing else, from `root` into `out`; returns what to say about it.
fn assemble(root: &Path, out: &Path) -> Result<String> {
    let mut sources = BTreeMap::new();
    sources.insert("index.html".to_owned(), root.join("index.html"));
    for folder in ["www", "pkg"] {
        add_folder(&root.join(folder), folder, &mut sources)?;
    }
    let plan = joined(sources)?;
    let paths: Vec<&str> = plan.keys().map(String::as_str).collect();
    made::begin(root, out, &[&paths[..], &[files::LIST]].concat())?;
    for (path, content) in &plan {
        put(content, &out.join(path))?;
    }
    files::write(out, &paths)
}

/// The deployable folder's files: the sources with modules and style sheets joined.
fn joined(mut sources: BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, Content>> {
    // A service worker rules over the folder it lies in, so it must lie at the root. It stays as it is, from version to version.
    let worker = sources
        .remove("www/sw.js")
        .ok_or("www/sw.js is missing: the page has no service worker")?;
    let mut texts = |wanted: &dyn Fn(&str) -> bool| -> Result<Texts> {
        let paths: Vec<_> = sources
            .keys()
            .filter(|path| wanted(path))
            .cloned()
            .collect();
        paths
            .into_iter()
            .map(|path| {
                let from = sources.remove(&path).unwrap_or_default();
                let text = fs::read_to_string(&from)
                    .map_err(|e| format!("cannot read {}: {e}", from.display()))?;
                Ok((path, text))
            })
            .collect()
    };
    let page = texts(&|path| path == "index.html")?;
    let scripts = texts(&|path| SCRIPTS.contains(&path))?;
    let modules = texts(&|path| path.starts_with("www/") && path.ends_with(".js"))?;
    let mut styles = texts(&|path| path.ends_with(".css"))?;

    let joined = bundle::join(&modules, &[&ROOTS, &[WORKER]], &UNUSED)?;
    let models = sources
        .get("www/artifacts/index.json")
        .and_then(|path| fs::read_to_string(path).ok())
        .ok_or("www/artifacts/index.json is missing: the page has no model")?;
    let ahead = bundle::page::ahead(&joined, ROOTS, &models)?;
    let page = page.get("index.html").ok_or("index.html is missing")?;
    let page = bundle::page::write(page, &mut styles, &ahead)?;

    let mut plan: BTreeMap<_, _> = sources
        .into_iter()
        .map(|(path, from)| (path, Content::Copy(from)))
        .collect();
    plan.insert("sw.js".to_owned(), Content::Copy(worker));
    plan.insert("index.html".to_owned(), Content::Text(page));
    let whole = |(path, text): (String, String)| (path, Content::Text(text));
    plan.extend(joined.files.into_iter().map(whole));
    for (path, text) in styles {
        let text = bundle::join_styles([(path.as_str(), text.as_str())])?;
        plan.insert(path, Content::Text(text));
    }
    for (path, text) in scripts {
        let text = bundle::plain(&path, &text)?;
        // What other people's pages name in their markup has the shortest address.
        if path == "www/embed.js" {
            plan.insert("embed.js".to_owned(), Content::Text(text.clone()));
        }
        plan.insert(path, Content::Text(text));
    }
    Ok(plan)
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

fn put(content: &Content, to: &Path) -> Result<()> {
    let folder = to.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| match content {
        Content::Copy(from) => fs::copy(from, to).map(|_| ()),
        Content::Text(text) => fs::write(to, text),
    });
    written.map_err(|e| format!("cannot write {}: {e}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: [(&str, &str); 17] = [
        (
            "index.html",
            "<link rel=\"stylesheet\" href=\"www/style/a.css\">\n<script src=\"www/start.js\"></script>\n",
        ),
        ("www/sw.js", "// as it is\n"),
        ("www/embed.js", "// a comment\nembed();\n"),
        ("www/start.js", "start();\n"),
        ("www/too-old.js", "old();\n"),
        ("www/.hidden", ""),
        (
            "www/main.js",
            "import { a } from \"./lib/page.js\";\na();\n",
        ),
        ("www/lib/page.js", "export function a() {}\n"),
        (
            "www/page/preview.js",
            "import { a } from \"../lib/page.js\";\na();\n",
        ),
        ("www/worker/worker.js", "work();\n"),
        ("www/style/a.css", "a { }\n"),
        (
            "www/artifacts/index.json",
            r#"{"default": "m", "models": [{"id": "m", "artifact": "m/hneurons.json", "opens": "run"}]}"#,
        ),
        ("www/artifacts/m/hneurons.json", "{}"),
        ("www/gallery/m/index.json", "{}"),
        ("www/gallery/m/run.json", "{}"),
        ("pkg/simd128/hneurons.js", "// as it is\n"),
        ("models/x.gguf", ""),
    ];

    #[test]
    fn dist_has_the_page_and_nothing_hidden_and_never_eats_a_foreign_folder() {
        let root = std::env::temp_dir().join(format!("hneurons-dist-{}", std::process::id()));
        for (file, text) in SOURCES.into_iter().chain([("mine/letter.txt", "")]) {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let out = root.join("dist");
        assemble(&root, &out).unwrap();
        assemble(&root, &out).unwrap();
        let text = |path: &str| fs::read_to_string(out.join(path)).unwrap();
        assert_eq!(text("sw.js"), "// as it is\n");
        assert_eq!(text("pkg/simd128/hneurons.js"), "// as it is\n");
        assert_eq!(text("embed.js"), "embed();\n");
        assert!(!out.join("www/sw.js").exists());
        let list = text("files.json");
        assert!(list.contains("www/lib/page.js") && !list.contains("sw.js"));
        assert_eq!(
            text("www/main.js"),
            "import { a } from \"./lib/page.js\";\na();\n"
        );
        assert!(
            text("index.html")
                .contains("data-page=\"www/main.js www/lib/page.js www/artifacts/index.json\"")
        );
        assert!(!out.join("www/.hidden").exists());
        assert!(!out.join("models").exists());
        assert!(assemble(&root, &root.join("mine")).is_err());
        assert!(root.join("mine/letter.txt").exists());
        // A module that nothing imports is missed by nobody until it is too late.
        fs::write(root.join("www/lib/lost.js"), "lost();\n").unwrap();
        let why = assemble(&root, &out).unwrap_err();
        assert!(
            why.starts_with("www/lib/lost.js: no module imports it"),
            "{why}"
        );
        assert!(
            out.join("www/main.js").exists(),
            "the earlier build is still there"
        );
        fs::remove_dir_all(root).unwrap();
    }
}
