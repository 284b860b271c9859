//! Byte-pair encoding with the vocabulary and merges a model file carries.
//!
//! The pre-tokenizer `smollm` splits off every digit, then cuts as GPT-2 does. Special tokens are kept out of the
//! encoder: no text that a person types can become one. Only the chat template may place them (see `chat`).

use std::{collections::HashMap, ops::Range};

use tokenizers::{
    Tokenizer as HfTokenizer,
    models::bpe::BPE,
    pre_tokenizers::{
        PreTokenizerWrapper, byte_level::ByteLevel, digits::Digits, sequence::Sequence,
    },
};

use super::bytes::byte_of;
use crate::{
    error::{Error, Result},
    gguf::Vocabulary,
};

/// Encodes and decodes with one model's vocabulary.
pub struct Tokenizer {
    encoder: HfTokenizer,
    /// Bytes of each token, by id.
    bytes: Vec<Vec<u8>>,
    special: HashMap<String, u32>,
    stops: Vec<u32>,
    bos: Option<u32>,
}

impl Tokenizer {
    /// Builds the encoder. Takes a few hundred milliseconds for 49,152 tokens.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`] where the vocabulary cannot be used.
    pub fn new(vocabulary: &Vocabulary) -> Result<Self> {
        let ids = vocabulary.tokens.iter().cloned().zip(0u32..);
        let bpe = BPE::builder()
            .vocab_and_merges(
                ids.collect::<ahash::AHashMap<_, _>>(),
                vocabulary.merges.clone(),
            )
            .build()
            .map_err(|e| {
                Error::model(format!(
                    "the file's vocabulary cannot be used ({e}): download it again"
                ))
            })?;
        let mut encoder = HfTokenizer::new(bpe);
        encoder.with_pre_tokenizer(Some(Sequence::new(vec![
            PreTokenizerWrapper::Digits(Digits::new(true)),
            PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, true)),
        ])));
        let special: HashMap<String, u32> = vocabulary
            .special
            .iter()
            .map(|&id| (vocabulary.tokens[id as usize].clone(), id))
            .filter(|(text, _)| !text.is_empty())
            .collect();
        let bytes = vocabulary
            .tokens
            .iter()
            .map(|token| {
                if special.contains_key(token) {
                    token.clone().into_bytes()
                } else {
                    // A character outside the byte-to-unicode form stands for its own UTF-8.
                    let mut out = Vec::with_capacity(token.len());
                    for c in token.chars() {
                        match byte_of(c) {
                            Some(b) => out.push(b),
                            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                        }
                    }
                    out
                }
            })
            .collect();
        let mut tokenizer = Self {
            encoder,
            bytes,
            special,
            stops: vocabulary.stops.clone(),
            bos: vocabulary.bos,
        };
        for marker in super::chat::turn_ends(&tokenizer, vocabulary) {
            if !tokenizer.stops.contains(&marker) {
                tokenizer.stops.push(marker);
            }
        }
        Ok(tokenizer)
    }

    /// The tokens of plain text. What spells a special token is encoded as the characters it is made of.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] if the encoder fails, which no text is known to cause.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self
            .encode_with_ranges(text)?
            .into_iter()
            .map(|(id, _)| id)
            .collect())
    }

    /// As [`Tokenizer::encode`], with the byte range of `text` each token covers.
    pub(crate) fn encode_with_ranges(&self, text: &str) -> Result<Vec<(u32, Range<usize>)>> {
        let encoding = self
            .encoder
            .encode(text, false)
            .map_err(|e| Error::internal(format!("the text could not be tokenized ({e})")))?;
        Ok(encoding
            .get_ids()
            .iter()
            .zip(encoding.get_offsets())
            .map(|(&id, &(start, end))| (id, start..end))
            .collect())
    }

    /// The bytes a token stands for; empty for an id outside the vocabulary.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// The text of a sequence of tokens.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids
            .iter()
            .flat_map(|&id| self.bytes(id).iter().copied())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Tokens in the vocabulary.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the vocabulary is empty; a checked model file has none such.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Tokens that end an answer: those the file names (eos, eot, eom), and the one with which its chat template ends a turn of
    /// the model. At least one.
    pub fn stops(&self) -> &[u32] {
        &self.stops
    }

    /// Whether `id` ends an answer.
    pub fn is_stop(&self, id: u32) -> bool {
        self.stops.contains(&id)
    }

    /// The token that sequences begin with, if the model wants one.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// Whether `id` is a control or user-defined token.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.values().any(|&s| s == id)
    }

    /// The first special token spelled in `text`: its place and id. The longest wins where several begin.
    pub(crate) fn find_special(&self, text: &str) -> Option<(Range<usize>, u32)> {
        self.special
            .iter()
            .filter_map(|(spelling, &id)| {
                let at = text.find(spelling.as_str())?;
                Some((at..at + spelling.len(), id))
            })
            .min_by_key(|(range, _)| (range.start, usize::MAX - range.end))
    }
}
