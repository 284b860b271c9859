//! Symbols that stand side by side are joined, the best pair first, until none can be: what byte-pair encoding and SentencePiece
//! have in common. Takes `n log n` steps for `n` symbols.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range};

/// No symbol.
const NONE: usize = usize::MAX;

/// A stretch of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symbol {
    /// The token it is, if it is one.
    pub(super) id: Option<u32>,
    /// Its bytes in the text.
    pub(super) range: Range<usize>,
}

/// A pair that can be joined. Ordered by worth, and of equals the leftmost is the greatest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pair<W> {
    worth: W,
    left: Reverse<usize>,
    right: usize,
    /// Bytes of both; another number later says that one of them has changed.
    len: usize,
    id: u32,
}

/// Joins neighbours. `join` says which token two of them make, if any, and what it is worth.
pub(super) fn merge<W: Ord>(
    mut symbols: Vec<Symbol>,
    join: impl Fn(&Symbol, &Symbol) -> Option<(W, u32)>,
) -> Vec<Symbol> {
    let count = symbols.len();
    let mut before: Vec<usize> = (0..count).map(|i| i.wrapping_sub(1)).collect();
    let mut after: Vec<usize> = (1..=count)
        .map(|i| if i < count { i } else { NONE })
        .collect();
    let mut queue = BinaryHeap::new();
    let add = |queue: &mut BinaryHeap<Pair<W>>, symbols: &[Symbol], left: usize, right: usize| {
        if left == NONE || right == NONE {
            return;
        }
        let (a, b) = (&symbols[left], &symbols[right]);
        if let Some((worth, id)) = join(a, b) {
            queue.push(Pair {
                worth,
                left: Reverse(left),
                right,
                len: a.range.len() + b.range.len(),
                id,
            });
        }
    };
    for right in 1..count {
        add(&mut queue, &symbols, right - 1, right);
    }
    while let Some(Pair {
        left: Reverse(left),
        right,
        len,
        id,
        ..
    }) = queue.pop()
    {
        let (a, b) = (&symbols[left].range, &symbols[right].range);
        if a.is_empty() || b.is_empty() || a.len() + b.len() != len {
            continue;
        }
        let (start, end) = (a.start, b.end);
        symbols[left] = Symbol {
            id: Some(id),
            range: start..end,
        };
        // What was taken in is known by its emptiness.
        symbols[right].range = end..end;
        after[left] = after[right];
        if after[left] != NONE {
            before[after[left]] = left;
        }
        add(&mut queue, &symbols, before[left], left);
        add(&mut queue, &symbols, left, after[left]);
    }
    symbols.retain(|symbol| !symbol.range.is_empty());
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joins letters; `rank` has the pairs, best first.
    fn merged(text: &str, rank: &[&str]) -> Vec<String> {
        let symbols = (0..text.len()).map(|i| Symbol {
            id: None,
            range: i..i + 1,
        });
        let all = merge(symbols.collect(), |a, b| {
            let joined = &text[a.range.start..b.range.end];
            let at = rank.iter().position(|r| *r == joined)?;
            Some((Reverse(at), at as u32))
        });
        all.into_iter().map(|s| text[s.range].to_owned()).collect()
    }

    #[test]
    fn the_best_pair_goes_first_and_of_equals_the_leftmost() {
        assert_eq!(merged("abc", &["bc", "ab"]), ["a", "bc"]);
        assert_eq!(merged("abc", &["ab", "bc", "abc"]), ["abc"]);
        assert_eq!(merged("aaaaa", &["aa"]), ["aa", "aa", "a"]);
        assert_eq!(merged("aaaaa", &["aa", "aaaa"]), ["aaaa", "a"]);
        assert_eq!(merged("xyz", &[]), ["x", "y", "z"]);
        assert_eq!(merged("", &["ab"]), [""; 0]);
    }
}
