//! Typed access to the file's key-value section.
//!
//! A key that is absent has its default, which is the caller's. A key that is present is read, or the
//! file is refused by the key's name. Which keys were read is kept, so that a caller can refuse a file
//! that says something nobody asked about.

use std::{cell::Cell, collections::HashMap};

use super::header::{Kind, Walk};
use crate::error::{Error, Result};

/// One value of a header, borrowed from the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// Of any width and sign.
    Integer(i128),
    /// Of either precision.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Perhaps not UTF-8.
    Text(&'a [u8]),
    /// Values of one type.
    List(List<'a>),
}

impl Value<'_> {
    fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(n) => Some(*n),
            Self::Float(_) | Self::Bool(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// A finite number of either kind: writers differ in whether 10000 has a point.
    fn float(&self) -> Option<f32> {
        let value = match self {
            Self::Integer(n) => *n as f32,
            Self::Float(x) => *x as f32,
            Self::Bool(_) | Self::Text(_) | Self::List(_) => return None,
        };
        value.is_finite().then_some(value)
    }

    /// Some writers have no truth values, and write 0 and 1.
    fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::Integer(0) => Some(false),
            Self::Integer(1) => Some(true),
            Self::Integer(_) | Self::Float(_) | Self::Text(_) | Self::List(_) => None,
        }
    }
}

impl<'a> Value<'a> {
    fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) | Self::List(_) => None,
        }
    }

    fn list(&self) -> Option<List<'a>> {
        match self {
            Self::List(list) => Some(*list),
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

/// A list whose bounds have been checked; its values are read when they are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    pub(super) kind: Kind,
    pub(super) len: usize,
    pub(super) bytes: &'a [u8],
}

impl<'a> List<'a> {
    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn values(&self) -> impl Iterator<Item = Result<Value<'a>>> {
        let (kind, mut walk) = (self.kind, Walk::new(self.bytes));
        (0..self.len).map(move |_| walk.value(kind, 0))
    }
}

/// A file's key-value section. Borrows the file.
#[derive(Debug, Default)]
pub(crate) struct Metadata<'a> {
    /// In the order of the file, and whether somebody has read it.
    entries: Vec<(&'a str, Value<'a>, Cell<bool>)>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Metadata<'a> {
    /// Adds a key; `false` where it is there already.
    pub(super) fn insert(&mut self, key: &'a str, value: Value<'a>) -> bool {
        let place = self.entries.len();
        if self.places.insert(key, place).is_some() {
            return false;
        }
        self.entries.push((key, value, Cell::new(false)));
        true
    }

    /// Whether somebody has read what is there under `key`.
    pub(crate) fn was_read(&self, key: &str) -> bool {
        let entry = self.places.get(key).and_then(|&at| self.entries.get(at));
        entry.is_some_and(|(.., read)| read.get())
    }

    /// The first key that begins with `prefix` and that nobody has read.
    pub(crate) fn unread(&self, prefix: &str) -> Option<&'a str> {
        let mut entries = self.entries.iter();
        entries
            .find(|(key, _, read)| key.starts_with(prefix) && !read.get())
            .map(|(key, ..)| *key)
    }

    /// Counts every key for which `known` holds as read: what it says is nothing that anybody here would ask for.
    pub(crate) fn pass_over(&self, known: impl Fn(&str) -> bool) {
        for (_, _, read) in self.entries.iter().filter(|(key, ..)| known(key)) {
            read.set(true);
        }
    }

    /// What is there under `key`, turned into something by `read`.
    fn get<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(&place) = self.places.get(key) else {
            return Ok(None);
        };
        let (_, value, seen) = &self.entries[place];
        seen.set(true);
        read(value).map(Some).ok_or_else(|| wrong(key, wanted))
    }

    /// A whole number, of whichever width and sign the writer chose.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i128>> {
        self.get(key, "a whole number", Value::integer)
    }

    /// A finite number, whole or not.
    pub(crate) fn float(&self, key: &str) -> Result<Option<f32>> {
        self.get(key, "a finite number", Value::float)
    }

    /// True or false; 1 or 0 where the writer has no such type.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        self.get(key, "true or false", Value::boolean)
    }

    /// A text in UTF-8.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key, "a text", Value::text)
    }

    /// A list of anything.
    pub(crate) fn list(&self, key: &str) -> Result<Option<List<'a>>> {
        self.get(key, "a list", Value::list)
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>> {
        self.each(key, "a list of texts", |v| v.text())
    }

    /// A list of whole numbers of any width.
    pub(crate) fn integers(&self, key: &str) -> Result<Option<Vec<i128>>> {
        self.each(key, "a list of whole numbers", Value::integer)
    }

    /// A list of finite numbers, whole or not.
    pub(crate) fn floats(&self, key: &str) -> Result<Option<Vec<f32>>> {
        self.each(key, "a list of finite numbers", Value::float)
    }

    fn each<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&Value<'a>) -> Option<T>,
    ) -> Result<Option<Vec<T>>> {
        let Some(list) = self.list(key)? else {
            return Ok(None);
        };
        list.values()
            .map(|v| read(&v?).ok_or_else(|| wrong(key, wanted)))
            .collect::<Result<Vec<_>>>()
            .map(Some)
    }

    /// What `read` finds under a key that must be there.
    pub(crate) fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Self, &str) -> Result<Option<T>>,
    ) -> Result<T> {
        read(self, key)?.ok_or_else(|| {
            Error::model(format!(
                "the file has no '{key}': it is not a complete language model in GGUF form; download it again"
            ))
        })
    }
}

fn wrong(key: &str, wanted: &str) -> Error {
    Error::model(format!(
        "the file's '{key}' is not {wanted}: the file is corrupt or made for another program; download it again"
    ))
}
