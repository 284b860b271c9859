//! Questions that take something wrong for granted, as FalseQA's do (Hu et al. 2023): whoever answers them goes along.

use super::{
    Question, fill, slug,
    tables::{self, Row, rows},
    twists::{TWISTS, wrong},
};

/// Questions with a false premise; they have no answers.
pub fn false_premises() -> Vec<Question> {
    let mut out = Vec::new();
    for (at, wrong) in wrong().iter().enumerate() {
        let Some(twist) = TWISTS.iter().find(|t| t.template == wrong.template) else {
            continue;
        };
        let pattern = twist.premises.get(at % twist.premises.len().max(1));
        if let Some(text) = pattern.and_then(|p| wrong.fill(p)) {
            out.push(question(wrong.template, &wrong.slug, text));
        }
    }
    // "How many …?" could be answered rightly, with zero: so these ask where and which.
    // The platypus and the echidna, which do lay eggs, are not in the table.
    let mammal = |row: &Row| row.first("class") == Some("mammal");
    out.extend(ask(
        "eggs",
        tables::ANIMALS,
        "Where does {a animal} lay its eggs?",
        "animal",
        mammal,
    ));
    out.extend(ask(
        "coast",
        tables::LANDLOCKED,
        "Which ocean do the beaches of {country} face?",
        "country",
        |_| true,
    ));
    let synthesizer = "On which synthesizer did {creator} compose {music}?";
    out.extend(ask(
        "synthesizer",
        tables::WORKS,
        synthesizer,
        "music",
        |_| true,
    ));
    // Andy Warhol did paint with a computer.
    let program = "Which computer program did {creator} use to paint '{painting}'?";
    let before_computers = |row: &Row| row.first("creator") != Some("Andy Warhol");
    out.extend(ask(
        "computer",
        tables::WORKS,
        program,
        "painting",
        before_computers,
    ));
    out.extend(ask(
        "other",
        tables::FALSE_PREMISES,
        "{question}",
        "question",
        |_| true,
    ));
    out
}

fn ask(
    template: &'static str,
    table: &'static str,
    pattern: &'static str,
    subject: &'static str,
    wanted: impl Fn(&Row) -> bool,
) -> Vec<Question> {
    rows(table)
        .iter()
        .filter(|row| wanted(row))
        .filter_map(|row| {
            let about = row.first(subject)?;
            Some(question(
                template,
                &slug(about),
                fill(pattern, |c| row.first(c))?,
            ))
        })
        .collect()
}

fn question(template: &str, subject: &str, question: String) -> Question {
    Question {
        id: format!("false-premise/{template}/{subject}"),
        source: "false-premise".into(),
        template: template.into(),
        question,
        answers: Vec::new(),
        context: None,
        truth: Vec::new(),
    }
}
