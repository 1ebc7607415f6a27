//! Names of accounts: one spelling of each, and which new names are accepted.

mod key;
mod scripts;
mod spelling;

pub use key::NameKey;
pub use spelling::normal_form;

use crate::printable::is_label;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest name, in characters. Names are stored with every audit row, so they are bounded.
pub const MAX_CHARS: usize = 128;

/// Longest text that is looked at. A name of [`MAX_CHARS`] can be typed with several combining marks for
/// each of its letters.
const MAX_TYPED_CHARS: usize = 4 * MAX_CHARS;

/// The name of an account in its [`normal_form`]: 1 to [`MAX_CHARS`] printable characters, without a
/// space at either end.
///
/// Two spellings that Unicode calls equal are one name. Case is kept, and names that differ by case are
/// two names (RFC 8265 §3.4); [`NameKey`] says which new names look like another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Accepts a name, in any of its spellings.
    ///
    /// # Errors
    ///
    /// [`NotAUsername`] if the text is empty, too long or padded, or could mislead in a terminal or
    /// a log: control characters, and invisible characters that reorder text.
    pub fn parse(text: &str) -> Result<Self, NotAUsername> {
        if text.chars().take(MAX_TYPED_CHARS + 1).count() > MAX_TYPED_CHARS {
            return Err(NotAUsername);
        }
        let name = normal_form(text);
        if is_label(&name, MAX_CHARS) { Ok(Self(name)) } else { Err(NotAUsername) }
    }

    /// Accepts the name for a new account.
    ///
    /// # Errors
    ///
    /// [`NotAUsername`] if it has letters of scripts that do not belong together, such as a Cyrillic
    /// letter in a Latin name: it could be taken for another name. Accounts that have such a name
    /// already keep it.
    pub fn for_new_account(self) -> Result<Self, NotAUsername> {
        if scripts::are_mixed(&self.0) { Err(NotAUsername) } else { Ok(self) }
    }

    /// The name in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the name has in common with those that look like it.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

/// Reads the name of a new account.
pub(crate) fn new_account<'de, D: Deserializer<'de>>(from: D) -> Result<Username, D::Error> {
    Username::deserialize(from)?.for_new_account().map_err(serde::de::Error::custom)
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Username {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a name for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a username has 1 to {MAX_CHARS} printable characters, and a new one is of one script")]
pub struct NotAUsername;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_names_are_refused() {
        for text in ["", " alice", "al\u{1b}[2Jice", "al\nice", "al\u{202e}ice", "a\0", "\u{feff}a"]
        {
            assert_eq!(Username::parse(text), Err(NotAUsername), "{text:?}");
        }
        assert_eq!(Username::parse(&"x".repeat(10_000)), Err(NotAUsername));
        // Wide characters are those that they stand for, so they hide neither padding nor nothing.
        for text in ["\u{3000}alice", "alice\u{3000}", "\u{3000}", "\u{ffa0}"] {
            assert_eq!(Username::parse(text), Err(NotAUsername), "{text:?}");
        }
    }

    #[test]
    fn names_of_any_script_are_accepted_up_to_the_limit() {
        for text in ["alice", "Ålesund", "田中", "o'brien; DROP TABLE users", &"é".repeat(128)]
        {
            assert!(Username::parse(text).is_ok(), "{text:?}");
        }
        // As it is typed, it has twice as many characters.
        assert!(Username::parse(&"e\u{301}".repeat(128)).is_ok());
        assert!(Username::parse(&"e\u{301}".repeat(129)).is_err());
    }

    #[test]
    fn a_composed_and_a_decomposed_name_are_one() {
        let name = |text| Username::parse(text).unwrap();
        assert_eq!(name("Jos\u{e9}"), name("Jose\u{301}"));
        assert_eq!(name("Jose\u{301}").as_str(), "Jos\u{e9}");
        assert_ne!(name("alice"), name("Alice"), "case is kept");
        let read: Username = serde_json::from_str("\"Jose\u{301}\"").unwrap();
        assert_eq!(read.as_str(), "Jos\u{e9}");
    }

    #[test]
    fn a_new_name_has_letters_that_belong_together() {
        let new = |text| Username::parse(text).unwrap().for_new_account();
        assert!(new("alice").is_ok());
        // The first letter is Cyrillic.
        assert_eq!(new("\u{430}lice"), Err(NotAUsername));
    }
}
