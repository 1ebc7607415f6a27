//! Grants as clients see them: 32 bytes that a server gives with one step and gets back with the next.

use crate::secret::Secret;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroize;

/// Length of a grant, in bytes.
const BYTES: usize = 32;

/// A grant. Standard base64 on the wire.
///
/// It is a secret: its holder may take the next step.
#[derive(Clone, PartialEq, Eq)]
pub struct GrantText([u8; BYTES]);

impl GrantText {
    /// Takes the 32 bytes.
    #[must_use]
    pub const fn from_bytes(grant: [u8; BYTES]) -> Self {
        Self(grant)
    }

    /// Reads standard base64 of 32 bytes. Space around it is ignored: people copy it.
    ///
    /// # Errors
    ///
    /// [`NotAGrant`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAGrant> {
        let bytes = Secret::new(BASE64.decode(text.trim().as_bytes()).map_err(|_| NotAGrant)?);
        bytes.expose().as_slice().try_into().map(Self).map_err(|_| NotAGrant)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// The text on the wire.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        Secret::new(BASE64.encode(&self.0))
    }
}

impl Drop for GrantText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Hides the grant, which may still be valid.
impl fmt::Debug for GrantText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantText(..)")
    }
}

impl Serialize for GrantText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().expose())
    }
}

impl<'de> Deserialize<'de> for GrantText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Secret::<String>::deserialize(deserializer)?;
        Self::parse(text.expose()).map_err(serde::de::Error::custom)
    }
}

/// The text is not a grant. It is not quoted, because it may be a mistyped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a grant: the base64 of 32 bytes")]
pub struct NotAGrant;

/// Reads a grant that may be absent. `None` if the text is not one: a mistyped grant gets the same
/// answer as one that is not valid.
pub(crate) fn offered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<GrantText>, D::Error> {
    let text = Option::<Secret<String>>::deserialize(deserializer)?;
    Ok(text.and_then(|text| GrantText::parse(text.expose()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_grant_in_a_log_is_hidden() {
        assert_eq!(format!("{:?}", GrantText::from_bytes([7; BYTES])), "GrantText(..)");
    }

    proptest! {
        #[test]
        fn a_grant_survives_the_wire(bytes in any::<[u8; BYTES]>()) {
            let grant = GrantText::from_bytes(bytes);
            let json = serde_json::to_string(&grant).unwrap();
            prop_assert_eq!(serde_json::from_str::<GrantText>(&json).unwrap(), grant);
        }

        #[test]
        fn other_lengths_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            let parsed = GrantText::parse(&BASE64.encode(&bytes));
            prop_assert_eq!(parsed.is_ok(), bytes.len() == BYTES);
        }
    }
}
