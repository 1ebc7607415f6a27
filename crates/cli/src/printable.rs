//! Text from elsewhere on its way to a terminal, where some characters are commands.

use std::fmt::Write as _;

/// `text` with control characters, and those that reorder or hide text, as `\u{…}`.
///
/// What the audit log holds was typed by strangers (CWE-150); the server escapes it, and the reader
/// does not rely on that.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if c.is_control() || is_deceptive(c) {
            // Writing to a String cannot fail.
            let _infallible = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Zero-width and direction-changing characters (Unicode TR 36 §2.5).
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_escape_sequence_is_shown_and_not_obeyed() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\u{d}\\u{a}");
        assert_eq!(printable("nim\u{202e}da"), "nim\\u{202e}da");
        assert_eq!(printable("Ålesund 田中"), "Ålesund 田中");
    }

    proptest! {
        #[test]
        fn no_text_reaches_the_terminal_with_control_characters(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(char::is_control));
        }
    }
}
