//! The vocabulary section of a model file.

use super::{Config, metadata::Metadata};
use crate::error::{Error, Result};

/// GGUF's `token_type` of a control token such as `<|im_end|>`.
const CONTROL: i128 = 3;
/// GGUF's `token_type` of a user-defined token.
const USER_DEFINED: i128 = 4;

/// Tokens, merges, special tokens and the chat template, as the file has them.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Text of each token, in GPT-2's byte-to-unicode form, by id.
    pub tokens: Vec<String>,
    /// Byte-pair merges, most frequent first, as two tokens each.
    pub merges: Vec<(String, String)>,
    /// Ids of control and user-defined tokens: text never becomes one of these unless the template says so.
    pub special: Vec<u32>,
    /// The token that ends a turn.
    pub eos: u32,
    /// The Jinja template that turns a conversation into text, if the file has one.
    pub chat_template: Option<String>,
    /// `tokenizer.ggml.pre`: how text is cut before merging.
    pub pre: String,
    /// Whether sequences begin with this token.
    pub bos: Option<u32>,
}

impl Vocabulary {
    pub(crate) fn read(meta: &Metadata<'_>, config: &Config) -> Result<Self> {
        let corrupt = |what: String| {
            Error::model(format!(
                "{what}: the file's vocabulary is corrupt; download it again"
            ))
        };
        let model = meta.string("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(Error::model(format!(
                "the file's tokenizer is '{model}', and this engine has byte-pair encoding ('gpt2') only: choose another model"
            )));
        }
        let pre = meta.string("tokenizer.ggml.pre")?.to_owned();
        if pre != "smollm" {
            return Err(Error::model(format!(
                "the file's pre-tokenizer is '{pre}', and this engine knows 'smollm' only: choose another model"
            )));
        }
        let tokens = meta.strings("tokenizer.ggml.tokens")?;
        let mut seen = std::collections::HashSet::with_capacity(tokens.len());
        if let Some(twice) = tokens.iter().find(|t| !seen.insert(t.as_str())) {
            return Err(corrupt(format!("the token {twice:?} is listed twice")));
        }
        let merges = meta
            .strings("tokenizer.ggml.merges")?
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
        let types = meta.array("tokenizer.ggml.token_type")?;
        if types.len() != tokens.len() {
            return Err(corrupt(format!(
                "{} tokens but {} token types",
                tokens.len(),
                types.len()
            )));
        }
        let special = types
            .iter()
            .enumerate()
            .filter(|(_, t)| matches!(t.to_i32().map(i128::from), Ok(CONTROL | USER_DEFINED)))
            .map(|(id, _)| id as u32)
            .collect();
        let id = |key: &str| -> Result<u32> {
            let id = meta.integer(key)?;
            u32::try_from(id)
                .ok()
                .filter(|&id| (id as usize) < config.vocabulary)
                .ok_or_else(|| corrupt(format!("{key} is {id}, not a token")))
        };
        let bos = if meta
            .boolean("tokenizer.ggml.add_bos_token")
            .unwrap_or(false)
        {
            Some(id("tokenizer.ggml.bos_token_id")?)
        } else {
            None
        };
        Ok(Self {
            eos: id("tokenizer.ggml.eos_token_id")?,
            chat_template: meta
                .string("tokenizer.chat_template")
                .ok()
                .map(str::to_owned),
            tokens,
            merges,
            special,
            pre,
            bos,
        })
    }
}
