//! Characters that a reader cannot see, or that would change what a reader sees, and texts without
//! them.

/// Whether a terminal would obey `c` or show nothing for it: control characters, characters that
/// change the direction of others (Unicode TR 36 §2.5), and the default ignorable code points of
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

/// Whether `text` is something to be read in a table or a log: 1 to `most` characters that can be
/// seen, no space at either end. No more of it is looked at than that takes.
pub(crate) fn is_label(text: &str, most: usize) -> bool {
    let is_bounded = text.chars().take(most + 1).count() <= most;
    is_bounded && !text.is_empty() && text.trim() == text && !text.chars().any(is_unprintable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_script_can_be_seen_and_tricks_cannot() {
        assert!("alice Ålesund 田中 'o".chars().all(|c| !is_unprintable(c)));
        assert!("\u{1b}\0\u{202e}\u{feff}\u{ad}\u{3164}".chars().all(is_unprintable));
    }

    #[test]
    fn a_label_is_short_and_seen_and_not_padded() {
        for text in ["", " ", " a", "a\n", "a\u{202e}b", "abcd"] {
            assert!(!is_label(text, 3), "{text:?}");
        }
        assert!(is_label("aéb", 3));
    }
}
