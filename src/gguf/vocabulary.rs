//! The vocabulary section of a model file.

use super::metadata::Metadata;
use crate::{
    error::{Error, Result},
    model::Blueprint,
};

/// GGUF's `token_type` of a control token such as `<|im_end|>`.
const CONTROL: i128 = 3;
/// GGUF's `token_type` of a user-defined token.
const USER_DEFINED: i128 = 4;
/// GGUF's token types: from 0 (undefined) and 1 (normal) to 6 (byte).
const TOKEN_TYPES: std::ops::RangeInclusive<i128> = 0..=6;

/// Tokens, merges, special tokens and the chat template, as the file has them.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Text of each token, in GPT-2's byte-to-unicode form, by id.
    pub tokens: Vec<String>,
    /// Byte-pair merges, most frequent first, as two tokens each.
    pub merges: Vec<(String, String)>,
    /// Ids of control and user-defined tokens: text never becomes one of these unless the template says so.
    pub special: Vec<u32>,
    /// The token that ends a turn, first of [`Vocabulary::stops`].
    pub eos: u32,
    /// Every token by which the file says that a turn, or an answer, is over: eos, eot and eom.
    pub stops: Vec<u32>,
    /// The token a text begins with, whether or not sequences get it by themselves.
    pub bos_token: Option<u32>,
    /// The token for what is unknown, which a chat template may name.
    pub unknown_token: Option<u32>,
    /// The token that fills up, which a chat template may name.
    pub padding_token: Option<u32>,
    /// The Jinja template that turns a conversation into text, if the file has one.
    pub chat_template: Option<String>,
    /// `tokenizer.ggml.pre`: how text is cut before merging.
    pub pre: String,
    /// Whether sequences begin with this token.
    pub bos: Option<u32>,
}

impl Vocabulary {
    pub(crate) fn read(meta: &Metadata<'_>, blueprint: &Blueprint) -> Result<Self> {
        let corrupt = |what: String| {
            Error::model(format!(
                "{what}: the file's vocabulary is corrupt; download it again"
            ))
        };
        let model = meta.required("tokenizer.ggml.model", Metadata::text)?;
        if model != "gpt2" {
            return Err(Error::model(format!(
                "the file's tokenizer is '{model}', and this engine has byte-pair encoding ('gpt2') only: choose another model"
            )));
        }
        let pre = meta
            .required("tokenizer.ggml.pre", Metadata::text)?
            .to_owned();
        if pre != "smollm" {
            return Err(Error::model(format!(
                "the file's pre-tokenizer is '{pre}', and this engine knows 'smollm' only: choose another model"
            )));
        }
        let tokens = meta.required("tokenizer.ggml.tokens", Metadata::texts)?;
        let mut seen = std::collections::HashSet::with_capacity(tokens.len());
        if let Some(twice) = tokens.iter().find(|t| !seen.insert(**t)) {
            return Err(corrupt(format!("the token {twice:?} is listed twice")));
        }
        let merges = meta
            .required("tokenizer.ggml.merges", Metadata::texts)?
            .into_iter()
            .map(|line| {
                let (a, b) = line
                    .split_once(' ')
                    .ok_or_else(|| corrupt(format!("the merge {line:?} is not two tokens")))?;
                let joined = format!("{a}{b}");
                if [a, b, &joined].iter().any(|t| !seen.contains(t)) {
                    return Err(corrupt(format!(
                        "the merge {line:?} names a token that does not exist"
                    )));
                }
                Ok((a.to_owned(), b.to_owned()))
            })
            .collect::<Result<Vec<_>>>()?;
        let types = meta.required("tokenizer.ggml.token_type", Metadata::integers)?;
        if types.len() != tokens.len() {
            return Err(corrupt(format!(
                "{} tokens but {} token types",
                tokens.len(),
                types.len()
            )));
        }
        if let Some(unknown) = types.iter().find(|t| !TOKEN_TYPES.contains(*t)) {
            return Err(corrupt(format!("a token has the unknown type {unknown}")));
        }
        let special = types
            .iter()
            .enumerate()
            .filter(|(_, t)| matches!(**t, CONTROL | USER_DEFINED))
            .map(|(id, _)| id as u32)
            .collect();
        let id = |key: &str| -> Result<Option<u32>> {
            let Some(id) = meta.integer(key)? else {
                return Ok(None);
            };
            u32::try_from(id)
                .ok()
                .filter(|&id| (id as usize) < blueprint.vocabulary)
                .map(Some)
                .ok_or_else(|| corrupt(format!("{key} is {id}, not a token")))
        };
        let required = |key: &str| meta.required(key, |_, key| id(key));
        let bos = if meta.boolean("tokenizer.ggml.add_bos_token")? == Some(true) {
            Some(required("tokenizer.ggml.bos_token_id")?)
        } else {
            None
        };
        for key in [
            "tokenizer.ggml.add_eos_token",
            "tokenizer.ggml.add_sep_token",
        ] {
            if meta.boolean(key)? == Some(true) {
                return Err(Error::model(format!(
                    "the file's '{key}' asks for a token behind every text, which an answer could not follow: \
                     choose a model that generates text"
                )));
            }
        }
        let eos = required("tokenizer.ggml.eos_token_id")?;
        let mut stops = vec![eos];
        for key in ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"] {
            stops.extend(id(key)?.filter(|id| !stops.contains(id)));
        }
        Ok(Self {
            eos,
            stops,
            bos_token: id("tokenizer.ggml.bos_token_id")?,
            unknown_token: id("tokenizer.ggml.unknown_token_id")?,
            padding_token: id("tokenizer.ggml.padding_token_id")?,
            chat_template: meta.text("tokenizer.chat_template")?.map(str::to_owned),
            tokens: tokens.into_iter().map(str::to_owned).collect(),
            merges,
            special,
            pre,
            bos,
        })
    }
}
