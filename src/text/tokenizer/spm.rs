//! SentencePiece's byte-pair encoding (`tokenizer.ggml.model` is `llama`): of all neighbours that make a token, those whose token
//! has the highest score are joined first. Spaces are part of words; what is in no token becomes tokens of its bytes.

use super::{
    Token,
    merge::{Symbol, merge},
    pieces::{Index, Pieces},
};

/// What stands for a space in the file's tokens. Text that has it is taken as if it had a space.
pub(super) const SPACE: char = '\u{2581}';

/// A score, ordered.
#[derive(PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Encodes with one vocabulary.
pub(super) struct Spm {
    /// The tokens that text may become, by their bytes.
    index: Index,
    /// By id.
    scores: Vec<f32>,
    /// The token of each byte, for what is in no other.
    bytes: [Option<u32>; 256],
    unknown: Option<u32>,
    /// Whether a space is put in front of a text.
    space_prefix: bool,
}

impl Spm {
    /// `bytes` has the tokens that stand for one byte; `ordinary` those that text may become otherwise.
    pub(super) fn new(
        pieces: &Pieces,
        scores: &[f32],
        bytes: &[(u32, u8)],
        unknown: Option<u32>,
        space_prefix: bool,
        ordinary: impl Iterator<Item = u32>,
    ) -> Self {
        let mut of_byte = [None; 256];
        for &(id, byte) in bytes {
            of_byte[usize::from(byte)] = Some(id);
        }
        Self {
            index: Index::new(pieces, ordinary),
            // Minus zero is as good as zero.
            scores: scores.iter().map(|score| score + 0.0).collect(),
            bytes: of_byte,
            unknown,
            space_prefix,
        }
    }

    /// Whether texts get a space in front.
    pub(super) fn space_prefix(&self) -> bool {
        self.space_prefix
    }

    /// Adds the tokens of `text`, which begins at byte `at` of what is encoded.
    pub(super) fn encode(&self, pieces: &Pieces, text: &str, at: usize, out: &mut Vec<Token>) {
        if text.is_empty() {
            return;
        }
        // The text as the vocabulary knows it, and where each of its bytes comes from.
        let mut inner = Vec::with_capacity(text.len() + 1);
        let mut origin = Vec::with_capacity(text.len() + 2);
        let mut symbols = Vec::with_capacity(text.len() + 1);
        let prefix = self.space_prefix.then_some((0, ' ', 0));
        let chars = text.char_indices().map(|(i, c)| (i, c, c.len_utf8()));
        for (i, c, _) in prefix.into_iter().chain(chars) {
            let start = inner.len();
            let shown = if c == SPACE { ' ' } else { c };
            inner.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
            origin.extend((0..shown.len_utf8()).map(|byte| at + i + byte));
            let range = start..inner.len();
            let id = self.index.find(pieces, &inner[range.clone()]);
            symbols.push(Symbol { id, range });
        }
        origin.push(at + text.len());
        let merged = merge(symbols, |left, right| {
            let both = &inner[left.range.start..right.range.end];
            let id = self.index.find(pieces, both)?;
            Some((Score(self.scores[id as usize]), id))
        });
        for symbol in merged {
            let place = |from: usize, to: usize| origin[from]..origin[to];
            let (start, end) = (symbol.range.start, symbol.range.end);
            let added_space = self.space_prefix && start == 0;
            if let Some(id) = symbol.id {
                out.push(Token {
                    added_space,
                    ..Token::new(id, place(start, end))
                });
                continue;
            }
            let bytes = inner[symbol.range].iter().zip(start..);
            let spelled: Option<Vec<Token>> = bytes
                .map(|(&b, i)| {
                    let id = self.bytes[usize::from(b)]?;
                    Some(Token {
                        added_space,
                        ..Token::new(id, place(i, i + 1))
                    })
                })
                .collect();
            match (spelled, self.unknown) {
                (Some(spelled), _) => out.extend(spelled),
                (None, Some(id)) => out.push(Token::new(id, place(start, end))),
                (None, None) => {}
            }
        }
    }
}
