//! One-time codes, which a person copies from an authenticator.

use crate::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Six decimal digits (RFC 6238 with the digits of RFC 4226 §5.3). Leading zeros count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OneTimeCode([u8; 6]);

impl OneTimeCode {
    /// Parses six ASCII digits. Between two digits there may be one space or hyphen, and around them
    /// white space: many authenticators show `287 082`.
    ///
    /// # Errors
    ///
    /// [`NotACode`] for anything else, including digits of other scripts.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let (mut digits, mut count, mut may_part) = ([0; 6], 0, false);
        for byte in text.trim().replace('\u{a0}', " ").bytes() {
            if may_part && matches!(byte, b' ' | b'-') {
                may_part = false;
                continue;
            }
            let digit = digits.get_mut(count).filter(|_| byte.is_ascii_digit());
            *digit.ok_or(NotACode)? = byte;
            count += 1;
            may_part = count < 6;
        }
        if count == 6 { Ok(Self(digits)) } else { Err(NotACode) }
    }

    /// The six digits as text.
    ///
    /// # Panics
    ///
    /// Never: [`OneTimeCode::parse`] accepts ASCII digits only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("parse accepts ASCII digits only")
    }
}

/// Hides the code, which may still be valid.
impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(..)")
    }
}

impl Serialize for OneTimeCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The text is not six digits. It is not quoted, because it may be a mistyped secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a one-time code is six digits")]
pub struct NotACode;

/// Reads a code that may be absent. `None` if the text is not six digits.
///
/// A mistyped code gets the same answer as a wrong one: after the first secret, not before.
pub(crate) fn offered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<OneTimeCode>, D::Error> {
    let text = Option::<Secret<String>>::deserialize(deserializer)?;
    Ok(text.and_then(|text| OneTimeCode::parse(text.expose()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_ascii_digits_are_a_code() {
        assert_eq!(OneTimeCode::parse("005924").as_ref().map(OneTimeCode::as_str), Ok("005924"));
        for text in ["", "12345", "1234567", "12 456", "+12345", "١٢٣"] {
            assert_eq!(OneTimeCode::parse(text), Err(NotACode), "{text:?}");
        }
    }

    #[test]
    fn a_code_may_have_a_space_or_hyphen_between_digits() {
        for text in ["005 924", "005-924", "00 59 24", "005\u{a0}924", " 005924\n", "0-0-5-9-2-4"] {
            let code = OneTimeCode::parse(text);
            assert_eq!(code.as_ref().map(OneTimeCode::as_str), Ok("005924"), "{text:?}");
        }
        for text in ["005  924", "005--924", "-005924", "005924-", "005.924", "005\n924", "005 92"]
        {
            assert_eq!(OneTimeCode::parse(text), Err(NotACode), "{text:?}");
        }
    }
}
