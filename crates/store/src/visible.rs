//! Escapes text from a peer for a log: bounded, on one line and without invisible characters.

use fourauth_protocol::printable::is_unprintable;

/// Marks truncated text.
const CUT: char = '…';

/// Returns at most `limit` characters of `text`, with every control or invisible character escaped
/// as `\u{..}`. Escapes are kept whole or dropped.
pub(crate) fn visible(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let (mut width, mut room_for_mark) = (0, 0);
    for c in text.chars() {
        width += push(&mut out, c);
        if width > limit {
            out.truncate(room_for_mark);
            out.push(CUT);
            break;
        }
        if width < limit {
            room_for_mark = out.len();
        }
    }
    out
}

/// Appends one character and returns the number of characters written.
fn push(out: &mut String, c: char) -> usize {
    if is_unprintable(c) {
        let escape = c.escape_unicode();
        out.extend(escape.clone());
        escape.count()
    } else {
        out.push(c);
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(visible("al\u{1b}[2Jice\n", 128), "al\\u{1b}[2Jice\\u{a}");
        assert_eq!(visible("a\u{202e}b\u{feff}\u{0}", 128), "a\\u{202e}b\\u{feff}\\u{0}");
        assert_eq!(visible("Ålesund 田中", 128), "Ålesund 田中");
    }

    #[test]
    fn only_truncated_text_is_marked() {
        assert_eq!(visible(&"x".repeat(128), 128), "x".repeat(128));
        assert_eq!(visible(&"x".repeat(129), 128), "x".repeat(127) + "…");
        assert_eq!(visible("xxxx\u{1b}\u{1b}", 11), "xxxx\\u{1b}…");
        assert_eq!(visible("xxxx\u{1b}x", 11), "xxxx\\u{1b}x");
        assert_eq!(visible("xxxx\u{1b}x", 10), "xxxx…");
    }

    proptest! {
        #[test]
        fn the_result_is_bounded_and_printable(
            text in any::<String>(), limit in 1_usize..200,
        ) {
            let shown = visible(&text, limit);
            prop_assert!(shown.chars().count() <= limit);
            prop_assert!(!shown.chars().any(is_unprintable));
        }

        #[test]
        fn escaping_twice_changes_nothing(text in any::<String>()) {
            let once = visible(&text, 128);
            prop_assert_eq!(visible(&once, 128), once);
        }
    }
}
