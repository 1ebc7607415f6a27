//! Signatures that devices make with their keys.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An Ed25519 signature (RFC 8032 §5.1.6) that has not been verified. Standard base64 on the wire.
///
/// It is not a secret: it is valid on one connection only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSignature([u8; 64]);

impl DeviceSignature {
    /// Takes the 64 bytes.
    #[must_use]
    pub const fn from_bytes(signature: [u8; 64]) -> Self {
        Self(signature)
    }

    /// Reads standard base64 of 64 bytes.
    ///
    /// # Errors
    ///
    /// [`NotADeviceSignature`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotADeviceSignature> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| NotADeviceSignature)?;
        bytes.try_into().map(Self).map_err(|_| NotADeviceSignature)
    }

    /// The 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Serialize for DeviceSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for DeviceSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not 64 bytes as base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signature: the base64 of 64 bytes")]
pub struct NotADeviceSignature;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_signature_survives_the_wire(bytes in prop::collection::vec(any::<u8>(), 64)) {
            let signature = DeviceSignature::from_bytes(bytes.try_into().unwrap());
            let json = serde_json::to_string(&signature).unwrap();
            prop_assert_eq!(serde_json::from_str::<DeviceSignature>(&json).unwrap(), signature);
        }

        #[test]
        fn other_lengths_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..130)) {
            let parsed = DeviceSignature::parse(&BASE64.encode(&bytes));
            prop_assert_eq!(parsed.is_ok(), bytes.len() == 64);
        }
    }
}
