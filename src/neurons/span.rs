//! Which tokens of an answer the detector reads: the answer's own words.
//!
//! A small model wraps its answer in a sentence ("The capital of Japan is Tokyo."). What tells right from wrong is the
//! part that is new, so the span is: words of the first sentence that are neither in the question nor stop words. If
//! there are none, all words of the answer.

use std::{
    collections::{HashSet, VecDeque},
    ops::Range,
};

/// Words too common to be an answer.
const STOP_WORDS: &str = "a about after all also am an and any are as at be because been before being both but by can \
    could did do does doing down during each few for from further had has have having he her here hers him his how i \
    if in into is it it's its itself just me more most my no nor not now of off on once only or other our out over own \
    s same she should so some such t than that the their them then there these they this those through to too under \
    until up very was we were what when where which while who whom why will with would you your";

/// For each token of an answer, given as the texts that concatenate to it, whether it belongs to the span.
pub fn answer_words(question: &str, tokens: &[&str]) -> Vec<bool> {
    let mut span = Span::new(question);
    for token in tokens {
        span.push(token);
    }
    let new_words = span.has_new_words();
    let mut inside: Vec<bool> = span.take_settled().map(|m| m.in_span(new_words)).collect();
    inside.extend(span.unsettled().map(|m| m.in_span(new_words)));
    inside
}

/// What a token of an answer touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Membership {
    /// Any word.
    pub(super) word: bool,
    /// A new word of the first sentence.
    pub(super) new_word: bool,
}

impl Membership {
    /// Whether the token belongs to the span of an answer that has new words, or has none.
    pub(super) fn in_span(self, has_new_words: bool) -> bool {
        if has_new_words {
            self.new_word
        } else {
            self.word
        }
    }

    /// 1 in a word, 2 in a new word of the first sentence, 3 in both.
    pub(super) fn bits(self) -> u8 {
        u8::from(self.word) | u8::from(self.new_word) << 1
    }
}

/// The span of an answer that grows token by token. Each token costs about the same, however long the answer is: what is
/// kept is the word that the next token may go on with, and the tokens that touch it.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// Stop words and the question's words, in lower case.
    common: HashSet<String>,
    /// No common word has more bytes, in whichever case.
    longest_common: usize,
    /// Bytes of the answer so far.
    len: usize,
    /// Whether a letter or digit has been seen.
    said: bool,
    /// Whether the last character ends the first sentence if a space follows.
    may_end: bool,
    /// Whether the first sentence has ended.
    ended: bool,
    /// The run of letters, digits and apostrophes at the end, from a letter or digit on, and where it begins.
    run: String,
    run_start: usize,
    run_in_first_sentence: bool,
    /// Whether a word that is complete was a new one.
    new_words: bool,
    settled: Vec<Membership>,
    /// Tokens that may touch the run: their bytes, and what they touch besides.
    open: VecDeque<(Range<usize>, Membership)>,
}

/// A word: its bytes in the answer, and whether it is a new one.
struct Word {
    range: Range<usize>,
    new: bool,
}

impl Word {
    /// What a token touches, this word included.
    fn touch(&self, token: &Range<usize>, mut touched: Membership) -> Membership {
        if self.range.start < token.end && token.start < self.range.end {
            touched.word = true;
            touched.new_word |= self.new;
        }
        touched
    }
}

impl Span {
    pub(super) fn new(question: &str) -> Self {
        let mut common: HashSet<String> =
            STOP_WORDS.split_whitespace().map(str::to_owned).collect();
        common.extend(words(question).map(str::to_lowercase));
        // Changing the case of a character makes it at most three times as long or as short.
        let longest_common = 3 * common.iter().map(String::len).max().unwrap_or(0);
        Self {
            common,
            longest_common,
            len: 0,
            said: false,
            may_end: false,
            ended: false,
            run: String::new(),
            run_start: 0,
            run_in_first_sentence: false,
            new_words: false,
            settled: Vec::new(),
            open: VecDeque::new(),
        }
    }

    /// Appends a token; its text may be empty.
    pub(super) fn push(&mut self, token: &str) {
        let start = self.len;
        self.open
            .push_back((start..start + token.len(), Membership::default()));
        for c in token.chars() {
            self.character(c);
            self.len += c.len_utf8();
        }
        let tail = if self.run.is_empty() {
            self.len
        } else {
            self.run_start
        };
        // A word longer than any common one stays what it is, so its tokens need not wait for its end.
        let long = self
            .last_word()
            .filter(|word| word.range.len() > self.longest_common);
        self.new_words |= long.as_ref().is_some_and(|word| word.new);
        while let Some((range, touched)) = self.open.front() {
            let touched = match &long {
                _ if range.end <= tail => *touched,
                // A token of no text at the word's end is inside it only if the word goes on.
                Some(word) if range.end <= word.range.end && range.start < word.range.end => {
                    word.touch(range, *touched)
                }
                Some(_) | None => break,
            };
            self.settled.push(touched);
            self.open.pop_front();
        }
    }

    fn character(&mut self, c: char) {
        // The first sentence ends at a full stop, question or exclamation mark before a space, or at a line break,
        // once something has been said.
        self.ended |= self.may_end && c.is_whitespace() || self.said && c == '\n';
        self.may_end = self.said && matches!(c, '.' | '!' | '?');
        self.said |= c.is_alphanumeric();
        // A word begins with a letter or digit: apostrophes before it are no part of it.
        if in_word(c) && (c.is_alphanumeric() || !self.run.is_empty()) {
            if self.run.is_empty() {
                self.run_start = self.len;
                self.run_in_first_sentence = !self.ended;
            }
            self.run.push(c);
        } else if let Some(word) = self.last_word() {
            for (token, touched) in &mut self.open {
                *touched = word.touch(token, *touched);
            }
            self.new_words |= word.new;
            self.run.clear();
        } else {
            self.run.clear();
        }
    }

    /// The word at the end, as it would be if nothing came after it.
    fn last_word(&self) -> Option<Word> {
        let word = self.run.trim_end_matches(APOSTROPHES);
        let common = || {
            word.len() <= self.longest_common && self.common.contains(word.to_lowercase().as_str())
        };
        (!word.is_empty()).then(|| Word {
            range: self.run_start..self.run_start + word.len(),
            new: self.run_in_first_sentence && !common(),
        })
    }

    /// Whether the first sentence has new words so far.
    pub(super) fn has_new_words(&self) -> bool {
        self.new_words || self.last_word().is_some_and(|word| word.new)
    }

    /// The next tokens, in order, of which it is known what they touch, whatever comes.
    pub(super) fn take_settled(&mut self) -> impl Iterator<Item = Membership> {
        self.settled.drain(..)
    }

    /// The tokens after these, as if nothing came after them.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = Membership> {
        let word = self.last_word();
        self.open.iter().map(move |(token, touched)| {
            word.as_ref()
                .map_or(*touched, |word| word.touch(token, *touched))
        })
    }
}

const APOSTROPHES: [char; 2] = ['\'', '’'];

/// Whether a character can be part of a word.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || APOSTROPHES.contains(&c)
}

/// Words: runs of letters and digits, apostrophes inside included.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !in_word(c))
        .map(|w| w.trim_matches(APOSTROPHES))
        .filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spanned(question: &str, tokens: &[&str]) -> String {
        answer_words(question, tokens)
            .iter()
            .zip(tokens)
            .filter(|(inside, _)| **inside)
            .map(|(_, t)| *t)
            .collect()
    }

    #[test]
    fn the_new_words_of_the_first_sentence_count() {
        let tokens = [
            "The", " capital", " of", " Japan", " is", " Tok", "yo", ".", " It", " is", " big", ".",
        ];
        assert_eq!(spanned("What is the capital of Japan?", &tokens), " Tokyo");
    }

    #[test]
    fn an_answer_of_common_words_only_counts_whole() {
        assert_eq!(spanned("Is it?", &["It", " is", "."]), "It is");
        assert_eq!(spanned("Is it?", &["...", "\n"]), "");
        assert_eq!(spanned("Is it?", &[]), "");
    }

    #[test]
    fn decimals_and_many_byte_characters_do_not_end_a_sentence() {
        assert_eq!(
            spanned(
                "How much?",
                &["About", " 3", ".", "5", " mètres", ".\n", "Next"]
            ),
            " 35 mètres"
        );
    }

    /// The definition, over the whole answer at once.
    fn definition(question: &str, tokens: &[&str]) -> Vec<bool> {
        let text: String = tokens.concat();
        let ranges = |text: &str| -> Vec<Range<usize>> {
            let start = |w: &str| w.as_ptr() as usize - text.as_ptr() as usize;
            words(text).map(|w| start(w)..start(w) + w.len()).collect()
        };
        let mut common: HashSet<String> =
            STOP_WORDS.split_whitespace().map(str::to_owned).collect();
        common.extend(words(question).map(str::to_lowercase));
        let end = first_sentence(&text);
        let mut spans = ranges(&text);
        spans.retain(|w| w.start < end && !common.contains(&text[w.clone()].to_lowercase()));
        if spans.is_empty() {
            spans = ranges(&text);
        }
        let mut at = 0;
        let inside = tokens.iter().map(|token| {
            let range = at..at + token.len();
            at = range.end;
            spans
                .iter()
                .any(|s| s.start < range.end && range.start < s.end)
        });
        inside.collect()
    }

    /// Where the first sentence ends.
    fn first_sentence(text: &str) -> usize {
        let mut said = false;
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let next = chars.peek().map(|&(_, c)| c);
            let mark = matches!(c, '.' | '!' | '?') && next.is_none_or(char::is_whitespace);
            if said && (c == '\n' || mark) {
                return i;
            }
            said |= c.is_alphanumeric();
        }
        text.len()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Token by token, at every length, the span is what the definition says of the whole.
        #[test]
        fn a_growing_answer_has_the_span_of_the_whole(
            tokens in prop::collection::vec("[ab' .!?\n’éİ3-]{0,4}|The|Japan| is|[ab']{20,40}", 0..12),
            question in "(Is |the |ab |a'b |İ)*",
        ) {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let mut span = Span::new(&question);
            let mut settled = Vec::new();
            for n in 0..=tokens.len() {
                let new_words = span.has_new_words();
                settled.extend(span.take_settled());
                let all = settled.iter().copied().chain(span.unsettled());
                let inside: Vec<bool> = all.map(|m| m.in_span(new_words)).collect();
                prop_assert_eq!(inside, definition(&question, &tokens[..n]), "{:?}", &tokens[..n]);
                if let Some(token) = tokens.get(n) {
                    span.push(token);
                }
            }
        }
    }
}
