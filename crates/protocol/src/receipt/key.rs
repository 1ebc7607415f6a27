//! The key that verifies receipts, and its short name.

use crate::device::DeviceKey;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A server's Ed25519 public key for receipts (RFC 8032 §5.1.5).
///
/// The text form is that of a device key: `ed25519:` and the standard base64 of the 32 bytes. Like
/// there, points of small order are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey(DeviceKey);

impl VerifyingKey {
    /// Takes the 32 bytes of the encoded point.
    ///
    /// # Errors
    ///
    /// [`NotAReceiptKey`] for the points of small order, for which an attacker can make signatures.
    pub fn from_bytes(key: [u8; 32]) -> Result<Self, NotAReceiptKey> {
        DeviceKey::from_bytes(key).map(Self).map_err(|_| NotAReceiptKey)
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`NotAReceiptKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAReceiptKey> {
        DeviceKey::parse(text).map(Self).map_err(|_| NotAReceiptKey)
    }

    /// The 32 bytes of the encoded point.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The name of the key in receipts.
    #[must_use]
    pub fn name(&self) -> KeyName {
        let hash: [u8; 32] = Sha256::digest(self.as_bytes()).into();
        let mut name = [0; 8];
        name.copy_from_slice(&hash[..8]);
        KeyName(name)
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The first 8 bytes of the SHA-256 of a public key: the `kid` of a receipt. The text form is 16
/// hexadecimal digits in lower case.
///
/// It selects the key to try. Only the signature proves that the key is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyName([u8; 8]);

impl KeyName {
    /// Reads the text form. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// The text or the bytes are not a key for receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key for receipts: `ed25519:` and the base64 of 32 bytes")]
pub struct NotAReceiptKey;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_a_quarter_of_a_hash_of_the_key() {
        // The key of RFC 8032 §7.1, test 1; its SHA-256 by an independent implementation.
        let key = VerifyingKey::parse("ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let name = key.unwrap().name();
        assert_eq!(name.to_string(), "21fe31dfa154a261");
        assert_eq!(KeyName::parse("21fe31dfa154a261"), Some(name));
    }

    #[test]
    fn invalid_keys_and_names_are_refused() {
        assert_eq!(VerifyingKey::from_bytes([0; 32]), Err(NotAReceiptKey));
        assert_eq!(VerifyingKey::parse("ed25519:AAAA"), Err(NotAReceiptKey));
        for text in
            ["", "21fe31dfa154a26", "21FE31DFA154A261", "21fe31dfa154a26100", "../etc/passwd/.."]
        {
            assert_eq!(KeyName::parse(text), None, "{text}");
        }
    }
}
