//! What a build may delete: the files that an earlier build made, and nothing else. They are listed in a hidden file of the
//! deployable folder, which is written before the first of them, so that an interrupted build is cleared too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

use crate::{Result, files};

/// The list's name: a path a line, as in an address.
const MADE: &str = ".made-by-xtask";

/// Readies `out` for the files `paths`: what an earlier build made there is deleted. Refused where that is not safe.
pub fn begin(root: &Path, out: &Path, paths: &[&str]) -> Result<()> {
    let earlier = check(root, out, paths)?;
    for path in &earlier {
        let path = out.join(path);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("cannot delete {}: {e}", path.display()));
            }
            _ => {}
        }
    }
    // Folders that are empty now held nothing but ours; others stay.
    let mut folders: Vec<_> = earlier
        .iter()
        .flat_map(|path| Path::new(path).ancestors().skip(1))
        .collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    for folder in folders
        .into_iter()
        .filter(|folder| folder.components().count() > 0)
    {
        let _ = fs::remove_dir(out.join(folder));
    }
    let list = paths.join("\n") + "\n";
    fs::create_dir_all(out)
        .and_then(|()| fs::write(out.join(MADE), list))
        .map_err(|e| format!("cannot write {}: {e}", out.display()))
}

/// What an earlier build made in `out`.
fn check(root: &Path, out: &Path, paths: &[&str]) -> Result<BTreeSet<String>> {
    let shown = out.display();
    let other = "choose another folder with --out";
    if fs::symlink_metadata(out).is_ok_and(|it| it.is_symlink()) {
        return Err(format!("{shown} is a link to somewhere else; {other}"));
    }
    if out.exists() && !out.is_dir() {
        return Err(format!("{shown} is a file; {other}"));
    }
    let real = resolved(out);
    let holds = |inner: &Path| resolved(inner).starts_with(&real);
    if holds(root) || std::env::home_dir().is_some_and(|home| holds(&home)) {
        return Err(format!(
            "{shown} holds this repository or your home; {other}"
        ));
    }
    if ["www", "pkg"]
        .iter()
        .any(|from| real.starts_with(resolved(&root.join(from))))
    {
        return Err(format!("{shown} lies in what is copied from; {other}"));
    }
    let earlier = earlier(out)?;
    if earlier.is_empty() && !is_empty(out) && !out.join(MADE).exists() {
        return Err(format!(
            "{shown} exists and is not an earlier build; {other}"
        ));
    }
    // A link within would lead deleting and writing elsewhere.
    for path in earlier
        .iter()
        .map(String::as_str)
        .chain(paths.iter().copied())
    {
        for folder in Path::new(path).ancestors().skip(1) {
            let folder = out.join(folder);
            if fs::symlink_metadata(&folder).is_ok_and(|it| it.is_symlink()) {
                return Err(format!(
                    "{} is a link to somewhere else; {other}",
                    folder.display()
                ));
            }
        }
        let place = out.join(path);
        if !earlier.contains(path) && fs::symlink_metadata(&place).is_ok() {
            return Err(format!(
                "{} is in the way and was not made by a build; move it, or {other}",
                place.display()
            ));
        }
    }
    Ok(earlier)
}

/// The files that a build lists in `out`, by path.
fn earlier(out: &Path) -> Result<BTreeSet<String>> {
    let listed: Vec<String> = match fs::read_to_string(out.join(MADE)) {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        // Builds before there was such a list: they have the one that browsers read.
        Err(_) => match files::listed(out) {
            Some(files) => files
                .into_iter()
                .chain(["sw.js", files::LIST].map(str::to_owned))
                .collect(),
            None => Vec::new(),
        },
    };
    let below = |path: &str| {
        !path.is_empty()
            && Path::new(path)
                .components()
                .all(|part| matches!(part, Component::Normal(_)))
    };
    match listed.iter().find(|path| !below(path)) {
        Some(path) => Err(format!(
            "the list of what a build made in {} names {path:?}, which is not a file below it; delete the folder yourself",
            out.display()
        )),
        None => Ok(listed.into_iter().collect()),
    }
}

fn is_empty(folder: &Path) -> bool {
    !folder.exists() || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// `path` without links; of what is not there yet, the part that is.
fn resolved(path: &Path) -> std::path::PathBuf {
    for there in path.ancestors() {
        if let Ok(real) = fs::canonicalize(there) {
            let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
            return real.join(rest);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder of our own with a repository in it.
    fn place(name: &str) -> PathBuf {
        let place =
            std::env::temp_dir().join(format!("hneurons-made-{name}-{}", std::process::id()));
        fs::create_dir_all(place.join("repo/www")).unwrap();
        fs::create_dir_all(place.join("repo/pkg")).unwrap();
        place
    }

    fn put(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    fn build(place: &Path, out: &Path, paths: &[&str]) -> Result<()> {
        begin(&place.join("repo"), out, paths)?;
        paths.iter().for_each(|path| put(&out.join(path)));
        Ok(())
    }

    #[test]
    fn a_build_deletes_what_an_earlier_one_made_and_nothing_else() {
        let place = place("own");
        let out = place.join("dist");
        build(
            &place,
            &out,
            &["index.html", "www/old.js", "www/a/old.js", "www/b/old.js"],
        )
        .unwrap();
        put(&out.join("CNAME"));
        put(&out.join("www/a/letter.txt"));
        build(&place, &out, &["index.html", "www/new.js"]).unwrap();
        for kept in ["CNAME", "www/a/letter.txt", "www/new.js", "index.html"] {
            assert!(out.join(kept).exists(), "{kept}");
        }
        for gone in ["www/old.js", "www/a/old.js", "www/b"] {
            assert!(!out.join(gone).exists(), "{gone}");
        }
        // Somebody's own file where a build wants to write.
        put(&out.join("www/mine.js"));
        let why = build(&place, &out, &["index.html", "www/mine.js"]).unwrap_err();
        assert!(why.contains("in the way"), "{why}");
        assert!(out.join("www/new.js").exists(), "nothing was deleted");
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn a_folder_with_an_index_html_is_not_for_that_a_build() {
        let place = place("foreign");
        let out = place.join("site");
        for file in ["index.html", "letter.txt", "www/x.js"] {
            put(&out.join(file));
        }
        let why = build(&place, &out, &["index.html"]).unwrap_err();
        assert!(why.contains("not an earlier build"), "{why}");
        // Nor for a list that says so, but is not one of ours.
        fs::write(
            out.join("files.json"),
            r#"{"version":"1","files":{"letter.txt":{"sha256":"","bytes":1,"shell":true}}}"#,
        )
        .unwrap();
        assert!(build(&place, &out, &["index.html"]).is_err());
        assert!(out.join("letter.txt").exists() && out.join("index.html").exists());
        // A list that leads out of the folder.
        let out = place.join("crafted");
        put(&place.join("letter.txt"));
        fs::create_dir_all(&out).unwrap();
        for path in ["../letter.txt", "/etc/hostname", ""] {
            fs::write(out.join(MADE), format!("{path}\n")).unwrap();
            assert!(build(&place, &out, &["index.html"]).is_err(), "{path:?}");
        }
        assert!(place.join("letter.txt").exists());
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn the_repository_what_holds_it_home_files_and_links_are_refused() {
        let place = place("holds");
        let repo = place.join("repo");
        put(&place.join("file"));
        let home = std::env::home_dir().unwrap();
        for out in [
            Path::new("/"),
            &place,
            &repo,
            &repo.join("www"),
            &repo.join("www/new"),
            &repo.join("pkg"),
            &repo.join("../repo"),
            &place.join("file"),
            &home,
        ] {
            assert!(
                begin(&repo, out, &["index.html"]).is_err(),
                "{}",
                out.display()
            );
        }
        #[cfg(unix)]
        {
            let mine = place.join("mine");
            put(&mine.join("letter.txt"));
            std::os::unix::fs::symlink(&mine, place.join("link")).unwrap();
            assert!(begin(&repo, &place.join("link"), &["index.html"]).is_err());
            let out = place.join("dist");
            build(&place, &out, &["www/letter.txt"]).unwrap();
            fs::remove_dir_all(out.join("www")).unwrap();
            std::os::unix::fs::symlink(&mine, out.join("www")).unwrap();
            assert!(build(&place, &out, &["www/letter.txt"]).is_err());
            assert!(mine.join("letter.txt").exists());
        }
        fs::remove_dir_all(place).unwrap();
    }
}
