//! The date that templates are told.
//!
//! It is always the same one, so that a prompt has the same tokens, and a run the same answer, on any day. It is the date
//! that templates of Llama 3.2 themselves fall back to where none can be had.

/// The date as text, for people.
pub(crate) const TODAY: &str = "26 Jul 2024";

/// `strftime` of 26 July 2024, a Friday, at midnight UTC.
///
/// # Errors
/// For a directive that is not known.
pub(crate) fn strftime(format: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let directive = chars.next();
        // `%-d`: without leading zeros.
        let (bare, directive) = match directive {
            Some('-') => (true, chars.next()),
            other => (false, other),
        };
        let text = match directive {
            Some('Y') => "2024",
            Some('y') => "24",
            Some('m') => "07",
            Some('B') => "July",
            Some('b' | 'h') => "Jul",
            Some('d') => "26",
            Some('e') => "26",
            Some('A') => "Friday",
            Some('a') => "Fri",
            Some('w' | 'u') => "5",
            Some('j') => "208",
            Some('H' | 'M' | 'S') => "00",
            Some('I') => "12",
            Some('p') => "AM",
            Some('f') => "000000",
            Some('F') => "2024-07-26",
            Some('D' | 'x') => "07/26/24",
            Some('T' | 'X') => "00:00:00",
            Some('R') => "00:00",
            Some('c') => "Fri Jul 26 00:00:00 2024",
            Some('G') => "2024",
            Some('V') => "30",
            Some('U' | 'W') => {
                if directive == Some('U') {
                    "29"
                } else {
                    "30"
                }
            }
            Some('z' | 'Z') => "",
            Some('n') => "\n",
            Some('t') => "\t",
            Some('%') => "%",
            _ => return Err(format!("the date format {format:?} is not known")),
        };
        let text = match bare {
            true if text.starts_with('0') => text.trim_start_matches('0'),
            _ => text,
        };
        out.push_str(if bare && text.is_empty() { "0" } else { text });
    }
    Ok(out)
}
