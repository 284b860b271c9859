//! Values as templates see them: Python's, as far as chat templates use them.

use std::{cell::RefCell, cmp::Ordering, rc::Rc};

use super::{
    syntax::Macro,
    text::{Glyph, TEMPLATE, Text, plain},
};

/// How deep lists and dicts may nest; values are walked recursively.
pub(crate) const MAX_DEPTH: usize = 60;

pub(crate) type Names = Vec<(Rc<str>, Value)>;

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A name that stands for nothing; what it was, for the error if something is done with it.
    Undefined(Rc<str>),
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Text),
    List(Rc<List>),
    Tuple(Rc<List>),
    Dict(Rc<Dict>),
    Namespace(Rc<RefCell<Names>>),
    Macro(Rc<Callable>),
    /// A function or class that templates are given, by name.
    Builtin(&'static str),
    Loop(Rc<Loop>),
    /// A method not called yet: what it belongs to, and its name.
    Method(Rc<(Value, Rc<str>)>),
}

/// Items of a list or tuple, and how deep they nest.
#[derive(Debug)]
pub(crate) struct List {
    pub items: Vec<Value>,
    depth: usize,
    /// See [`Value::size`].
    size: usize,
}

/// Entries of a dict, in the order of insertion.
#[derive(Debug)]
pub(crate) struct Dict {
    pub entries: Vec<(Value, Value)>,
    depth: usize,
    /// See [`Value::size`].
    size: usize,
}

/// A macro; for the body of a `call` block, with the variables of the place where it stands.
#[derive(Debug)]
pub(crate) struct Callable {
    pub code: Rc<Macro>,
    pub scopes: Option<Vec<Names>>,
}

/// The state of a `for` loop that its body sees.
#[derive(Debug)]
pub(crate) struct Loop {
    pub items: Rc<List>,
    pub index: usize,
    pub changed: Rc<RefCell<Option<Vec<Value>>>>,
}

impl Value {
    pub fn text(text: &str) -> Self {
        Self::Text(Text::new(text, TEMPLATE))
    }

    /// A list, unless it nests too deep.
    pub fn list(items: Vec<Value>) -> Result<Self, String> {
        Ok(Self::List(Rc::new(List::new(items)?)))
    }

    pub fn tuple(items: Vec<Value>) -> Result<Self, String> {
        Ok(Self::Tuple(Rc::new(List::new(items)?)))
    }

    /// A dict; of entries with the same key, the last one's value stands in the first one's place.
    pub fn dict(entries: Vec<(Value, Value)>) -> Result<Self, String> {
        let mut out: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
        let mut depth = 0;
        for (key, value) in entries {
            if !matches!(
                key,
                Self::Text(_) | Self::Int(_) | Self::Bool(_) | Self::None | Self::Float(_)
            ) {
                return Err(format!("{} cannot be a key of a dict", key.kind()));
            }
            depth = depth.max(value.depth());
            match out.iter_mut().find(|(k, _)| k.equals(&key)) {
                Some(entry) => entry.1 = value,
                None => out.push((key, value)),
            }
        }
        let depth = nest(depth)?;
        let sizes = out.iter().map(|(k, v)| k.size().saturating_add(v.size()));
        let size = sizes.fold(1, usize::saturating_add);
        Ok(Self::Dict(Rc::new(Dict {
            entries: out,
            depth,
            size,
        })))
    }

    /// Characters and values in it, each counted as often as it occurs: what it costs to walk or write it. A list that holds
    /// another twice, and so on, is small in memory and endless to walk.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(t) => t.len() + 1,
            Self::List(l) | Self::Tuple(l) => l.size,
            Self::Dict(d) => d.size,
            _ => 4,
        }
    }

    /// How deep it nests. What could contain itself counts as too deep to be contained.
    fn depth(&self) -> usize {
        match self {
            Self::List(l) | Self::Tuple(l) => l.depth,
            Self::Dict(d) => d.depth,
            Self::Namespace(_) | Self::Macro(_) | Self::Loop(_) | Self::Method(_) => MAX_DEPTH,
            Self::Undefined(_)
            | Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::Builtin(_) => 0,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Undefined(_) => "something undefined",
            Self::None => "none",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dict",
            Self::Namespace(_) => "a namespace",
            Self::Macro(_) => "a macro",
            Self::Builtin(_) => "a function",
            Self::Loop(_) => "a loop",
            Self::Method(_) => "a method",
        }
    }

    pub fn is_true(&self) -> bool {
        match self {
            Self::Undefined(_) | Self::None => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Text(t) => t.len() > 0,
            Self::List(l) | Self::Tuple(l) => !l.items.is_empty(),
            Self::Dict(d) => !d.entries.is_empty(),
            Self::Namespace(_)
            | Self::Macro(_)
            | Self::Builtin(_)
            | Self::Loop(_)
            | Self::Method(_) => true,
        }
    }

    /// Python's `==`.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined(_), Self::Undefined(_)) | (Self::None, Self::None) => true,
            (Self::Text(a), Self::Text(b)) => a.says(b.glyphs()),
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => {
                let (a, b) = (&a.items, &b.items);
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Self::Dict(a), Self::Dict(b)) => {
                a.entries.len() == b.entries.len()
                    && a.entries
                        .iter()
                        .all(|(k, v)| b.get(k).is_some_and(|w| w.equals(v)))
            }
            (Self::Namespace(a), Self::Namespace(b)) => Rc::ptr_eq(a, b),
            (Self::Builtin(a), Self::Builtin(b)) => a == b,
            (a, b) => match (a.integer(), b.integer()) {
                (Some(a), Some(b)) => a == b,
                _ => matches!((a.number(), b.number()), (Some(a), Some(b)) if a == b),
            },
        }
    }

    /// Python's order, where there is one.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(
                a.glyphs()
                    .iter()
                    .map(|g| g.c)
                    .cmp(b.glyphs().iter().map(|g| g.c)),
            ),
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => {
                for (a, b) in a.items.iter().zip(&b.items) {
                    if !a.equals(b) {
                        return a.order(b);
                    }
                }
                Some(a.items.len().cmp(&b.items.len()))
            }
            (a, b) => match (a.integer(), b.integer()) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => a.number()?.partial_cmp(&b.number()?),
            },
        }
    }

    /// As an integer, if it is one; truth values are.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Bool(b) => Some(i64::from(*b)),
            Self::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// As a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Float(f) => Some(*f),
            other => other.integer().map(|i| i as f64),
        }
    }

    /// Python's `str(…)`.
    pub fn shown(&self) -> Vec<Glyph> {
        match self {
            Self::Text(t) => t.glyphs().to_vec(),
            Self::Undefined(_) => Vec::new(),
            other => other.repr(),
        }
    }

    /// Python's `repr(…)`.
    pub fn repr(&self) -> Vec<Glyph> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<Glyph>) {
        match self {
            Self::Undefined(_) => put(out, "Undefined"),
            Self::None => put(out, "None"),
            Self::Bool(true) => put(out, "True"),
            Self::Bool(false) => put(out, "False"),
            Self::Int(i) => put(out, &i.to_string()),
            Self::Float(f) => put(out, &float(*f)),
            Self::Text(t) => quoted(t.glyphs(), out),
            Self::List(l) => {
                put(out, "[");
                separated(&l.items, out, |v, out| v.write(out));
                put(out, "]");
            }
            Self::Tuple(l) => {
                put(out, "(");
                separated(&l.items, out, |v, out| v.write(out));
                put(out, if l.items.len() == 1 { ",)" } else { ")" });
            }
            Self::Dict(d) => {
                put(out, "{");
                separated(&d.entries, out, |(k, v), out| {
                    k.write(out);
                    put(out, ": ");
                    v.write(out);
                });
                put(out, "}");
            }
            Self::Namespace(_) => put(out, "<Namespace>"),
            Self::Macro(m) => put(out, &format!("<Macro '{}'>", m.code.name)),
            Self::Builtin(name) => put(out, &format!("<function {name}>")),
            Self::Loop(l) => put(
                out,
                &format!("<LoopContext {}/{}>", l.index + 1, l.items.items.len()),
            ),
            Self::Method(m) => put(out, &format!("<built-in method {}>", m.1)),
        }
    }
}

impl List {
    pub fn new(items: Vec<Value>) -> Result<Self, String> {
        let depth = nest(items.iter().map(Value::depth).max().unwrap_or(0))?;
        let size = items.iter().map(Value::size).fold(1, usize::saturating_add);
        Ok(Self { items, depth, size })
    }
}

impl Dict {
    pub fn get(&self, key: &Value) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(k, _)| k.equals(key))
            .map(|(_, v)| v)
    }

    pub fn get_name(&self, name: &str) -> Option<&Value> {
        let is = |k: &Value| matches!(k, Value::Text(t) if t.len() == name.chars().count() && t.glyphs().iter().map(|g| g.c).eq(name.chars()));
        self.entries.iter().find(|(k, _)| is(k)).map(|(_, v)| v)
    }
}

fn nest(depth: usize) -> Result<usize, String> {
    if depth < MAX_DEPTH {
        Ok(depth + 1)
    } else {
        Err("values nest too deep".to_owned())
    }
}

/// Adds what the program itself writes.
pub(crate) fn put(out: &mut Vec<Glyph>, text: &str) {
    out.extend(text.chars().map(|c| Glyph { c, from: TEMPLATE }));
}

fn separated<T>(items: &[T], out: &mut Vec<Glyph>, mut each: impl FnMut(&T, &mut Vec<Glyph>)) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            put(out, ", ");
        }
        each(item, out);
    }
}

/// A text in quotation marks, with the escapes of Python's `repr`.
fn quoted(text: &[Glyph], out: &mut Vec<Glyph>) {
    let has = |c: char| text.iter().any(|g| g.c == c);
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    put(out, quote.encode_utf8(&mut [0; 4]));
    for g in text {
        let escape = match g.c {
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c == quote => format!("\\{c}"),
            c if c < ' ' || ('\x7f'..='\u{a0}').contains(&c) || c == '\u{ad}' => {
                format!("\\x{:02x}", c as u32)
            }
            c if c > '\u{ff}' && (c.is_control() || c.is_whitespace()) => {
                format!("\\u{:04x}", c as u32)
            }
            c => c.to_string(),
        };
        out.extend(escape.chars().map(|c| Glyph { c, from: g.from }));
    }
    put(out, quote.encode_utf8(&mut [0; 4]));
}

/// A floating-point number as Python writes it.
pub(crate) fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if f == 0.0 || (1e-4..1e16).contains(&f.abs()) {
        let text = f.to_string();
        return if text.contains('.') {
            text
        } else {
            text + ".0"
        };
    }
    let text = format!("{f:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = match exponent.strip_prefix('-') {
                Some(digits) => ('-', digits),
                None => ('+', exponent),
            };
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}

/// Whether `item` is in `container`, as Python's `in` has it.
pub(crate) fn contains(container: &Value, item: &Value) -> Result<bool, String> {
    match (container, item) {
        (Value::Text(text), Value::Text(part)) => Ok(super::text::Finder::new(part.glyphs())
            .find(text.glyphs(), 0)
            .is_some()),
        (Value::Text(_), other) => Err(format!("{} cannot be in a text", other.kind())),
        (Value::List(l) | Value::Tuple(l), item) => Ok(l.items.iter().any(|v| v.equals(item))),
        (Value::Dict(d), item) => Ok(d.get(item).is_some()),
        (Value::Undefined(_), _) => Ok(false),
        (other, _) => Err(format!("nothing can be in {}", other.kind())),
    }
}

/// The words of a value that must be a text.
pub(crate) fn word(value: &Value) -> Option<String> {
    match value {
        Value::Text(t) => Some(plain(t.glyphs())),
        _ => None,
    }
}
