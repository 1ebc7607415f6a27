//! The one spelling of a name that is kept and compared.

use unicode_normalization::{UnicodeNormalization as _, char::decompose_compatible};

/// `text` with wide and narrow characters in their ordinary width, then in Unicode's form NFC
/// (RFC 8265 §3.3.1, rules 1 and 4). Case stays as it is.
#[must_use]
pub fn normal_form(text: &str) -> String {
    // Every ASCII character has its ordinary width and its form already.
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut ordinary = String::with_capacity(text.len());
    text.chars().for_each(|c| widen(c, &mut ordinary));
    ordinary.nfc().collect()
}

/// Appends `c` in its ordinary width (UAX #11): the mapping of `UnicodeData.txt` that is marked
/// `<wide>` or `<narrow>`, one step and not more.
fn widen(c: char, into: &mut String) {
    match c {
        // Two characters have a mapping of another kind after that step: the wide macron, and the
        // narrow letters of Hangul.
        '\u{ffe3}' => into.push('\u{af}'),
        '\u{ffa0}'..='\u{ffdc}' => into.push(hangul(c)),
        '\u{3000}' | '\u{ff01}'..='\u{ffee}' => decompose_compatible(c, |part| into.push(part)),
        _ => into.push(c),
    }
}

/// The letter of Hangul that a narrow one stands for. The narrow ones are in five runs, in the same
/// order.
fn hangul(narrow: char) -> char {
    let runs = [
        ('\u{ffa1}', '\u{ffbe}', '\u{3131}'),
        ('\u{ffc2}', '\u{ffc7}', '\u{314f}'),
        ('\u{ffca}', '\u{ffcf}', '\u{3155}'),
        ('\u{ffd2}', '\u{ffd7}', '\u{315b}'),
        ('\u{ffda}', '\u{ffdc}', '\u{3161}'),
    ];
    let run = runs.into_iter().find(|(first, last, _)| (*first..=*last).contains(&narrow));
    let letter = run.and_then(|(first, _, to)| {
        char::from_u32(u32::from(to) + u32::from(narrow) - u32::from(first))
    });
    // The filler, which is refused, and unassigned characters.
    letter.unwrap_or(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_and_narrow_characters_get_their_ordinary_width() {
        for (text, ordinary) in [
            ("\u{ff21}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}\u{ff11}", "Alice1"),
            ("\u{ff80}\u{ff85}\u{ff76}", "タナカ"),
            // A narrow sound mark joins its letter.
            ("\u{ff76}\u{ff9e}", "ガ"),
            ("\u{ffa1}\u{ffc2}\u{ffdc}", "\u{3131}\u{314f}\u{3163}"),
            ("a\u{3000}b", "a b"),
            ("\u{ffe3}\u{ffe5}\u{ffe6}\u{ffe8}", "\u{af}\u{a5}\u{20a9}\u{2502}"),
        ] {
            assert_eq!(normal_form(text), ordinary, "{text}");
        }
    }

    #[test]
    fn only_the_width_is_mapped_and_no_other_look() {
        // A ligature, a superscript and a circled letter are themselves.
        for text in ["\u{fb01}", "x\u{b2}", "\u{24d0}", "ß", "İ", "Σς"] {
            assert_eq!(normal_form(text), text);
        }
    }

    #[test]
    fn canonically_equal_texts_have_one_form() {
        for (text, form) in [
            ("Jose\u{301}", "Jos\u{e9}"),
            ("\u{212a}", "K"),
            ("\u{212b}", "\u{c5}"),
            ("a\u{323}\u{302}", "\u{1ead}"),
            ("a\u{302}\u{323}", "\u{1ead}"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
        ] {
            assert_eq!(normal_form(text), form);
        }
    }

    proptest! {
        #[test]
        fn a_normal_form_stays(text in any::<String>()) {
            let once = normal_form(&text);
            prop_assert_eq!(normal_form(&once), once.clone());
            prop_assert_eq!(normal_form(&text.nfd().collect::<String>()), once);
        }
    }
}
