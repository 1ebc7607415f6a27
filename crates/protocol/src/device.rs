//! How a device proves itself: a key, and a signature over the connection it is used on.
//!
//! The message is built here and nothing is signed or verified: a client signs it with the key it
//! keeps, `fourauth_factors::device` verifies. `docs/PROTOCOL.md`, "Device proof", has the layout
//! and a worked example, which the tests below hold.

mod id;
mod key;
mod name;
mod signature;

pub use id::{DeviceId, NotADeviceId};
pub use key::{DeviceKey, NotADeviceKey};
pub use name::{DeviceName, MAX_NAME_CHARS, NotADeviceName};
pub use signature::{DeviceSignature, NotADeviceSignature};

use crate::{mac_address::MacAddress, username::Username};
use serde::{Deserialize, Serialize};

/// The label under which TLS exports what binds a proof to its connection (RFC 9266 §2). The
/// context is present and empty.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// How many bytes are exported (RFC 9266 §2).
pub const EXPORTER_BYTES: usize = 32;

/// What the message begins with: a signature for this protocol is none for another.
const DOMAIN: &[u8] = b"fourauth-device-v1";

/// What ties a signature to one connection, so that it is worth nothing on another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// The exporter of the TLS connection: [`EXPORTER_BYTES`] under [`EXPORTER_LABEL`].
    #[default]
    TlsExporter,
    /// SHA-256 of the server's certificate (the leaf, as DER), then the 32 bytes of `device_nonce`
    /// from this connection's last 190. For clients whose TLS has no exporter. It is weaker: who
    /// holds the server's private key can relay it.
    Certificate,
}

/// The bytes that a device signs: four parts, each preceded by its length as four bytes, big-endian.
///
/// `channel` is what [`Binding`] says. A text that is written in another way is another message, so
/// the address stands in its canonical form.
///
/// # Panics
///
/// If `channel` is 4 GiB or longer; neither binding makes it longer than 64 bytes.
#[must_use]
pub fn message(channel: &[u8], username: &Username, mac: MacAddress) -> Vec<u8> {
    let mac = mac.to_string();
    let parts = [DOMAIN, channel, username.as_str().as_bytes(), mac.as_bytes()];
    let mut message = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        let length = u32::try_from(part.len()).expect("names and channels are short");
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    fn alice() -> (Username, MacAddress) {
        (Username::parse("alice").unwrap(), MacAddress::parse("00:1B:44:11:3A:B7").unwrap())
    }

    #[test]
    fn the_worked_example_of_the_document_holds() {
        // RFC 8032 §7.1, test 1.
        let secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let pair = HEXLOWER.decode(secret.as_bytes()).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&pair).unwrap();
        let key = DeviceKey::from_bytes(pair.public_key().as_ref().try_into().unwrap()).unwrap();
        let channel: Vec<u8> = (0..32).collect();
        let (username, mac) = alice();
        let message = message(&channel, &username, mac);
        let signature = pair.sign(&message).as_ref().try_into().unwrap();
        let signature = serde_json::to_value(DeviceSignature::from_bytes(signature)).unwrap();

        let document = include_str!("../../../docs/PROTOCOL.md");
        let shown: String = document.split_whitespace().collect();
        for part in [
            HEXLOWER.encode(&message),
            format!("`{secret}`"),
            format!("`{key}`"),
            format!("`{}`", key.id()),
            format!("`{}`", signature.as_str().unwrap()),
        ] {
            assert!(shown.contains(&part), "docs/PROTOCOL.md does not show {part}");
        }
    }

    #[test]
    fn what_a_binding_is_called() {
        for (binding, name) in
            [(Binding::TlsExporter, "\"tls-exporter\""), (Binding::Certificate, "\"certificate\"")]
        {
            assert_eq!(serde_json::to_string(&binding).unwrap(), name);
            assert_eq!(serde_json::from_str::<Binding>(name).unwrap(), binding);
        }
        assert!(serde_json::from_str::<Binding>("\"none\"").is_err());
    }

    proptest! {
        #[test]
        fn no_two_claims_share_a_message(
            (one, another) in any::<([u8; 8], [u8; 8])>(),
            (name, other) in ("[a-z]{1,9}", "[a-z]{1,9}"),
        ) {
            let of = |channel: &[u8], name: &str| {
                message(channel, &Username::parse(name).unwrap(), alice().1)
            };
            prop_assert_eq!(of(&one, &name) == of(&another, &other), one == another && name == other);
            // Bytes cannot move from the channel into the name.
            prop_assert_ne!(of(&one[..7], &name), of(&one, &name));
        }
    }
}
