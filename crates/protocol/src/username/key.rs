//! What names that look alike have in common.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

/// Longest key in bytes. A compatible form can be eighteen times as long as a name, and indexes of
/// databases are bounded. A longer key is replaced by its hash.
const MAX_BYTES: usize = 1024;

/// Equal for names that differ only by case, by white space, or by characters that Unicode calls
/// compatible, such as a ligature. A new account gets no name with the key of another one.
///
/// These are the rules by which RFC 8266 §2.3 compares nicknames, with case folded as by Unicode
/// §3.13 instead of mapped. Letters of different scripts that look alike have different keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(String);

impl NameKey {
    pub(super) fn of(name: &str) -> Self {
        let compatible: String = name.nfkc().collect();
        // `char::to_lowercase` depends on no neighbour, so both forms of the small sigma become one, and
        // by way of the capital letter so do ß and ss.
        let folded = compatible.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        let key: String = folded.nfkc().collect();
        // The compatible form of some characters begins with a space.
        let key = key.split_whitespace().collect::<Vec<_>>().join(" ");
        Self(if key.len() > MAX_BYTES { HEXLOWER.encode(&Sha256::digest(&key)) } else { key })
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::Username;
    use proptest::prelude::*;

    fn look_alike(one: &str, other: &str) -> bool {
        Username::parse(one).unwrap().key() == Username::parse(other).unwrap().key()
    }

    #[test]
    fn names_that_differ_by_case_look_alike() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("Jos\u{e9}", "JOSE\u{301}"),
            ("straße", "STRASSE"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("ірина", "ІРИНА"),
            ("Ilse", "ılse"),
        ] {
            assert!(look_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn names_that_differ_by_spaces_or_form_look_alike() {
        for (one, other) in [
            ("alice smith", "alice\u{a0}smith"),
            ("alice smith", "alice  smith"),
            ("\u{fb01}nn", "finn"),
            ("x\u{b2}", "x2"),
            ("x \u{fe72}", "x \u{64c}"),
        ] {
            assert!(look_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn other_names_do_not_look_alike() {
        for (one, other) in [
            ("alice", "alicia"),
            ("alice smith", "alicesmith"),
            ("Jose", "Jos\u{e9}"),
            ("bill", "bi11"),
            ("田中", "田口"),
            // All Cyrillic and all Latin: left open.
            ("\u{441}\u{43e}\u{441}\u{43e}", "coco"),
        ] {
            assert!(!look_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_key_is_bounded() {
        let long = |last: &str| Username::parse(&("\u{fdfa}".repeat(100) + last)).unwrap().key();
        assert_eq!(long("a").as_str().len(), 64);
        assert_eq!(long("a"), long("A"));
        assert_ne!(long("a"), long("b"));
    }

    proptest! {
        #[test]
        fn a_key_has_the_key_of_its_name(text in "\\PC{1,40}") {
            let Ok(name) = Username::parse(&text) else { return Ok(()) };
            let key = name.key();
            if let Ok(again) = Username::parse(key.as_str()) {
                prop_assert_eq!(again.key(), key);
            }
        }
    }
}
