//! How text is cut before byte-pair encoding: the names a file may say in `tokenizer.ggml.pre`, and what they mean.

use std::ops::Range;

use tokenizers::utils::SysRegex;

use crate::error::{Error, Result};

/// One way to cut text, and what else comes with its name.
#[derive(Debug)]
pub struct PreTokenizer {
    /// What `tokenizer.ggml.pre` calls it.
    names: &'static [&'static str],
    /// Regular expressions, applied one after another: each cuts every piece into its matches and what lies between them.
    cuts: &'static [&'static str],
    /// Whether the text is brought to Unicode's composed form (NFC) first.
    pub(super) nfc: bool,
    /// Whether a piece that is a token as a whole becomes it without merges (`ignore_merges`).
    pub(super) whole_words: bool,
    /// Whether sequences get a token at their beginning where the file does not say (`add_bos_token`).
    pub(crate) begins: bool,
}

/// One character of any kind of number.
const DIGIT: &str = r"\p{N}";
/// The expression of GPT-2's release.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// From the tokenizer.json of Llama 3.1.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// From the tokenizer.json of Qwen3; Qwen2 has the same.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// What llama.cpp does for `default`, beside [`GPT2`]: punctuation and groups of three digits are apart.
const PUNCTUATION: &str = r"[\p{P}$+<=>^~|]+";
const DIGITS: &str = r"\p{N}+";
const THREE_DIGITS: &str = "[0-9][0-9][0-9]";

/// What is the same for most.
const PLAIN: PreTokenizer = PreTokenizer {
    names: &[],
    cuts: &[],
    nfc: false,
    whole_words: false,
    begins: false,
};

/// Every pre-tokenizer known. Names and their meaning are those of llama.cpp (`src/llama-vocab.cpp`), with one difference: Qwen's
/// own tokenizer composes characters first (NFC), which llama.cpp leaves out. The two differ in decomposed accents only.
#[rustfmt::skip]
static TABLE: [PreTokenizer; 6] = [
    PreTokenizer { names: &["smollm"], cuts: &[DIGIT, GPT2], ..PLAIN },
    PreTokenizer { names: &["gpt-2"], cuts: &[GPT2], ..PLAIN },
    PreTokenizer { names: &["llama-bpe", "llama3", "llama-v3"], cuts: &[LLAMA3], whole_words: true, begins: true, ..PLAIN },
    PreTokenizer { names: &["smaug-bpe"], cuts: &[LLAMA3], ..PLAIN },
    PreTokenizer { names: &["qwen2", "deepseek-r1-qwen"], cuts: &[QWEN2], nfc: true, ..PLAIN },
    PreTokenizer { names: &["default"], cuts: &[PUNCTUATION, GPT2, DIGITS, THREE_DIGITS], ..PLAIN },
];

impl PreTokenizer {
    /// The one that a file calls `name`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Model`] for a name that is not in the table; the message lists those that are.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let known = |row: &&PreTokenizer| row.names.contains(&name);
        TABLE.iter().find(known).ok_or_else(|| {
            let names: Vec<_> = TABLE.iter().flat_map(|row| row.names).copied().collect();
            Error::model(format!(
                "the file's pre-tokenizer is '{name}', and this engine knows {} only: choose another model",
                names.join(", ")
            ))
        })
    }

    /// Its usual name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// A pre-tokenizer's expressions, compiled.
pub(super) struct Cutter {
    cuts: Vec<SysRegex>,
}

impl Cutter {
    pub(super) fn new(pre: &PreTokenizer) -> Result<Self> {
        let compiled = pre.cuts.iter().map(|cut| SysRegex::new(cut));
        let cuts = compiled.collect::<std::result::Result<_, _>>();
        Ok(Self {
            cuts: cuts.map_err(|e| {
                Error::internal(format!("the pre-tokenizer '{}' fails ({e})", pre.name()))
            })?,
        })
    }

    /// The pieces of a text, which together are the text.
    pub(super) fn cut(&self, text: &str) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = std::iter::once(0..text.len()).collect();
        for cut in &self.cuts {
            let mut finer = Vec::with_capacity(pieces.len());
            for piece in pieces {
                let mut at = piece.start;
                // An expression sees one piece at a time: what lies beyond it is no context.
                for (start, end) in cut.find_iter(&text[piece.clone()]) {
                    let (start, end) = (piece.start + start, piece.start + end);
                    finer.extend([at..start, start..end]);
                    at = end;
                }
                finer.push(at..piece.end);
            }
            finer.retain(|piece| !piece.is_empty());
            pieces = finer;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'a>(name: &str, text: &'a str) -> Vec<&'a str> {
        let cutter = Cutter::new(PreTokenizer::named(name).expect("a name of the table"));
        let pieces = cutter.expect("it compiles").cut(text);
        pieces.into_iter().map(|piece| &text[piece]).collect()
    }

    #[test]
    fn each_name_cuts_its_own_way() {
        let text = "I'LL pay $1234,  now\n\n";
        assert_eq!(
            cut("smollm", text),
            [
                "I", "'", "LL", " pay", " $", "1", "2", "3", "4", ",", " ", " now", "\n\n"
            ]
        );
        assert_eq!(
            cut("gpt-2", text),
            [
                "I", "'", "LL", " pay", " $", "1234", ",", " ", " now", "\n\n"
            ]
        );
        assert_eq!(
            cut("llama-bpe", text),
            [
                "I", "'LL", " pay", " $", "123", "4", ",", " ", " now", "\n\n"
            ]
        );
        assert_eq!(
            cut("qwen2", text),
            [
                "I", "'LL", " pay", " $", "1", "2", "3", "4", ",", " ", " now", "\n\n"
            ]
        );
        assert_eq!(
            cut("default", text),
            [
                "I", "'", "LL", " pay", " ", "$", "123", "4", ",", " ", " now", "\n\n"
            ]
        );
    }

    #[test]
    fn pieces_are_the_text() {
        for row in &TABLE {
            for text in [
                "",
                " ",
                "\r\n \t",
                "a\u{301}e\u{200d}🦀  x",
                "it's 12½ Ⅻ\n\n  \n",
            ] {
                assert_eq!(cut(row.name(), text).concat(), text, "{}", row.name());
            }
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_are_known() {
        let e = PreTokenizer::named("tekken").expect_err("not in the table");
        let said = e.to_string();
        assert!(said.contains("'tekken'") && said.contains("smollm, gpt-2, llama-bpe"));
        assert_eq!(said.lines().count(), 1);
    }
}
