//! Our own questions: plain facts and templates, so that anyone may use, change and check them.
//!
//! A fact is a row of a table in `data/questions/facts/`; a template asks for one of its columns. The bank is made anew by every
//! call and is always the same.

use super::Question;

mod arithmetic;
mod false_premises;
mod made_up;
mod misleading;
mod names;
mod tables;
mod templates;
mod twists;

pub use false_premises::false_premises;
pub use made_up::made_up;
pub use misleading::misleading;

#[cfg(test)]
pub(super) use made_up::names as made_up_names;

/// Questions that have an answer a small model may know.
pub fn facts() -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for template in templates::TEMPLATES {
        for (subject, question, answers) in template.ask() {
            push(&mut questions, template.name, &subject, question, answers);
        }
    }
    for (template, subject, question, answers) in arithmetic::ask() {
        push(&mut questions, template, &subject, question, answers);
    }
    questions
}

/// Adds a question of the facts, but for one that holds its own answer: it would be right for a parrot.
fn push(
    questions: &mut Vec<Question>,
    template: &str,
    subject: &str,
    question: String,
    answers: Vec<String>,
) {
    let answers = with_number_words(answers);
    if answers.is_empty() || answers.iter().any(|a| says(&question, a)) {
        return;
    }
    questions.push(Question {
        id: format!("facts/{template}/{}", slug(subject)),
        source: "facts".into(),
        template: template.into(),
        question,
        answers,
        context: None,
        truth: Vec::new(),
    });
}

/// Numbers may be given in digits or in words, large ones with "and" or without.
fn with_number_words(answers: Vec<String>) -> Vec<String> {
    let mut out = Vec::with_capacity(answers.len());
    for answer in answers {
        let number = answer
            .parse::<u32>()
            .ok()
            .and_then(arithmetic::number_words);
        out.push(answer);
        let short = number
            .as_ref()
            .filter(|n| n.contains(" and "))
            .map(|n| n.replace(" and ", " "));
        out.extend(number);
        out.extend(short);
    }
    out
}

/// A text's lower-case words without articles and punctuation.
pub(super) fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace(['\'', '’'], "")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !matches!(*w, "" | "a" | "an" | "the"))
        .map(str::to_owned)
        .collect()
}

/// Whether the words of an answer stand in a text.
pub(super) fn says(text: &str, answer: &str) -> bool {
    let (text, answer) = (words(text), words(answer));
    !answer.is_empty() && text.windows(answer.len()).any(|w| w == answer)
}

/// The part of an id: ASCII letters and digits, joined by hyphens, without a leading "the".
fn slug(text: &str) -> String {
    let text: String = text
        .to_lowercase()
        .chars()
        .filter(|c| !matches!(c, '\'' | '’' | 'ʻ'))
        .map(ascii)
        .collect();
    let parts: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    match parts.split_first() {
        Some((&"the", rest)) if !rest.is_empty() => rest.join("-"),
        _ => parts.join("-"),
    }
}

/// Letters with marks that the tables use, without them.
fn ascii(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ă' => 'a',
        'é' | 'è' | 'ê' | 'ë' | 'ě' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' | 'ơ' | 'ở' | 'œ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ł' => 'l',
        'ñ' | 'ń' => 'n',
        'ř' => 'r',
        'ș' | 'š' | 'ß' => 's',
        c => c,
    }
}

/// With "a" or "an" before it.
fn with_article(noun: &str) -> String {
    let lower = noun.to_lowercase();
    let starts = |list: &[&str]| list.iter().any(|s| lower.starts_with(s));
    let vowel = starts(&["a", "e", "i", "o", "u", "hour", "honest", "heir"])
        && !starts(&["uni", "eu", "ewe", "one", "use", "uke"]);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

/// Puts values into `{name}`; `{a name}` puts the article before it.
fn fill<'a>(pattern: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}')?;
        out.push_str(before);
        match key.strip_prefix("a ") {
            Some(key) => out.push_str(&with_article(value(key)?)),
            None => out.push_str(value(key)?),
        }
        rest = after;
    }
    out.push_str(rest);
    let mut chars = out.chars();
    let first = chars.next()?;
    Some(first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_filled_with_the_right_article() {
        let value = |k: &str| (k == "x").then_some("owl");
        assert_eq!(
            fill("{a x} or {x}?", value).as_deref(),
            Some("An owl or owl?")
        );
        assert_eq!(fill("{y}", value), None);
        assert_eq!(with_article("unicorn"), "a unicorn");
        assert_eq!(with_article("hour"), "an hour");
    }

    #[test]
    fn an_id_is_ascii() {
        assert_eq!(slug("the Côte d'Azur"), "cote-dazur");
        assert_eq!(slug("A"), "a", "a letter, not an article");
    }

    #[test]
    fn an_answer_is_found_as_whole_words() {
        assert!(says("Is it the Red Sea?", "red sea"));
        assert!(!says("Is he unhappy?", "happy"));
        assert!(!says("anything", "the"));
    }

    #[test]
    fn every_table_and_every_column_that_is_named_exists() {
        for t in templates::TEMPLATES {
            assert!(
                t.ask().len() >= 5,
                "{} asks {} questions",
                t.name,
                t.ask().len()
            );
        }
    }
}
