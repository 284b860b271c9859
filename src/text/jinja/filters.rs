//! Jinja's filters.

use super::{
    builtins::Args,
    json,
    methods::{attribute, item, padded, replaced},
    run::{Result, Run},
    tests_is,
    text::{Glyph, TEMPLATE, Text, capitalized, is_space, lines, lower, strip, upper},
    value::{Value, word},
};

/// Filters that are known; others are refused by name.
pub(crate) const NAMES: [&str; 48] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
    "wordwrap",
];

pub(crate) fn apply(run: &mut Run, name: &str, value: Value, args: Args) -> Result<Value> {
    match name {
        "default" | "d" => {
            let [default, falsy] = args.bind(run, ["default_value", "boolean"])?;
            let replace = matches!(value, Value::Undefined(_))
                || (falsy.is_some_and(|f| f.is_true()) && !value.is_true());
            Ok(if replace {
                default.unwrap_or(Value::text(""))
            } else {
                value
            })
        }
        "length" | "count" => {
            args.none(run)?;
            let length = match &value {
                Value::Text(t) => t.len(),
                Value::List(l) | Value::Tuple(l) => l.items.len(),
                Value::Dict(d) => d.entries.len(),
                Value::Undefined(_) => 0,
                other => return run.unusable(other, "has no length"),
            };
            Ok(Value::Int(length as i64))
        }
        "map" | "select" | "reject" | "selectattr" | "rejectattr" | "groupby" | "unique"
        | "sort" | "min" | "max" | "sum" | "dictsort" | "batch" | "slice" | "first" | "last"
        | "list" | "reverse" | "join" | "items" => sequence(run, name, value, args),
        "tojson" => tojson(run, &value, args),
        "int" | "float" | "abs" | "round" => number(run, name, &value, args),
        "string" | "safe" => {
            args.none(run)?;
            run.shown(&value).map(Value::Text)
        }
        "attr" => {
            let [attr] = args.bind(run, ["name"])?;
            let name = attr.as_ref().and_then(word).unwrap_or_default();
            // Unlike a dot, it never looks for an item.
            match value {
                Value::Dict(_) => Ok(Value::Undefined(
                    format!("a dict has no attribute '{name}'").into(),
                )),
                value => attribute(run, &value, &name.as_str().into()),
            }
        }
        _ => on_text(run, name, &value, args),
    }
}

fn int(run: &Run, value: Option<Value>, default: i64) -> Result<i64> {
    match value {
        None => Ok(default),
        Some(v) => match v.integer() {
            Some(i) => Ok(i),
            None => run.unusable(&v, "is no number here"),
        },
    }
}

/// Filters that take the value's text.
fn on_text(run: &mut Run, name: &str, value: &Value, args: Args) -> Result<Value> {
    let text = run.shown(value)?;
    let t = text.glyphs();
    run.spend(t.len())?;
    match name {
        "trim" => {
            let [chars] = args.bind(run, ["chars"])?;
            let chars = match chars {
                None | Some(Value::None) => None,
                Some(v) => Some(run.shown(&v)?),
            };
            run.spend(t.len().saturating_mul(chars.as_ref().map_or(1, Text::len)))?;
            run.made(strip(t, chars.as_ref().map(Text::glyphs), true, true).to_vec())
        }
        "upper" => args.none(run).and_then(|()| run.made(upper(t))),
        "lower" => args.none(run).and_then(|()| run.made(lower(t))),
        "capitalize" => args.none(run).and_then(|()| run.made(capitalized(t))),
        "title" => {
            args.none(run)?;
            let mut out = Vec::new();
            // A word begins after one of these characters.
            for word in t.split_inclusive(|g| is_space(g.c) || "-({[<".contains(g.c)) {
                if let Some((first, rest)) = word.split_first() {
                    out.extend(upper(&[*first]));
                    out.extend(lower(rest));
                }
            }
            run.made(out)
        }
        "replace" => {
            let [old, new, count] = args.bind(run, ["old", "new", "count"])?;
            let (Some(old), Some(new)) = (old, new) else {
                return run.fault("'replace' needs two texts");
            };
            let (old, new) = (run.shown(&old)?, run.shown(&new)?);
            let most = match count {
                None | Some(Value::None) => usize::MAX,
                count => usize::try_from(int(run, count, 0)?).unwrap_or(usize::MAX),
            };
            replaced(run, t, old.glyphs(), new.glyphs(), most)
        }
        "escape" | "e" | "forceescape" => {
            args.none(run)?;
            let mut out = Vec::new();
            for g in t {
                let entity = match g.c {
                    '&' => "&amp;",
                    '<' => "&lt;",
                    '>' => "&gt;",
                    '\'' => "&#39;",
                    '"' => "&#34;",
                    _ => {
                        out.push(*g);
                        continue;
                    }
                };
                out.extend(entity.chars().map(|c| Glyph { c, from: g.from }));
            }
            run.made(out)
        }
        "indent" => {
            let [width, first, blank] = args.bind(run, ["width", "first", "blank"])?;
            let by = match width {
                Some(Value::Text(t)) => t,
                width => {
                    let width = usize::try_from(int(run, width, 4)?).unwrap_or(0);
                    run.spend(width)?;
                    Text::new(&" ".repeat(width), TEMPLATE)
                }
            };
            let (first, blank) = (
                first.is_some_and(|v| v.is_true()),
                blank.is_some_and(|v| v.is_true()),
            );
            let mut all = lines(t, false);
            if t.last().is_none_or(|g| super::text::is_line_end(g.c)) {
                all.push(&[]);
            }
            run.spend(all.len().saturating_mul(by.len() + 1))?;
            let mut out = Vec::new();
            for (i, line) in all.iter().enumerate() {
                if i > 0 {
                    out.push(Glyph {
                        c: '\n',
                        from: TEMPLATE,
                    });
                }
                if (i > 0 && (blank || !line.is_empty())) || (i == 0 && first) {
                    out.extend_from_slice(by.glyphs());
                }
                out.extend_from_slice(line);
            }
            run.made(out)
        }
        "center" => {
            let [width] = args.bind(run, ["width"])?;
            let width = usize::try_from(int(run, width, 80)?).unwrap_or(0);
            padded(
                run,
                t,
                "center",
                width,
                Glyph {
                    c: ' ',
                    from: TEMPLATE,
                },
            )
        }
        "wordcount" => {
            args.none(run)?;
            let words = t.split(|g| !(g.c.is_alphanumeric() || g.c == '_'));
            Ok(Value::Int(words.filter(|w| !w.is_empty()).count() as i64))
        }
        "truncate" => {
            let [length, kill, end, leeway] =
                args.bind(run, ["length", "killwords", "end", "leeway"])?;
            let end = match end {
                None => Text::new("...", TEMPLATE),
                Some(v) => run.shown(&v)?,
            };
            let length = usize::try_from(int(run, length, 255)?).unwrap_or(0);
            let leeway = usize::try_from(int(run, leeway, 5)?).unwrap_or(0);
            if t.len() <= length.saturating_add(leeway) {
                return Ok(Value::Text(text.clone()));
            }
            let Some(room) = length.checked_sub(end.len()) else {
                return run.fault("'truncate' leaves no room for its end");
            };
            let mut kept = &t[..room];
            if !kill.is_some_and(|k| k.is_true())
                && let Some(i) = kept.iter().rposition(|g| g.c == ' ')
            {
                kept = &kept[..i];
            }
            run.made([kept, end.glyphs()].concat())
        }
        "format" => {
            if !args.named.is_empty() {
                return run.fault("'format' with names is not known");
            }
            let values = run.lined(Value::tuple(args.plain))?;
            super::methods::percent(run, &text, &values)
        }
        "urlencode" | "wordwrap" => run.fault(format!("the filter '{name}' is not supported")),
        other => run.fault(format!("the filter '{other}' is not known")),
    }
}

fn number(run: &mut Run, name: &str, value: &Value, args: Args) -> Result<Value> {
    let said = match value {
        Value::Text(t) => {
            run.spend(t.len())?;
            Some(super::plain(strip(t.glyphs(), None, true, true)).replace('_', ""))
        }
        _ => None,
    };
    match name {
        "int" => {
            let [default, base] = args.bind(run, ["default", "base"])?;
            let base = int(run, base, 10)?;
            let value = match (&said, value) {
                (Some(said), _) => {
                    let whole = u32::try_from(base).ok().filter(|b| (2..=36).contains(b));
                    let whole = whole.and_then(|b| i64::from_str_radix(said, b).ok());
                    whole.or_else(|| {
                        said.parse::<f64>()
                            .ok()
                            .filter(|f| f.abs() < 9e18)
                            .map(|f| f as i64)
                    })
                }
                (None, Value::Float(f)) if f.abs() < 9e18 => Some(*f as i64),
                (None, other) => other.integer(),
            };
            Ok(value
                .map(Value::Int)
                .unwrap_or(default.unwrap_or(Value::Int(0))))
        }
        "float" => {
            let [default] = args.bind(run, ["default"])?;
            let value = match &said {
                Some(said) => said.parse().ok(),
                None => value.number(),
            };
            Ok(value
                .map(Value::Float)
                .unwrap_or(default.unwrap_or(Value::Float(0.0))))
        }
        "abs" => {
            args.none(run)?;
            match value {
                Value::Float(f) => Ok(Value::Float(f.abs())),
                other => match other.integer().and_then(i64::checked_abs) {
                    Some(i) => Ok(Value::Int(i)),
                    None => run.unusable(other, "is no number for 'abs'"),
                },
            }
        }
        _ => {
            let [precision, method] = args.bind(run, ["precision", "method"])?;
            let precision = int(run, precision, 0)?.clamp(-15, 15);
            let Some(n) = value.number() else {
                return run.unusable(value, "is no number for 'round'");
            };
            let scale = 10f64.powi(precision as i32);
            let rounded = match method.as_ref().and_then(word).as_deref() {
                None | Some("common") => (n * scale).round_ties_even() / scale,
                Some("ceil") => (n * scale).ceil() / scale,
                Some("floor") => (n * scale).floor() / scale,
                _ => return run.fault("the method of 'round' is not known"),
            };
            Ok(Value::Float(rounded))
        }
    }
}

fn tojson(run: &mut Run, value: &Value, args: Args) -> Result<Value> {
    let [ascii, indent, separators, sorted] =
        args.bind(run, ["ensure_ascii", "indent", "separators", "sort_keys"])?;
    let indent = match indent {
        None | Some(Value::None) => None,
        Some(Value::Text(t)) => Some(t.glyphs().to_vec()),
        Some(v) => match v.integer() {
            Some(i @ 0..=64) => Some(vec![
                Glyph {
                    c: ' ',
                    from: TEMPLATE
                };
                i as usize
            ]),
            _ => return run.unusable(&v, "is no indentation for 'tojson'"),
        },
    };
    let mut item = Text::new(if indent.is_some() { "," } else { ", " }, TEMPLATE);
    let mut key = Text::new(": ", TEMPLATE);
    if let Some(separators) = separators
        && !matches!(separators, Value::None)
    {
        match &run.items(&separators)?[..] {
            [Value::Text(a), Value::Text(b)] => (item, key) = (a.clone(), b.clone()),
            _ => return run.fault("'separators' of 'tojson' are two texts"),
        }
    }
    let layout = json::Layout {
        ascii: ascii.is_some_and(|a| a.is_true()),
        indent,
        item: item.glyphs().to_vec(),
        key: key.glyphs().to_vec(),
        sorted: sorted.is_some_and(|s| s.is_true()),
    };
    // What a value's part costs at most: an escape of six characters, or its separators and its line.
    let each = 12 + item.len() + key.len() + layout.indent.as_ref().map_or(0, |i| 60 * i.len());
    run.spend(value.size().saturating_mul(each.max(1)))?;
    let mut out = Vec::new();
    let written = match value {
        Value::Undefined(what) => Err(what.to_string()),
        value => json::write(value, &layout, 0, &mut out),
    };
    run.lined(written)?;
    Ok(Value::Text(out.into()))
}

/// An attribute by a dotted path, or an item by its number.
fn path(run: &Run, value: &Value, path: &Value) -> Result<Value> {
    let Value::Text(t) = path else {
        return item(run, value, path);
    };
    let mut value = value.clone();
    for name in t.plain().split('.') {
        let key = match name.parse::<i64>() {
            Ok(i) => Value::Int(i),
            Err(_) => Value::text(name),
        };
        value = match value {
            Value::Undefined(_) => return Ok(value),
            value => item(run, &value, &key)?,
        };
    }
    Ok(value)
}

/// What a value is ordered and compared by: texts without regard to case, unless it is asked for.
fn key(run: &mut Run, value: &Value, by: Option<&Value>, cased: bool) -> Result<Value> {
    let value = match by {
        Some(by) => path(run, value, by)?,
        None => value.clone(),
    };
    run.spend(value.size())?;
    Ok(match value {
        Value::Text(t) if !cased => Value::Text(lower(t.glyphs()).into()),
        other => other,
    })
}

/// Filters that go through the value's items.
fn sequence(run: &mut Run, name: &str, value: Value, mut args: Args) -> Result<Value> {
    if name == "items" || name == "dictsort" {
        let Value::Dict(d) = &value else {
            return match value {
                Value::Undefined(_) => run.list(Vec::new()),
                other => run.unusable(&other, &format!("is no dict for '{name}'")),
            };
        };
        let pairs: std::result::Result<Vec<_>, String> = d
            .entries
            .iter()
            .map(|(k, v)| Value::tuple(vec![k.clone(), v.clone()]))
            .collect();
        let pairs = run.lined(pairs)?;
        if name == "items" {
            args.none(run)?;
            return run.list(pairs);
        }
        let [cased, by, reverse] = args.bind(run, ["case_sensitive", "by", "reverse"])?;
        let at = if by.as_ref().and_then(word).as_deref() == Some("value") {
            1
        } else {
            0
        };
        return sorted(
            run,
            pairs,
            Some(&Value::Int(at)),
            cased.is_some_and(|c| c.is_true()),
            reverse.is_some_and(|r| r.is_true()),
        );
    }
    if let ("first" | "last" | "reverse", Value::Text(t)) = (name, &value) {
        let one = if name == "first" {
            t.glyphs().first()
        } else {
            t.glyphs().last()
        };
        return match (name, one) {
            ("reverse", _) => run.made(t.glyphs().iter().rev().copied().collect()),
            (_, Some(g)) => Ok(Value::Text([*g][..].into())),
            (_, None) => Ok(Value::Undefined(
                "an empty text has no first or last character".into(),
            )),
        };
    }
    let mut items = run.items(&value)?;
    match name {
        "list" => args.none(run).and_then(|()| run.list(items)),
        "first" | "last" => {
            args.none(run)?;
            let one = if name == "first" {
                items.into_iter().next()
            } else {
                items.pop()
            };
            Ok(one.unwrap_or(Value::Undefined(
                "an empty list has no first or last item".into(),
            )))
        }
        "reverse" => {
            args.none(run)?;
            items.reverse();
            run.list(items)
        }
        "join" => {
            let [between, attr] = args.bind(run, ["d", "attribute"])?;
            let between = match between {
                None => Text::new("", TEMPLATE),
                Some(v) => run.shown(&v)?,
            };
            let mut out: Vec<Glyph> = Vec::new();
            for (i, item) in items.iter().enumerate() {
                let item = match &attr {
                    Some(attr) => path(run, item, attr)?,
                    None => item.clone(),
                };
                let item = run.shown(&item)?;
                run.spend(item.len() + between.len())?;
                if i > 0 {
                    out.extend_from_slice(between.glyphs());
                }
                out.extend_from_slice(item.glyphs());
            }
            Ok(Value::Text(out.into()))
        }
        "map" => {
            let named = |args: &Args, name: &str| {
                args.named
                    .iter()
                    .find(|(n, _)| &**n == name)
                    .map(|(_, v)| v.clone())
            };
            let mut out = Vec::with_capacity(items.len());
            if let Some(attr) = named(&args, "attribute") {
                let default = named(&args, "default");
                for item in &items {
                    let found = path(run, item, &attr)?;
                    out.push(match (found, &default) {
                        (Value::Undefined(_), Some(default)) => default.clone(),
                        (found, _) => found,
                    });
                }
                return run.list(out);
            }
            if args.plain.is_empty() {
                return run.fault("'map' needs a filter or an attribute");
            }
            let filter = args.plain.remove(0);
            let Some(filter) = word(&filter) else {
                return run.fault("'map' needs a filter's name");
            };
            for item in items {
                let args = Args {
                    plain: args.plain.clone(),
                    named: args.named.clone(),
                };
                out.push(nested(run, |run| apply(run, &filter, item, args))?);
            }
            run.list(out)
        }
        "select" | "reject" | "selectattr" | "rejectattr" => {
            let attr = match name.ends_with("attr") {
                true if args.plain.is_empty() => {
                    return run.fault(format!("'{name}' needs an attribute"));
                }
                true => Some(args.plain.remove(0)),
                false => None,
            };
            let test = match args.plain.is_empty() {
                true => None,
                false => Some(args.plain.remove(0)),
            };
            let mut out = Vec::new();
            for item in items {
                let tested = match &attr {
                    Some(attr) => path(run, &item, attr)?,
                    None => item.clone(),
                };
                let holds = match test.as_ref().map(word) {
                    None => tested.is_true(),
                    Some(Some(test)) => {
                        let args = Args {
                            plain: args.plain.clone(),
                            named: args.named.clone(),
                        };
                        run.spend(8)?;
                        tests_is::holds(run, &test, &tested, args)?
                    }
                    Some(None) => return run.fault(format!("'{name}' needs a test's name")),
                };
                if holds == name.starts_with("select") {
                    out.push(item);
                }
            }
            run.list(out)
        }
        "sort" => {
            let [reverse, cased, by] =
                args.bind(run, ["reverse", "case_sensitive", "attribute"])?;
            sorted(
                run,
                items,
                by.as_ref(),
                cased.is_some_and(|c| c.is_true()),
                reverse.is_some_and(|r| r.is_true()),
            )
        }
        "unique" | "min" | "max" => {
            let [cased, by] = args.bind(run, ["case_sensitive", "attribute"])?;
            let cased = cased.is_some_and(|c| c.is_true());
            if name != "unique" {
                let mut all = sorted(run, items, by.as_ref(), cased, false)?;
                let empty = Value::Undefined("an empty list has no least or greatest item".into());
                all = run.items(&all).map(|mut items| match name {
                    "min" if !items.is_empty() => items.swap_remove(0),
                    _ => items.pop().unwrap_or(empty),
                })?;
                return Ok(all);
            }
            let mut seen: Vec<Value> = Vec::new();
            let mut out = Vec::new();
            for item in items {
                let key = key(run, &item, by.as_ref(), cased)?;
                run.spend(seen.iter().map(|s| s.size().min(key.size())).sum())?;
                if !seen.iter().any(|s| s.equals(&key)) {
                    seen.push(key);
                    out.push(item);
                }
            }
            run.list(out)
        }
        "groupby" => {
            let [by, default, cased] =
                args.bind(run, ["attribute", "default", "case_sensitive"])?;
            let cased = cased.is_some_and(|c| c.is_true());
            let ordered = sorted(run, items, by.as_ref(), cased, false)?;
            let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
            for item in run.items(&ordered)? {
                let mut shown = match &by {
                    Some(by) => path(run, &item, by)?,
                    None => item.clone(),
                };
                if let (Value::Undefined(_), Some(default)) = (&shown, &default) {
                    shown = default.clone();
                }
                let key = key(run, &shown, None, cased)?;
                match groups.last_mut() {
                    Some(group) if group.0.equals(&key) => group.2.push(item),
                    _ => groups.push((key, shown, vec![item])),
                }
            }
            let mut out = Vec::new();
            for (_, shown, items) in groups {
                let items = run.list(items)?;
                out.push(run.lined(Value::tuple(vec![shown, items]))?);
            }
            run.list(out)
        }
        "sum" => {
            let [by, start] = args.bind(run, ["attribute", "start"])?;
            let mut total = start.unwrap_or(Value::Int(0));
            for item in &items {
                let item = match &by {
                    Some(by) => path(run, item, by)?,
                    None => item.clone(),
                };
                total = match (
                    total.integer(),
                    item.integer(),
                    total.number(),
                    item.number(),
                ) {
                    (Some(a), Some(b), ..) if a.checked_add(b).is_some() => Value::Int(a + b),
                    (_, _, Some(a), Some(b)) => Value::Float(a + b),
                    _ => return run.unusable(&item, "cannot be added up"),
                };
            }
            Ok(total)
        }
        _ => {
            let [count, fill] = args.bind(run, ["linecount", "fill_with"])?;
            let count = usize::try_from(int(run, count, 1)?)
                .unwrap_or(0)
                .clamp(1, 100_000);
            let mut groups: Vec<Vec<Value>> = Vec::new();
            if name == "batch" {
                groups = items.chunks(count).map(<[Value]>::to_vec).collect();
                if let (Some(last), Some(fill)) = (groups.last_mut(), fill) {
                    run.spend(count.saturating_mul(8))?;
                    last.resize(count, fill);
                }
            } else {
                run.spend(count.saturating_mul(8))?;
                let (each, more) = (items.len() / count, items.len() % count);
                let mut rest = items.into_iter();
                for i in 0..count {
                    let mut group: Vec<Value> =
                        rest.by_ref().take(each + usize::from(i < more)).collect();
                    if let Some(fill) = fill.as_ref().filter(|_| more > 0 && i >= more) {
                        group.push(fill.clone());
                    }
                    groups.push(group);
                }
            }
            let groups = groups
                .into_iter()
                .map(|g| run.list(g))
                .collect::<Result<Vec<_>>>()?;
            run.list(groups)
        }
    }
}

fn nested<T>(run: &mut Run, act: impl FnOnce(&mut Run) -> Result<T>) -> Result<T> {
    run.spend(8)?;
    act(run)
}

fn sorted(
    run: &mut Run,
    items: Vec<Value>,
    by: Option<&Value>,
    cased: bool,
    reverse: bool,
) -> Result<Value> {
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        keyed.push((key(run, &item, by, cased)?, item));
    }
    // Each comparison reads no more than the shorter of two keys.
    let sizes: usize = keyed
        .iter()
        .map(|(k, _)| k.size())
        .fold(0, usize::saturating_add);
    run.spend(sizes.saturating_mul(1 + keyed.len().checked_ilog2().unwrap_or(0) as usize))?;
    let mut unordered = None;
    keyed.sort_by(|a, b| {
        a.0.order(&b.0).unwrap_or_else(|| {
            unordered = Some(a.0.clone());
            std::cmp::Ordering::Equal
        })
    });
    if let Some(value) = unordered {
        return run.unusable(&value, "cannot be put in order here");
    }
    if reverse {
        // As Python: what is equal keeps its order.
        keyed.reverse();
        let mut out: Vec<(Value, Value)> = Vec::with_capacity(keyed.len());
        let mut start = 0;
        for i in 1..=keyed.len() {
            if i == keyed.len() || !keyed[i].0.equals(&keyed[start].0) {
                out.extend(keyed[start..i].iter().rev().cloned());
                start = i;
            }
        }
        keyed = out;
    }
    run.list(keyed.into_iter().map(|(_, v)| v).collect())
}
