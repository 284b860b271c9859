//! The templates that ask for a column of a table.

use super::{
    fill,
    tables::{self, Row, rows},
};

/// A pattern of questions.
pub struct Template {
    /// Its name, part of the ids.
    pub name: &'static str,
    table: &'static str,
    /// `{column}` stands for a cell's first spelling, `{a column}` for it with its article.
    ask: &'static str,
    /// The columns that tell its questions apart.
    subject: &'static [&'static str],
    /// The column of the accepted answers.
    answer: &'static str,
}

impl Template {
    /// Subject, question and answers of every row that has all of them. Rows that ask the same have their answers joined:
    /// Portland is in Oregon and in Maine.
    pub fn ask(&self) -> Vec<(String, String, Vec<String>)> {
        let mut out: Vec<(String, String, Vec<String>)> = Vec::new();
        for row in rows(self.table) {
            let Some((subject, question)) = self.question(&row) else {
                continue;
            };
            let answers: Vec<String> = row
                .all(self.answer)
                .into_iter()
                .map(str::to_owned)
                .collect();
            if answers.is_empty() {
                continue;
            }
            match out.iter_mut().find(|(_, q, _)| *q == question) {
                Some((_, _, known)) => {
                    let new: Vec<_> = answers.into_iter().filter(|a| !known.contains(a)).collect();
                    known.extend(new);
                }
                None => out.push((subject, question, answers)),
            }
        }
        out
    }

    fn question(&self, row: &Row) -> Option<(String, String)> {
        let subject: Option<Vec<&str>> = self.subject.iter().map(|c| row.first(c)).collect();
        Some((subject?.join(" "), fill(self.ask, |c| row.first(c))?))
    }
}

macro_rules! templates {
    ($($name:literal: $table:ident, $ask:literal, $subject:tt => $answer:literal;)*) => {
        /// Every template; their order is the order of the file.
        pub const TEMPLATES: &[Template] = &[$(Template {
            name: $name, table: tables::$table, ask: $ask, subject: &$subject, answer: $answer,
        }),*];
    };
}

templates! {
    "capital": COUNTRIES, "What is the capital of {country}?", ["country"] => "capital";
    "capital-of": COUNTRIES, "Which country has {capital} as its capital?", ["capital"] => "country";
    "continent": COUNTRIES, "On which continent is {country}?", ["country"] => "continent";
    "language": COUNTRIES, "What language do most people in {country} speak?", ["country"] => "language";
    "currency": COUNTRIES, "What is the currency of {country}?", ["country"] => "currency";
    "demonym": COUNTRIES, "What do you call someone from {country}?", ["country"] => "demonym";
    "state-capital": STATES, "What is the capital of the US state of {state}?", ["state"] => "capital";
    "state-of-capital": STATES, "Which US state has {capital} as its capital?", ["capital"] => "state";
    "state-city": STATES, "What is the largest city in the US state of {state}?", ["state"] => "city";
    "state-code": STATES, "Which US state has the postal code {abbreviation}?", ["abbreviation"] => "state";
    "symbol": ELEMENTS, "What is the chemical symbol for {element}?", ["element"] => "symbol";
    "element": ELEMENTS, "Which chemical element has the symbol {letters}?", ["letters"] => "element";
    "atomic-number": ELEMENTS, "What is the atomic number of {element}?", ["element"] => "number";
    "opposite": OPPOSITES, "What is the opposite of '{word}'?", ["word"] => "opposite";
    "plural": NOUNS, "What is the plural of '{noun}'?", ["noun"] => "plural";
    "singular": NOUNS, "What is the singular of '{plural}'?", ["plural"] => "noun";
    "past": VERBS, "What is the past tense of 'to {verb}'?", ["verb"] => "past";
    "participle": VERBS, "What is the past participle of 'to {verb}'?", ["verb"] => "participle";
    "comparative": ADJECTIVES, "What is the comparative form of '{adjective}'?", ["adjective"] => "comparative";
    "superlative": ADJECTIVES, "What is the superlative form of '{adjective}'?", ["adjective"] => "superlative";
    "from-spanish": SPANISH, "What does the Spanish word '{word}' mean in English?", ["word"] => "english";
    "from-french": FRENCH, "What does the French word '{word}' mean in English?", ["word"] => "english";
    "from-german": GERMAN, "What does the German word '{word}' mean in English?", ["word"] => "english";
    "to-spanish": SPANISH, "How do you say '{english}' in Spanish?", ["english"] => "word";
    "to-french": FRENCH, "How do you say '{english}' in French?", ["english"] => "word";
    "to-german": GERMAN, "How do you say '{english}' in German?", ["english"] => "word";
    "class": ANIMALS, "What class of animal is {a animal}?", ["animal"] => "class";
    "young": ANIMALS, "What do you call a baby {animal}?", ["animal"] => "young";
    "sound": ANIMALS, "What sound does {a animal} make?", ["animal"] => "sound";
    "legs": ANIMALS, "How many legs does {a animal} have?", ["animal"] => "legs";
    "male": ANIMALS, "What do you call a male {animal}?", ["animal"] => "male";
    "female": ANIMALS, "What do you call a female {animal}?", ["animal"] => "female";
    "home": ANIMALS, "What do you call the home of {a animal}?", ["animal"] => "home";
    "group": GROUPS, "What do you call a group of {animals}?", ["animals"] => "group";
    "city": PLACES, "In which country is the city of {city}?", ["city"] => "where";
    "river": PLACES, "On which continent is the {river}?", ["river"] => "where";
    "mountain": PLACES, "On which continent is {mountain}?", ["mountain"] => "where";
    "landmark": PLACES, "In which country is {landmark}?", ["landmark"] => "where";
    "landmark-city": PLACES, "In or near which city is {landmark}?", ["landmark"] => "where_else";
    "author": WORKS, "Who wrote '{book}'?", ["book"] => "creator";
    "painter": WORKS, "Who painted '{painting}'?", ["painting"] => "creator";
    "composer": WORKS, "Who composed {music}?", ["music"] => "creator";
    "director": WORKS, "Who directed the film '{film}'?", ["film"] => "creator";
    "inventor": INVENTIONS, "Who invented or developed {invention}?", ["invention"] => "who";
    "discoverer": INVENTIONS, "Who discovered {discovery}?", ["discovery"] => "who";
    "person-country": PEOPLE, "Which country was {person} from?", ["person"] => "country";
    "profession": PEOPLE, "What was {person} by profession?", ["person"] => "job";
    "founder": COMPANIES, "Who founded the company {company}?", ["company"] => "founder";
    "company-country": COMPANIES, "In which country was the company {company} founded?", ["company"] => "country";
    "car-country": COMPANIES, "Which country does the car brand {car} come from?", ["car"] => "country";
    "dish": DISHES, "Which country's cuisine is known for {dish}?", ["dish"] => "country";
    "colour": COLOURS, "What colour is {thing}?", ["thing"] => "colour";
    "kind": KINDS, "What kind of thing is {a thing}?", ["thing"] => "kind";
    "science": STUDIES, "What is the science that studies {study} called?", ["study"] => "science";
    "job": JOBS, "What do you call a person who {does}?", ["does"] => "job";
    "place": PURPOSES, "Where do you go to {purpose}?", ["purpose"] => "place";
    "phobia": PHOBIAS, "What is a person with {phobia} afraid of?", ["phobia"] => "fear";
    "month-after": CALENDAR, "Which month comes after {month}?", ["month"] => "after";
    "month-before": CALENDAR, "Which month comes before {month}?", ["month"] => "before";
    "month-days": CALENDAR, "How many days does {month} have?", ["month"] => "days";
    "month-number": CALENDAR, "What number is {month} among the months of the year?", ["month"] => "number";
    "day-after": CALENDAR, "Which day of the week comes after {day}?", ["day"] => "after";
    "day-before": CALENDAR, "Which day of the week comes before {day}?", ["day"] => "before";
    "letter-after": LETTERS, "Which letter of the alphabet comes after {letter}?", ["letter"] => "after";
    "letter-before": LETTERS, "Which letter of the alphabet comes before {letter}?", ["letter"] => "before";
    "letter-number": LETTERS, "What is the position of the letter {letter} in the alphabet, as a number?", ["letter"] => "position";
    "holiday": HOLIDAYS, "In which month is {holiday}?", ["holiday"] => "month";
    "greek-god": GODS, "Who is the god or goddess of {domain} in Greek mythology?", ["domain"] => "greek";
    "roman-name": GODS, "What did the Romans call {greek}?", ["greek"] => "roman";
    "greek-name": GODS, "What did the Greeks call the Roman {roman}?", ["roman"] => "greek";
    "quantity": QUANTITIES, "How many {part} does {whole} have?", ["part", "whole"] => "number";
    "planet-feature": PLANETS, "What is the name of {feature} in the solar system?", ["planet"] => "planet";
    "planet-order": PLANETS, "Which planet is the {ordinal} from the Sun?", ["ordinal"] => "planet";
    "planet-after": PLANETS, "Which planet is the next one after {planet}, counted from the Sun?", ["planet"] => "next";
    "year": YEARS, "In which year {event}?", ["event"] => "year";
    "other": MISC, "{question}", ["question"] => "answer";
}
