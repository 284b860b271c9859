//! Whether an answer is right: by rule, against a list of accepted answers.
//!
//! Text is normalized as SQuAD's evaluation does it (Rajpurkar et al. 2016): lower case, no punctuation, no articles, single
//! spaces. An accepted answer counts where its words stand one after the other in what was said; numbers count as digits or as
//! words, and keep their sign, their decimals and what else makes them another number (`numbers::figures`). What says neither right nor wrong is *unsure*: refusals, and answers that did not end.

use super::{
    bulk::Answer,
    numbers::{SMALL, TENS, figures},
};

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// An accepted answer was given.
    Right,
    /// Something else was given.
    Wrong,
    /// The model said that it does not know, or said nothing.
    Refused,
    /// The answer was cut off before it ended, without an accepted answer in its first sentence.
    Truncated,
}

/// What refusals of small models contain, normalized.
const REFUSALS: [&str; 22] = [
    "i dont know",
    "i do not know",
    "im not sure",
    "i am not sure",
    "im sorry",
    "i am sorry",
    "i apologize",
    "i cannot",
    "i cant",
    "im unable",
    "i am unable",
    "im not able",
    "i am not able",
    "as ai",
    "im ai",
    "not aware of",
    "no information",
    "not familiar with",
    "dont have access",
    "do not have access",
    "not capable of",
    "there is no record",
];

/// Judges the text of an answer against the accepted ones.
pub fn judge(text: &str, answer: &Answer, accepted: &[String]) -> Verdict {
    let said = words(first_line(text));
    let right = accepted.iter().any(|a| {
        let wanted = words(a);
        !wanted.is_empty() && said.windows(wanted.len()).any(|w| w == wanted)
    });
    if right {
        Verdict::Right
    } else if said.is_empty() || is_refusal(text) {
        Verdict::Refused
    } else if !answer.finished {
        Verdict::Truncated
    } else {
        Verdict::Wrong
    }
}

/// Whether a text says that it cannot answer.
pub fn is_refusal(text: &str) -> bool {
    let text = format!(" {} ", words(text).join(" "));
    REFUSALS.iter().any(|r| text.contains(&format!(" {r} ")))
}

/// The words of a text after SQuAD's normalization; hyphens part words, and number words below a hundred become digits.
///
/// A number in figures is one word in a normal form: punctuation inside of it is part of its value. A percent sign is not.
pub fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.to_lowercase().chars().collect();
    let mut text = String::with_capacity(chars.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if let Some((number, end)) = figures(&chars, at) {
            text.push_str(&number);
            at = end;
            continue;
        }
        match c {
            '\'' | '’' => {}
            '-' | '–' | '—' | '−' | '/' => text.push(' '),
            // Between figures that are no one number: a date, a list.
            '.' | ',' | ':' if parts_figures(&chars, at) => text.push(' '),
            c if c.is_ascii_punctuation() => {}
            '“' | '”' | '‘' | '…' | '¿' | '¡' => {}
            c => text.push(c),
        }
        at += 1;
    }
    let mut out: Vec<String> = Vec::new();
    // Whether the last word was tens, and so takes ones: "twenty-five" is 25.
    let mut tens: Option<u32> = None;
    for word in text.split_whitespace() {
        if matches!(word, "a" | "an" | "the") {
            continue;
        }
        let value = number(word);
        match (tens.take(), value) {
            (Some(tens), Some(ones @ 1..=9)) => {
                out.pop();
                out.push((tens + ones).to_string());
            }
            (_, Some(value)) => {
                tens = (value >= 20).then_some(value);
                out.push(value.to_string());
            }
            (_, None) => out.push(word.to_owned()),
        }
    }
    spoken(out)
}

fn parts_figures(chars: &[char], at: usize) -> bool {
    let digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
    at > 0 && digit(chars.get(at - 1)) && digit(chars.get(at + 1))
}

/// Puts numbers together that are said with words: "minus five", "three point five", "three and a half".
fn spoken(words: Vec<String>) -> Vec<String> {
    let whole = |w: Option<&String>| w.is_some_and(|w| w.chars().all(|c| c.is_ascii_digit()));
    let numeric = |w: &String| w.chars().any(|c| c.is_ascii_digit());
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let next = words.get(at);
        match word.as_str() {
            // "10 minus 5" is a difference, not a negative number.
            "minus" | "negative" if whole(next) && !out.last().is_some_and(numeric) => {
                out.push(format!("-{}", words[at]));
                at += 1;
            }
            "point"
                if whole(next) && out.last().is_some_and(|w| !w.contains('.') && numeric(w)) =>
            {
                let mut number = out.pop().unwrap_or_default() + ".";
                while whole(words.get(at)) {
                    number.push_str(&words[at]);
                    at += 1;
                }
                out.push(number);
            }
            "and" if next.is_some_and(|w| w == "half") && whole(out.last()) => {
                let number = out.pop().unwrap_or_default() + ".5";
                out.push(number);
                at += 1;
            }
            _ => out.push(word.clone()),
        }
    }
    out
}

/// The value of a number word below a hundred.
fn number(word: &str) -> Option<u32> {
    let ones = SMALL.iter().position(|w| *w == word);
    let tens = TENS.iter().position(|w| *w == word).map(|i| 10 * i + 20);
    ones.or(tens).map(|n| n as u32)
}

/// What is said before the first line break that follows a word: lists of guesses after it are not an answer.
fn first_line(text: &str) -> &str {
    let text = text.trim_start();
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, accepted: &[&str], finished: bool) -> Verdict {
        let answer = Answer {
            ids: Vec::new(),
            logprobs: Vec::new(),
            finished,
        };
        let accepted: Vec<String> = accepted.iter().map(|&a| a.to_owned()).collect();
        judge(text, &answer, &accepted)
    }

    #[test]
    fn an_accepted_answer_counts_however_it_is_written() {
        for text in [
            "Paris",
            "The capital is Paris.",
            "“paris!”",
            "It's the Paris",
        ] {
            assert_eq!(verdict(text, &["Paris"], true), Verdict::Right, "{text}");
        }
        assert_eq!(
            verdict("There are 8 legs.", &["eight"], true),
            Verdict::Right
        );
        assert_eq!(verdict("Eight.", &["8"], true), Verdict::Right);
        assert_eq!(verdict("Twenty-five", &["25"], true), Verdict::Right);
        assert_eq!(verdict("Twenty-five", &["20"], true), Verdict::Wrong);
        assert_eq!(verdict("the Beatles", &["Beatles"], true), Verdict::Right);
        // Cut off after the answer was given.
        assert_eq!(
            verdict("Paris, which is", &["Paris"], false),
            Verdict::Right
        );
    }

    #[test]
    fn numbers_keep_their_sign_and_their_decimals() {
        for (said, accepted) in [
            ("3.5", "35"),
            ("3.5.", "35"),
            ("It is 3,5 km.", "35"),
            ("3.5", "3"),
            ("3.5", "5"),
            ("-5", "5"),
            ("−5", "5"),
            ("It is –5 degrees.", "5"),
            ("minus five", "5"),
            ("three point five", "3"),
            ("three and a half", "3"),
            ("3 1/2", "3"),
            ("3½", "3"),
            ("1/2", "2"),
            ("1,000", "1"),
            ("1.5 million", "15"),
            ("10:30", "1030"),
            ("10:30", "10"),
            ("0.5", "5"),
            (".5", "5"),
            ("$1,000.50", "1000"),
            ("1.2.2020", "122020"),
        ] {
            assert_eq!(
                verdict(said, &[accepted], true),
                Verdict::Wrong,
                "{said} for {accepted}"
            );
        }
        for (said, accepted) in [
            ("3.5.", "3.5"),
            ("It is 3,5 km.", "3.5"),
            ("3.50", "3.5"),
            ("8.0", "8"),
            ("-5", "-5"),
            ("−5 °C", "minus five"),
            ("(-5)", "-5"),
            ("1,000", "1000"),
            ("1.000.000", "1,000,000"),
            ("1.000,5", "1000.5"),
            ("1\u{a0}000", "1000"),
            ("$1,000.50", "1000.5"),
            ("3 1/2", "3.5"),
            ("3½", "three and a half"),
            ("three point one four", "3.14"),
            ("1/2", "0.5"),
            ("2/3", "2/3"),
            (".5", "0.5"),
            ("50%", "50"),
            ("at 10:30", "10:30"),
            ("between 5-6", "6"),
            ("1990–1995", "1995"),
            ("10 minus 5 is 5", "5"),
            ("It has 8, not 9.", "8"),
            ("12/25/2020", "25"),
            ("1.2.2020", "2020"),
            ("It is 8.", "eight"),
            ("8-legged", "8"),
            ("H2O", "h2o"),
            ("+5", "5"),
            ("-0", "0"),
        ] {
            assert_eq!(
                verdict(said, &[accepted], true),
                Verdict::Right,
                "{said} for {accepted}"
            );
        }
    }

    #[test]
    fn parts_of_words_and_later_lines_do_not_count() {
        assert_eq!(verdict("Parisian", &["Paris"], true), Verdict::Wrong);
        assert_eq!(verdict("New", &["New York"], true), Verdict::Wrong);
        assert_eq!(verdict("Lyon\nParis", &["Paris"], true), Verdict::Wrong);
        assert_eq!(verdict("anything", &[""], true), Verdict::Wrong);
    }

    #[test]
    fn refusals_and_answers_cut_off_are_neither() {
        assert_eq!(
            verdict("I'm sorry, but I can't say.", &["Paris"], true),
            Verdict::Refused
        );
        assert_eq!(
            verdict("I’m not sure.", &["Paris"], false),
            Verdict::Refused
        );
        assert_eq!(verdict("...", &["Paris"], true), Verdict::Refused);
        assert_eq!(
            verdict("The answer to this", &["Paris"], false),
            Verdict::Truncated
        );
    }
}
