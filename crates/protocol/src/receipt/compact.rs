//! The compact form: header, payload and signature, each in base64url, separated by dots (RFC 7515
//! §7.1).
//!
//! There is one algorithm and one type. The header is compared with them and cannot select others
//! (RFC 8725 §3.1).

use super::{KeyName, Receipt};
use crate::{secret::Secret, shape};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

/// The only `alg`: Ed25519 (RFC 8037 §3.1; RFC 8032).
pub const ALGORITHM: &str = "EdDSA";

/// The only `typ`, so that no other kind of token passes as a receipt (RFC 8725 §3.11).
pub const TYPE: &str = "fourauth-receipt+jwt";

/// Longest receipt that is parsed, in bytes.
///
/// A receipt with a short name has about 800. The longest name, issuer and audience, with every
/// character escaped, stay below the limit.
pub const MAX_BYTES: usize = 8192;

/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;

/// The signing input (RFC 7515 §5.1): the header, which names `key`, and the payload.
///
/// # Panics
///
/// Never: claims have string keys and no part that can fail to serialise.
#[must_use]
pub fn to_be_signed(receipt: &Receipt, key: &KeyName) -> String {
    let header = format!(r#"{{"alg":"{ALGORITHM}","typ":"{TYPE}","kid":"{key}"}}"#);
    let payload =
        serde_json::to_vec(receipt).expect("claims have string keys and no fallible parts");
    format!("{}.{}", encode(header.as_bytes()), encode(&payload))
}

/// The whole receipt: the signing input and the signature. Every holder can present it, so it is a
/// secret like the token of the same login.
#[must_use]
pub fn compact(signed: &str, signature: &[u8]) -> Secret<String> {
    Secret::new(format!("{signed}.{}", encode(signature)))
}

/// A parsed receipt with a signature that has not been verified.
#[derive(Debug, Clone, Copy)]
pub struct Unverified<'a> {
    signed: &'a str,
    payload: &'a str,
    key: KeyName,
    signature: [u8; SIGNATURE],
}

impl<'a> Unverified<'a> {
    /// Splits a compact form into its parts. The payload is not decoded.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the text is too long, is not three parts of strict base64url, or does not
    /// have the header of a receipt.
    pub fn parse(text: &'a str) -> Result<Self, Unreadable> {
        if text.len() > MAX_BYTES {
            return Err(Unreadable);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Unreadable)?;
        let (header, payload) = signed.split_once('.').ok_or(Unreadable)?;
        let signature = decode(signature)?.try_into().map_err(|_| Unreadable)?;
        Ok(Self { signed, payload, key: key_named_in(&decode(header)?)?, signature })
    }

    /// The name of the signing key, as the header claims it.
    #[must_use]
    pub const fn key(&self) -> KeyName {
        self.key
    }

    /// The signing input.
    #[must_use]
    pub const fn signed(&self) -> &'a [u8] {
        self.signed.as_bytes()
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &[u8; SIGNATURE] {
        &self.signature
    }

    /// The claims. Call this only after the signature has been verified.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the payload is not the claims of a receipt, or has one of them twice.
    pub fn claims(&self) -> Result<Receipt, Unreadable> {
        let payload = decode(self.payload)?;
        shape::check(&payload).map_err(|_| Unreadable)?;
        serde_json::from_slice(&payload).map_err(|_| Unreadable)
    }
}

/// The `kid` of a receipt's header. Unknown members are ignored (RFC 7515 §4). A header with `crit`
/// is refused, because it lists members that a reader must understand (§4.1.11).
fn key_named_in(header: &[u8]) -> Result<KeyName, Unreadable> {
    shape::check(header).map_err(|_| Unreadable)?;
    let header: Map<String, Value> = serde_json::from_slice(header).map_err(|_| Unreadable)?;
    let text = |member: &str| header.get(member).and_then(Value::as_str);
    if text("alg") != Some(ALGORITHM) || text("typ") != Some(TYPE) || header.contains_key("crit") {
        return Err(Unreadable);
    }
    text("kid").and_then(KeyName::parse).ok_or(Unreadable)
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>, Unreadable> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Unreadable)
}

/// The text is not a receipt, or of a kind that this version does not know. It is not quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a receipt")]
pub struct Unreadable;

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;
    use crate::{
        audience::{Audience, MAX_AUDIENCE_BYTES},
        username::{MAX_CHARS, Username},
    };
    use proptest::prelude::*;

    const KEY: &str = "21fe31dfa154a261";

    fn with_header(header: &str) -> String {
        let payload = encode(&serde_json::to_vec(&example()).unwrap());
        format!("{}.{payload}.{}", encode(header.as_bytes()), encode(&[7; 64]))
    }

    fn right() -> String {
        with_header(&format!(r#"{{"alg":"EdDSA","typ":"fourauth-receipt+jwt","kid":"{KEY}"}}"#))
    }

    #[test]
    fn a_receipt_survives_the_wire() {
        let signed = to_be_signed(&example(), &KeyName::parse(KEY).unwrap());
        let whole = compact(&signed, &[7; 64]);
        assert_eq!(*whole.expose(), right());

        let read = Unverified::parse(whole.expose()).unwrap();
        assert_eq!((read.signed(), read.signature()), (signed.as_bytes(), &[7; 64]));
        assert_eq!(read.key().to_string(), KEY);
        assert_eq!(read.claims(), Ok(example()));
    }

    #[test]
    fn other_headers_are_refused() {
        for header in [
            r#"{"alg":"none","typ":"fourauth-receipt+jwt","kid":"21fe31dfa154a261"}"#,
            r#"{"alg":"HS256","typ":"fourauth-receipt+jwt","kid":"21fe31dfa154a261"}"#,
            r#"{"alg":"eddsa","typ":"fourauth-receipt+jwt","kid":"21fe31dfa154a261"}"#,
            r#"{"alg":["EdDSA"],"typ":"fourauth-receipt+jwt","kid":"21fe31dfa154a261"}"#,
            r#"{"typ":"fourauth-receipt+jwt","kid":"21fe31dfa154a261"}"#,
            r#"{"alg":"EdDSA","typ":"JWT","kid":"21fe31dfa154a261"}"#,
            r#"{"alg":"EdDSA","kid":"21fe31dfa154a261"}"#,
            r#"{"alg":"EdDSA","typ":"fourauth-receipt+jwt"}"#,
            r#"{"alg":"EdDSA","typ":"fourauth-receipt+jwt","kid":"../key"}"#,
            r#"{"alg":"EdDSA","typ":"fourauth-receipt+jwt","kid":"21fe31dfa154a261","crit":null}"#,
            r#"{"alg":"none","alg":"EdDSA","typ":"fourauth-receipt+jwt","kid":"21fe31dfa154a261"}"#,
            r#"["EdDSA","fourauth-receipt+jwt","21fe31dfa154a261"]"#,
            "",
        ] {
            assert!(Unverified::parse(&with_header(header)).is_err(), "{header}");
        }
        let more =
            r#"{"x":{},"kid":"21fe31dfa154a261","typ":"fourauth-receipt+jwt","alg":"EdDSA"}"#;
        assert!(Unverified::parse(&with_header(more)).is_ok(), "unknown members are ignored");
    }

    #[test]
    fn each_part_has_one_spelling() {
        let right = right();
        for text in [
            String::new(),
            "..".into(),
            right.replace('.', ","),
            format!("{right}="),
            format!("{right}\n"),
            format!("{right}."),
            format!("{right}.AA"),
            right[..right.len() - 1].to_owned(),
            // The last character of 64 encoded bytes has four unused bits.
            format!("{}x", &right[..right.len() - 1]),
            format!("{right}{}", "A".repeat(MAX_BYTES)),
        ] {
            assert!(Unverified::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn repeated_and_missing_claims_are_refused() {
        let claims = serde_json::to_string(&example()).unwrap();
        let header = right().split_once('.').unwrap().0.to_owned();
        for payload in [
            claims.replace("\"row\":42", "\"row\":42,\"row\":42"),
            claims.replace("{\"iss", "{\"x\":1,\"x\":1,\"iss"),
            claims.replace("\"row\":42,", ""),
            format!("[{claims}]"),
            format!("{claims}{claims}"),
        ] {
            let text = format!("{header}.{}.{}", encode(payload.as_bytes()), encode(&[7; 64]));
            assert_eq!(Unverified::parse(&text).unwrap().claims(), Err(Unreadable), "{payload}");
        }
        let more = claims.replace("{\"iss", "{\"cmd\":5,\"iss");
        let text = format!("{header}.{}.{}", encode(more.as_bytes()), encode(&[7; 64]));
        assert_eq!(Unverified::parse(&text).unwrap().claims(), Ok(example()));
    }

    #[test]
    fn the_longest_possible_receipt_is_read() {
        let mut longest = example();
        longest.issuer = "\u{1}".repeat(256);
        longest.audience = Audience::parse(&"\"".repeat(MAX_AUDIENCE_BYTES)).ok();
        longest.username = Username::parse(&"\u{1f511}".repeat(MAX_CHARS)).unwrap();
        (longest.row, longest.tree_size) = (i64::MAX, u64::MAX);
        let text = compact(&to_be_signed(&longest, &KeyName::parse(KEY).unwrap()), &[7; 64]);
        assert_eq!(Unverified::parse(text.expose()).unwrap().claims(), Ok(longest));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,20}(\\.[A-Za-z0-9_-]{0,90}){0,3}") {
            let _parsed = Unverified::parse(&text).map(|receipt| receipt.claims());
        }

        #[test]
        fn no_payload_makes_the_reader_panic(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let header = right().split_once('.').unwrap().0.to_owned();
            let text = format!("{header}.{}.{}", encode(&payload), encode(&[7; 64]));
            let _claims = Unverified::parse(&text).unwrap().claims();
        }
    }
}
