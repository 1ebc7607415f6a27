//! Unprintable characters and how to escape them: characters that a reader cannot see, or that
//! change how other text is displayed.

use std::fmt::{self, Write as _};

/// True if a terminal would interpret `c` or show nothing for it: control characters, characters
/// that change the direction of text (Unicode TR 36 §2.5), and the default ignorable code points of
/// `DerivedCoreProperties.txt`.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `text` on one line, with every unprintable character as `\u{…}`: safe for a terminal or a log
/// (CWE-150).
#[must_use]
pub fn printable(text: &str) -> String {
    escaped(text, is_unprintable)
}

/// Like [`printable`], but keeps line breaks.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    escaped(text, |c| c != '\n' && is_unprintable(c))
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// Displays JSON with every unprintable character as `\uXXXX` (RFC 8259 §7), so that it is safe for
/// a terminal. The JSON value stays the same.
///
/// Encoders already escape the characters below U+0020, which JSON does not allow in strings. All
/// other unprintable characters can only be inside strings, so all of them can be escaped.
#[derive(Debug, Clone, Copy)]
pub struct PrintableJson<'a>(pub &'a str);

impl fmt::Display for PrintableJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c < ' ' || !is_unprintable(c) {
                f.write_char(c)?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(f, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// True if `text` can be shown in a table or a log: 1 to `most` printable characters, without a
/// space at either end. At most `most + 1` characters of a longer text are read.
pub(crate) fn is_label(text: &str, most: usize) -> bool {
    let is_bounded = text.chars().take(most + 1).count() <= most;
    is_bounded && !text.is_empty() && text.trim() == text && !text.chars().any(is_unprintable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_are_printable_and_invisible_characters_are_not() {
        assert!("alice Ålesund 田中 'o".chars().all(|c| !is_unprintable(c)));
        assert!("\u{1b}\0\u{202e}\u{feff}\u{ad}\u{3164}".chars().all(is_unprintable));
    }

    #[test]
    fn characters_without_a_shape_are_unprintable() {
        // Soft hyphen, Arabic letter mark, Mongolian selector, a deprecated control, a tag.
        for c in ['\u{ad}', '\u{61c}', '\u{180b}', '\u{206a}', '\u{e0041}'] {
            assert!(is_unprintable(c), "{}", c.escape_unicode());
        }
    }

    #[test]
    fn an_escape_sequence_is_escaped() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\u{d}\\u{a}");
        assert_eq!(printable("nim\u{202e}da \u{9b}2J"), "nim\\u{202e}da \\u{9b}2J");
        assert_eq!(printable("Ålesund 田中 \\u{1b}"), "Ålesund 田中 \\u{1b}");
        assert_eq!(printable_lines("a\nb\u{1b}\r"), "a\nb\\u{1b}\\u{d}");
    }

    #[test]
    fn json_is_escaped_and_keeps_its_value() {
        let text = "\u{1b} \u{9b}2J \u{7f} nim\u{202e}da \u{feff} \u{e0041} Ålesund 田中";
        let json = serde_json::json!({ text: [text, 1.5, null] }).to_string();
        let shown = PrintableJson(&json).to_string();
        assert!(shown.contains("\\u009b2J") && shown.contains("\\udb40\\udc41"), "{shown}");
        assert!(shown.contains("Ålesund 田中"), "{shown}");
        assert!(!shown.chars().any(is_unprintable), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, serde_json::from_str::<serde_json::Value>(&json).unwrap());
    }

    proptest! {
        #[test]
        fn no_unprintable_character_is_left(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_unprintable));
            let json = serde_json::to_string(&text).unwrap();
            let shown = PrintableJson(&json).to_string();
            prop_assert!(!shown.chars().any(is_unprintable));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }

    #[test]
    fn a_label_is_short_printable_and_not_padded() {
        for text in ["", " ", " a", "a\n", "a\u{202e}b", "abcd"] {
            assert!(!is_label(text, 3), "{text:?}");
        }
        assert!(is_label("aéb", 3));
    }
}
