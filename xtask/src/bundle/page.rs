//! `index.html` for the web: one style sheet where the source has several in a row that are wanted together, and what the page
//! is certain to ask for, so that `start.js` can have it fetched at once.

use std::collections::BTreeMap;

use super::{Joined, Texts, join_styles};
use crate::{Result, files};

const START: &str = "<script src=\"www/start.js\"></script>";

/// Writes the page anew. Style sheets that it joins are taken out of `styles`, and what they become is put in.
pub fn write(page: &str, styles: &mut Texts, ahead: &[(&str, Vec<String>)]) -> Result<String> {
    let page = with_styles(page, styles)?;
    let mut start = START.trim_end_matches("></script>").to_owned();
    for (name, files) in ahead {
        let files = files.join(" ");
        if files.contains(['"', '&', '<']) {
            return Err(format!(
                "{files}: this is no address for an attribute of the page"
            ));
        }
        start.push_str(&format!(" data-{name}=\"{files}\""));
    }
    if page.matches(START).count() != 1 {
        return Err(format!("index.html must have one line {START}"));
    }
    Ok(page.replace(START, &(start + "></script>")))
}

/// What is certain to be asked for after `start.js`: by the page, by an embed, and by either where the address names no run.
pub fn ahead(
    joined: &Joined,
    [main, embed]: [&str; 2],
    models: &str,
) -> Result<Vec<(&'static str, Vec<String>)>> {
    let opens = files::opening(models)?;
    let run = opens[2].clone();
    let with_list = |root: &str| {
        let mut all = joined.waits_for[root].clone();
        all.push(files::MODELS.to_owned());
        all
    };
    Ok(vec![
        ("page", with_list(main)),
        ("page-opens", opens.to_vec()),
        ("embed", with_list(embed)),
        ("embed-opens", vec![run]),
    ])
}

struct Link {
    line: usize,
    href: String,
    /// The others, as they are written.
    attributes: BTreeMap<String, String>,
}

fn with_styles(page: &str, styles: &mut Texts) -> Result<String> {
    let links = links(page)?;
    let mut lines: Vec<Option<String>> = page.lines().map(|line| Some(line.to_owned())).collect();
    let folder = |href: &str| href.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    for group in links.chunk_by(|a, b| {
        b.line == a.line + 1 && a.attributes == b.attributes && folder(&a.href) == folder(&b.href)
    }) {
        let mut sheets = Vec::new();
        for link in group {
            let sheet = styles.remove(&link.href);
            let sheet = sheet.ok_or_else(|| {
                format!(
                    "{}: there is no {}, or it is named twice",
                    at_line(link.line),
                    link.href
                )
            })?;
            sheets.push((link.href.clone(), sheet));
            if link.line != group[0].line {
                lines[link.line] = None;
            }
        }
        let joined = join_styles(
            sheets
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str())),
        )?;
        styles.insert(group[0].href.clone(), joined);
    }
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    Ok(lines.join("\n") + "\n")
}

fn at_line(line: usize) -> String {
    format!("index.html:{}", line + 1)
}

/// The page's style sheets. Each must be a line of its own.
fn links(page: &str) -> Result<Vec<Link>> {
    let mut found = Vec::new();
    for (line, text) in page.lines().enumerate() {
        if !text.contains("stylesheet") {
            continue;
        }
        let link = text
            .trim()
            .strip_prefix("<link ")
            .and_then(|text| text.strip_suffix('>'))
            .and_then(attributes)
            .and_then(|mut attributes| {
                (attributes.remove("rel")? == "stylesheet").then_some(())?;
                let href = attributes.remove("href")?;
                Some(Link {
                    line,
                    href,
                    attributes,
                })
            });
        found.push(link.ok_or_else(|| {
            format!(
                "{}: a style sheet is to be one line, <link rel=\"stylesheet\" href=\"…\">",
                at_line(line)
            )
        })?);
    }
    let hidden = |link: &&Link| {
        let before: usize = page
            .split_inclusive('\n')
            .take(link.line)
            .map(str::len)
            .sum();
        let before = page.get(..before).unwrap_or_default();
        before.matches("<!--").count() > before.matches("-->").count()
    };
    match found.iter().find(hidden) {
        Some(link) => Err(format!(
            "{}: a style sheet in a comment",
            at_line(link.line)
        )),
        None => Ok(found),
    }
}

/// `name="value"` and `name`, one after the other; None for anything else.
fn attributes(text: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_lowercase() || c == '-'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(after) => after.split_once('"')?,
            None => ("", after),
        };
        if name.is_empty()
            || value.contains(['<', '>', '&'])
            || !(after.is_empty() || after.starts_with(' '))
        {
            return None;
        }
        if found.insert(name.to_owned(), value.to_owned()).is_some() {
            return None;
        }
        rest = after.trim_start();
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styles(names: &[&str]) -> Texts {
        let text = |name: &&str| (format!("www/style/{name}.css"), format!(".{name} {{ }}\n"));
        names.iter().map(text).collect()
    }

    fn page(links: &str) -> String {
        format!("<head>\n{links}\n    {START}\n</head>\n")
    }

    #[test]
    fn sheets_in_a_row_that_are_wanted_together_become_one() {
        let mut styles = styles(&["a", "b", "c", "d", "e", "later"]);
        let page = page(
            r#"    <link rel="stylesheet" href="www/style/a.css">
    <link rel="stylesheet" href="www/style/b.css">
    <link rel="stylesheet" href="www/style/c.css" data-when="page" disabled blocking="render">
    <link rel="stylesheet" href="www/style/d.css" data-when="page" disabled>
    <link rel="stylesheet" href="www/style/e.css" media="print" data-when="page" disabled>"#,
        );
        let ahead = [(
            "page",
            vec!["www/main.js".to_owned(), "www/x.json".to_owned()],
        )];
        assert_eq!(
            write(&page, &mut styles, &ahead).unwrap(),
            r#"<head>
    <link rel="stylesheet" href="www/style/a.css">
    <link rel="stylesheet" href="www/style/c.css" data-when="page" disabled blocking="render">
    <link rel="stylesheet" href="www/style/d.css" data-when="page" disabled>
    <link rel="stylesheet" href="www/style/e.css" media="print" data-when="page" disabled>
    <script src="www/start.js" data-page="www/main.js www/x.json"></script>
</head>
"#
        );
        assert_eq!(styles["www/style/a.css"], ".a { }\n.b { }\n");
        assert!(!styles.contains_key("www/style/b.css"));
        assert!(styles.contains_key("www/style/later.css"));
    }

    #[test]
    fn markup_that_it_cannot_read_is_refused_with_its_line() {
        for (links, why) in [
            (
                r#"<link rel="stylesheet" href="www/style/z.css">"#,
                "index.html:2: there is no www/style/z.css",
            ),
            (
                r#"<link rel=stylesheet href="www/style/a.css">"#,
                "index.html:2: a style sheet is to be one line",
            ),
            (
                "<link rel=\"stylesheet\"\n href=\"www/style/a.css\">",
                "index.html:2: a style sheet is to be one line",
            ),
            (
                "<!--\n<link rel=\"stylesheet\" href=\"www/style/a.css\">\n-->",
                "index.html:3: a style sheet in a comment",
            ),
            (
                r#"<link rel="stylesheet" href="www/style/a.css"><script>1</script>"#,
                "index.html:2: a style sheet is to be one line",
            ),
        ] {
            let said = write(&page(links), &mut styles(&["a"]), &[]).unwrap_err();
            assert!(said.starts_with(why), "{said}");
        }
        assert!(
            write("<head></head>", &mut Texts::new(), &[])
                .unwrap_err()
                .contains("start.js")
        );
    }

    #[test]
    fn what_is_asked_for_next_is_what_the_lists_say() {
        let waits_for = [
            ("m.js", vec!["m.js", "both.js"]),
            ("e.js", vec!["e.js", "both.js"]),
        ]
        .map(|(root, files)| {
            (
                root.to_owned(),
                files.into_iter().map(str::to_owned).collect(),
            )
        })
        .into();
        let joined = Joined {
            files: Texts::new(),
            waits_for,
        };
        let list = r#"{"default": "b", "models": [{"id": "a"}, {"id": "b", "artifact": "b/hneurons.json", "opens": "run"}]}"#;
        let ahead = ahead(&joined, ["m.js", "e.js"], list).unwrap();
        let text: Vec<_> = ahead
            .iter()
            .map(|(name, files)| format!("{name}: {}", files.join(" ")))
            .collect();
        assert_eq!(
            text,
            [
                "page: m.js both.js www/artifacts/index.json",
                "page-opens: www/artifacts/b/hneurons.json www/gallery/b/index.json www/gallery/b/run.json",
                "embed: e.js both.js www/artifacts/index.json",
                "embed-opens: www/gallery/b/run.json",
            ]
        );
        let without = r#"{"default": "c", "models": []}"#;
        assert!(super::ahead(&joined, ["m.js", "e.js"], without).is_err());
    }
}
