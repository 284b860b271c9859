//! `tojson` as Hugging Face has it: Python's `json.dumps`, which escapes nothing for HTML.

use super::{
    text::Glyph,
    value::{Value, float, put},
};

/// How JSON is laid out.
pub(crate) struct Layout {
    pub ascii: bool,
    /// What a level is indented by, if lines are broken.
    pub indent: Option<Vec<Glyph>>,
    pub item: Vec<Glyph>,
    pub key: Vec<Glyph>,
    pub sorted: bool,
}

/// Writes a value.
///
/// # Errors
/// For what JSON has no form for.
pub(crate) fn write(
    value: &Value,
    layout: &Layout,
    level: usize,
    out: &mut Vec<Glyph>,
) -> Result<(), String> {
    match value {
        Value::None => put(out, "null"),
        Value::Bool(b) => put(out, if *b { "true" } else { "false" }),
        Value::Int(i) => put(out, &i.to_string()),
        Value::Float(f) => put(out, &number(*f)),
        Value::Text(t) => quoted(t.glyphs(), layout.ascii, out),
        Value::List(l) | Value::Tuple(l) => {
            let each = |v: &Value, out: &mut Vec<Glyph>| write(v, layout, level + 1, out);
            items("[", "]", &l.items, layout, level, out, each)?;
        }
        Value::Dict(d) => {
            let mut entries: Vec<&(Value, Value)> = d.entries.iter().collect();
            if layout.sorted {
                entries.sort_by(|a, b| a.0.order(&b.0).unwrap_or(std::cmp::Ordering::Equal));
            }
            items("{", "}", &entries, layout, level, out, |(k, v), out| {
                match k {
                    Value::Text(t) => quoted(t.glyphs(), layout.ascii, out),
                    Value::None => put(out, "\"null\""),
                    Value::Bool(b) => put(out, if *b { "\"true\"" } else { "\"false\"" }),
                    Value::Float(f) => put(out, &format!("\"{}\"", number(*f))),
                    other => put(out, &format!("\"{}\"", other.integer().unwrap_or(0))),
                }
                out.extend_from_slice(&layout.key);
                write(v, layout, level + 1, out)
            })?;
        }
        other => return Err(format!("{} has no form in JSON", other.kind())),
    }
    Ok(())
}

fn items<T>(
    open: &str,
    close: &str,
    all: &[T],
    layout: &Layout,
    level: usize,
    out: &mut Vec<Glyph>,
    mut each: impl FnMut(&T, &mut Vec<Glyph>) -> Result<(), String>,
) -> Result<(), String> {
    let line = |level: usize, out: &mut Vec<Glyph>| {
        if let Some(indent) = &layout.indent {
            put(out, "\n");
            (0..level).for_each(|_| out.extend_from_slice(indent));
        }
    };
    put(out, open);
    for (i, item) in all.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(&layout.item);
        }
        line(level + 1, out);
        each(item, out)?;
    }
    if !all.is_empty() {
        line(level, out);
    }
    put(out, close);
    Ok(())
}

fn number(f: f64) -> String {
    match float(f).as_str() {
        "nan" => "NaN".to_owned(),
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        other => other.to_owned(),
    }
}

fn quoted(text: &[Glyph], ascii: bool, out: &mut Vec<Glyph>) {
    put(out, "\"");
    for g in text {
        let escape = match g.c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\x08' => "\\b".to_owned(),
            '\x0c' => "\\f".to_owned(),
            c if c < ' ' => format!("\\u{:04x}", c as u32),
            c if ascii && c > '\x7e' => {
                let mut units = [0; 2];
                c.encode_utf16(&mut units)
                    .iter()
                    .map(|u| format!("\\u{u:04x}"))
                    .collect()
            }
            c => c.to_string(),
        };
        out.extend(escape.chars().map(|c| Glyph { c, from: g.from }));
    }
    put(out, "\"");
}
