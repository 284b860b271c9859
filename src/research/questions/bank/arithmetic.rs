//! Questions about numbers, which need no table.

use crate::research::numbers::{SMALL, TENS};

/// Template, subject, question and answers.
pub type Asked = (&'static str, String, String, Vec<String>);

/// Sums, differences, products and the like, small enough to be done in the head.
pub fn ask() -> Vec<Asked> {
    let mut out = Vec::new();
    let mut add = |template, subject: String, question: String, answer: u32| {
        out.push((template, subject, question, vec![answer.to_string()]));
    };
    for a in 1..=12u32 {
        for b in (a..=12).filter(|b| (a + b) % 2 == 1 || a == *b) {
            add(
                "plus",
                format!("{a} {b}"),
                format!("What is {a} plus {b}?"),
                a + b,
            );
        }
    }
    for a in (20..=70u32).step_by(10) {
        for b in [10, 20, 30, 40] {
            add(
                "plus-tens",
                format!("{a} {b}"),
                format!("What is {a} plus {b}?"),
                a + b,
            );
        }
    }
    for a in 5..=20u32 {
        for b in (2..a).step_by(3) {
            add(
                "minus",
                format!("{a} {b}"),
                format!("What is {a} minus {b}?"),
                a - b,
            );
        }
    }
    for a in 2..=12u32 {
        for b in (a + 1)..=12 {
            add(
                "times",
                format!("{a} {b}"),
                format!("What is {a} times {b}?"),
                a * b,
            );
        }
    }
    for a in 2..=15u32 {
        add(
            "square",
            format!("{a}"),
            format!("What is {a} squared?"),
            a * a,
        );
    }
    for b in 2..=10u32 {
        for q in [2, 3, 5, 6, 8, 9] {
            add(
                "divided",
                format!("{} {b}", b * q),
                format!("What is {} divided by {b}?", b * q),
                q,
            );
        }
    }
    for n in (4..=40u32).step_by(2) {
        add(
            "half",
            format!("{n}"),
            format!("What is half of {n}?"),
            n / 2,
        );
    }
    for n in 3..=25u32 {
        add(
            "double",
            format!("{n}"),
            format!("What is twice {n}?"),
            n * 2,
        );
    }
    for n in (9..=99u32).step_by(5).chain([100, 199]) {
        add(
            "number-after",
            format!("{n}"),
            format!("Which number comes right after {n}?"),
            n + 1,
        );
    }
    for n in (10..=100u32)
        .step_by(10)
        .chain([13, 15, 17, 21, 31, 51, 71, 91])
    {
        add(
            "number-before",
            format!("{n}"),
            format!("Which number comes right before {n}?"),
            n - 1,
        );
    }
    for n in 2..=30u32 {
        add(
            "roman",
            roman(n),
            format!("Which number is the Roman numeral {}?", roman(n)),
            n,
        );
    }
    for n in 2..=9u32 {
        add(
            "minutes",
            format!("{n}"),
            format!("How many minutes are there in {n} hours?"),
            n * 60,
        );
        add(
            "days",
            format!("{n}"),
            format!("How many days are there in {n} weeks?"),
            n * 7,
        );
        add(
            "months",
            format!("{n}"),
            format!("How many months are there in {n} years?"),
            n * 12,
        );
    }
    out
}

/// A number up to 39 as the Romans wrote it.
fn roman(n: u32) -> String {
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    let ones = ONES.get((n % 10) as usize).copied().unwrap_or_default();
    format!("{}{ones}", "X".repeat((n / 10) as usize))
}

/// A number below 1000 in words; the larger ones of the bank are years, which nobody writes out.
pub fn number_words(n: u32) -> Option<String> {
    let small = |n: u32| SMALL.get(n as usize).copied();
    match n {
        0..20 => small(n).map(str::to_owned),
        20..100 => {
            let tens = TENS.get((n / 10 - 2) as usize)?;
            match n % 10 {
                0 => Some((*tens).to_owned()),
                ones => Some(format!("{tens}-{}", small(ones)?)),
            }
        }
        100..1000 => {
            let hundreds = small(n / 100)?;
            match n % 100 {
                0 => Some(format!("{hundreds} hundred")),
                rest => Some(format!("{hundreds} hundred and {}", number_words(rest)?)),
            }
        }
        1000 => Some("one thousand".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_and_in_roman_numerals() {
        for (n, words) in [
            (0, "zero"),
            (13, "thirteen"),
            (40, "forty"),
            (66, "sixty-six"),
            (206, "two hundred and six"),
        ] {
            assert_eq!(number_words(n).as_deref(), Some(words));
        }
        assert_eq!(number_words(1066), None);
        for (n, numeral) in [
            (4, "IV"),
            (9, "IX"),
            (14, "XIV"),
            (30, "XXX"),
            (28, "XXVIII"),
        ] {
            assert_eq!(roman(n), numeral);
        }
    }
}
