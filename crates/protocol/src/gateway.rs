//! Gateways: services that speak for many visitors over one connection.
//!
//! A gateway has a name and an Ed25519 key that an operator has registered. It proves the key with
//! command 152 and may then state the peer of each command: see [`envelope`](crate::envelope). This
//! module builds the message of that proof and neither signs nor verifies it.

use crate::framed::framed;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest name, in characters.
pub const MAX_NAME_CHARS: usize = 32;

/// First part of the message. It differs from that of a device proof, so that neither signature is
/// valid as the other.
const DOMAIN: &[u8] = b"fourauth-gateway-v1";

/// The name of a gateway: 1 to [`MAX_NAME_CHARS`] lower-case letters, digits and hyphens of ASCII,
/// which begin with a letter.
///
/// It is part of audit rows (`via=NAME`), so it has no character that could end that field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GatewayName(String);

impl GatewayName {
    /// Accepts a name.
    ///
    /// # Errors
    ///
    /// [`NotAGatewayName`] if the text is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, NotAGatewayName> {
        let is_short = (1..=MAX_NAME_CHARS).contains(&text.len());
        let begins_with_a_letter = text.starts_with(|c: char| c.is_ascii_lowercase());
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if is_short && begins_with_a_letter && text.chars().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAGatewayName)
        }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for GatewayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a name for a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a gateway's name has 1 to {MAX_NAME_CHARS} lower-case letters, digits and hyphens, and begins \
     with a letter"
)]
pub struct NotAGatewayName;

/// The bytes that a gateway signs: three parts, each preceded by its length as four bytes,
/// big-endian. `channel` is the TLS exporter of the connection
/// ([`EXPORTER_LABEL`](crate::device::EXPORTER_LABEL), RFC 9266), so the signature is not valid on
/// another connection.
///
/// # Panics
///
/// If `channel` is 4 GiB or longer; an exporter has 32 bytes.
#[must_use]
pub fn message(channel: &[u8], name: &GatewayName) -> Vec<u8> {
    framed(&[DOMAIN, channel, name.as_str().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device, mac_address::MacAddress, username::Username};
    use proptest::prelude::*;

    #[test]
    fn only_short_plain_words_are_names() {
        for text in ["portal", "g", "dmz-2", &"x".repeat(MAX_NAME_CHARS)] {
            assert!(GatewayName::parse(text).is_ok(), "{text:?}");
        }
        let long = "x".repeat(MAX_NAME_CHARS + 1);
        for text in ["", "Portal", "a b", "a=b", "-a", "2a", "é", "a\n", "a.b", &long] {
            assert_eq!(GatewayName::parse(text), Err(NotAGatewayName), "{text:?}");
        }
    }

    #[test]
    fn the_message_has_its_documented_layout() {
        let name = GatewayName::parse("dmz").unwrap();
        let expected = b"\0\0\0\x13fourauth-gateway-v1\0\0\0\x02\x07\x07\0\0\0\x03dmz";
        assert_eq!(message(&[7, 7], &name), expected);
    }

    proptest! {
        #[test]
        fn no_device_signs_the_message_of_a_gateway(
            channel in prop::collection::vec(any::<u8>(), 0..70),
            other in prop::collection::vec(any::<u8>(), 0..70),
            (name, user) in ("[a-z][a-z0-9-]{0,31}", "[a-z]{1,32}"),
        ) {
            let gateway = message(&channel, &GatewayName::parse(&name).unwrap());
            let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
            let device = device::message(&other, &Username::parse(&user).unwrap(), mac);
            prop_assert_ne!(gateway, device);
        }

        #[test]
        fn different_proofs_have_different_messages(
            (one, another) in any::<([u8; 4], [u8; 4])>(),
            (name, other) in ("[a-z]{1,9}", "[a-z]{1,9}"),
        ) {
            let of = |channel: &[u8], name: &str| message(channel, &GatewayName::parse(name).unwrap());
            prop_assert_eq!(of(&one, &name) == of(&another, &other), one == another && name == other);
        }
    }
}
