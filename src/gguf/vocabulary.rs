//! The vocabulary section of a model file.

use std::{collections::HashMap, fmt};

use super::{Config, header::Header, metadata::Metadata};
use crate::{
    error::{Error, Result},
    text::PreTokenizer,
};

/// GGUF's `token_type` of the token for what is in no other.
const UNKNOWN: i128 = 2;
/// GGUF's `token_type` of a control token such as `<|im_end|>`.
const CONTROL: i128 = 3;
/// GGUF's `token_type` of a user-defined token.
const USER_DEFINED: i128 = 4;
/// GGUF's `token_type` of a token of one byte, written `<0x0A>`.
const BYTE: i128 = 6;
/// GGUF's token types: from 0 (undefined) and 1 (normal) to 6 (byte).
const TOKEN_TYPES: std::ops::RangeInclusive<i128> = 0..=BYTE;
/// Tokens that a vocabulary may have.
const MOST_TOKENS: usize = 1 << 20;

/// Tokens, special tokens and the chat template, as the file has them.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Text of each token as the file writes it, by id.
    pub tokens: Vec<String>,
    /// How text becomes tokens.
    pub segmentation: Segmentation,
    /// Ids of the tokens that text never becomes unless the template says so: control tokens, the one for what is unknown, and
    /// the user-defined ones that mark turns. A user-defined token marks turns where it has a letter and the chat template's own
    /// text has the token. Some converters write turn markers down as user-defined, and a person who could type one could
    /// put words into the model's mouth. A run of line feeds or spaces has no letter: it is text wherever it is.
    pub special: Vec<u32>,
    /// Ids of the other user-defined tokens: they are found in every text before anything else, the longest first, as llama.cpp
    /// does. Without them a text would have other ids than those the model was trained on.
    pub defined: Vec<u32>,
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
    /// Whether sequences begin with this token.
    pub bos: Option<u32>,
}

/// How text becomes tokens: `tokenizer.ggml.model`.
#[derive(Debug, Clone)]
pub enum Segmentation {
    /// `gpt2`: byte-level byte-pair encoding. Tokens are written in GPT-2's byte-to-unicode form.
    Merges {
        /// `tokenizer.ggml.pre`: how text is cut before merging.
        pre: &'static PreTokenizer,
        /// Two tokens and the token they become, best first.
        merges: Vec<[u32; 3]>,
    },
    /// `llama`: SentencePiece's byte-pair encoding. Tokens are written with U+2581 for a space.
    Scores {
        /// What each token is worth, by id.
        scores: Vec<f32>,
        /// Tokens of one byte, and the byte; in the order of their ids.
        bytes: Vec<(u32, u8)>,
        /// Whether a space is put in front of every text.
        space_prefix: bool,
    },
}

impl fmt::Display for Segmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merges { pre, .. } => write!(f, "pre-tokenizer {}", pre.name()),
            Self::Scores { .. } => f.write_str("SentencePiece"),
        }
    }
}

impl Vocabulary {
    /// Reads the vocabulary of a file of which only the beginning need be there: the header, without tensors.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`] where the header is incomplete, or the vocabulary is none that can be used.
    pub fn of_header(file: &[u8]) -> Result<Self> {
        Self::of(&Header::read(file)?.metadata)
    }

    pub(crate) fn read(meta: &Metadata<'_>, config: &Config) -> Result<Self> {
        let vocabulary = Self::of(meta)?;
        if vocabulary.tokens.len() != config.vocabulary {
            return Err(corrupt(format!(
                "{} tokens are listed, but {} are expected",
                vocabulary.tokens.len(),
                config.vocabulary
            )));
        }
        Ok(vocabulary)
    }

    fn of(meta: &Metadata<'_>) -> Result<Self> {
        let model = meta.required("tokenizer.ggml.model", Metadata::text)?;
        let tokens = meta.required("tokenizer.ggml.tokens", Metadata::texts)?;
        if tokens.is_empty() || tokens.len() > MOST_TOKENS {
            return Err(corrupt(format!("it has {} tokens", tokens.len())));
        }
        let mut ids = HashMap::with_capacity(tokens.len());
        for (token, id) in tokens.iter().copied().zip(0u32..) {
            // What has no text is never looked for, so that several of them are no doubt.
            if !token.is_empty() && ids.insert(token, id).is_some() {
                return Err(corrupt(format!("the token {token:?} is listed twice")));
            }
        }
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
        let chat_template = meta.text("tokenizer.chat_template")?;
        let marks_turns = |token: &str| {
            token.chars().any(char::is_alphabetic)
                && chat_template.is_some_and(|template| template.contains(token))
        };
        let (mut special, mut defined) = (Vec::new(), Vec::new());
        for ((&kind, token), id) in types.iter().zip(&tokens).zip(0u32..) {
            match kind {
                CONTROL | UNKNOWN => special.push(id),
                USER_DEFINED if marks_turns(token) => special.push(id),
                USER_DEFINED => defined.push(id),
                _ => {}
            }
        }
        let id = |key: &str| -> Result<Option<u32>> {
            let Some(id) = meta.integer(key)? else {
                return Ok(None);
            };
            u32::try_from(id)
                .ok()
                .filter(|&id| (id as usize) < tokens.len())
                .map(Some)
                .ok_or_else(|| corrupt(format!("{key} is {id}, not a token")))
        };
        let required = |key: &str| meta.required(key, |_, key| id(key));
        let unknown_token = id("tokenizer.ggml.unknown_token_id")?;
        let segmentation = match model {
            "gpt2" => merges(meta, &ids, &special)?,
            "llama" => scores(meta, &tokens, &types, unknown_token)?,
            _ => {
                return Err(Error::model(format!(
                    "the file's tokenizer is '{model}', and this engine has byte-pair encoding ('gpt2') and SentencePiece \
                     ('llama') only: choose another model"
                )));
            }
        };
        // What llama.cpp takes where the file does not say.
        let begins = match &segmentation {
            Segmentation::Merges { pre, .. } => pre.begins,
            Segmentation::Scores { .. } => true,
        };
        let bos = if meta
            .boolean("tokenizer.ggml.add_bos_token")?
            .unwrap_or(begins)
        {
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
        let (bos_token, padding_token) = (
            id("tokenizer.ggml.bos_token_id")?,
            id("tokenizer.ggml.padding_token_id")?,
        );
        refuse_other_settings(meta)?;
        Ok(Self {
            eos,
            stops,
            bos_token,
            unknown_token,
            padding_token,
            chat_template: chat_template.map(str::to_owned),
            tokens: tokens.into_iter().map(str::to_owned).collect(),
            segmentation,
            special,
            defined,
            bos,
        })
    }
}

fn corrupt(what: String) -> Error {
    Error::model(format!(
        "{what}: the file's vocabulary is corrupt; download it again"
    ))
}

/// What a byte-pair vocabulary says of merging.
fn merges(meta: &Metadata<'_>, ids: &HashMap<&str, u32>, special: &[u32]) -> Result<Segmentation> {
    let pre = PreTokenizer::named(meta.required("tokenizer.ggml.pre", Metadata::text)?)?;
    let special: std::collections::HashSet<u32> = special.iter().copied().collect();
    let lines = meta.required("tokenizer.ggml.merges", Metadata::texts)?;
    let mut merges = Vec::with_capacity(lines.len());
    let mut joined = String::new();
    for line in lines {
        let (a, b) = line
            .split_once(' ')
            .ok_or_else(|| corrupt(format!("the merge {line:?} is not two tokens")))?;
        joined.clear();
        joined.extend([a, b]);
        let (Some(&left), Some(&right), Some(&both)) =
            (ids.get(a), ids.get(b), ids.get(joined.as_str()))
        else {
            return Err(corrupt(format!(
                "the merge {line:?} names a token that does not exist"
            )));
        };
        // Text must not become a special token, whatever the merges say.
        if !special.contains(&both) {
            merges.push([left, right, both]);
        }
    }
    Ok(Segmentation::Merges { pre, merges })
}

/// What a SentencePiece vocabulary says of its tokens.
fn scores(
    meta: &Metadata<'_>,
    tokens: &[&str],
    types: &[i128],
    unknown: Option<u32>,
) -> Result<Segmentation> {
    let scores = meta.required("tokenizer.ggml.scores", Metadata::floats)?;
    if scores.len() != tokens.len() {
        return Err(corrupt(format!(
            "{} tokens but {} scores",
            tokens.len(),
            scores.len()
        )));
    }
    let mut bytes = Vec::new();
    for ((&kind, token), id) in types.iter().zip(tokens).zip(0u32..) {
        if kind == BYTE {
            let digits = token.strip_prefix("<0x").and_then(|t| t.strip_suffix('>'));
            let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
            bytes.push((
                id,
                byte.ok_or_else(|| corrupt(format!("the token {token:?} is not a byte")))?,
            ));
        }
    }
    let different: std::collections::HashSet<u8> = bytes.iter().map(|(_, byte)| *byte).collect();
    if different.len() < 256 && unknown.is_none() {
        return Err(Error::model(
            "the file's vocabulary has neither a token for every byte nor one for what is unknown, so that some texts could not \
             be read: choose another model",
        ));
    }
    Ok(Segmentation::Scores {
        scores,
        bytes,
        space_prefix: meta
            .boolean("tokenizer.ggml.add_space_prefix")?
            .unwrap_or(true),
    })
}

/// Refuses a file that says something of its tokenizer which would give other tokens, and which is not done here.
fn refuse_other_settings(meta: &Metadata<'_>) -> Result<()> {
    let refused = |key: &str| {
        Err(Error::model(format!(
            "the file's '{key}' asks for something that this engine's tokenizer does not do: choose another model"
        )))
    };
    for key in [
        "tokenizer.ggml.remove_extra_whitespaces",
        "tokenizer.ggml.normalizer.lowercase",
        "tokenizer.ggml.normalizer.strip_accents",
    ] {
        if meta.boolean(key)? == Some(true) {
            return refused(key);
        }
    }
    for key in [
        "tokenizer.ggml.precompiled_charsmap",
        "tokenizer.ggml.suppress_tokens",
    ] {
        if meta.list(key)?.is_some_and(|list| list.len() > 0) {
            return refused(key);
        }
    }
    // These name a token, or are there for the other kind of vocabulary: nothing is cut another way for them.
    meta.pass_over(|key| {
        key.ends_with("_token_id")
            || key.ends_with("_token_ids")
            || [
                "tokenizer.ggml.pre",
                "tokenizer.ggml.merges",
                "tokenizer.ggml.scores",
                "tokenizer.ggml.add_space_prefix",
                "tokenizer.ggml.token_type_count",
            ]
            .contains(&key)
    });
    match meta.unread("tokenizer.ggml.") {
        Some(key) => refused(key),
        None => Ok(()),
    }
}
