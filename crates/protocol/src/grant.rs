//! Grants on the wire: what the first of two commands gives to its sender, and the second one takes.

use crate::secret::Secret;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a grant.
pub const GRANT_BYTES: usize = 32;

/// A grant as it is on the way between client and server: 43 characters of base64url (RFC 4648 §5).
///
/// Its holder may continue what the first command began, so it is a secret.
#[derive(Debug, Clone)]
pub struct GrantToken(Secret<[u8; GRANT_BYTES]>);

/// The text is not a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a grant: 43 characters of base64url")]
pub struct NotAGrant;

impl GrantToken {
    /// Takes the bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; GRANT_BYTES]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Reads base64url of [`GRANT_BYTES`] bytes.
    ///
    /// # Errors
    ///
    /// [`NotAGrant`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAGrant> {
        let bytes = Secret::new(BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NotAGrant)?);
        bytes.expose().as_slice().try_into().map(Self::from_bytes).map_err(|_| NotAGrant)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &Secret<[u8; GRANT_BYTES]> {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        Secret::new(BASE64URL_NOPAD.encode(self.0.expose()))
    }
}

impl Serialize for GrantToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().expose())
    }
}

impl<'de> Deserialize<'de> for GrantToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Secret::new(String::deserialize(deserializer)?);
        Self::parse(text.expose()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_grant_does_not_show_itself() {
        let shown = format!("{:?}", GrantToken::from_bytes([7; GRANT_BYTES]));
        assert!(!shown.contains('7') && !shown.contains("BwcH"), "{shown}");
    }

    proptest! {
        #[test]
        fn a_grant_survives_the_wire(bytes in any::<[u8; GRANT_BYTES]>()) {
            let grant = GrantToken::from_bytes(bytes);
            let json = serde_json::to_string(&grant).unwrap();
            prop_assert_eq!(json.len(), 43 + 2);
            let read: GrantToken = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read.as_bytes().expose(), &bytes);
        }

        #[test]
        fn other_lengths_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            let parsed = GrantToken::parse(&BASE64URL_NOPAD.encode(&bytes));
            prop_assert_eq!(parsed.is_ok(), bytes.len() == GRANT_BYTES);
        }
    }
}
