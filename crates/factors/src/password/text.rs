//! The text of a password as it is hashed and compared, and its only limit of length.

use fourauth_protocol::secret::Secret;
use unicode_normalization::UnicodeNormalization as _;

/// Longest password, in characters of Unicode normalisation form C.
const MAX_CHARS: usize = 256;

/// Longest password as it was typed, in bytes. The longest spelling of one character of form C has
/// 12 bytes, so this refuses no password of [`MAX_CHARS`]. It bounds the work of normalising.
const MAX_TYPED_BYTES: usize = 16 * MAX_CHARS;

/// The password in Unicode normalisation form C. `None` if it is too long.
///
/// A password that can be chosen is one that can be checked: both sides ask this.
#[must_use]
pub fn normalised(password: &Secret<String>) -> Option<Secret<String>> {
    if password.expose().len() > MAX_TYPED_BYTES {
        return None;
    }
    let text = Secret::new(password.expose().nfc().collect::<String>());
    (text.expose().chars().count() <= MAX_CHARS).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_short_enough(text: &str) -> bool {
        normalised(&Secret::new(text.to_owned())).is_some()
    }

    #[test]
    fn the_limit_counts_characters_however_they_are_typed() {
        // One character of form C from three code points and six bytes.
        for letter in
            ["x", "é", "e\u{301}", "\u{1f600}", "e\u{323}\u{302}", "\u{3b1}\u{313}\u{300}\u{345}"]
        {
            assert!(is_short_enough(&letter.repeat(256)), "{letter}");
            assert!(!is_short_enough(&letter.repeat(257)), "{letter}");
        }
    }

    #[test]
    fn no_character_has_a_spelling_beyond_the_limit_of_bytes() {
        let longest = (char::MIN..=char::MAX)
            .filter(|&c| [c].into_iter().nfc().eq([c]))
            .map(|c| [c].into_iter().nfd().map(char::len_utf8).sum::<usize>())
            .max();
        assert!(longest.unwrap() * MAX_CHARS <= MAX_TYPED_BYTES, "{longest:?}");
    }
}
