//! Passcodes, which the server sends by mail or in a text message.

use crate::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Number of characters.
const LENGTH: usize = 6;

/// The characters: the documented passcodes have upper-case letters and digits.
const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Six characters, each of them an upper-case letter or a digit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Passcode([u8; LENGTH]);

impl Passcode {
    /// Number of passcodes: 36⁶.
    pub const COUNT: u128 = 2_176_782_336;

    /// Parses six ASCII letters or digits. Lower-case letters are accepted, and around them spaces and
    /// the marks that isolate a word in text of another direction (UAX #9): people type and copy
    /// passcodes.
    ///
    /// # Errors
    ///
    /// [`NotAPasscode`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAPasscode> {
        let bytes = text.trim_matches(is_around).as_bytes();
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| NotAPasscode)?;
        let is_one = bytes.iter().all(u8::is_ascii_alphanumeric);
        if is_one {
            Ok(Self(bytes.map(|byte| byte.to_ascii_uppercase())))
        } else {
            Err(NotAPasscode)
        }
    }

    /// The passcode with this number. Numbers wrap around at [`Passcode::COUNT`].
    #[must_use]
    pub fn from_number(number: u128) -> Self {
        let mut rest = number % Self::COUNT;
        let mut bytes = [0; LENGTH];
        for byte in bytes.iter_mut().rev() {
            let digit = usize::try_from(rest % 36).unwrap_or_default();
            *byte = ALPHABET[digit];
            rest /= 36;
        }
        Self(bytes)
    }

    /// The six characters as text.
    ///
    /// # Panics
    ///
    /// Never: every passcode is ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("a passcode is ASCII")
    }

    /// The six characters as bytes, to compare them in constant time.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn is_around(letter: char) -> bool {
    letter.is_whitespace() || ('\u{2066}'..='\u{2069}').contains(&letter)
}

/// Hides the passcode, which may still be valid.
impl fmt::Debug for Passcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passcode(..)")
    }
}

impl Serialize for Passcode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The text is not a passcode. It is not quoted, because it may be a mistyped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a passcode is six letters or digits")]
pub struct NotAPasscode;

/// Reads a passcode that may be absent. `None` if the text is not one: a mistyped passcode gets the
/// same answer as a wrong one.
pub(crate) fn offered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Passcode>, D::Error> {
    let text = Option::<Secret<String>>::deserialize(deserializer)?;
    Ok(text.and_then(|text| Passcode::parse(text.expose()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_of_either_case_and_digits_are_accepted() {
        for text in ["7K2QXA", "7k2qxa", " 7K2QXA\r\n", "\u{2068}7K2QXA\u{2069}"] {
            assert_eq!(Passcode::parse(text).unwrap().as_str(), "7K2QXA");
        }
        for text in ["", "7K2QX", "7K2QXAB", "7K2Q A", "7K2QX|", "７K2QXA", "7K2QXé"] {
            assert_eq!(Passcode::parse(text), Err(NotAPasscode), "{text:?}");
        }
    }

    #[test]
    fn numbers_cover_every_passcode_once() {
        assert_eq!(Passcode::COUNT, 36_u128.pow(6));
        assert_eq!(Passcode::from_number(0).as_str(), "000000");
        assert_eq!(Passcode::from_number(Passcode::COUNT - 1).as_str(), "ZZZZZZ");
        assert_eq!(Passcode::from_number(Passcode::COUNT), Passcode::from_number(0));
    }

    #[test]
    fn a_passcode_in_a_log_is_hidden() {
        assert_eq!(format!("{:?}", Passcode::from_number(7)), "Passcode(..)");
    }

    proptest! {
        #[test]
        fn a_passcode_is_its_number(number in 0..Passcode::COUNT) {
            let code = Passcode::from_number(number);
            prop_assert_eq!(Passcode::parse(code.as_str()), Ok(code));
            prop_assert_eq!(u128::from_str_radix(code.as_str(), 36), Ok(number));
        }
    }
}
