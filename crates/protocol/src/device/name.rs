//! Names of devices.

use crate::printable::is_label;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest name, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// The name that a person gives a device: 1 to [`MAX_NAME_CHARS`] printable characters, without a
/// space at either end. It is unique among the devices of an account and compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DeviceName(String);

impl DeviceName {
    /// Accepts a name.
    ///
    /// # Errors
    ///
    /// [`NotADeviceName`] if the text is empty, too long or padded, or could mislead in a terminal
    /// or a log.
    pub fn parse(text: &str) -> Result<Self, NotADeviceName> {
        if is_label(text, MAX_NAME_CHARS) { Ok(Self(text.to_owned())) } else { Err(NotADeviceName) }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DeviceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a name for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device's name has 1 to {MAX_NAME_CHARS} characters, none of them a control character")]
pub struct NotADeviceName;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn misleading_names_are_refused() {
        for text in ["", " laptop", "lap\u{1b}[2Jtop", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            assert_eq!(DeviceName::parse(text), Err(NotADeviceName), "{text:?}");
        }
        assert!(DeviceName::parse(&"é".repeat(64)).is_ok());
    }

    proptest! {
        #[test]
        fn a_name_survives_the_wire(text in "\\PC{0,70}") {
            if let Ok(name) = DeviceName::parse(&text) {
                let json = serde_json::to_string(&name).unwrap();
                prop_assert_eq!(serde_json::from_str::<DeviceName>(&json).unwrap(), name);
            }
        }
    }
}
