//! The service that a receipt is issued for.

use crate::printable::is_label;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest audience, in bytes of UTF-8.
///
/// It has room for a host name or a short URL, and keeps the longest receipt within
/// [`MAX_BYTES`](crate::receipt::MAX_BYTES).
pub const MAX_AUDIENCE_BYTES: usize = 255;

/// The service that a receipt is issued for, by the name that the service has for itself (RFC 7519
/// §4.1.3): 1 to [`MAX_AUDIENCE_BYTES`] bytes of printable characters, without a space at either
/// end.
///
/// The server copies it into the receipt and does not check it. Comparison is case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Audience(String);

impl Audience {
    /// Accepts a name.
    ///
    /// # Errors
    ///
    /// [`NotAnAudience`] if the text is empty, too long or padded, or holds an unprintable
    /// character.
    pub fn parse(text: &str) -> Result<Self, NotAnAudience> {
        let is_audience = text.len() <= MAX_AUDIENCE_BYTES && is_label(text, MAX_AUDIENCE_BYTES);
        if is_audience { Ok(Self(text.to_owned())) } else { Err(NotAnAudience) }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an audience has 1 to {MAX_AUDIENCE_BYTES} bytes of printable characters, and no space at \
     either end"
)]
pub struct NotAnAudience;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_names_are_refused() {
        for text in ["", " door", "door\n", "do\u{202e}or", &"x".repeat(256), &"é".repeat(128)] {
            assert_eq!(Audience::parse(text), Err(NotAnAudience), "{text:?}");
        }
        for text in ["door", "https://door.example.org", &"é".repeat(127)] {
            assert!(Audience::parse(text).is_ok(), "{text:?}");
        }
    }
}
