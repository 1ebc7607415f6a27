//! The fingerprint of a certificate, which identifies a server without a certificate authority.

use data_encoding::{HEXLOWER_PERMISSIVE, HEXUPPER};
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 of a certificate in DER, as printed by `fourauthd` and by
/// `openssl x509 -fingerprint -sha256`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Parses 64 hexadecimal digits in upper or lower case, with or without colons, with or without
    /// `SHA-256` in front.
    ///
    /// # Errors
    ///
    /// [`ParseFingerprintError`] for anything else; a shortened fingerprint is not accepted.
    pub fn parse(text: &str) -> Result<Self, ParseFingerprintError> {
        let digits: String = without_label(text.trim()).chars().filter(|&c| c != ':').collect();
        let bytes =
            HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| ParseFingerprintError)?;
        bytes.try_into().map(Self).map_err(|_| ParseFingerprintError)
    }
}

/// Drops `SHA-256`, `sha256 Fingerprint=` and the like.
fn without_label(text: &str) -> &str {
    let labelled = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("sha"));
    let value = text.rsplit(['=', ' ']).next().unwrap_or(text);
    if !labelled {
        return text;
    }
    ["SHA-256:", "SHA256:"]
        .into_iter()
        .find(|label| value.get(..label.len()).is_some_and(|s| s.eq_ignore_ascii_case(label)))
        .map_or(value, |label| &value[label.len()..])
}

/// Upper case, separated by colons.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{}", HEXUPPER.encode(&[*byte]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The text is not a SHA-256 fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 fingerprint: give 64 hexadecimal digits, colons allowed")]
pub struct ParseFingerprintError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_of_a_fingerprint_are_equal() {
        let abc = Fingerprint::of(b"abc");
        // FIPS 180-4, the one-block example.
        let plain = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Fingerprint::parse(plain), Ok(abc));
        let colons = abc.to_string();
        assert!(colons.starts_with("BA:78:16:BF:"));
        for text in [
            colons.clone(),
            plain.to_uppercase(),
            format!("SHA-256 {colons}"),
            format!("sha256:{plain}"),
            format!("SHA-256: {colons}\n"),
            format!("sha256 Fingerprint={colons}"),
        ] {
            assert_eq!(Fingerprint::parse(&text), Ok(abc), "{text}");
        }
    }

    #[test]
    fn a_short_or_malformed_fingerprint_is_refused() {
        let whole = "ab".repeat(32);
        for text in
            ["", "ab", "SHA-256", &whole[..62], &format!("{whole}ab"), &whole.replace('b', "x")]
        {
            assert_eq!(Fingerprint::parse(text), Err(ParseFingerprintError), "{text}");
        }
    }
}
