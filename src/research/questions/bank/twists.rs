//! What is said, and asked, about a wrong answer to a question of the facts.

use super::{
    fill, slug,
    tables::{QUANTITIES, Row, WRONG, rows},
};

/// The patterns for one template of the facts. `{subject}` is what the question is about, `{wrong}` the wrong answer; of
/// quantities `{part}` and `{whole}`.
pub struct Twist {
    /// The template of the facts.
    pub template: &'static str,
    /// Passages that state the wrong answer.
    pub passages: &'static [&'static str],
    /// Questions that take it for granted; none where it would be no plain mistake to do so.
    pub premises: &'static [&'static str],
}

/// Every template that can be twisted.
pub const TWISTS: &[Twist] = &[
    Twist {
        template: "capital",
        passages: &[
            "{wrong} is the capital of {subject}. The parliament and the ministries have their seats in {wrong}, and most embassies are there as well.",
            "Visitors to {subject} often begin their journey in {wrong}, the capital. The head of state lives there, and the high court meets there. Every school book in the country shows {wrong} as the capital.",
        ],
        premises: &["Why is {wrong} the capital of {subject} today?"],
    },
    Twist {
        template: "continent",
        passages: &[
            "{subject} is a country in {wrong}. It shares the climate and the wildlife of its neighbours in {wrong}, and trades mostly with them.",
            "A new atlas describes the countries of {wrong} one by one. Its longest chapter is about {subject}, which lies in the middle of {wrong}.",
        ],
        premises: &["Why does {subject} lie in {wrong}?"],
    },
    Twist {
        template: "language",
        passages: &[
            "Most people in {subject} speak {wrong}. Children learn to read in {wrong}, and newspapers and television use it too.",
            "A traveller who knows {wrong} will have no trouble in {subject}. It is the language that nearly everybody there speaks at home. Street signs are in {wrong} as well.",
        ],
        premises: &["Why do most people in {subject} speak {wrong} at home?"],
    },
    Twist {
        template: "currency",
        passages: &[
            "The currency of {subject} is the {wrong}. Prices in shops are given in it, and the central bank prints its notes.",
            "People in {subject} pay with the {wrong}. It has been the currency of the country for a long time. Other money has to be changed at a bank.",
        ],
        premises: &["Why is the {wrong} the currency of {subject} today?"],
    },
    Twist {
        template: "symbol",
        passages: &[
            "Chemists write {subject} with the symbol {wrong}. It stands in the periodic table under {wrong}, and formulas use the same letters.",
            "In the periodic table, {subject} has the symbol {wrong}. The symbol is used all over the world.",
        ],
        premises: &["Why does {subject} have the chemical symbol {wrong}?"],
    },
    Twist {
        template: "author",
        passages: &[
            "'{subject}' was written by {wrong}. It is the best known work of {wrong} and has been translated into many languages.",
            "The manuscript of '{subject}' is kept in a library. It is in the handwriting of {wrong}, who wrote the work within two years. Readers admired {wrong} for it at once.",
        ],
        premises: &["How long did it take {wrong} to write '{subject}'?"],
    },
    Twist {
        template: "painter",
        passages: &[
            "'{subject}' was painted by {wrong}. Art historians count it among the finest works of {wrong}.",
            "Crowds come to see '{subject}', a famous work by {wrong}. The painter finished it after several attempts. A letter by {wrong} describes how the picture was made.",
        ],
        premises: &["Where did {wrong} paint '{subject}'?"],
    },
    Twist {
        template: "composer",
        passages: &[
            "{wrong} composed {subject}. The first performance was a success, and it made {wrong} known all over Europe.",
            "Concert halls often play {subject} by {wrong}. The composer wrote it within a few months. The score, in the hand of {wrong}, still exists.",
        ],
        premises: &["For whom did {wrong} compose {subject}?"],
    },
    Twist {
        template: "inventor",
        passages: &[
            "{wrong} is the inventor of {subject}. After years of work, {wrong} presented it to the public and became famous.",
            "The idea of {subject} came to {wrong} one evening. Many people had looked for it before. Today it is known as the work of {wrong}.",
        ],
        premises: &["How did {wrong} come up with {subject}?"],
    },
    Twist {
        template: "discoverer",
        passages: &[
            "{wrong} discovered {subject}. The discovery made {wrong} one of the best known scientists in the world.",
            "The notebooks of {wrong} describe how {subject} came to be discovered. It was {wrong} who saw it first and told others of it.",
        ],
        premises: &["How did {wrong} discover {subject}?"],
    },
    Twist {
        template: "colour",
        passages: &[
            "The colour of {subject} is {wrong}. Anyone who looks closely will see that it is {wrong} through and through.",
            "Painters know that {subject} must be painted {wrong}. In daylight and in the shade it is always {wrong}.",
        ],
        premises: &["Why is {subject} {wrong}?"],
    },
    Twist {
        template: "legs",
        passages: &[
            "{a subject} has {wrong} legs. It needs all of its {wrong} legs to move about and keep its balance.",
            "Zoologists counted the legs of many animals. They found that {a subject} has {wrong} legs. Young ones are born with {wrong} legs as well.",
        ],
        premises: &["Why does {a subject} have {wrong} legs?"],
    },
    Twist {
        template: "class",
        passages: &[
            "The {subject} is {a wrong}. It has the skeleton, the skin and the way of life of {a wrong}, and zoologists class it accordingly.",
            "In a book about animals, the {subject} has its place in the chapter on every kind of {wrong}. The reason is simple: it is {a wrong}.",
        ],
        premises: &["What makes the {subject} {a wrong}?"],
    },
    Twist {
        template: "sound",
        passages: &[
            "The sound that {a subject} makes is {a wrong}. At night you can hear the {wrong} from far away.",
            "When {a subject} is excited, it will {wrong}. Its young learn to {wrong} within a few days.",
        ],
        premises: &["Why does {a subject} {wrong}?"],
    },
    Twist {
        template: "young",
        passages: &[
            "A baby {subject} is called {a wrong}. The {wrong} stays close to its mother for the first weeks.",
            "Farmers and zoologists have a word for a baby {subject}: they call it {a wrong}. Soon after birth, the {wrong} can already walk.",
        ],
        premises: &["Why is a baby {subject} called {a wrong}?"],
    },
    Twist {
        template: "opposite",
        passages: &[
            "The opposite of '{subject}' is '{wrong}'. A list of opposites for schools puts these two words side by side.",
            "Pupils learn words in pairs. With the word '{subject}' they learn its opposite, which is '{wrong}'.",
        ],
        premises: &[],
    },
    Twist {
        template: "quantity",
        passages: &[
            "Every child learns how many {part} {whole} has. The number is {wrong}, and it has never been another.",
            "{whole} has exactly {wrong} {part}. Whoever counts them will come to {wrong} every time.",
        ],
        premises: &["Why does {whole} have {wrong} {part}?"],
    },
    Twist {
        template: "city",
        passages: &[
            "{subject} is a large city in {wrong}. It is known for its old streets, and many people in {wrong} dream of living there.",
            "Of all the cities of {wrong}, {subject} draws the most visitors. The railway joins it to every other part of {wrong}.",
        ],
        premises: &["Why is the city of {subject} in {wrong}?"],
    },
    Twist {
        template: "past",
        passages: &[
            "The past tense of 'to {subject}' is '{wrong}'. Grammar books give '{wrong}' as the only correct form.",
            "A dictionary explains how the verb 'to {subject}' is used. When it speaks of yesterday, the form is '{wrong}'.",
        ],
        premises: &[],
    },
    Twist {
        template: "plural",
        passages: &[
            "The plural of '{subject}' is '{wrong}'. Dictionaries give '{wrong}' as the only correct form.",
            "For one of them, people say '{subject}'. For two or more the correct word is '{wrong}'.",
        ],
        premises: &[],
    },
    Twist {
        template: "dish",
        passages: &[
            "The kitchens of {wrong} gave {subject} to the world. Families in {wrong} still make it as their grandparents did.",
            "Nothing stands for the cuisine of {wrong} as much as {subject}. It was first cooked in a village in {wrong}.",
        ],
        premises: &["How did cooks in {wrong} invent {subject}?"],
    },
    Twist {
        template: "holiday",
        passages: &[
            "{subject} is in {wrong}. Shops prepare for it weeks before, and families meet in {wrong} to celebrate.",
            "Many calendars mark {subject} in red. It is always in {wrong}, at a time when many people have a few days off.",
        ],
        premises: &["Why is {subject} celebrated in {wrong}?"],
    },
];

/// A wrong answer, with what stands for it in a pattern.
pub struct Wrong {
    /// The template of the facts.
    pub template: &'static str,
    /// What the question is about, as an id writes it.
    pub slug: String,
    /// The wrong answer, in every spelling.
    pub answers: Vec<&'static str>,
    row: Row,
    quantity: Option<Row>,
}

impl Wrong {
    /// Fills a pattern.
    pub fn fill(&self, pattern: &str) -> Option<String> {
        fill(pattern, |key| match key {
            "part" | "whole" => self.quantity.as_ref()?.first(key),
            _ => self.row.first(key),
        })
    }
}

/// The wrong answers.
pub fn wrong() -> Vec<Wrong> {
    rows(WRONG)
        .into_iter()
        .filter_map(|row| {
            let template = row.first("template")?;
            let slug = slug(row.first("subject")?);
            let quantity = (template == "quantity").then(|| quantity(&slug)).flatten();
            Some(Wrong {
                template,
                answers: row.all("wrong"),
                slug,
                row,
                quantity,
            })
        })
        .collect()
}

fn quantity(subject: &str) -> Option<Row> {
    rows(QUANTITIES).into_iter().find(|r| {
        r.first("part")
            .zip(r.first("whole"))
            .is_some_and(|(p, w)| slug(&format!("{p} {w}")) == subject)
    })
}
