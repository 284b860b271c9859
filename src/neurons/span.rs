//! Which tokens of an answer the detector reads: the answer's own words.
//!
//! A small model wraps its answer in a sentence ("The capital of Japan is Tokyo."). What tells right from wrong is the
//! part that is new, so the span is: words of the first sentence that are neither in the question nor stop words. If
//! there are none, all words of the answer.

use std::collections::HashSet;

/// Words too common to be an answer.
const STOP_WORDS: &str = "a about after all also am an and any are as at be because been before being both but by can \
    could did do does doing down during each few for from further had has have having he her here hers him his how i \
    if in into is it it's its itself just me more most my no nor not now of off on once only or other our out over own \
    s same she should so some such t than that the their them then there these they this those through to too under \
    until up very was we were what when where which while who whom why will with would you your";

/// For each token of an answer, given as the texts that concatenate to it, whether it belongs to the span.
pub fn answer_words(question: &str, tokens: &[&str]) -> Vec<bool> {
    let text: String = tokens.concat();
    let mut common: HashSet<String> = STOP_WORDS.split_whitespace().map(str::to_owned).collect();
    common.extend(words(question).map(|(_, w)| w.to_lowercase()));
    let end = first_sentence(&text);
    let mut spans: Vec<_> = words(&text)
        .filter(|(start, w)| *start < end && !common.contains(&w.to_lowercase()))
        .map(|(start, w)| start..start + w.len())
        .collect();
    if spans.is_empty() {
        spans = words(&text)
            .map(|(start, w)| start..start + w.len())
            .collect();
    }
    let mut at = 0;
    tokens
        .iter()
        .map(|token| {
            let range = at..at + token.len();
            at = range.end;
            spans
                .iter()
                .any(|s| s.start < range.end && range.start < s.end)
        })
        .collect()
}

/// Words and where they begin: runs of letters and digits, apostrophes inside included.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .map(|w| w.trim_matches(['\'', '’']))
        .filter(|w| !w.is_empty())
        .map(move |w| (w.as_ptr() as usize - text.as_ptr() as usize, w))
}

/// Where the first sentence ends: at a full stop, question or exclamation mark before a space or the end, or at a line
/// break, once something has been said.
fn first_sentence(text: &str) -> usize {
    let mut said = false;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|&(_, c)| c);
        if said
            && (c == '\n' || (matches!(c, '.' | '!' | '?') && next.is_none_or(char::is_whitespace)))
        {
            return i;
        }
        said |= c.is_alphanumeric();
    }
    text.len()
}

#[cfg(test)]
mod tests {
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
}
