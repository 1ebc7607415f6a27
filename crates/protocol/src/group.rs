//! Groups of accounts, which services grant access by.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest name, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// Most groups of one account.
pub const MAX_GROUPS: usize = 32;

/// The name of a group: 1 to [`MAX_NAME_CHARS`] lower-case letters, digits, `.`, `_` and `-` of ASCII,
/// which begin with a letter or a digit.
///
/// Groups are listed in a header of HTTP with commas between them, so a name has no comma and nothing
/// that a header cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Group(String);

impl Group {
    /// Accepts a name.
    ///
    /// # Errors
    ///
    /// [`NotAGroup`] if the text is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, NotAGroup> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_allowed = |byte| is_plain(byte) || b"._-".contains(&byte);
        let begins_plainly = text.bytes().next().is_some_and(is_plain);
        if begins_plainly && text.len() <= MAX_NAME_CHARS && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAGroup)
        }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a name for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a group's name has 1 to {MAX_NAME_CHARS} lower-case letters, digits, dots, underscores and \
     hyphens, and begins with a letter or a digit"
)]
pub struct NotAGroup;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_a_list_with_commas() {
        for text in ["staff", "ops-2", "eu.admins", "2nd_line", &"x".repeat(64)] {
            assert_eq!(Group::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "-staff", ".x", "a,b", "a b", "Staff", "grüße", "a\n", &"x".repeat(65)] {
            assert_eq!(Group::parse(text), Err(NotAGroup), "{text:?}");
        }
    }
}
