//! Consent: the notice that a person was shown and agreed to.

use crate::printable::is_label;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest notice, in characters. It has room for a sentence or for the version of a document.
pub const MAX_NOTICE_CHARS: usize = 200;

/// The notice that a person agreed to before their face was enrolled, as its version or its text: 1
/// to [`MAX_NOTICE_CHARS`] printable characters, without a space at either end.
///
/// The server stores it and does not interpret it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Consent(String);

impl Consent {
    /// Accepts a notice.
    ///
    /// # Errors
    ///
    /// [`NotANotice`] if the text is empty, too long or padded, or could mislead in a terminal or a
    /// log.
    pub fn parse(text: &str) -> Result<Self, NotANotice> {
        if is_label(text, MAX_NOTICE_CHARS) { Ok(Self(text.to_owned())) } else { Err(NotANotice) }
    }

    /// The notice as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Consent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a notice has 1 to {MAX_NOTICE_CHARS} characters, none of them a control character, and no \
     space at either end"
)]
pub struct NotANotice;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_notices_are_refused() {
        for text in ["", " v3", "v3\n", "v\u{1b}[2J3", "v\u{202e}3", &"x".repeat(201)] {
            assert_eq!(Consent::parse(text), Err(NotANotice), "{text:?}");
        }
        for text in ["v3", "Ich willige ein (Fassung 3, 2026).", &"é".repeat(200)] {
            assert!(Consent::parse(text).is_ok(), "{text:?}");
        }
    }
}
