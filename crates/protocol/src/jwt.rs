//! Tokens of sessions that other software reads: JSON Web Tokens (RFC 7519), signed with ES256 (RFC
//! 7518 §3.4).
//!
//! There is one algorithm and one type. The header is compared with them and cannot select others
//! (RFC 8725 §3.1). This module signs and verifies nothing.

use crate::{level::Level, receipt::Method, secret::Secret, shape};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The only `alg`. Common libraries verify it, which cannot be said of Ed25519.
pub const ALGORITHM: &str = "ES256";

/// The only `typ`.
pub const TYPE: &str = "JWT";

/// Longest token that is read, in bytes.
pub const MAX_BYTES: usize = 4096;

/// Bytes of a signature: `r` and `s`, each 32 bytes, big-endian.
pub const SIGNATURE_BYTES: usize = 64;

/// The statement of a token: the claims of RFC 7519 §4.1, and ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The server, by its configured name.
    pub iss: String,
    /// The id of the account, which no other account ever has.
    pub sub: String,
    /// The name of the account. Another account may have it once this one is erased.
    pub preferred_username: String,
    /// The service that the token is for; the issuer if none was named.
    pub aud: String,
    /// The mail address of the account, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Always false: that mail to the address arrives at this person was not checked.
    pub email_verified: bool,
    /// Time of issue, in seconds of Unix time.
    pub iat: i64,
    /// Time of expiry, in seconds of Unix time.
    pub exp: i64,
    /// Identifies the token.
    pub jti: String,
    /// Identifies its session, as 142 lists it. The token is of no use after the end of the session.
    pub sid: String,
    /// The methods that the login proved (RFC 8176).
    pub amr: Vec<Method>,
    /// The level that they reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// A public key that verifies tokens (RFC 7517, RFC 7518 §6.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublicKey {
    /// Always `EC`.
    pub kty: String,
    /// Always `P-256`.
    pub crv: String,
    /// The x coordinate: 32 bytes as base64url.
    pub x: String,
    /// The y coordinate.
    pub y: String,
    /// The thumbprint of the key (RFC 7638), which the header of a token names.
    pub kid: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// Always `ES256`.
    pub alg: String,
}

/// The header of a token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// The signing input (RFC 7515 §5.1): the header, which names the key `kid`, and the claims.
///
/// # Panics
///
/// Never: claims have string keys and no part that can fail to serialise.
#[must_use]
pub fn to_be_signed(claims: &Claims, kid: &str) -> String {
    let header = Header { alg: ALGORITHM.into(), typ: TYPE.into(), kid: kid.into() };
    format!("{}.{}", encode(&header), encode(claims))
}

/// The whole token: the signing input and the signature. Its holder can present it, so it is a secret.
#[must_use]
pub fn compact(signed: &str, signature: &[u8]) -> Secret<String> {
    Secret::new(format!("{signed}.{}", BASE64URL_NOPAD.encode(signature)))
}

/// True if the text could be such a token and no token of the other kind, which has no dot.
#[must_use]
pub fn is_compact(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// A token with a signature that has not been verified.
pub struct Unverified<'a> {
    signed: &'a str,
    payload: &'a str,
    kid: String,
    signature: [u8; SIGNATURE_BYTES],
}

impl<'a> Unverified<'a> {
    /// Splits a token into its parts. The claims are not decoded.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the text is too long, is not three parts of strict base64url, or has another
    /// header than a token of this kind.
    pub fn parse(text: &'a str) -> Result<Self, Unreadable> {
        if text.len() > MAX_BYTES {
            return Err(Unreadable);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Unreadable)?;
        let (header, payload) = signed.split_once('.').ok_or(Unreadable)?;
        let header: Header = decode_json(header)?;
        if header.alg != ALGORITHM || header.typ != TYPE {
            return Err(Unreadable);
        }
        let signature = decode(signature)?.try_into().map_err(|_| Unreadable)?;
        Ok(Self { signed, payload, kid: header.kid, signature })
    }

    /// The name of the signing key, as the header claims it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The signing input.
    #[must_use]
    pub const fn signed(&self) -> &'a [u8] {
        self.signed.as_bytes()
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.signature
    }

    /// The claims. Call this only after the signature has been verified.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the payload is not the claims of such a token, or has one of them twice.
    pub fn claims(&self) -> Result<Claims, Unreadable> {
        decode_json(self.payload)
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn encode(part: &impl Serialize) -> String {
    let json = serde_json::to_vec(part).expect("string keys and no fallible parts");
    BASE64URL_NOPAD.encode(&json)
}

fn decode(text: &str) -> Result<Vec<u8>, Unreadable> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Unreadable)
}

fn decode_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let json = decode(text)?;
    shape::check(&json).map_err(|_| Unreadable)?;
    serde_json::from_slice(&json).map_err(|_| Unreadable)
}

/// The text is not a token of this kind. It is not quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this kind")]
pub struct Unreadable;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claims() -> Claims {
        Claims {
            iss: "https://login.example".into(),
            sub: "7".into(),
            preferred_username: "carol".into(),
            aud: "https://login.example".into(),
            email: Some("carol@example.org".into()),
            email_verified: false,
            iat: 1_795_262_400,
            exp: 1_795_266_000,
            jti: "01KB0".into(),
            sid: "00".repeat(16),
            amr: vec![Method::Password],
            level: Some(Level::One),
        }
    }

    fn with_header(header: &str) -> String {
        let signed = to_be_signed(&claims(), "k");
        let (_, payload) = signed.split_once('.').unwrap();
        let header = BASE64URL_NOPAD.encode(header.as_bytes());
        compact(&format!("{header}.{payload}"), &[7; SIGNATURE_BYTES]).expose().clone()
    }

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        let text = compact(&to_be_signed(&claims(), "k"), &[7; SIGNATURE_BYTES]);
        let read = Unverified::parse(text.expose()).unwrap();
        assert_eq!((read.kid(), read.signature()), ("k", &[7; SIGNATURE_BYTES]));
        assert_eq!(read.claims(), Ok(claims()));
        assert!(is_compact(text.expose()) && !is_compact("fourauth_AAAA"));
    }

    #[test]
    fn another_algorithm_or_type_is_refused() {
        assert!(
            Unverified::parse(&with_header(r#"{"alg":"ES256","typ":"JWT","kid":"k"}"#)).is_ok()
        );
        for header in [
            r#"{"alg":"none","typ":"JWT","kid":"k"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"k"}"#,
            r#"{"alg":"EdDSA","typ":"fourauth-receipt+jwt","kid":"k"}"#,
            r#"{"alg":"ES256","alg":"none","typ":"JWT","kid":"k"}"#,
            r#"{"alg":"ES256","typ":"JWT","kid":"k","crit":["exp"]}"#,
            r#"{"alg":"ES256","typ":"JWT","kid":"k","jwk":{}}"#,
            r#"{"alg":"ES256","typ":"JWT"}"#,
            "[]",
        ] {
            assert!(Unverified::parse(&with_header(header)).is_err(), "{header}");
        }
    }

    #[test]
    fn repeated_and_missing_claims_are_refused() {
        let json = serde_json::to_string(&claims()).unwrap();
        let header = to_be_signed(&claims(), "k").split_once('.').unwrap().0.to_owned();
        for payload in [
            json.replace("\"iat\"", "\"exp\":1,\"iat\""),
            json.replace("\"sid\"", "\"side\""),
            format!("[{json}]"),
        ] {
            let payload = BASE64URL_NOPAD.encode(payload.as_bytes());
            let text = compact(&format!("{header}.{payload}"), &[7; SIGNATURE_BYTES]);
            let read = Unverified::parse(text.expose()).unwrap();
            assert_eq!(read.claims(), Err(Unreadable));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,20}(\\.[A-Za-z0-9_-]{0,90}){0,3}") {
            let _read = Unverified::parse(&text).map(|token| token.claims());
        }
    }
}
