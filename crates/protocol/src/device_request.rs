//! A browser that asks to become a device: the number that both sides compare, and the decision.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// Number of digits.
const DIGITS: usize = 6;

/// The number of a request: six decimal digits. The server draws it, so that a peer cannot choose the
/// number of another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestNumber(u32);

/// What becomes of a browser that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceDecision {
    /// It becomes a device of the account.
    Add,
    /// Its request ends.
    Refuse,
}

/// The text is not the number of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number of a request is six digits")]
pub struct NotARequestNumber;

impl RequestNumber {
    /// How many numbers there are: 10⁶.
    pub const COUNT: u32 = 1_000_000;

    /// Parses six ASCII digits. Leading zeros count.
    ///
    /// # Errors
    ///
    /// [`NotARequestNumber`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotARequestNumber> {
        let is_number = text.len() == DIGITS && text.bytes().all(|it| it.is_ascii_digit());
        let number = text.parse().map_err(|_| NotARequestNumber)?;
        if is_number { Ok(Self(number)) } else { Err(NotARequestNumber) }
    }

    /// The number with this value. Values wrap around at [`RequestNumber::COUNT`].
    #[must_use]
    pub const fn from_value(value: u32) -> Self {
        Self(value % Self::COUNT)
    }

    /// The value, less than [`RequestNumber::COUNT`].
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// Six digits.
impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl Serialize for RequestNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_ascii_digits_are_a_number() {
        for text in ["000000", "005924", "999999"] {
            assert_eq!(RequestNumber::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "12345", "1234567", "12 456", "+12345", "12345a", "١٢٣"] {
            assert_eq!(RequestNumber::parse(text), Err(NotARequestNumber), "{text:?}");
        }
    }

    #[test]
    fn values_wrap_around() {
        assert_eq!(RequestNumber::from_value(1_000_007).value(), 7);
    }
}
