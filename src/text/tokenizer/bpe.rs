//! Byte-level byte-pair encoding (`tokenizer.ggml.model` is `gpt2`): the text is cut (see `pre`), each piece is taken as bytes, and
//! pairs of tokens are merged in the order of the file's merges.

use std::cmp::Reverse;

use ahash::AHashMap;
use tokenizers::{NormalizedString, normalizer::Range as Place};

use super::{
    Token,
    merge::{Symbol, merge},
    pieces::{Index, Pieces},
    pre::{Cutter, PreTokenizer},
};
use crate::error::Result;

/// The first character that Unicode's composed form can join with one before it, or change.
const FIRST_COMPOSABLE: char = '\u{300}';

/// Encodes with one vocabulary.
pub(super) struct Bpe {
    cutter: Cutter,
    nfc: bool,
    /// The token of each byte, if there is one.
    bytes: [Option<u32>; 256],
    /// For two tokens the rank of their merge, and what they become.
    merges: AHashMap<(u32, u32), (usize, u32)>,
    /// The tokens that a whole piece may be, where it need not be merged.
    words: Option<Index>,
}

impl Bpe {
    /// `merges` has two tokens and what they become, best first; `ordinary` the tokens that text may become.
    pub(super) fn new(
        pieces: &Pieces,
        pre: &PreTokenizer,
        merges: &[[u32; 3]],
        ordinary: impl Iterator<Item = u32> + Clone,
    ) -> Result<Self> {
        let mut bytes = [None; 256];
        for id in ordinary.clone() {
            if let [byte] = *pieces.get(id) {
                bytes[usize::from(byte)].get_or_insert(id);
            }
        }
        let mut ranks = AHashMap::with_capacity(merges.len());
        for (rank, &[left, right, joined]) in merges.iter().enumerate() {
            ranks.entry((left, right)).or_insert((rank, joined));
        }
        Ok(Self {
            cutter: Cutter::new(pre)?,
            nfc: pre.nfc,
            bytes,
            merges: ranks,
            words: pre.whole_words.then(|| Index::new(pieces, ordinary)),
        })
    }

    /// Adds the tokens of `text`, which begins at byte `at` of what is encoded. A byte without a token is left out.
    pub(super) fn encode(&self, pieces: &Pieces, text: &str, at: usize, out: &mut Vec<Token>) {
        if !self.nfc || text.chars().all(|c| c < FIRST_COMPOSABLE) {
            return self.encode_as_is(pieces, text, |id, start, end| {
                out.push(Token::new(id, at + start..at + end));
            });
        }
        let mut composed = NormalizedString::from(text);
        composed.nfc();
        let (new, len) = (composed.get(), text.len());
        // Where a character of the composed text begins in the original. What was joined to it lies behind.
        let origin = |place: usize| {
            let found = composed.convert_offsets(Place::Normalized(place..place + 1));
            found.map_or(len, |found| found.start.min(len))
        };
        self.encode_as_is(pieces, new, |id, start, end| {
            // A token of a part of a character has the place of the whole.
            let (start, end) = (new.floor_char_boundary(start), new.ceil_char_boundary(end));
            out.push(Token::new(id, at + origin(start)..at + origin(end)));
        });
    }

    fn encode_as_is(&self, pieces: &Pieces, text: &str, mut found: impl FnMut(u32, usize, usize)) {
        for piece in self.cutter.cut(text) {
            let bytes = &text.as_bytes()[piece.clone()];
            if let Some(id) = self.words.as_ref().and_then(|w| w.find(pieces, bytes)) {
                found(id, piece.start, piece.end);
                continue;
            }
            let symbols = bytes.iter().zip(piece.start..).filter_map(|(&byte, i)| {
                let id = Some(self.bytes[usize::from(byte)]?);
                Some(Symbol {
                    id,
                    range: i..i + 1,
                })
            });
            let merged = merge(symbols.collect(), |left, right| {
                let &(rank, joined) = self.merges.get(&(left.id?, right.id?))?;
                Some((Reverse(rank), joined))
            });
            for symbol in merged {
                if let Some(id) = symbol.id {
                    found(id, symbol.range.start, symbol.range.end);
                }
            }
        }
    }
}
