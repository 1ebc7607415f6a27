//! The Ed25519 keys of the log, and the text form of the public key.
//!
//! The server decides where the private key is stored. Here it is only in memory, and is wiped.
//!
//! <https://c2sp.org/signed-note>, RFC 8032

use crate::name::is_name;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// Length of a public key, in bytes.
pub const PUBLIC: usize = 32;
/// Length of a signature, in bytes.
pub const SIGNATURE: usize = 64;

/// Identifies the key of a signature. A hint, not a proof.
pub type KeyId = [u8; 4];

/// Signature type of Ed25519 in the text and the id of a key.
const ED25519_TYPE: u8 = 1;
/// Longest key text that is accepted, in bytes: a name of 255, an id and a key.
const MAX_TEXT: usize = 320;

/// The first four bytes of SHA-256 of name, newline, signature type and public key.
pub(crate) fn key_id(name: &str, kind: u8, public: &[u8]) -> KeyId {
    let digest = Sha256::new_with_prefix(name).chain_update([b'\n', kind]).chain_update(public);
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
    [a, b, c, d]
}

/// The signing key. The library wipes it when it is dropped.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes the key from 32 random bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    ///
    /// [`KeyError::Private`] if the library refuses the seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| KeyError::Private)
    }

    /// Reads PKCS #8, version 1 or 2, as DER.
    ///
    /// # Errors
    ///
    /// [`KeyError::Private`] if it is not an Ed25519 key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8(der).map(Self).map_err(|_| KeyError::Private)
    }

    /// The key as PKCS #8, version 1, which other programs can read.
    ///
    /// # Errors
    ///
    /// [`KeyError::Private`] if the library cannot encode the key.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = self.0.to_pkcs8v1().map_err(|_| KeyError::Private)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> [u8; PUBLIC] {
        // The library's type does not state its length.
        let mut public = [0; PUBLIC];
        public.iter_mut().zip(self.0.public_key().as_ref()).for_each(|(to, from)| *to = *from);
        public
    }

    /// The public key under this name, which verifies the signatures.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] if the name is not valid for a key.
    pub fn verifying_key(&self, name: &str) -> Result<VerifyingKey, KeyError> {
        VerifyingKey::new(name, self.public())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE] {
        let mut signature = [0; SIGNATURE];
        let made = self.0.sign(message);
        signature.iter_mut().zip(made.as_ref()).for_each(|(to, from)| *to = *from);
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// A public key and the name of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    public: [u8; PUBLIC],
}

impl VerifyingKey {
    /// A key with this name.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] if the name is empty, longer than 255 bytes, or has a space or a plus.
    pub fn new(name: &str, public: [u8; PUBLIC]) -> Result<Self, KeyError> {
        if is_name(name) { Ok(Self { name: name.to_owned(), public }) } else { Err(KeyError::Name) }
    }

    /// Reads `<name>+<key id in hex>+<base64 of 0x01 and the key>`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the text has another form, or the id belongs to another key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Text);
        };
        if text.len() > MAX_TEXT {
            return Err(KeyError::Text);
        }
        let id = HEXLOWER_PERMISSIVE.decode(id.as_bytes()).map_err(|_| KeyError::Text)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| KeyError::Text)?;
        let Some((&ED25519_TYPE, public)) = key.split_first() else { return Err(KeyError::Kind) };
        let key = Self::new(name, public.try_into().map_err(|_| KeyError::Text)?)?;
        if key.id()[..] == id[..] { Ok(key) } else { Err(KeyError::Id) }
    }

    /// The name of the log, which is the origin of its checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the key (RFC 8032 §5.1.5).
    #[must_use]
    pub const fn public(&self) -> &[u8; PUBLIC] {
        &self.public
    }

    /// The id that marks this key's signatures.
    #[must_use]
    pub fn id(&self) -> KeyId {
        key_id(&self.name, ED25519_TYPE, &self.public)
    }

    /// True if `signature` is this key's signature of `message` (RFC 8032 §5.1.7).
    #[must_use]
    pub fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }
}

/// Writes the text that [`VerifyingKey::parse`] reads.
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key: Vec<u8> = [ED25519_TYPE].into_iter().chain(self.public).collect();
        let id = HEXLOWER_PERMISSIVE.encode(&self.id());
        write!(f, "{}+{id}+{}", self.name, BASE64.encode(&key))
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

/// Why a key was refused. In every case the caller needs another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are not an Ed25519 private key in PKCS #8.
    #[error("not an Ed25519 private key in PKCS #8")]
    Private,
    /// The name is not valid.
    #[error("a key's name has 1 to 255 bytes and neither spaces nor `+`")]
    Name,
    /// The text does not have the form of a key.
    #[error("a public key is written `name+id in hex+base64`")]
    Text,
    /// The key is not an Ed25519 key.
    #[error("the public key has an unknown signature type; only Ed25519 (type 1) is supported")]
    Kind,
    /// The id in the text does not belong to this key.
    #[error(
        "the key's id does not match its name and bytes; copy the whole line of the public key"
    )]
    Id,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From the documentation of Go's `sumdb/note`, which defined the format.
    const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn the_published_key_survives_a_round_trip() {
        let key = VerifyingKey::parse(NEUMANN).unwrap();
        assert_eq!(key.name(), "PeterNeumann");
        assert_eq!(key.id(), [0xc7, 0x4f, 0x20, 0xa3]);
        assert_eq!(key.to_string(), NEUMANN);
    }

    #[test]
    fn a_key_under_another_name_is_refused() {
        let other = NEUMANN.replacen("Peter", "John", 1);
        assert_eq!(VerifyingKey::parse(&other), Err(KeyError::Id));
    }

    #[test]
    fn a_malformed_key_is_refused() {
        for text in ["", "a", "a+b", "a+b+c", "+c74f20a3+AQ==", "a b+00000000+AQ=="] {
            assert!(VerifyingKey::parse(text).is_err(), "{text:?}");
        }
        let unknown = NEUMANN.replacen("+AR", "+Ah", 1);
        assert_eq!(VerifyingKey::parse(&unknown), Err(KeyError::Kind));
    }

    #[test]
    fn a_private_key_survives_a_round_trip() {
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(key.public(), again.public());
    }

    /// RFC 8032 §7.1, test 2.
    #[test]
    fn a_seed_makes_the_key_in_the_rfc() {
        let bytes = |hex: &str| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap();
        let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = SigningKey::from_seed(&seed.try_into().unwrap()).unwrap();
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(key.public()[..], bytes(public));
        assert_eq!(key.sign(&[0x72])[..], bytes(signature));
        assert!(key.verifying_key("log").unwrap().is_signed(&[0x72], &bytes(signature)));
    }

    proptest! {
        #[test]
        fn every_public_key_survives_a_round_trip(
            name in "[a-z0-9/.-]{1,60}", public in any::<[u8; 32]>(),
        ) {
            let key = VerifyingKey::new(&name, public).unwrap();
            prop_assert_eq!(VerifyingKey::parse(&key.to_string()), Ok(key));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(\\PC|\\+){0,80}") {
            if let Ok(key) = VerifyingKey::parse(&text) {
                prop_assert_eq!(VerifyingKey::parse(&key.to_string()), Ok(key));
            }
        }
    }
}
