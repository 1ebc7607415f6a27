//! Codes that reset a forgotten password. The server sends them by mail or in a text message.

use crate::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Number of digits.
const DIGITS: usize = 6;

/// Six decimal digits. Leading zeros count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResetCode([u8; DIGITS]);

impl ResetCode {
    /// Number of codes: 10⁶.
    pub const COUNT: u128 = 1_000_000;

    /// Parses six ASCII digits. Around them, spaces and the marks that isolate a word in text of
    /// another direction (UAX #9) are accepted: people copy codes from a mail.
    ///
    /// # Errors
    ///
    /// [`NotAResetCode`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAResetCode> {
        let digits = text.trim_matches(is_around).as_bytes();
        let digits: [u8; DIGITS] = digits.try_into().map_err(|_| NotAResetCode)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(NotAResetCode) }
    }

    /// The code with this number. Numbers wrap around at [`ResetCode::COUNT`].
    #[must_use]
    pub fn from_number(number: u128) -> Self {
        let mut rest = number % Self::COUNT;
        let mut digits = [b'0'; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        Self(digits)
    }

    /// The six digits as text.
    ///
    /// # Panics
    ///
    /// Never: every code is ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("a code is ASCII")
    }
}

fn is_around(letter: char) -> bool {
    letter.is_whitespace() || ('\u{2066}'..='\u{2069}').contains(&letter)
}

/// Hides the code, which may still be valid.
impl fmt::Debug for ResetCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetCode(..)")
    }
}

impl Serialize for ResetCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The text is not a code. It is not quoted, because it may be a mistyped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code that resets a password is six digits")]
pub struct NotAResetCode;

/// Reads a code that may be absent. `None` if the text is not one: a mistyped code gets the same
/// answer as a wrong one.
pub(crate) fn offered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ResetCode>, D::Error> {
    let text = Option::<Secret<String>>::deserialize(deserializer)?;
    Ok(text.and_then(|text| ResetCode::parse(text.expose()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_six_ascii_digits_are_a_code() {
        for text in ["005924", " 005924\r\n", "\u{2068}005924\u{2069}"] {
            assert_eq!(ResetCode::parse(text).unwrap().as_str(), "005924");
        }
        for text in ["", "12345", "1234567", "12 456", "+12345", "12345a", "١٢٣"] {
            assert_eq!(ResetCode::parse(text), Err(NotAResetCode), "{text:?}");
        }
    }

    #[test]
    fn numbers_wrap_around() {
        assert_eq!(ResetCode::from_number(0).as_str(), "000000");
        assert_eq!(ResetCode::from_number(ResetCode::COUNT - 1).as_str(), "999999");
        assert_eq!(ResetCode::from_number(ResetCode::COUNT), ResetCode::from_number(0));
    }

    #[test]
    fn a_code_in_a_log_is_hidden() {
        assert_eq!(format!("{:?}", ResetCode::from_number(7)), "ResetCode(..)");
    }

    proptest! {
        #[test]
        fn a_code_is_its_number(number in 0..ResetCode::COUNT) {
            let code = ResetCode::from_number(number);
            prop_assert_eq!(ResetCode::parse(code.as_str()), Ok(code));
            prop_assert_eq!(code.as_str().parse::<u128>(), Ok(number));
        }
    }
}
