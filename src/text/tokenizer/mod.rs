//! Text becomes tokens and tokens become text, with the vocabulary that a model file carries.
//!
//! Two kinds of vocabularies are known: byte-level byte-pair encoding (`bpe`, its pre-tokenizers in `pre`) and SentencePiece
//! (`spm`). Both join neighbouring symbols, the best pair first (`merge`).
//!
//! Special tokens are kept out of both: no text that a person types can become one. Only the chat template may place them (see
//! `chat`). Tokens that a file's maker defined beside the vocabulary, such as a run of line feeds, are found in every text before
//! anything else, the longest first (`spelled`). [`Vocabulary::special`] says which of those are special all the same.

mod bpe;
mod merge;
mod pieces;
mod pre;
mod spelled;
mod spm;

use std::{collections::HashSet, ops::Range};

pub use pre::PreTokenizer;

use super::bytes::byte_of;
use crate::{
    error::{Error, Result},
    gguf::{Segmentation, Vocabulary},
};
use bpe::Bpe;
use pieces::Pieces;
use spelled::Spelled;
use spm::{SPACE, Spm};

/// Encodes and decodes with one model's vocabulary.
pub struct Tokenizer {
    encoder: Encoder,
    pieces: Pieces,
    special: HashSet<u32>,
    /// Special tokens, for the template's text.
    markers: Spelled,
    /// Tokens that are found in every text.
    defined: Spelled,
    stops: Vec<u32>,
    bos: Option<u32>,
}

enum Encoder {
    Bpe(Box<Bpe>),
    Spm(Box<Spm>),
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: u32,
    /// The bytes of the text that it covers. Empty where it covers none, as the space in front of a text alone may.
    pub(crate) range: Range<usize>,
    /// Whether it begins with a space that the encoder put in front of the text.
    pub(crate) added_space: bool,
}

impl Token {
    fn new(id: u32, range: Range<usize>) -> Self {
        Self {
            id,
            range,
            added_space: false,
        }
    }
}

impl Tokenizer {
    /// Builds the encoder. Takes some tens of milliseconds for 150,000 tokens.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`] where the vocabulary cannot be used.
    pub fn new(vocabulary: &Vocabulary) -> Result<Self> {
        let special: HashSet<u32> = vocabulary.special.iter().copied().collect();
        let defined: HashSet<u32> = vocabulary.defined.iter().copied().collect();
        let verbatim = |id: u32| special.contains(&id) || defined.contains(&id);
        let tokens = || (0u32..).zip(&vocabulary.tokens);
        let (pieces, encoder) = match &vocabulary.segmentation {
            Segmentation::Merges { pre, merges } => {
                let pieces = Pieces::new(tokens().map(|(id, token)| {
                    if verbatim(id) {
                        token.clone().into_bytes()
                    } else {
                        byte_level(token)
                    }
                }));
                let ordinary = (0..pieces.len() as u32).filter(|id| !special.contains(id));
                let bpe = Bpe::new(&pieces, pre, merges, ordinary)?;
                (pieces, Encoder::Bpe(Box::new(bpe)))
            }
            Segmentation::Scores {
                scores,
                bytes,
                space_prefix,
            } => {
                let byte = |id| {
                    let at = bytes.binary_search_by_key(&id, |(id, _)| *id);
                    at.ok().map(|at| bytes[at].1)
                };
                let pieces = Pieces::new(tokens().map(|(id, token)| match byte(id) {
                    Some(byte) => vec![byte],
                    None if verbatim(id) => token.clone().into_bytes(),
                    None => token.replace(SPACE, " ").into_bytes(),
                }));
                // Text is encoded with U+2581 for its spaces: a token that has a space itself is not found there.
                let ordinary = tokens().filter(|(id, token)| {
                    !special.contains(id) && byte(*id).is_none() && !token.contains(' ')
                });
                let spm = Spm::new(
                    &pieces,
                    scores,
                    bytes,
                    vocabulary.unknown_token,
                    *space_prefix,
                    ordinary.map(|(id, _)| id),
                );
                (pieces, Encoder::Spm(Box::new(spm)))
            }
        };
        let spelled = |wanted: &HashSet<u32>| {
            let wanted = tokens().filter(|(id, _)| wanted.contains(id));
            Spelled::new(wanted.map(|(id, token)| (id, token.as_str())))
        };
        let mut tokenizer = Self {
            encoder,
            pieces,
            markers: spelled(&special)?,
            defined: spelled(&defined)?,
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
    /// [`crate::ErrorKind::Input`] for a text of 4 GiB or more.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let tokens = self.encode_with_ranges(text)?;
        Ok(tokens.into_iter().map(|token| token.id).collect())
    }

    /// As [`Tokenizer::encode`], with the byte range of `text` each token covers. Ranges are in order.
    pub(crate) fn encode_with_ranges(&self, text: &str) -> Result<Vec<Token>> {
        if u32::try_from(text.len()).is_err() {
            return Err(Error::input("the text has 4 GiB or more: shorten it"));
        }
        let mut out = Vec::new();
        let mut at = 0;
        // As llama.cpp has it: the text on either side of such a token is encoded as if there were no other.
        for (id, range) in self.defined.all(text) {
            self.encode_plain(&text[at..range.start], at, &mut out);
            at = range.end;
            out.push(Token::new(id, range));
        }
        self.encode_plain(&text[at..], at, &mut out);
        Ok(out)
    }

    fn encode_plain(&self, text: &str, at: usize, out: &mut Vec<Token>) {
        match &self.encoder {
            Encoder::Bpe(bpe) => bpe.encode(&self.pieces, text, at, out),
            Encoder::Spm(spm) => spm.encode(&self.pieces, text, at, out),
        }
    }

    /// The bytes a token stands for; empty for an id outside the vocabulary.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.pieces.get(id)
    }

    /// The bytes a token stands for where it is the first of an answer. A vocabulary that puts a space in front of every text
    /// makes the model begin with one too, which is not meant as a space.
    pub(crate) fn first_bytes(&self, id: u32) -> &[u8] {
        let bytes = self.bytes(id);
        match &self.encoder {
            Encoder::Spm(spm) if spm.space_prefix() && !self.is_special(id) => {
                bytes.strip_prefix(b" ").unwrap_or(bytes)
            }
            Encoder::Spm(_) | Encoder::Bpe(_) => bytes,
        }
    }

    /// The text of a sequence of tokens, without the space that the vocabulary puts in front of every text, if it does.
    pub fn decode(&self, ids: &[u32]) -> String {
        let Some((&first, rest)) = ids.split_first() else {
            return String::new();
        };
        let mut bytes = self.first_bytes(first).to_vec();
        for &id in rest {
            bytes.extend_from_slice(self.bytes(id));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Tokens in the vocabulary.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether the vocabulary is empty; a checked model file has none such.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    /// Whether `id` is a special token: one that text never becomes (see [`Vocabulary::special`]).
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// The first special token spelled in `text`: its place and id. The longest wins where several begin.
    pub(crate) fn find_special(&self, text: &str) -> Option<(Range<usize>, u32)> {
        let (id, range) = self.markers.all(text).next()?;
        Some((range, id))
    }
}

/// The bytes of a token written in GPT-2's byte-to-unicode form. A character outside the form stands for its own UTF-8.
fn byte_level(token: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(token.len());
    for c in token.chars() {
        match byte_of(c) {
            Some(b) => out.push(b),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests;
