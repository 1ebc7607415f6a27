//! The proof of a browser that it holds the key of a session: a JSON Web Token as Device Bound Session
//! Credentials have it (W3C draft, "DBSC proof").
//!
//! There is one algorithm and one type, as in `jwt.rs`. The browser signs a challenge of the server, which is
//! the claim `jti`. The first proof brings the public key in its header. This module verifies nothing.

use crate::{grant::GrantToken, jwt, secret::Secret, shape};
use data_encoding::BASE64URL_NOPAD;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, IgnoredAny},
};
use std::fmt;

/// The only `typ`.
pub const TYPE: &str = "dbsc+jwt";

/// Longest proof that is read, in bytes. A browser sends some 500.
pub const MAX_BYTES: usize = 2048;

/// Bytes of a key: an uncompressed point of P-256 (SEC 1 §2.3.3), which is `04`, x and y.
pub const KEY_BYTES: usize = 65;

/// Bytes of a coordinate.
const COORDINATE: usize = 32;

/// The public key of a browser for one session. It may be no point of the curve: then it verifies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionKey([u8; KEY_BYTES]);

/// A proof whose signature has not been verified.
#[derive(Clone)]
pub struct SessionProof {
    text: Secret<String>,
    /// Length of the part that is signed.
    signed: usize,
    challenge: GrantToken,
    key: Option<SessionKey>,
    signature: [u8; jwt::SIGNATURE_BYTES],
}

/// The text is not a proof of this kind. It is not quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a proof for a session")]
pub struct NotAProof;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    jwk: Option<Jwk>,
    /// RFC 7515 §4.1.11: what it names must be understood, and nothing is.
    crit: Option<IgnoredAny>,
}

/// RFC 7518 §6.2.1.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
}

impl SessionKey {
    /// Takes an uncompressed point.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The uncompressed point.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl SessionProof {
    /// Reads a proof.
    ///
    /// # Errors
    ///
    /// [`NotAProof`] if the text is too long, is not three parts of strict base64url, has another
    /// algorithm, type or kind of key, or signs something else than a challenge of a server of this kind.
    pub fn parse(text: &str) -> Result<Self, NotAProof> {
        if text.len() > MAX_BYTES {
            return Err(NotAProof);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(NotAProof)?;
        let (header, claims) = signed.split_once('.').ok_or(NotAProof)?;
        let Header { alg, typ, jwk, crit } = decode_json(header)?;
        if alg != jwt::ALGORITHM || typ != TYPE || crit.is_some() {
            return Err(NotAProof);
        }
        let Claims { jti } = decode_json(claims)?;
        Ok(Self {
            text: Secret::new(text.to_owned()),
            signed: signed.len(),
            challenge: GrantToken::parse(&jti).map_err(|_| NotAProof)?,
            key: jwk.map(Jwk::key).transpose()?,
            signature: decode(signature)?.try_into().map_err(|_| NotAProof)?,
        })
    }

    /// The signing input (RFC 7515 §5.1).
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        self.text.expose().as_bytes().get(..self.signed).unwrap_or_default()
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &[u8; jwt::SIGNATURE_BYTES] {
        &self.signature
    }

    /// The challenge that was signed.
    #[must_use]
    pub const fn challenge(&self) -> &GrantToken {
        &self.challenge
    }

    /// The key, which only the first proof brings.
    #[must_use]
    pub const fn key(&self) -> Option<&SessionKey> {
        self.key.as_ref()
    }
}

impl Jwk {
    fn key(self) -> Result<SessionKey, NotAProof> {
        let [x, y] = [decode(&self.x)?, decode(&self.y)?];
        let is_p256 = self.kty == "EC" && self.crv == "P-256";
        if !is_p256 || x.len() != COORDINATE || y.len() != COORDINATE {
            return Err(NotAProof);
        }
        let point = [&[4], &*x, &*y].concat().try_into();
        point.map(SessionKey).map_err(|_| NotAProof)
    }
}

impl fmt::Debug for SessionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionProof").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Serialize for SessionProof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text.expose())
    }
}

impl<'de> Deserialize<'de> for SessionProof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Secret::new(String::deserialize(deserializer)?);
        Self::parse(text.expose()).map_err(serde::de::Error::custom)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, NotAProof> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NotAProof)
}

fn decode_json<T: DeserializeOwned>(text: &str) -> Result<T, NotAProof> {
    let json = decode(text)?;
    shape::check(&json).map_err(|_| NotAProof)?;
    serde_json::from_slice(&json).map_err(|_| NotAProof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::GRANT_BYTES;
    use proptest::prelude::*;

    /// A registration as Chromium 156 sends it, with another challenge and signature.
    const HEADER: &str = r#"{"alg":"ES256","jwk":{"crv":"P-256","kty":"EC","x":"tMi1AuTECUzDnOWzGmVr1G1_WNWX0qo_4HHJ6KCZCOQ","y":"82fMF_101I1LMSTrYwc6eQ0rgE-Z6a7hDrqADD4Jh5w"},"typ":"dbsc+jwt"}"#;

    fn challenge() -> String {
        GrantToken::from_bytes([7; GRANT_BYTES]).text().expose().clone()
    }

    fn proof(header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|it| BASE64URL_NOPAD.encode(it.as_bytes()));
        format!("{header}.{claims}.{}", BASE64URL_NOPAD.encode(&[9; jwt::SIGNATURE_BYTES]))
    }

    fn claims() -> String {
        format!(r#"{{"jti":"{}"}}"#, challenge())
    }

    #[test]
    fn the_first_proof_brings_the_key() {
        let text = proof(HEADER, &claims());
        let read = SessionProof::parse(&text).unwrap();
        let key = read.key().unwrap().as_bytes();
        assert_eq!((key[0], key[1], key[33]), (4, 0xb4, 0xf3));
        assert_eq!(read.challenge().text().expose(), &challenge());
        assert_eq!(read.signed(), text.rsplit_once('.').unwrap().0.as_bytes());
        assert_eq!(read.signature(), &[9; jwt::SIGNATURE_BYTES]);
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert!(!format!("{read:?}").contains("BwcH"));
        let later = proof(r#"{"alg":"ES256","typ":"dbsc+jwt"}"#, &claims());
        assert_eq!(SessionProof::parse(&later).unwrap().key(), None);
    }

    #[test]
    fn another_algorithm_type_or_kind_of_key_is_refused() {
        for (from, to) in [
            ("ES256", "none"),
            ("ES256", "RS256"),
            ("dbsc+jwt", "JWT"),
            ("P-256", "P-384"),
            (r#""EC""#, r#""OKP""#),
            ("tMi1", ""),
            (r#""alg""#, r#""crit":["b64"],"alg""#),
            (r#""alg""#, r#""typ":"JWT","alg""#),
        ] {
            let header = HEADER.replace(from, to);
            assert_ne!(header, HEADER, "{from}");
            assert!(SessionProof::parse(&proof(&header, &claims())).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn a_proof_signs_a_challenge_of_a_server() {
        for claims in ["{}", r#"{"jti":"x"}"#, r#"{"jti":7}"#, "[]"] {
            assert!(SessionProof::parse(&proof(HEADER, claims)).is_err(), "{claims}");
        }
        let doubled = format!(r#"{{"jti":"{0}","jti":"{0}"}}"#, challenge());
        assert!(SessionProof::parse(&proof(HEADER, &doubled)).is_err());
        let long = format!(r#"{{"jti":"{}","a":"{}"}}"#, challenge(), "a".repeat(MAX_BYTES));
        assert!(SessionProof::parse(&proof(HEADER, &long)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,20}(\\.[A-Za-z0-9_-]{0,90}){0,3}") {
            let _read = SessionProof::parse(&text);
        }
    }
}
