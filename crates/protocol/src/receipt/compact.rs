//! The compact form: header, payload and signature, each in base64url, divided by dots (RFC 7515
//! §7.1).
//!
//! One algorithm, one type, and no way to ask for another: what the header says is compared and
//! never obeyed (RFC 8725 §3.1).

use super::{KeyName, Receipt};
use crate::{secret::Secret, shape};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

/// The only `alg`: Ed25519 (RFC 8037 §3.1; RFC 8032).
pub const ALGORITHM: &str = "EdDSA";

/// The only `typ`, so that no other kind of token is taken for a receipt (RFC 8725 §3.11).
pub const TYPE: &str = "fourauth-receipt+jwt";

/// Longest receipt that is looked at, in bytes.
///
/// One of a short name has about 800. The longest name, issuer and audience that there can be, each character
/// escaped, stay below this.
pub const MAX_BYTES: usize = 8192;

/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;

/// What is signed (RFC 7515 §5.1): the header and the payload, with `key` named in the header.
///
/// # Panics
///
/// Never: claims have text keys and no part that can fail to serialise.
#[must_use]
pub fn to_be_signed(receipt: &Receipt, key: &KeyName) -> String {
    let header = format!(r#"{{"alg":"{ALGORITHM}","typ":"{TYPE}","kid":"{key}"}}"#);
    let payload = serde_json::to_vec(receipt).expect("claims have text keys and no fallible parts");
    format!("{}.{}", encode(header.as_bytes()), encode(&payload))
}

/// The whole receipt: what was signed, and the signature. Whoever has it can show it, so it is kept
/// like the token that it comes with.
#[must_use]
pub fn compact(signed: &str, signature: &[u8]) -> Secret<String> {
    Secret::new(format!("{signed}.{}", encode(signature)))
}

/// A text that has the form of a receipt and has yet to prove that it is one.
#[derive(Debug, Clone, Copy)]
pub struct Unverified<'a> {
    signed: &'a str,
    payload: &'a str,
    key: KeyName,
    signature: [u8; SIGNATURE],
}

impl<'a> Unverified<'a> {
    /// Takes a compact form apart. The payload is not looked into.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if it is too long, not three parts of strict base64url, or if its header is
    /// not that of a receipt.
    pub fn parse(text: &'a str) -> Result<Self, Unreadable> {
        if text.len() > MAX_BYTES {
            return Err(Unreadable);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Unreadable)?;
        let (header, payload) = signed.split_once('.').ok_or(Unreadable)?;
        let signature = decode(signature)?.try_into().map_err(|_| Unreadable)?;
        Ok(Self { signed, payload, key: key_named_in(&decode(header)?)?, signature })
    }

    /// The key that it says to be signed with.
    #[must_use]
    pub const fn key(&self) -> KeyName {
        self.key
    }

    /// The bytes that the signature is over.
    #[must_use]
    pub const fn signed(&self) -> &'a [u8] {
        self.signed.as_bytes()
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &[u8; SIGNATURE] {
        &self.signature
    }

    /// What it says; to be asked once the signature holds, and not before.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if these are not the claims of a receipt, or if one stands there twice.
    pub fn claims(&self) -> Result<Receipt, Unreadable> {
        let payload = decode(self.payload)?;
        shape::check(&payload).map_err(|_| Unreadable)?;
        serde_json::from_slice(&payload).map_err(|_| Unreadable)
    }
}

/// The `kid` of a header that is one of ours. Members that it does not have to know are ignored
/// (RFC 7515 §4); that some must be understood is one that it would have to know (§4.1.11).
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

/// The text is no receipt, or one of a kind that this version does not know. Not quoted.
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
    fn what_is_put_together_is_taken_apart() {
        let signed = to_be_signed(&example(), &KeyName::parse(KEY).unwrap());
        let whole = compact(&signed, &[7; 64]);
        assert_eq!(*whole.expose(), right());

        let read = Unverified::parse(whole.expose()).unwrap();
        assert_eq!((read.signed(), read.signature()), (signed.as_bytes(), &[7; 64]));
        assert_eq!(read.key().to_string(), KEY);
        assert_eq!(read.claims(), Ok(example()));
    }

    #[test]
    fn no_other_header_is_a_receipts() {
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
        assert!(Unverified::parse(&with_header(more)).is_ok(), "what need not be known is ignored");
    }

    #[test]
    fn there_is_one_spelling_of_each_part() {
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
            // The last character of 64 bytes has four bits that say nothing.
            format!("{}x", &right[..right.len() - 1]),
            format!("{right}{}", "A".repeat(MAX_BYTES)),
        ] {
            assert!(Unverified::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn claims_that_stand_there_twice_or_not_at_all_are_none() {
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
    fn the_longest_receipt_that_there_can_be_is_read() {
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
