//! Device proofs: a key, and a signature that is bound to one connection.
//!
//! This module builds the message and neither signs nor verifies it. A client signs it with its
//! key, and `fourauth_factors::device` verifies the signature. `docs/PROTOCOL.md`, "Device proof",
//! has the layout and an example, which a test below checks.

mod browser;
mod id;
mod key;
mod name;
mod nonce;
mod signature;

pub use browser::BrowserProof;
pub use id::{DeviceId, NotADeviceId};
pub use key::{DeviceKey, NotADeviceKey};
pub use name::{DeviceName, MAX_NAME_CHARS, NotADeviceName};
pub use nonce::{DeviceNonce, NotADeviceNonce};
pub use signature::{DeviceSignature, NotADeviceSignature};

use crate::{framed::framed, mac_address::MacAddress, username::Username};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Label of the TLS keying material that binds a proof to its connection (RFC 9266 §2). The context
/// is present and empty.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// Length of the exported keying material, in bytes (RFC 9266 §2).
pub const EXPORTER_BYTES: usize = 32;

/// First part of the message, so that a signature for this protocol is not valid in another.
const DOMAIN: &[u8] = b"fourauth-device-v1";

/// The channel binding of a signature, which makes it invalid on any other connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// [`EXPORTER_BYTES`] bytes that the TLS connection exports under [`EXPORTER_LABEL`].
    #[default]
    TlsExporter,
    /// SHA-256 of the server's certificate (the leaf, as DER), then the 32 bytes of the
    /// `device_nonce` of a 190: the one that the proof quotes, or else the last one of this
    /// connection. It is for clients with a TLS library that has no exporter. It is weaker: an
    /// attacker with the server's private key can relay the proof.
    Certificate,
    /// The [channel of an origin](origin_channel). It is for browsers, which see neither the exporter nor
    /// the certificate. The proof is part of the [envelope](crate::envelope) of a gateway's command, and
    /// holds for that command only.
    Web,
}

/// The channel of [`Binding::Web`]: SHA-256 of the origin as the browser knows it (RFC 6454 §6.2), then
/// the 32 bytes of a `device_nonce`. A page of another origin can make no signature over it, because the
/// browser tells the page its real origin and keeps the keys of origins apart.
#[must_use]
pub fn origin_channel(origin: &str, nonce: &DeviceNonce) -> Vec<u8> {
    [Sha256::digest(origin).as_slice(), nonce.as_bytes()].concat()
}

/// The bytes that a device signs: four parts, each preceded by its length as four bytes,
/// big-endian.
///
/// `channel` is the value that [`Binding`] describes. The address is in its canonical form, because
/// another spelling would give another message.
///
/// # Panics
///
/// If `channel` is 4 GiB or longer; neither binding makes it longer than 64 bytes.
#[must_use]
pub fn message(channel: &[u8], username: &Username, mac: MacAddress) -> Vec<u8> {
    let mac = mac.to_string();
    framed(&[DOMAIN, channel, username.as_str().as_bytes(), mac.as_bytes()])
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
    fn the_example_of_the_document_is_correct() {
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
    fn a_binding_has_its_documented_name() {
        for (binding, name) in [
            (Binding::TlsExporter, "\"tls-exporter\""),
            (Binding::Certificate, "\"certificate\""),
            (Binding::Web, "\"web\""),
        ] {
            assert_eq!(serde_json::to_string(&binding).unwrap(), name);
            assert_eq!(serde_json::from_str::<Binding>(name).unwrap(), binding);
        }
        assert!(serde_json::from_str::<Binding>("\"none\"").is_err());
    }

    proptest! {
        #[test]
        fn different_claims_have_different_messages(
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
