//! Style sheets for the web: without comments and indentation, and several in one.
//!
//! What could reach from one sheet into the next, a brace or a string that does not end, is refused, and so are rules that count
//! only at the beginning of a file.

use super::module::place;
use crate::Result;

/// One sheet of several, `(path, text)`, which lie in one folder: what they do is what they do one after the other.
pub fn joined<'a>(sheets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<String> {
    let mut text = String::new();
    for (path, sheet) in sheets {
        text.push_str(&plain(path, sheet)?);
    }
    Ok(text)
}

fn plain(path: &str, sheet: &str) -> Result<String> {
    let mut out = String::new();
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut at = 0;
    while let Some(c) = sheet.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = sheet.get(at..).unwrap_or_default();
        let refuse = |why: &str| Err(format!("{}: {why}", place(path, sheet, at)));
        let length = match c {
            '/' if rest.starts_with("/*") => {
                let Some(end) = rest.get(2..).and_then(|rest| rest.find("*/")) else {
                    return refuse("this comment does not end");
                };
                let length = end + 4;
                let after = rest.get(length..).and_then(|rest| rest.chars().next());
                // Between two words it parts them, and is no space.
                let apart =
                    |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "{};,".contains(c));
                if !apart(out.chars().next_back()) && !apart(after) {
                    out.push_str("/**/");
                } else if after.is_some_and(char::is_whitespace)
                    && out.ends_with(' ')
                    && !out.ends_with("\\ ")
                {
                    out.pop();
                }
                at += length;
                continue;
            }
            '"' | '\'' => match string(rest, c) {
                Some(length) => length,
                None => return refuse("this string does not end in its line"),
            },
            '\\' => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            '@' => {
                let first = ["@import", "@charset", "@namespace"];
                if let Some(rule) = first
                    .iter()
                    .find(|rule| rest.to_ascii_lowercase().starts_with(**rule))
                {
                    return refuse(&format!("{rule} counts at the beginning of a file only"));
                }
                1
            }
            '{' | '(' | '[' => {
                open.push((c, at));
                let name = out.len().checked_sub(3).and_then(|from| out.get(from..));
                let is_url = c == '(' && name.is_some_and(|name| name.eq_ignore_ascii_case("url"));
                let inner = rest.get(1..).unwrap_or_default().trim_start();
                if is_url && !inner.starts_with(['"', '\'']) {
                    return refuse("write the address of url() as a string");
                }
                1
            }
            '}' | ')' | ']' => {
                let opens = match c {
                    '}' => '{',
                    ')' => '(',
                    _ => '[',
                };
                if open.pop().is_none_or(|(c, _)| c != opens) {
                    return refuse(&format!("this {c} closes nothing"));
                }
                1
            }
            _ if c.is_whitespace() => {
                let length = rest
                    .find(|c: char| !c.is_whitespace())
                    .unwrap_or(rest.len());
                let space = rest.get(..length).unwrap_or_default();
                if !out.ends_with('\n') {
                    out.push(if space.contains('\n') { '\n' } else { ' ' });
                }
                at += length;
                continue;
            }
            _ => c.len_utf8(),
        };
        out.push_str(rest.get(..length).unwrap_or_default());
        at += length;
    }
    if let Some((c, at)) = open.pop() {
        return Err(format!(
            "{}: this {c} is not closed",
            place(path, sheet, at)
        ));
    }
    Ok(format!("{}\n", out.trim()))
}

/// How long the string is at whose beginning `text` is.
fn string(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return None,
            _ if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_keep_their_order_and_lose_their_comments() {
        let a = "/* why */\n.a::before {\n  content: \"/* no comment */\";\n}\n";
        let b = ".b/**/.c { inset: calc(1px + 2px); }\n@media print {\n  .d { color: red } /* } */\n}\n";
        assert_eq!(
            joined([("a.css", a), ("b.css", b)]).unwrap(),
            ".a::before {\ncontent: \"/* no comment */\";\n}\n.b/**/.c { inset: calc(1px + 2px); }\n@media print {\n.d { color: red }\n}\n"
        );
        let escaped = ".\\@import { content: \"\\\"}\"; background: url(\"a.svg\") }";
        assert!(joined([("a.css", escaped)]).unwrap().contains("\\\"}"));
    }

    #[test]
    fn what_would_reach_into_the_next_sheet_is_refused_with_its_line() {
        for (sheet, why) in [
            (".a {\n  color: red;\n", "a.css:1: this { is not closed"),
            ("\n.a { } }", "a.css:2: this } closes nothing"),
            (".a { inset: calc(1px }", "a.css:1: this } closes nothing"),
            ("\n\n/* .a { }", "a.css:3: this comment does not end"),
            (
                ".a { content: \"\n\" }",
                "a.css:1: this string does not end in its line",
            ),
            (
                "@import \"b.css\";",
                "a.css:1: @import counts at the beginning of a file only",
            ),
            (
                ".a { background: url(b.svg) }",
                "a.css:1: write the address of url() as a string",
            ),
        ] {
            assert_eq!(joined([("a.css", sheet)]).unwrap_err(), why);
        }
    }
}
