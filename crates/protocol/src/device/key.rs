//! The public key of a device.

use super::DeviceId;
use crate::mac_address::MacAddress;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Prefix of the text form, which names the algorithm. Other algorithms will have other prefixes.
const PREFIX: &str = "ed25519:";

/// Every encoding of the points with an order that divides eight, without the sign bit.
///
/// Such a key has signatures that are valid for almost any message, so that an attacker could pose
/// as the device (RFC 8032 §8.9; Cremers and Jackson, "Prime, Order Please!", 2019).
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    ends(0x01, 0x00, 0x00),
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// `first`, then `middle` thirty times, then `last`.
const fn ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// An Ed25519 public key (RFC 8032 §5.1.5), which identifies a device.
///
/// The text form is `ed25519:` and the standard base64 of the 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceKey([u8; 32]);

impl DeviceKey {
    /// Takes the 32 bytes of the encoded point.
    ///
    /// # Errors
    ///
    /// [`NotADeviceKey`] for the points of small order, for which an attacker can make signatures.
    /// Other bytes are accepted even if they are not a point: no signature is valid for them.
    pub fn from_bytes(key: [u8; 32]) -> Result<Self, NotADeviceKey> {
        let mut unsigned = key;
        unsigned[31] &= 0x7f;
        if SMALL_ORDER.contains(&unsigned) {
            return Err(NotADeviceKey);
        }
        Ok(Self(key))
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`NotADeviceKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotADeviceKey> {
        let encoded = text.strip_prefix(PREFIX).ok_or(NotADeviceKey)?;
        let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| NotADeviceKey)?;
        Self::from_bytes(bytes.try_into().map_err(|_| NotADeviceKey)?)
    }

    /// The 32 bytes of the encoded point.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What stands for the MAC address of a browser with this key: `02:`, which marks an address that no
    /// maker gave, and the first five bytes of the SHA-256 of the key.
    ///
    /// # Panics
    ///
    /// Never: an id is long enough.
    #[must_use]
    pub fn label(&self) -> MacAddress {
        let id = self.id();
        let (start, _) = id.as_bytes().split_first_chunk().expect("an id has 16 bytes");
        MacAddress::local(*start)
    }

    /// The short id of the key.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        DeviceId::of(self)
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64.encode(&self.0))
    }
}

impl Serialize for DeviceKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text or the bytes are not a public key that can be bound to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the public key of a device: `ed25519:` and the base64 of 32 bytes")]
pub struct NotADeviceKey;

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    #[test]
    fn only_the_documented_form_is_a_key() {
        let encoded = BASE64.encode(&[7; 32]);
        assert!(DeviceKey::parse(&format!("ed25519:{encoded}")).is_ok());
        for text in [
            String::new(),
            encoded.clone(),
            format!("ED25519:{encoded}"),
            format!("p256:{encoded}"),
            format!("ed25519: {encoded}"),
            format!("ed25519:{}", encoded.trim_end_matches('=')),
            format!("ed25519:{}", BASE64.encode(&[7; 31])),
            format!("ed25519:{}", BASE64.encode(&[7; 33])),
        ] {
            assert_eq!(DeviceKey::parse(&text), Err(NotADeviceKey), "{text:?}");
        }
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        for mut point in SMALL_ORDER {
            assert_eq!(DeviceKey::from_bytes(point), Err(NotADeviceKey));
            point[31] |= 0x80;
            assert_eq!(DeviceKey::from_bytes(point), Err(NotADeviceKey));
        }
    }

    #[test]
    fn the_id_is_half_a_hash_of_the_key() {
        // The key of RFC 8032 §7.1, test 1; its SHA-256 by an independent implementation.
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let key = HEXLOWER.decode(key.as_bytes()).unwrap().try_into().unwrap();
        let id = DeviceKey::from_bytes(key).unwrap().id();
        assert_eq!(id.to_string(), "21fe31dfa154a261626bf854046fd227");
    }

    proptest! {
        #[test]
        fn the_text_form_survives_a_round_trip(bytes in any::<[u8; 32]>()) {
            let key = DeviceKey::from_bytes(bytes).unwrap();
            prop_assert_eq!(DeviceKey::parse(&key.to_string()), Ok(key));
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<DeviceKey>(&json).unwrap(), key);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(ed25519:)?\\PC{0,50}") {
            let _parsed = DeviceKey::parse(&text);
        }
    }
}
