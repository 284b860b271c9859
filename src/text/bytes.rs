//! GPT-2's byte-to-unicode form, in which byte-level vocabularies are written down, and text that arrives in pieces.

/// The byte a character of the byte-to-unicode form stands for.
///
/// Printable Latin-1 characters stand for themselves; the other 68 bytes are the characters from U+0100 on, in order
/// (`bytes_to_unicode` of the GPT-2 release).
pub(crate) fn byte_of(c: char) -> Option<u8> {
    let code = c as u32;
    match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => Some(code as u8),
        0x100..=0x143 => {
            let n = (code - 0x100) as u8;
            // The bytes without a printable character of their own: 0-32, 127-160, 173.
            Some(match n {
                0..=32 => n,
                33..=66 => n - 33 + 127,
                _ => 173,
            })
        }
        _ => None,
    }
}

/// Joins the bytes of successive tokens into text: a character whose bytes are spread over several tokens appears
/// with the last of them.
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    pending: Vec<u8>,
}

impl TextStream {
    /// The text that `bytes` completes; empty while a character is unfinished. Bytes that can never become UTF-8 are
    /// replaced by U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut out = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(text) => {
                    out.push_str(text);
                    self.pending.clear();
                    return out;
                }
                Err(e) => {
                    let valid = e.valid_up_to();
                    out.push_str(&String::from_utf8_lossy(&self.pending[..valid]));
                    let bad = e.error_len();
                    self.pending.drain(..valid + bad.unwrap_or(0));
                    match bad {
                        Some(_) => out.push(char::REPLACEMENT_CHARACTER),
                        None => return out,
                    }
                }
            }
        }
    }

    /// What is left when no more tokens come: one U+FFFD for an unfinished character, or nothing.
    pub fn finish(&mut self) -> String {
        let rest = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_character() {
        let mut seen = [0; 256];
        for c in '\0'..='\u{200}' {
            if let Some(b) = byte_of(c) {
                seen[b as usize] += 1;
            }
        }
        assert_eq!(seen, [1; 256]);
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
    }

    #[test]
    fn a_character_split_over_tokens_appears_whole() {
        let mut stream = TextStream::default();
        let crab = "🦀".as_bytes();
        assert_eq!(stream.push(&crab[..1]), "");
        assert_eq!(stream.push(&crab[1..3]), "");
        assert_eq!(stream.push(&[crab[3], b'!']), "🦀!");
        assert_eq!(stream.push(b"a\xffb\xc3"), "a\u{fffd}b");
        assert_eq!(stream.finish(), "\u{fffd}");
    }
}
