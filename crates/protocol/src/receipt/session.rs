//! The session of a receipt, as a hash that does not reveal the token.

use crate::secret::Secret;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The SHA-256 of a session's token. The text form is 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionHash([u8; 32]);

impl SessionHash {
    /// Makes the value from an existing hash.
    #[must_use]
    pub const fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Hashes a token's text.
    #[must_use]
    pub fn of_token(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// True if `token` belongs to this session. A service that receives both a receipt and a token
    /// can check that they belong together.
    #[must_use]
    pub fn is_of(&self, token: &Secret<String>) -> bool {
        *self == Self::of_token(token.expose())
    }
}

impl fmt::Display for SessionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Serialize for SessionHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("not the hash of a token"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_matches_its_own_token_only() {
        let session = SessionHash::of_token("abc");
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(session.to_string(), known);
        assert!(session.is_of(&Secret::new("abc".into())));
        assert!(!session.is_of(&Secret::new("abd".into())));
    }

    #[test]
    fn only_the_documented_form_is_a_hash() {
        let text = serde_json::to_string(&SessionHash::of_token("abc")).unwrap();
        assert_eq!(
            serde_json::from_str::<SessionHash>(&text).unwrap(),
            SessionHash::of_token("abc")
        );
        for text in [text.to_uppercase(), text.replace("ba78", ""), "null".into(), "5".into()] {
            assert!(serde_json::from_str::<SessionHash>(&text).is_err(), "{text}");
        }
    }
}
