//! Nonces for device proofs.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The 32 bytes that 190 returns as `device_nonce`. Standard base64 on the wire.
///
/// It is not a secret: it is of no use without the key of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceNonce([u8; 32]);

impl DeviceNonce {
    /// Takes the 32 bytes.
    #[must_use]
    pub const fn from_bytes(nonce: [u8; 32]) -> Self {
        Self(nonce)
    }

    /// Reads standard base64 of 32 bytes.
    ///
    /// # Errors
    ///
    /// [`NotADeviceNonce`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotADeviceNonce> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| NotADeviceNonce)?;
        bytes.try_into().map(Self).map_err(|_| NotADeviceNonce)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for DeviceNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl Serialize for DeviceNonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceNonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not 32 bytes as base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a device nonce: the base64 of 32 bytes")]
pub struct NotADeviceNonce;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_nonce_survives_the_wire(bytes in any::<[u8; 32]>()) {
            let nonce = DeviceNonce::from_bytes(bytes);
            let json = serde_json::to_string(&nonce).unwrap();
            prop_assert_eq!(serde_json::from_str::<DeviceNonce>(&json).unwrap(), nonce);
        }

        #[test]
        fn other_lengths_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            let parsed = DeviceNonce::parse(&BASE64.encode(&bytes));
            prop_assert_eq!(parsed.is_ok(), bytes.len() == 32);
        }
    }
}
