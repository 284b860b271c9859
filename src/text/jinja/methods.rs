//! Attributes, items, slices and methods of values, as Python has them.

use std::rc::Rc;

use super::{
    builtins::Args,
    run::{Result, Run},
    text::{
        Finder, Glyph, TEMPLATE, Text, capitalized, is_space, lines, lower, mapped, same, strip,
        titled, upper,
    },
    value::{Value, put, word},
};

const TEXT: [&str; 37] = [
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "rsplit",
    "splitlines",
    "startswith",
    "endswith",
    "upper",
    "lower",
    "casefold",
    "title",
    "capitalize",
    "swapcase",
    "replace",
    "find",
    "rfind",
    "index",
    "rindex",
    "count",
    "join",
    "format",
    "zfill",
    "ljust",
    "rjust",
    "center",
    "removeprefix",
    "removesuffix",
    "partition",
    "rpartition",
    "isdigit",
    "isalpha",
    "isalnum",
    "isspace",
    "isupper",
    "islower",
    "isnumeric",
];
/// Methods of Python's texts that are not known here; without this they would be silently undefined.
const TEXT_UNKNOWN: [&str; 10] = [
    "encode",
    "expandtabs",
    "format_map",
    "isascii",
    "isdecimal",
    "isidentifier",
    "isprintable",
    "istitle",
    "maketrans",
    "translate",
];
const DICT: [&str; 5] = ["items", "keys", "values", "get", "copy"];
const LIST: [&str; 3] = ["index", "count", "copy"];
/// Methods that change what they belong to: templates may not, here and in Hugging Face's sandbox.
const CHANGING: [&str; 12] = [
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "clear",
    "sort",
    "reverse",
    "update",
    "setdefault",
    "popitem",
    "add",
];

fn missing(value: &Value, name: &str) -> Value {
    Value::Undefined(format!("{} has no attribute '{name}'", value.kind()).into())
}

/// The method of that name, if the value has it.
fn method(value: &Value, name: &Rc<str>) -> Option<Value> {
    let known: &[&str] = match value {
        Value::Text(_) => &TEXT,
        Value::Dict(_) => &DICT,
        Value::List(_) | Value::Tuple(_) => &LIST,
        Value::Loop(_) => &["cycle", "changed"],
        _ => &[],
    };
    let known = known.contains(&&**name)
        || (CHANGING.contains(&&**name) && matches!(value, Value::Dict(_) | Value::List(_)));
    known.then(|| Value::Method(Rc::new((value.clone(), name.clone()))))
}

/// `value.name`.
pub(crate) fn attribute(run: &Run, value: &Value, name: &Rc<str>) -> Result<Value> {
    if let Value::Undefined(what) = value {
        return run.fault(what.to_string());
    }
    if let Some(method) = method(value, name) {
        return Ok(method);
    }
    if matches!(value, Value::Text(_)) && TEXT_UNKNOWN.contains(&&**name) {
        return run.fault(format!("the method '{name}' of a text is not known"));
    }
    let found = match value {
        Value::Dict(d) => d.get_name(name).cloned(),
        Value::Namespace(names) => names
            .borrow()
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone()),
        Value::Loop(l) => {
            let (i, n) = (l.index as i64, l.items.items.len() as i64);
            let neighbour = |i: Option<usize>| {
                let item = i.and_then(|i| l.items.items.get(i)).cloned();
                item.unwrap_or(Value::Undefined("there is no such item in the loop".into()))
            };
            match &**name {
                "index" => Some(Value::Int(i + 1)),
                "index0" => Some(Value::Int(i)),
                "revindex" => Some(Value::Int(n - i)),
                "revindex0" => Some(Value::Int(n - i - 1)),
                "first" => Some(Value::Bool(i == 0)),
                "last" => Some(Value::Bool(i + 1 == n)),
                "length" => Some(Value::Int(n)),
                "previtem" => Some(neighbour(l.index.checked_sub(1))),
                "nextitem" => Some(neighbour(Some(l.index + 1))),
                // Only recursive loops go deeper, and those are refused.
                "depth" => Some(Value::Int(1)),
                "depth0" => Some(Value::Int(0)),
                _ => None,
            }
        }
        Value::Macro(m) => match &**name {
            "name" => Some(Value::text(&m.code.name)),
            _ => None,
        },
        _ => None,
    };
    Ok(found.unwrap_or_else(|| missing(value, name)))
}

/// `value[item]`.
pub(crate) fn item(run: &Run, value: &Value, item: &Value) -> Result<Value> {
    if let Value::Undefined(what) = value {
        return run.fault(what.to_string());
    }
    if let Value::Dict(d) = value
        && let Some(found) = d.get(item)
    {
        return Ok(found.clone());
    }
    if let Some(name) = word(item) {
        return attribute(run, value, &name.as_str().into());
    }
    let at = |length: usize| {
        let i = item.integer()?;
        let i = if i < 0 {
            i.checked_add(length as i64)?
        } else {
            i
        };
        usize::try_from(i).ok().filter(|i| *i < length)
    };
    let found = match value {
        Value::List(l) | Value::Tuple(l) => at(l.items.len()).map(|i| l.items[i].clone()),
        Value::Text(t) => at(t.len()).map(|i| Value::Text(t.glyphs()[i..=i].into())),
        _ => None,
    };
    Ok(found
        .unwrap_or_else(|| Value::Undefined(format!("{} has no such item", value.kind()).into())))
}

/// `value[start:stop:step]`.
pub(crate) fn slice(
    run: &mut Run,
    value: &Value,
    [start, stop, step]: [Option<i64>; 3],
) -> Result<Value> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return run.fault("the step of a slice is zero");
    }
    let length = match value {
        Value::Text(t) => t.len(),
        Value::List(l) | Value::Tuple(l) => l.items.len(),
        other => return run.unusable(other, "cannot be cut"),
    } as i64;
    let (low, high) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let bound = |at: Option<i64>, default: i64| match at {
        None => default,
        Some(i) if i < 0 => i.saturating_add(length).max(low),
        Some(i) => i.min(high),
    };
    let (start, stop) = if step > 0 {
        (bound(start, 0), bound(stop, length))
    } else {
        (bound(start, length - 1), bound(stop, -1))
    };
    let mut places = Vec::new();
    let mut i = start;
    while if step > 0 { i < stop } else { i > stop } {
        places.push(i as usize);
        i = i.saturating_add(step);
    }
    match value {
        Value::Text(t) => run.made(places.into_iter().map(|i| t.glyphs()[i]).collect()),
        Value::List(l) => run.list(places.into_iter().map(|i| l.items[i].clone()).collect()),
        Value::Tuple(l) => run.lined(Value::tuple(
            places.into_iter().map(|i| l.items[i].clone()).collect(),
        )),
        other => run.unusable(other, "cannot be cut"),
    }
}

pub(crate) fn call(run: &mut Run, of: &Value, name: &str, args: Args) -> Result<Value> {
    match of {
        Value::Text(text) => text_method(run, text, name, args),
        _ if CHANGING.contains(&name) => run.fault(format!(
            "'{name}' changes {}, which templates may not",
            of.kind()
        )),
        Value::Dict(dict) => match name {
            "get" => {
                let [key, default] = args.bind(run, ["key", "default"])?;
                let found = key.and_then(|key| dict.get(&key).cloned());
                Ok(found.or(default).unwrap_or(Value::None))
            }
            _ => {
                args.none(run)?;
                let all = dict.entries.iter();
                let all: Vec<Value> = match name {
                    "keys" => all.map(|(k, _)| k.clone()).collect(),
                    "values" => all.map(|(_, v)| v.clone()).collect(),
                    "copy" => return Ok(of.clone()),
                    _ => {
                        let pairs = all.map(|(k, v)| Value::tuple(vec![k.clone(), v.clone()]));
                        let pairs: std::result::Result<Vec<_>, String> = pairs.collect();
                        run.lined(pairs)?
                    }
                };
                run.list(all)
            }
        },
        Value::List(list) | Value::Tuple(list) => {
            if name == "copy" {
                args.none(run)?;
                return Ok(of.clone());
            }
            let [Some(item)] = args.bind(run, ["item"])? else {
                return run.fault(format!("'{name}' needs an item"));
            };
            run.spend(of.size().saturating_add(item.size()))?;
            match name {
                "count" => Ok(Value::Int(
                    list.items.iter().filter(|v| v.equals(&item)).count() as i64,
                )),
                _ => match list.items.iter().position(|v| v.equals(&item)) {
                    Some(i) => Ok(Value::Int(i as i64)),
                    None => run.fault("the item is not in the list"),
                },
            }
        }
        Value::Loop(state) if name == "cycle" => match args.plain.len() {
            0 => run.fault("'cycle' needs items"),
            n => Ok(args.plain[state.index % n].clone()),
        },
        Value::Loop(state) => {
            let mut before = state.changed.borrow_mut();
            let same = before.as_ref().is_some_and(|b| {
                b.len() == args.plain.len() && b.iter().zip(&args.plain).all(|(a, b)| a.equals(b))
            });
            *before = Some(args.plain);
            Ok(Value::Bool(!same))
        }
        other => run.unusable(other, "cannot be called"),
    }
}

/// A text among arguments.
fn text_argument(run: &Run, value: Option<Value>, what: &str) -> Result<Option<Text>> {
    match value {
        None | Some(Value::None) => Ok(None),
        Some(Value::Text(t)) => Ok(Some(t)),
        Some(other) => run.unusable(&other, &format!("is no text for '{what}'")),
    }
}

fn number_argument(run: &Run, value: Option<Value>, what: &str) -> Result<Option<i64>> {
    match value {
        None | Some(Value::None) => Ok(None),
        Some(v) => match v.integer() {
            Some(i) => Ok(Some(i)),
            None => run.unusable(&v, &format!("is no number for '{what}'")),
        },
    }
}

fn pieces(run: &mut Run, all: Vec<&[Glyph]>) -> Result<Value> {
    run.spend(all.iter().map(|p| p.len()).sum())?;
    run.list(all.into_iter().map(|p| Value::Text(p.into())).collect())
}

fn text_method(run: &mut Run, text: &Text, name: &str, args: Args) -> Result<Value> {
    let t = text.glyphs();
    run.spend(t.len())?;
    match name {
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = args.bind(run, ["chars"])?;
            let chars = text_argument(run, chars, name)?;
            run.spend(t.len().saturating_mul(chars.as_ref().map_or(1, Text::len)))?;
            let kept = strip(
                t,
                chars.as_ref().map(Text::glyphs),
                name != "rstrip",
                name != "lstrip",
            );
            run.made(kept.to_vec())
        }
        "split" | "rsplit" => {
            let [by, most] = args.bind(run, ["sep", "maxsplit"])?;
            let by = text_argument(run, by, name)?;
            let most = number_argument(run, most, name)?.unwrap_or(-1);
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let all = split(t, by.as_ref().map(Text::glyphs), most, name == "rsplit");
            let all = run.lined(all)?;
            pieces(run, all)
        }
        "splitlines" => {
            let [keep] = args.bind(run, ["keepends"])?;
            pieces(run, lines(t, keep.is_some_and(|k| k.is_true())))
        }
        "startswith" | "endswith" => {
            let [part] = args.bind(run, ["prefix"])?;
            let parts = match part {
                Some(Value::Tuple(l)) => l.items.clone(),
                Some(other) => vec![other],
                None => return run.fault(format!("'{name}' needs a text")),
            };
            for part in parts {
                let Some(part) = text_argument(run, Some(part), name)? else {
                    return run.fault(format!("'{name}' needs a text"));
                };
                let p = part.glyphs();
                let there = t.len() >= p.len()
                    && same(
                        p,
                        if name == "endswith" {
                            &t[t.len() - p.len()..]
                        } else {
                            &t[..p.len()]
                        },
                    );
                if there {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        "replace" => {
            let [old, new, most] = args.bind(run, ["old", "new", "count"])?;
            let (old, new) = (
                text_argument(run, old, name)?,
                text_argument(run, new, name)?,
            );
            let (Some(old), Some(new)) = (old, new) else {
                return run.fault("'replace' needs two texts");
            };
            let most = number_argument(run, most, name)?.unwrap_or(-1);
            replaced(
                run,
                t,
                old.glyphs(),
                new.glyphs(),
                usize::try_from(most).unwrap_or(usize::MAX),
            )
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let [part] = args.bind(run, ["sub"])?;
            let Some(part) = text_argument(run, part, name)? else {
                return run.fault(format!("'{name}' needs a text"));
            };
            run.spend(part.len())?;
            let finder = Finder::new(part.glyphs());
            if name == "count" {
                return Ok(Value::Int(finder.all(t, usize::MAX).len() as i64));
            }
            let found = if name.starts_with('r') {
                // The last place, where places may overlap: searched from the end in the reverse.
                let back: Vec<Glyph> = t.iter().rev().copied().collect();
                let part: Vec<Glyph> = part.glyphs().iter().rev().copied().collect();
                Finder::new(&part)
                    .find(&back, 0)
                    .map(|i| t.len() - i - part.len())
            } else {
                finder.find(t, 0)
            };
            match found {
                Some(i) => Ok(Value::Int(i as i64)),
                None if name.ends_with("find") => Ok(Value::Int(-1)),
                None => run.fault("the text does not contain it"),
            }
        }
        "join" => {
            let [items] = args.bind(run, ["items"])?;
            let items = run.items(&items.unwrap_or(Value::None))?;
            let mut out = Vec::new();
            for (i, item) in items.iter().enumerate() {
                let Value::Text(item) = item else {
                    return run.unusable(item, "is no text to join");
                };
                run.spend(t.len() + item.len())?;
                if i > 0 {
                    out.extend_from_slice(t);
                }
                out.extend_from_slice(item.glyphs());
            }
            Ok(Value::Text(out.into()))
        }
        "format" => formatted(run, t, args),
        "zfill" | "ljust" | "rjust" | "center" => {
            let [width, fill] = args.bind(run, ["width", "fillchar"])?;
            let width = number_argument(run, width, name)?.unwrap_or(0);
            let fill = text_argument(run, fill, name)?;
            let fill = match (&fill, name) {
                (_, "zfill") => Glyph {
                    c: '0',
                    from: TEMPLATE,
                },
                (None, _) => Glyph {
                    c: ' ',
                    from: TEMPLATE,
                },
                (Some(f), _) if f.len() == 1 => f.glyphs()[0],
                _ => return run.fault(format!("'{name}' fills with one character")),
            };
            padded(run, t, name, usize::try_from(width).unwrap_or(0), fill)
        }
        "removeprefix" | "removesuffix" => {
            let [part] = args.bind(run, ["part"])?;
            let Some(part) = text_argument(run, part, name)? else {
                return run.fault(format!("'{name}' needs a text"));
            };
            let (p, n) = (part.glyphs(), t.len());
            let kept = match name {
                _ if p.len() > n || p.is_empty() => t,
                "removeprefix" if same(&t[..p.len()], p) => &t[p.len()..],
                "removesuffix" if same(&t[n - p.len()..], p) => &t[..n - p.len()],
                _ => t,
            };
            run.made(kept.to_vec())
        }
        "partition" | "rpartition" => {
            let [by] = args.bind(run, ["sep"])?;
            let by = text_argument(run, by, name)?;
            let all = run.lined(split(
                t,
                by.as_ref().map(Text::glyphs),
                1,
                name == "rpartition",
            ))?;
            let empty = Value::text("");
            let parts: Vec<Value> = all.iter().map(|p| Value::Text((*p).into())).collect();
            let by = by.map_or(empty.clone(), Value::Text);
            let three = match (&parts[..], name) {
                ([a, b], _) => vec![a.clone(), by, b.clone()],
                ([a], "partition") => vec![a.clone(), empty.clone(), empty],
                ([a], _) => vec![empty.clone(), empty, a.clone()],
                _ => return run.fault("a text could not be parted"),
            };
            run.lined(Value::tuple(three))
        }
        _ => {
            args.none(run)?;
            let all = |test: fn(char) -> bool| {
                Ok(Value::Bool(!t.is_empty() && t.iter().all(|g| test(g.c))))
            };
            let cased = |c: char| c.is_lowercase() || c.is_uppercase();
            match name {
                "upper" => run.made(upper(t)),
                "lower" | "casefold" => run.made(lower(t)),
                "title" => run.made(titled(t)),
                "capitalize" => run.made(capitalized(t)),
                "swapcase" => run.made(mapped(t, |c| {
                    let (up, down) = (c.to_uppercase(), c.to_lowercase());
                    let swapped: Vec<char> = if c.is_uppercase() {
                        down.collect()
                    } else {
                        up.collect()
                    };
                    swapped.into_iter()
                })),
                "isdigit" => all(|c| c.is_ascii_digit()),
                "isnumeric" => all(char::is_numeric),
                "isalpha" => all(char::is_alphabetic),
                "isalnum" => all(char::is_alphanumeric),
                "isspace" => all(is_space),
                "isupper" => Ok(Value::Bool(
                    t.iter().any(|g| cased(g.c)) && !t.iter().any(|g| g.c.is_lowercase()),
                )),
                "islower" => Ok(Value::Bool(
                    t.iter().any(|g| cased(g.c)) && !t.iter().any(|g| g.c.is_uppercase()),
                )),
                other => run.fault(format!("a text has no method '{other}'")),
            }
        }
    }
}

/// Python's `split` and `rsplit`.
fn split<'t>(
    t: &'t [Glyph],
    by: Option<&[Glyph]>,
    most: usize,
    from_right: bool,
) -> std::result::Result<Vec<&'t [Glyph]>, String> {
    let mut out = Vec::new();
    let Some(by) = by else {
        let mut rest = strip(t, None, !from_right, from_right);
        while !rest.is_empty() {
            let place = if from_right {
                rest.iter().rposition(|g| is_space(g.c))
            } else {
                rest.iter().position(|g| is_space(g.c))
            };
            match place.filter(|_| out.len() < most) {
                Some(i) if from_right => {
                    out.push(&rest[i + 1..]);
                    rest = strip(&rest[..i], None, false, true);
                }
                Some(i) => {
                    out.push(&rest[..i]);
                    rest = strip(&rest[i..], None, true, false);
                }
                None => {
                    // What is left as a whole keeps the white space at its far end, where there is a limit.
                    let whole = if out.len() < most {
                        strip(rest, None, true, true)
                    } else {
                        rest
                    };
                    if !whole.is_empty() {
                        out.push(whole);
                    }
                    break;
                }
            }
        }
        if from_right {
            out.reverse();
        }
        return Ok(out);
    };
    if by.is_empty() {
        return Err("a text cannot be split by nothing".to_owned());
    }
    if from_right {
        let back: Vec<Glyph> = t.iter().rev().copied().collect();
        let reversed: Vec<Glyph> = by.iter().rev().copied().collect();
        let mut end = t.len();
        for i in Finder::new(&reversed).all(&back, most) {
            let start = t.len() - i - by.len();
            out.push(&t[start + by.len()..end]);
            end = start;
        }
        out.push(&t[..end]);
        out.reverse();
    } else {
        let mut start = 0;
        for i in Finder::new(by).all(t, most) {
            out.push(&t[start..i]);
            start = i + by.len();
        }
        out.push(&t[start..]);
    }
    Ok(out)
}

/// Python's `replace`, at most `most` times.
pub(crate) fn replaced(
    run: &mut Run,
    t: &[Glyph],
    old: &[Glyph],
    new: &[Glyph],
    most: usize,
) -> Result<Value> {
    run.spend(t.len() + old.len())?;
    let mut places = Finder::new(old).all(t, most);
    if old.is_empty() && places.len() < most && places.last() != Some(&t.len()) {
        places.push(t.len());
    }
    run.spend(
        t.len()
            .saturating_add(places.len().saturating_mul(new.len())),
    )?;
    let mut out = Vec::new();
    let mut start = 0;
    for i in places {
        out.extend_from_slice(&t[start..i]);
        out.extend_from_slice(new);
        start = i + old.len();
    }
    out.extend_from_slice(&t[start..]);
    Ok(Value::Text(out.into()))
}

/// A text filled up to a width; `how` is the method's name.
pub(crate) fn padded(
    run: &mut Run,
    t: &[Glyph],
    how: &str,
    width: usize,
    fill: Glyph,
) -> Result<Value> {
    run.spend(width.max(t.len()))?;
    let more = width.saturating_sub(t.len());
    let (left, right) = match how {
        "ljust" => (0, more),
        "rjust" => (more, 0),
        // As Python: the odd one goes left where the width is odd.
        "center" => {
            let left = more / 2 + (more & width & 1);
            (left, more - left)
        }
        _ => (more, 0),
    };
    let signed = how == "zfill" && t.first().is_some_and(|g| matches!(g.c, '+' | '-'));
    let (sign, rest) = t.split_at(usize::from(signed));
    let mut out = sign.to_vec();
    out.extend(std::iter::repeat_n(fill, left));
    out.extend_from_slice(rest);
    out.extend(std::iter::repeat_n(fill, right));
    Ok(Value::Text(out.into()))
}

/// `"{} {name}".format(…)`, without format specifications.
fn formatted(run: &mut Run, t: &[Glyph], args: Args) -> Result<Value> {
    let mut out = Vec::new();
    let (mut i, mut next) = (0, 0);
    while let Some(g) = t.get(i) {
        let doubled = t.get(i + 1).is_some_and(|n| n.c == g.c);
        match g.c {
            '{' | '}' if doubled => {
                out.push(*g);
                i += 2;
            }
            '{' => {
                let Some(length) = t[i..].iter().position(|g| g.c == '}') else {
                    return run.fault("a '{' in a format does not end");
                };
                let field = super::plain(&t[i + 1..i + length]);
                let value = if field.is_empty() {
                    next += 1;
                    args.plain.get(next - 1)
                } else if let Ok(n) = field.parse::<usize>() {
                    args.plain.get(n)
                } else {
                    args.named
                        .iter()
                        .find(|(n, _)| **n == *field)
                        .map(|(_, v)| v)
                };
                let Some(value) = value.cloned() else {
                    return run.fault(format!("the field {{{field}}} of a format is not known"));
                };
                out.extend_from_slice(run.shown(&value)?.glyphs());
                i += length + 1;
            }
            '}' => return run.fault("a '}' in a format ends nothing"),
            _ => {
                out.push(*g);
                i += 1;
            }
        }
    }
    run.made(out)
}

/// `form % values`.
pub(crate) fn percent(run: &mut Run, form: &Text, values: &Value) -> Result<Value> {
    let all = match values {
        Value::Tuple(l) => l.items.clone(),
        other => vec![other.clone()],
    };
    let mut all = all.into_iter();
    let mut out = Vec::new();
    let mut form = form.glyphs().iter();
    while let Some(g) = form.next() {
        if g.c != '%' {
            out.push(*g);
            continue;
        }
        let directive = form.next().map_or(' ', |g| g.c);
        if directive == '%' {
            out.push(*g);
            continue;
        }
        let Some(value) = all.next() else {
            return run.fault("a format has more fields than values");
        };
        match directive {
            's' => out.extend_from_slice(run.shown(&value)?.glyphs()),
            'r' => {
                run.spend(value.size())?;
                out.extend(value.repr());
            }
            'd' | 'i' => match value.number() {
                Some(n) if n.abs() < 9e18 => put(&mut out, &(n.trunc() as i64).to_string()),
                _ => return run.unusable(&value, "is no number for '%d'"),
            },
            'f' => match value.number() {
                Some(n) => put(&mut out, &format!("{n:.6}")),
                None => return run.unusable(&value, "is no number for '%f'"),
            },
            other => return run.fault(format!("the format '%{other}' is not known")),
        }
    }
    if all.next().is_some() && matches!(values, Value::Tuple(_)) {
        return run.fault("a format has fewer fields than values");
    }
    run.made(out)
}
