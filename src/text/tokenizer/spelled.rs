//! Tokens that are found in a text by their spelling, before anything else is made of it.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::error::{Error, Result};

/// Bytes that the spellings of such tokens may have together. Gemma's 6,400 have 90 thousand.
const MOST: usize = 1 << 20;

/// Finds tokens by their spelling: the first in a text, and the longest of those that begin at the same place.
pub(super) struct Spelled {
    automaton: Option<AhoCorasick>,
    /// The token of each of the automaton's patterns.
    ids: Vec<u32>,
}

impl Spelled {
    /// # Errors
    /// [`crate::ErrorKind::Model`] where the spellings are too long together.
    pub(super) fn new<'a>(tokens: impl Iterator<Item = (u32, &'a str)>) -> Result<Self> {
        let (ids, spellings): (Vec<u32>, Vec<&str>) =
            tokens.filter(|(_, spelling)| !spelling.is_empty()).unzip();
        let bytes: usize = spellings.iter().map(|spelling| spelling.len()).sum();
        if bytes > MOST {
            return Err(Error::model(format!(
                "the file's {} special tokens have {bytes} bytes, more than {MOST}: choose another model",
                ids.len()
            )));
        }
        if ids.is_empty() {
            return Ok(Self {
                automaton: None,
                ids,
            });
        }
        // Small rather than fast: few of them have many tokens, and every page that loads such a model pays the memory.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&spellings)
            .map_err(|e| {
                Error::model(format!(
                    "the file's {} special tokens cannot be searched for ({e}): choose another model",
                    ids.len()
                ))
            })?;
        Ok(Self {
            automaton: Some(automaton),
            ids,
        })
    }

    /// All of them in `text`, from left to right; none overlaps another.
    pub(super) fn all(&self, text: &str) -> impl Iterator<Item = (u32, Range<usize>)> {
        let found = self.automaton.iter().flat_map(move |a| a.find_iter(text));
        found.map(|found| (self.ids[found.pattern().as_usize()], found.range()))
    }
}
