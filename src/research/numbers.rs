//! Number words, for questions and for their judge.

/// Zero to nineteen.
pub(crate) const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

/// Twenty to ninety.
pub(crate) const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// A number in figures that begins at `at`: its normal form, and where it ends.
///
/// The normal form has a sign if it is negative, no separators of thousands, a point before decimals, and no zeros behind them:
/// `1,000` is `1000`, `−3.50` is `-3.5`, `1.000,5` is `1000.5`, `3 1/2` and `3½` are `3.5`. A comma before other than three figures is
/// a decimal one. `10:30` stays as it is. What has more parts, such as a date (`24/12/2020`, `1.2.3`) or a range (`5-6`), is
/// several numbers: only its first is taken. A number never begins inside of a word.
pub(crate) fn figures(text: &[char], at: usize) -> Option<(String, usize)> {
    let before = at.checked_sub(1).and_then(|i| text.get(i));
    // Behind a word, a bracket or another number, a dash is no sign.
    let inside = |c: &char| c.is_alphanumeric() || matches!(c, ')' | '%' | '°');
    let last = text[..at].iter().rev().find(|c| !c.is_whitespace());
    let joins = before.is_some_and(inside) || last.is_some_and(char::is_ascii_digit);
    let sign = matches!(text.get(at)?, '-' | '−' | '–') && !joins;
    let start = at + usize::from(sign);
    if !sign && before.is_some_and(|c| c.is_alphanumeric()) {
        return None;
    }
    let (value, end) = unsigned(text, start)?;
    let negative = sign && value.contains(|c: char| c.is_ascii_digit() && c != '0');
    Some((if negative { format!("-{value}") } else { value }, end))
}

fn digits(text: &[char], at: usize) -> usize {
    text[at.min(text.len())..]
        .iter()
        .take_while(|c| c.is_ascii_digit())
        .count()
}

fn string(text: &[char], from: usize, to: usize) -> String {
    text[from..to].iter().collect()
}

fn unsigned(text: &[char], at: usize) -> Option<(String, usize)> {
    let digit = |i: usize| text.get(i).is_some_and(char::is_ascii_digit);
    // A later part of a date or the like.
    if at >= 2 && matches!(text[at - 1], '.' | ',' | ':' | '/') && digit(at - 2) && digit(at) {
        let end = at + digits(text, at);
        return Some((string(text, at, end), end));
    }
    if let Some((value, end)) = part(text, at) {
        return Some((value, end));
    }
    if text.get(at) == Some(&'.') && digit(at + 1) {
        let end = at + 1 + digits(text, at + 1);
        return Some((decimal("0", &string(text, at + 1, end)), end));
    }
    let whole_end = at + digits(text, at);
    if whole_end == at {
        return None;
    }
    let whole = string(text, at, whole_end);
    // Separators and the groups of figures behind them.
    let mut groups: Vec<(char, usize, usize)> = Vec::new();
    let mut end = whole_end;
    while let Some(&c) = text.get(end)
        && matches!(c, '.' | ',' | ':' | '/' | '\u{a0}' | '\u{202f}')
        && digit(end + 1)
    {
        let next = end + 1 + digits(text, end + 1);
        if matches!(c, '\u{a0}' | '\u{202f}') && next - end != 4 {
            break;
        }
        groups.push((c, end + 1, next));
        end = next;
    }
    let joined = |groups: &[(char, usize, usize)]| {
        groups
            .iter()
            .fold(whole.clone(), |all, g| all + &string(text, g.1, g.2))
    };
    let thousands = |groups: &[(char, usize, usize)]| {
        whole.len() <= 3
            && groups.iter().all(|g| g.2 - g.1 == 3 && g.0 == groups[0].0)
            && matches!(groups[0].0, ',' | '.' | '\u{a0}' | '\u{202f}')
    };
    let value = match &groups[..] {
        [] => {
            // `3 1/2`, `3½`: a whole and a part.
            let gap = usize::from(text.get(end) == Some(&' '));
            if let Some((value, end)) = part(text, end + gap)
                && let Some(rest) = value.strip_prefix("0.")
            {
                return Some((decimal(&whole, rest), end));
            }
            whole.clone()
        }
        [(':', from, to)] => format!("{whole}:{}", string(text, *from, *to)),
        all if thousands(all) && !(all.len() == 1 && all[0].0 == '.') => joined(all),
        [('.' | ',', from, to)] => decimal(&whole, &string(text, *from, *to)),
        [all @ .., (point @ ('.' | ','), from, to)] if thousands(all) && all[0].0 != *point => {
            decimal(&joined(all), &string(text, *from, *to))
        }
        _ => return Some((whole, whole_end)),
    };
    Some((value, end))
}

/// A fraction: as a decimal where it ends, else as it is.
fn part(text: &[char], at: usize) -> Option<(String, usize)> {
    let vulgar = match text.get(at)? {
        '½' => Some((1, 2)),
        '¼' => Some((1, 4)),
        '¾' => Some((3, 4)),
        '⅓' => Some((1, 3)),
        '⅔' => Some((2, 3)),
        '⅕' => Some((1, 5)),
        '⅛' => Some((1, 8)),
        _ => None,
    };
    let (above, below, end) = match vulgar {
        Some((above, below)) => (above, below, at + 1),
        None => {
            let slash = at + digits(text, at);
            let end = slash + 1 + digits(text, slash + 1);
            let fraction =
                slash > at && end > slash + 1 && matches!(text.get(slash), Some('/' | '⁄'));
            // Of a date, `24/12/2020`, nothing is a fraction.
            let more = matches!(text.get(end), Some('/' | '⁄')) || (at > 0 && text[at - 1] == '/');
            if !fraction || more {
                return None;
            }
            let above: u64 = string(text, at, slash).parse().ok()?;
            let below: u64 = string(text, slash + 1, end).parse().ok()?;
            (above, below, end)
        }
    };
    let whole = above.checked_div(below)?;
    let mut rest = above % below;
    let mut decimals = String::new();
    while rest > 0 && decimals.len() < 6 {
        rest = rest.checked_mul(10)?;
        decimals.push(char::from_digit((rest / below) as u32, 10)?);
        rest %= below;
    }
    let value = if rest > 0 {
        format!("{above}/{below}")
    } else {
        decimal(&whole.to_string(), &decimals)
    };
    Some((value, end))
}

fn decimal(whole: &str, decimals: &str) -> String {
    match decimals.trim_end_matches('0') {
        "" => whole.to_owned(),
        decimals => format!("{whole}.{decimals}"),
    }
}
