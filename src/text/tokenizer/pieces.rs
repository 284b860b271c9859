//! The bytes that tokens stand for, and the way back from bytes to a token. A vocabulary of 262,144 tokens takes a few megabytes
//! here, where a map of strings takes tens.

use ahash::RandomState;

/// No token.
const EMPTY: u32 = u32::MAX;

/// Bytes of each token, by id, in one stretch of memory.
pub(super) struct Pieces {
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<usize>,
}

impl Pieces {
    /// From the bytes of token 0, 1 and so on.
    pub(super) fn new<T: AsRef<[u8]>>(tokens: impl Iterator<Item = T>) -> Self {
        let mut pieces = Self {
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        for token in tokens {
            pieces.bytes.extend_from_slice(token.as_ref());
            pieces.ends.push(pieces.bytes.len());
        }
        pieces.bytes.shrink_to_fit();
        pieces.ends.shrink_to_fit();
        pieces
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of a token; empty for an id outside the vocabulary.
    pub(super) fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let Some(&end) = self.ends.get(id) else {
            return &[];
        };
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..end]
    }
}

/// Finds a token by its bytes: a hash table of ids, half empty at least, that looks further on where a place is taken.
pub(super) struct Index {
    slots: Vec<u32>,
    /// Bytes of the longest token.
    longest: usize,
    hasher: RandomState,
}

impl Index {
    /// Of some of the tokens, without those that have no bytes. Where two have the same, the first is found.
    pub(super) fn new(pieces: &Pieces, ids: impl Iterator<Item = u32>) -> Self {
        let mut index = Self {
            slots: vec![EMPTY; (2 * pieces.len()).next_power_of_two()],
            longest: 0,
            hasher: RandomState::new(),
        };
        for id in ids {
            let bytes = pieces.get(id);
            let slot = index.slot(pieces, bytes);
            if !bytes.is_empty() && index.slots[slot] == EMPTY {
                index.slots[slot] = id;
                index.longest = index.longest.max(bytes.len());
            }
        }
        index
    }

    /// The token that stands for `bytes`.
    pub(super) fn find(&self, pieces: &Pieces, bytes: &[u8]) -> Option<u32> {
        if bytes.len() > self.longest {
            return None;
        }
        let id = self.slots[self.slot(pieces, bytes)];
        (id != EMPTY).then_some(id)
    }

    /// Where `bytes` are, or would be.
    fn slot(&self, pieces: &Pieces, bytes: &[u8]) -> usize {
        // As many slots as a power of two, so that a mask keeps a number within them.
        let mask = self.slots.len() - 1;
        let mut slot = self.hasher.hash_one(bytes) as usize & mask;
        while self.slots[slot] != EMPTY && pieces.get(self.slots[slot]) != bytes {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_their_bytes() {
        let words: Vec<String> = (0..1000).map(|n| (n % 900).to_string()).collect();
        let pieces = Pieces::new(words.iter());
        let index = Index::new(&pieces, 1..1000);
        assert_eq!(pieces.get(57), b"57");
        assert_eq!(pieces.get(1000), b"");
        assert_eq!(index.find(&pieces, b"57"), Some(57));
        // The first of two.
        assert_eq!(index.find(&pieces, b"99"), Some(99));
        // 0 itself is not in the index, but another with the same bytes is.
        assert_eq!(index.find(&pieces, b"0"), Some(900));
        assert_eq!(index.find(&pieces, b"900"), None);
        assert_eq!(index.find(&pieces, b""), None);
    }
}
