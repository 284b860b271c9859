//! Text in which every character remembers where it comes from.

use std::rc::Rc;

/// The origin of a character that the template wrote, or that the program gave it.
pub(crate) const TEMPLATE: u32 = 0;

/// One character and its origin: [`TEMPLATE`], or a number that the caller chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub c: char,
    pub from: u32,
}

/// An immutable text. Every operation on it keeps the origin of what it keeps.
#[derive(Debug, Clone)]
pub(crate) struct Text(Rc<[Glyph]>);

impl Text {
    /// `text`, all of it from one origin.
    pub fn new(text: &str, from: u32) -> Self {
        Self(text.chars().map(|c| Glyph { c, from }).collect())
    }

    pub fn glyphs(&self) -> &[Glyph] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn plain(&self) -> String {
        plain(&self.0)
    }

    /// Whether it says the same; origins do not count.
    pub fn says(&self, other: &[Glyph]) -> bool {
        same(&self.0, other)
    }
}

impl From<Vec<Glyph>> for Text {
    fn from(glyphs: Vec<Glyph>) -> Self {
        Self(glyphs.into())
    }
}

impl From<&[Glyph]> for Text {
    fn from(glyphs: &[Glyph]) -> Self {
        Self(glyphs.into())
    }
}

/// The characters alone.
pub(crate) fn plain(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|g| g.c).collect()
}

pub(crate) fn same(a: &[Glyph], b: &[Glyph]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.c == b.c)
}

/// What Python's `str.isspace` calls white space: Unicode's, and four separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// Python's `strip`, `lstrip` and `rstrip`: of white space, or of the characters given.
pub(crate) fn strip<'a>(
    mut text: &'a [Glyph],
    chars: Option<&[Glyph]>,
    left: bool,
    right: bool,
) -> &'a [Glyph] {
    let drop = |g: &Glyph| match chars {
        None => is_space(g.c),
        Some(chars) => chars.iter().any(|x| x.c == g.c),
    };
    while left && let [first, rest @ ..] = text {
        if !drop(first) {
            break;
        }
        text = rest;
    }
    while right && let [rest @ .., last] = text {
        if !drop(last) {
            break;
        }
        text = rest;
    }
    text
}

/// Finds one text in others in time proportional to their lengths (Knuth, Morris and Pratt 1977), whatever a hostile template
/// compares.
pub(crate) struct Finder<'a> {
    needle: &'a [Glyph],
    /// Length of the longest proper border of each prefix of the needle.
    border: Vec<usize>,
}

impl<'a> Finder<'a> {
    pub fn new(needle: &'a [Glyph]) -> Self {
        let mut border = vec![0; needle.len()];
        let mut k = 0;
        for i in 1..needle.len() {
            while k > 0 && needle[i].c != needle[k].c {
                k = border[k - 1];
            }
            k += usize::from(needle[i].c == needle[k].c);
            border[i] = k;
        }
        Self { needle, border }
    }

    /// The first place at or after `start`.
    pub fn find(&self, text: &[Glyph], start: usize) -> Option<usize> {
        if self.needle.is_empty() {
            return (start <= text.len()).then_some(start);
        }
        let mut k = 0;
        for (i, g) in text.iter().enumerate().skip(start) {
            while k > 0 && g.c != self.needle[k].c {
                k = self.border[k - 1];
            }
            k += usize::from(g.c == self.needle[k].c);
            if k == self.needle.len() {
                return Some(i + 1 - k);
            }
        }
        None
    }

    /// All places that do not overlap, at most `limit`.
    pub fn all(&self, text: &[Glyph], limit: usize) -> Vec<usize> {
        let mut out = Vec::new();
        let mut at = 0;
        while out.len() < limit
            && let Some(found) = self.find(text, at)
        {
            out.push(found);
            at = found + self.needle.len().max(1);
        }
        out
    }
}

/// Replaces each character by those that `map` gives, which keep its origin.
pub(crate) fn mapped<I: Iterator<Item = char>>(
    text: &[Glyph],
    mut map: impl FnMut(char) -> I,
) -> Vec<Glyph> {
    let each = |g: &Glyph| {
        let from = g.from;
        map(g.c).map(move |c| Glyph { c, from }).collect::<Vec<_>>()
    };
    text.iter().flat_map(each).collect()
}

pub(crate) fn upper(text: &[Glyph]) -> Vec<Glyph> {
    mapped(text, char::to_uppercase)
}

/// Lower case; a sigma that ends a word takes its final form, which needs the whole text.
pub(crate) fn lower(text: &[Glyph]) -> Vec<Glyph> {
    let whole = plain(text).to_lowercase();
    let mut chars = whole.chars();
    let mut out = Vec::with_capacity(text.len());
    for g in text {
        let count = g.c.to_lowercase().count();
        out.extend(
            chars
                .by_ref()
                .take(count)
                .map(|c| Glyph { c, from: g.from }),
        );
    }
    out
}

/// First character in upper case, the others in lower case.
pub(crate) fn capitalized(text: &[Glyph]) -> Vec<Glyph> {
    let Some((first, rest)) = text.split_first() else {
        return Vec::new();
    };
    let mut out = upper(&[*first]);
    let tail = lower(&out.split_off(1.min(out.len())));
    out.extend(tail);
    out.extend(lower(rest));
    out
}

/// Python's `str.title`: a letter after something that is no letter is in upper case, other letters in lower case.
pub(crate) fn titled(text: &[Glyph]) -> Vec<Glyph> {
    let lowered = lower(text);
    // Lower case can be longer than the text; then each character is mapped by itself.
    let whole = lowered.len() == text.len();
    let mut out = Vec::with_capacity(text.len());
    let mut inside = false;
    for (i, g) in text.iter().enumerate() {
        let cased = g.c.is_lowercase() || g.c.is_uppercase();
        match (cased, inside) {
            (true, false) => out.extend(capitalized(&[*g])),
            (true, true) if whole => out.push(lowered[i]),
            (true, true) => out.extend(lower(&[*g])),
            (false, _) => out.push(*g),
        }
        inside = cased;
    }
    out
}

/// Ends of line as `str.splitlines` knows them.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// The lines of a text, with their ends if `keep`.
pub(crate) fn lines(text: &[Glyph], keep: bool) -> Vec<&[Glyph]> {
    let mut out = Vec::new();
    let (mut start, mut i) = (0, 0);
    while i < text.len() {
        if !is_line_end(text[i].c) {
            i += 1;
            continue;
        }
        let two = text[i].c == '\r' && text.get(i + 1).is_some_and(|g| g.c == '\n');
        let end = i + 1 + usize::from(two);
        out.push(&text[start..if keep { end } else { i }]);
        (start, i) = (end, end);
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}
