//! A template's source becomes tokens, with the handling of white space that Hugging Face sets: `trim_blocks` (the line break
//! after a block is dropped), `lstrip_blocks` (so are blanks before a block that begins a line), and no line break at the very end.

use super::{Fault, text::is_space};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// Text outside of tags.
    Data(String),
    BlockBegin,
    BlockEnd,
    PrintBegin,
    PrintEnd,
    Name(String),
    Text(String),
    Integer(i64),
    Float(f64),
    /// `==`, `|`, `(` …
    Sign(&'static str),
    End,
}

/// Longer signs come first.
const SIGNS: [&str; 28] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";", "&", "!",
];

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: u32,
    out: Vec<(u32, Token)>,
}

/// The tokens of a template, each with its line; the last is [`Token::End`].
pub(crate) fn tokens(source: &str) -> Result<Vec<(u32, Token)>, Fault> {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut lexer = Lexer {
        source: source.strip_suffix('\n').unwrap_or(&source),
        at: 0,
        line: 1,
        out: Vec::new(),
    };
    lexer.run()?;
    let line = lexer.line;
    lexer.out.push((line, Token::End));
    Ok(lexer.out)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn skip(&mut self, bytes: usize) {
        let skipped = &self.source[self.at..self.at + bytes];
        self.line += skipped.matches('\n').count() as u32;
        self.at += bytes;
    }

    fn push(&mut self, token: Token) {
        self.out.push((self.line, token));
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.line, message)
    }

    fn run(&mut self) -> Result<(), Fault> {
        // Whether what comes next begins a line, as far as blocks are concerned.
        let mut line_start = true;
        loop {
            let rest = self.rest();
            let tag = rest
                .match_indices('{')
                .find(|(i, _)| matches!(rest.as_bytes().get(i + 1), Some(b'{' | b'%' | b'#')));
            let Some((at, _)) = tag else {
                self.data(rest, None, line_start);
                self.skip(rest.len());
                return Ok(());
            };
            let kind = rest.as_bytes()[at + 1];
            let sign = rest[at + 2..]
                .chars()
                .next()
                .filter(|c| matches!(c, '-' | '+'));
            // `{{+` is no sign but a plus.
            let sign = sign.filter(|&c| kind != b'{' || c == '-');
            self.data(&rest[..at], Some((kind, sign)), line_start);
            self.skip(at + 2 + usize::from(sign.is_some()));
            match kind {
                b'#' => self.comment()?,
                b'%' if self.raw_tag("raw").is_some() => self.raw()?,
                b'%' => {
                    self.push(Token::BlockBegin);
                    self.inside("%}")?;
                    self.push(Token::BlockEnd);
                }
                _ => {
                    self.push(Token::PrintBegin);
                    self.inside("}}")?;
                    self.push(Token::PrintEnd);
                }
            }
            line_start = self.source[..self.at].ends_with('\n');
        }
    }

    /// Text before a tag (its second character and its sign) or before the end.
    fn data(&mut self, text: &str, tag: Option<(u8, Option<char>)>, line_start: bool) {
        let text = match tag {
            Some((_, Some('-'))) => text.trim_end_matches(is_space),
            Some((b'%' | b'#', None)) => {
                let start = text.rfind('\n').map_or(0, |i| i + 1);
                let begins_line = start > 0 || line_start;
                if begins_line && text[start..].chars().all(is_space) {
                    &text[..start]
                } else {
                    text
                }
            }
            _ => text,
        };
        if !text.is_empty() {
            self.push(Token::Data(text.to_owned()));
        }
    }

    /// After a tag: its sign and end are skipped, and the white space that goes with them.
    fn close(&mut self, sign: Option<char>, end: &str) {
        self.skip(usize::from(sign.is_some()) + end.len());
        let rest = self.rest();
        if sign == Some('-') {
            self.skip(rest.len() - rest.trim_start_matches(is_space).len());
        } else if sign.is_none() && end != "}}" && rest.starts_with('\n') {
            self.skip(1);
        }
    }

    fn comment(&mut self) -> Result<(), Fault> {
        let end = self
            .rest()
            .find("#}")
            .ok_or_else(|| self.fault("a comment does not end"))?;
        let sign = self.rest()[..end]
            .chars()
            .last()
            .filter(|c| matches!(c, '-' | '+'));
        self.skip(end - usize::from(sign.is_some()));
        self.close(sign, "#}");
        Ok(())
    }

    /// If the tag that began is `name` and nothing else: its length from here up to its end, and its sign.
    fn raw_tag(&self, name: &str) -> Option<(usize, Option<char>)> {
        raw_tag(self.rest(), name)
    }

    fn raw(&mut self) -> Result<(), Fault> {
        let Some((length, sign)) = self.raw_tag("raw") else {
            return Ok(());
        };
        self.skip(length);
        self.close(sign, "%}");
        let rest = self.rest();
        let end = rest.match_indices("{%").find_map(|(i, _)| {
            let tag = &rest[i + 2..];
            let sign = tag.chars().next().filter(|c| matches!(c, '-' | '+'));
            let tag = &tag[usize::from(sign.is_some())..];
            let (length, end) = raw_tag(tag, "endraw")?;
            Some((i, sign, length, end))
        });
        let (at, sign, length, end) = end.ok_or_else(|| self.fault("'raw' does not end"))?;
        self.data(&rest[..at], Some((b'%', sign)), false);
        self.skip(at + 2 + usize::from(sign.is_some()) + length);
        self.close(end, "%}");
        Ok(())
    }

    /// The inside of a tag, up to and with its end. An end inside of brackets is none.
    fn inside(&mut self, end: &'static str) -> Result<(), Fault> {
        let mut open: Vec<char> = Vec::new();
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else {
                return Err(self.fault("a tag does not end"));
            };
            if open.is_empty() {
                let sign = Some(c).filter(|c| *c == '-' || (*c == '+' && end == "%}"));
                if rest[usize::from(sign.is_some())..].starts_with(end) {
                    self.close(sign, end);
                    return Ok(());
                }
            }
            if is_space(c) {
                self.skip(c.len_utf8());
            } else if c == '"' || c == '\'' {
                self.text(c)?;
            } else if c.is_ascii_digit() {
                self.number()?;
            } else if c.is_alphabetic() || c == '_' {
                let length = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                self.push(Token::Name(rest[..length].to_owned()));
                self.skip(length);
            } else {
                let sign = SIGNS.into_iter().find(|s| rest.starts_with(s));
                let sign = sign.ok_or_else(|| self.fault(format!("{c:?} is not expected")))?;
                match sign {
                    "(" | "[" | "{" => open.push(c),
                    ")" | "]" | "}" => {
                        let matching = match open.pop() {
                            Some('(') => ")",
                            Some('[') => "]",
                            Some('{') => "}",
                            _ => "",
                        };
                        if matching != sign {
                            return Err(self.fault(format!("'{sign}' closes nothing")));
                        }
                    }
                    _ => {}
                }
                self.push(Token::Sign(sign));
                self.skip(sign.len());
            }
        }
    }

    /// A string literal, with Python's escapes.
    fn text(&mut self, quote: char) -> Result<(), Fault> {
        let rest = &self.rest()[1..];
        let mut out = String::new();
        let mut chars = rest.char_indices();
        let unfinished = || self.fault("a string does not end");
        loop {
            let (i, c) = chars.next().ok_or_else(unfinished)?;
            if c == quote {
                self.push(Token::Text(out));
                self.skip(i + 2);
                return Ok(());
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            let (i, c) = chars.next().ok_or_else(unfinished)?;
            let code = |digits: usize, radix: u32, from: usize| {
                let digits = rest.get(from..from + digits)?;
                let all = digits.chars().all(|c| c.is_digit(radix));
                let code = u32::from_str_radix(digits, radix).ok().filter(|_| all)?;
                char::from_u32(code)
            };
            let long = match c {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                _ => 0,
            };
            if long > 0 {
                let c = code(long, 16, i + 1);
                out.push(c.ok_or_else(|| self.fault("an escape in a string is no character"))?);
                for _ in 0..long {
                    chars.next();
                }
                continue;
            }
            match c {
                '\n' => {}
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'a' => out.push('\x07'),
                'b' => out.push('\x08'),
                'f' => out.push('\x0c'),
                'v' => out.push('\x0b'),
                '\\' | '\'' | '"' => out.push(c),
                '0'..='7' => {
                    let octal = |c: char| c.is_digit(8);
                    let tail = rest[i + 1..]
                        .chars()
                        .take(2)
                        .take_while(|c| octal(*c))
                        .count();
                    out.extend(code(1 + tail, 8, i));
                    for _ in 0..tail {
                        chars.next();
                    }
                }
                // Python keeps an escape it does not know as it stands.
                _ => out.extend(['\\', c]),
            }
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let radix = match rest.get(..2) {
            Some("0x" | "0X") => 16,
            Some("0o" | "0O") => 8,
            Some("0b" | "0B") => 2,
            _ => 10,
        };
        if radix != 10 {
            let digits = |c: char| c.is_digit(radix) || c == '_';
            let length = rest[2..].find(|c| !digits(c)).map_or(rest.len(), |i| i + 2);
            let value = i64::from_str_radix(&rest[2..length].replace('_', ""), radix);
            let value = value.map_err(|_| self.fault("a number is too large"))?;
            self.push(Token::Integer(value));
            self.skip(length);
            return Ok(());
        }
        let digits = |s: &str| {
            s.find(|c: char| !(c.is_ascii_digit() || c == '_'))
                .unwrap_or(s.len())
        };
        let mut length = digits(rest);
        let mut float = false;
        // `a.0.1` is two indices, `1.5` a number: a dot before the digits makes the difference.
        let after_dot = matches!(self.out.last(), Some((_, Token::Sign("."))));
        if !after_dot {
            let tail = &rest[length..];
            if tail.starts_with('.') && tail[1..].starts_with(|c: char| c.is_ascii_digit()) {
                length += 1 + digits(&tail[1..]);
                float = true;
            }
            let tail = &rest[length..];
            if tail.starts_with(['e', 'E']) {
                let sign = usize::from(tail[1..].starts_with(['+', '-']));
                if tail[1 + sign..].starts_with(|c: char| c.is_ascii_digit()) {
                    length += 1 + sign + digits(&tail[1 + sign..]);
                    float = true;
                }
            }
        }
        let text = rest[..length].replace('_', "");
        let token = if float {
            text.parse().ok().map(Token::Float)
        } else {
            text.parse().ok().map(Token::Integer)
        };
        let token = token.ok_or_else(|| self.fault("a number is too large"))?;
        self.push(token);
        self.skip(length);
        Ok(())
    }
}

fn raw_tag(rest: &str, name: &str) -> Option<(usize, Option<char>)> {
    let tail = rest.trim_start_matches(is_space).strip_prefix(name)?;
    let tail = tail.trim_start_matches(is_space);
    let sign = tail.chars().next().filter(|c| matches!(c, '-' | '+'));
    tail[usize::from(sign.is_some())..]
        .starts_with("%}")
        .then_some((rest.len() - tail.len(), sign))
}
