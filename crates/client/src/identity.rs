//! The key that identifies this device to servers.
//!
//! It is generated here, kept in a file that only its owner can read (see
//! [`Identity::load_or_create`]), and never sent. The client sends a signature that is valid on one
//! connection only.

mod file;

pub use file::IdentityError;

use crate::entropy;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use fourauth_protocol::{
    command::ProveDevice,
    device::{self, DeviceKey, DeviceSignature},
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use std::fmt;
use zeroize::Zeroizing;

/// A device's Ed25519 key pair (RFC 8032).
pub struct Identity {
    pair: Ed25519KeyPair,
    key: DeviceKey,
}

impl Identity {
    /// Generates a new identity from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`IdentityError::NoRandomness`].
    pub fn generate() -> Result<Self, IdentityError> {
        let mut seed = Zeroizing::new([0; 32]);
        entropy::fill(&mut *seed).map_err(|_| IdentityError::NoRandomness)?;
        Ok(Self::from_seed(Secret::new(*seed)))
    }

    /// The identity of 32 random bytes (the secret key of RFC 8032 §5.1.5).
    ///
    /// # Panics
    ///
    /// Never: any 32 bytes are a secret key, and no public key derived from one has small order.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the caller gives the seed away, and it is wiped"
    )]
    pub fn from_seed(seed: Secret<[u8; 32]>) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
        Self::from_pair(pair.expect("any 32 bytes are a secret key"))
    }

    fn from_pair(pair: Ed25519KeyPair) -> Self {
        let key = pair.public_key().as_ref().try_into().expect("public keys have 32 bytes");
        let key = DeviceKey::from_bytes(key).expect("a derived public key never has small order");
        Self { pair, key }
    }

    /// The public key, by which a server recognises this device.
    #[must_use]
    pub const fn key(&self) -> DeviceKey {
        self.key
    }

    /// Signs `message`.
    ///
    /// # Panics
    ///
    /// Never: every Ed25519 signature has 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> DeviceSignature {
        let signature = self.pair.sign(message);
        let bytes = signature.as_ref().try_into().expect("signatures have 64 bytes");
        DeviceSignature::from_bytes(bytes)
    }

    /// The command 150 that proves this device on the connection with the exporter `channel`.
    pub(crate) fn prove(
        &self,
        channel: &[u8],
        username: &Username,
        mac: MacAddress,
    ) -> ProveDevice {
        ProveDevice::new(
            username.clone(),
            self.key.id(),
            self.sign(&device::message(channel, username, mac)),
        )
        .device(mac)
    }
}

/// Shows the key's id, not the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.key.id()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn seed(text: &str) -> Secret<[u8; 32]> {
        Secret::new(HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap())
    }

    #[test]
    fn a_seed_gives_the_keys_and_signatures_of_rfc_8032() {
        // RFC 8032 §7.1, test 2.
        let identity = Identity::from_seed(seed(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        ));
        assert_eq!(
            HEXLOWER.encode(identity.key().as_bytes()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            HEXLOWER.encode(identity.sign(b"\x72").as_bytes()),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }

    #[test]
    fn generated_identities_differ() {
        let (one, other) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        assert_ne!(one.key(), other.key());
    }

    #[test]
    fn debug_output_shows_the_key_id_only() {
        let identity = Identity::from_seed(Secret::new([7; 32]));
        assert_eq!(format!("{identity:?}"), format!("Identity({:?})", identity.key().id()));
    }
}
