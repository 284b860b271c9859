//! Questions about things that do not exist: whoever answers them invents.

use std::{collections::HashSet, ops::RangeInclusive};

use super::{
    Question, fill,
    names::{Random, name},
};

/// The numbers of each template's questions. A batch that is added at the end changes no question of those before it, because a
/// name is used once.
const BATCHES: [RangeInclusive<usize>; 2] = [1..=18, 19..=32];

/// `{x}` is a made-up name, `{lower}` the same in lower case, `{first}` a common first name, `{noun}` a common noun.
const TEMPLATES: [(&str, &str); 40] = [
    ("capital", "What is the capital of {x}?"),
    ("continent", "On which continent is the country of {x}?"),
    ("currency", "What is the currency of {x}?"),
    ("language", "What language do most people in {x} speak?"),
    ("city", "In which country is the city of {x}?"),
    ("river", "Into which sea does the {x} River flow?"),
    ("mountain", "How high is Mount {x}?"),
    ("island", "In which ocean is the island of {x}?"),
    ("lake", "In which country is Lake {x}?"),
    ("bridge", "In which city is the {x} Bridge?"),
    ("castle", "Who built {x} Castle?"),
    ("treaty", "In which year was the Treaty of {x} signed?"),
    ("battle", "In which year was the Battle of {x} fought?"),
    ("victor", "Who won the Battle of {x}?"),
    ("king", "Who was the first king of {x}?"),
    ("dynasty", "Which country did the {x} dynasty rule?"),
    ("book", "Who wrote the novel 'The {noun} of {x}'?"),
    ("poem", "Who wrote the poem 'Song to {x}'?"),
    ("painting", "Who painted 'The {noun} at {x}'?"),
    ("opera", "Who composed the opera '{x}'?"),
    ("film", "Who directed the film 'Return to {x}'?"),
    ("song", "Which band recorded the song '{x} {noun}'?"),
    ("young", "What do you call a baby {lower}?"),
    ("legs", "How many legs does a {lower} have?"),
    ("food", "What does a {lower} eat?"),
    ("plant", "What colour are the flowers of the {lower} plant?"),
    ("symbol", "What is the chemical symbol for {lower}ium?"),
    ("atomic-number", "What is the atomic number of {lower}ium?"),
    ("disease", "Which part of the body does {x} disease affect?"),
    ("drug", "Which illness is treated with the drug {lower}ine?"),
    ("effect", "Which scientist discovered the {x} effect?"),
    ("inventor", "Who invented the {x} engine?"),
    ("company", "Who founded the company {x} Industries?"),
    ("university", "In which city is the University of {x}?"),
    (
        "born",
        "In which year was the philosopher {first} {x} born?",
    ),
    ("sport", "Which sport is {first} {x} famous for?"),
    ("god", "What is {x} the god of in ancient mythology?"),
    (
        "festival",
        "In which month is the festival of {x} celebrated?",
    ),
    ("dish", "Which country's cuisine is known for {lower} soup?"),
    ("planet", "How many moons does the planet {x} have?"),
];

const FIRST: [&str; 12] = [
    "Anna", "Peter", "Clara", "David", "Elena", "Martin", "Julia", "Robert", "Sofia", "Thomas",
    "Laura", "Henry",
];
const NOUNS: [&str; 10] = [
    "Gardens",
    "Shadows",
    "Daughters",
    "Lanterns",
    "Rivers",
    "Bells",
    "Orchards",
    "Letters",
    "Wolves",
    "Keepers",
];

/// Questions about made-up things; they have no answers.
pub fn made_up() -> Vec<Question> {
    make().into_iter().map(|(question, _)| question).collect()
}

/// The names that are used, for the tests.
#[cfg(test)]
pub fn names() -> Vec<String> {
    make().into_iter().map(|(_, name)| name).collect()
}

/// The questions, and the name that each is about.
fn make() -> Vec<(Question, String)> {
    let mut used = HashSet::new();
    let mut out = Vec::new();
    for (numbers, seed) in BATCHES.into_iter().zip((1000..).step_by(1000)) {
        for ((template, pattern), seed) in TEMPLATES.into_iter().zip(seed..) {
            let mut random = Random::new(seed);
            for number in numbers.clone() {
                let name = unused(&mut random, &mut used);
                let question = ask(template, pattern, number, &name, &mut random);
                out.extend(question.map(|question| (question, name)));
            }
        }
    }
    out
}

fn unused(random: &mut Random, used: &mut HashSet<String>) -> String {
    loop {
        let x = name(random);
        if used.insert(x.clone()) {
            return x;
        }
    }
}

fn ask(
    template: &str,
    pattern: &str,
    number: usize,
    x: &str,
    random: &mut Random,
) -> Option<Question> {
    let lower = x.to_lowercase();
    let (first, noun) = (random.pick(&FIRST), random.pick(&NOUNS));
    let question = fill(pattern, |key| match key {
        "x" => Some(x),
        "lower" => Some(&lower),
        "first" => Some(first),
        "noun" => Some(noun),
        _ => None,
    })?;
    Some(Question {
        id: format!("made-up/{template}/{number:04}"),
        source: "made-up".into(),
        template: template.into(),
        question,
        answers: Vec::new(),
        context: None,
        truth: Vec::new(),
    })
}
