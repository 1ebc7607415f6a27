//! Names of accounts.

use crate::printable::is_label;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest name, in characters. Names are stored with every audit row, so they are bounded.
pub const MAX_CHARS: usize = 128;

/// The name of an account: 1 to [`MAX_CHARS`] printable characters, without a space at either end.
/// Names are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Accepts a name.
    ///
    /// # Errors
    ///
    /// [`NotAUsername`] if the text is empty, too long or padded, or could mislead in a terminal or
    /// a log: control characters, and invisible characters that reorder text.
    pub fn parse(text: &str) -> Result<Self, NotAUsername> {
        if is_label(text, MAX_CHARS) { Ok(Self(text.to_owned())) } else { Err(NotAUsername) }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
#[error("a username has 1 to {MAX_CHARS} characters, none of them a control character")]
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
    }

    #[test]
    fn names_of_any_script_are_accepted_up_to_the_limit() {
        for text in ["alice", "Ålesund", "田中", "o'brien; DROP TABLE users", &"é".repeat(128)]
        {
            assert!(Username::parse(text).is_ok(), "{text:?}");
        }
    }
}
