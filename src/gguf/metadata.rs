//! Typed access to the file's key-value section, with errors that name the key.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::Value;

use crate::error::{Error, Result};

/// A view of a file's metadata.
pub(crate) struct Metadata<'a>(pub(crate) &'a HashMap<String, Value>);

impl<'a> Metadata<'a> {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    fn get(&self, key: &str) -> Result<&'a Value> {
        self.0.get(key).ok_or_else(|| {
            Error::model(format!(
                "the file has no '{key}': it is not a complete language model in GGUF form; download it again"
            ))
        })
    }

    fn wrong(&self, key: &str, wanted: &str) -> Error {
        Error::model(format!(
            "the file's '{key}' is not {wanted}: the file is corrupt or made for another program; download it again"
        ))
    }

    /// A whole number, of whichever width and sign the writer chose.
    pub(crate) fn integer(&self, key: &str) -> Result<i128> {
        let value = self.get(key)?;
        (value.to_u64().map(i128::from))
            .or_else(|_| value.to_i64().map(i128::from))
            .or_else(|_| value.to_i32().map(i128::from))
            .or_else(|_| value.to_i16().map(i128::from))
            .or_else(|_| value.to_i8().map(i128::from))
            .map_err(|_| self.wrong(key, "a whole number"))
    }

    pub(crate) fn float(&self, key: &str) -> Result<f32> {
        let value = self.get(key)?;
        (value.to_f32())
            .or_else(|_| value.to_f64().map(|v| v as f32))
            .ok()
            .filter(|v| v.is_finite())
            .ok_or_else(|| self.wrong(key, "a finite number"))
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<bool> {
        self.get(key)?
            .to_bool()
            .map_err(|_| self.wrong(key, "true or false"))
    }

    pub(crate) fn string(&self, key: &str) -> Result<&'a str> {
        match self.get(key)? {
            Value::String(s) => Ok(s),
            _ => Err(self.wrong(key, "a text")),
        }
    }

    pub(crate) fn array(&self, key: &str) -> Result<&'a [Value]> {
        match self.get(key)? {
            Value::Array(values) => Ok(values),
            _ => Err(self.wrong(key, "a list")),
        }
    }

    pub(crate) fn strings(&self, key: &str) -> Result<Vec<String>> {
        self.array(key)?
            .iter()
            .map(|v| match v {
                Value::String(s) => Ok(s.clone()),
                _ => Err(self.wrong(key, "a list of texts")),
            })
            .collect()
    }
}
