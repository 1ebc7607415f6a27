//! Verifies receipts of logins without the server.
//!
//! There is one algorithm and one key; the receipt cannot choose either. No claim is used before
//! the signature has been verified. The time is an argument; no clock is read here.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use fourauth_protocol::{
    audience::Audience,
    receipt::{KeyName, Receipt, Unreadable, Unverified, VerifyingKey},
    time::UnixMillis,
};

/// Verifies the receipts of one server.
///
/// The key and the issuer come from the operator, never from the receipt. The key may also come
/// from `receipt_key` in the answer to 190 of a [trusted](crate::Trust) server.
///
/// ```
/// use fourauth_client::{ReceiptError, ReceiptVerifier};
/// use fourauth_protocol::{
///     receipt::{Method, VerifyingKey},
///     time::UnixMillis,
/// };
///
/// let key = VerifyingKey::parse("ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")?;
/// let verifier = ReceiptVerifier::new(key, "4Auth-Authentication");
///
/// // The receipt that a browser or program has presented:
/// let shown = "\
///     eyJhbGciOiJFZERTQSIsInR5cCI6ImZvdXJhdXRoLXJlY2VpcHQrand0Iiwia2lkIjoiMjFmZTMxZGZhMTU0YTI2\
///     MSJ9.eyJpc3MiOiI0QXV0aC1BdXRoZW50aWNhdGlvbiIsInN1YiI6ImFsaWNlIiwiYWNjdCI6IjcyMDM2ODU0Nzc\
///     1ODA3MDAwMDEiLCJpYXQiOjE3OTUyNjI0MDAsImV4cCI6MTc5NTI2NjAwMCwianRpIjoiMDFNN1laTUhHMDBXM0d\
///     FMVI3MFczR0UxUjciLCJhbXIiOlsicHdkIiwib3RwIiwiZmFjZSIsInN3ayIsIm1mYSJdLCJkZXZpY2UiOnsibWF\
///     jIjoiMDA6MWI6NDQ6MTE6M2E6YjciLCJrZXlfaWQiOiIyMWZlMzFkZmExNTRhMjYxNjI2YmY4NTQwNDZmZDIyNyJ\
///     9LCJ0aW1lIjp7InN0YXRlIjoic3luY2VkIiwiZXJyb3JfbXMiOjEyfSwicm93Ijo0MiwidHJlZV9zaXplIjo0Miw\
///     ic2lkIjoiM2M0NjllOWQ2YzU4NzVkMzdhNDNmMzUzZDRmODhlNjFmY2Y4MTJjNjZlZWUzNDU3NDY1YTQwYjBkYTQ\
///     xNTNlMCJ9.Ia0M309YpyIOxoj4RMiYycTDAQKO7F2E1awC84jLOP1LA7BEYp48PwQHmpydjqOD3bQuPjD6cwrBwY\
///     BQj2ycBw";
/// let now = UnixMillis(1_795_262_460_000);
///
/// let receipt = verifier.verify(shown, now)?;
/// assert_eq!(receipt.username.as_str(), "alice");
/// assert!(receipt.methods.contains(&Method::Face));
///
/// // An hour later the session has expired.
/// let later = now.saturating_add_ms(3_600_000);
/// assert!(matches!(verifier.verify(shown, later), Err(ReceiptError::Expired { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReceiptVerifier {
    key: VerifyingKey,
    issuer: String,
    audience: Option<Audience>,
}

impl ReceiptVerifier {
    /// Accepts receipts that are signed with `key` and name `issuer`, which is `auth.issuer` of the
    /// server's configuration.
    #[must_use]
    pub fn new(key: VerifyingKey, issuer: impl Into<String>) -> Self {
        Self { key, issuer: issuer.into(), audience: None }
    }

    /// Accepts only receipts for `audience`, the name of this service that its users send at login.
    /// Without an audience, a receipt that was presented here could be reused at another service.
    #[must_use]
    pub fn for_audience(self, audience: Audience) -> Self {
        Self { audience: Some(audience), ..self }
    }

    /// Returns the claims of a receipt if the server has signed it and it has not expired at `now`.
    ///
    /// A receipt shows that the login took place, not that its session still exists: only the
    /// server knows if a session was ended early. A service can pass a receipt without an audience
    /// on to another service that expects none. To check that a token belongs to it, see
    /// [`SessionHash::is_of`](fourauth_protocol::receipt::SessionHash::is_of).
    ///
    /// # Errors
    ///
    /// [`ReceiptError`], split by what the receipt's holder can do. No claim of it may be used.
    pub fn verify(&self, text: &str, now: UnixMillis) -> Result<Receipt, ReceiptError> {
        let unverified = Unverified::parse(text)?;
        if unverified.key() != self.key.name() {
            return Err(ReceiptError::OtherKey { named: unverified.key() });
        }
        UnparsedPublicKey::new(&ED25519, self.key.as_bytes())
            .verify(unverified.signed(), unverified.signature())
            .map_err(|_| ReceiptError::Forged)?;
        let receipt = unverified.claims()?;
        if receipt.issuer != self.issuer {
            return Err(ReceiptError::OtherIssuer);
        }
        //= https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
        //# If the principal processing the claim does not identify itself with a
        //# value in the "aud" claim when this claim is present, then the JWT MUST
        //# be rejected.
        if receipt.audience != self.audience {
            return Err(ReceiptError::OtherAudience);
        }
        if receipt.expires_at <= now {
            return Err(ReceiptError::Expired { at: receipt.expires_at });
        }
        Ok(receipt)
    }
}

/// Why a receipt is invalid. Quotes nothing of unbounded length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Not a receipt, or not of this kind, for example with another algorithm or type.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It names another key: that of another server, or a newer one of this server.
    #[error("it is signed with key {named}, which is not the trusted key")]
    OtherKey {
        /// The key that it names.
        named: KeyName,
    },
    /// Its signature is wrong: it was forged or changed.
    #[error("its signature is wrong")]
    Forged,
    /// It names another issuer.
    #[error("it names another issuer")]
    OtherIssuer,
    /// It is for another service. This includes a receipt that names none if one is expected, and
    /// one that names a service if none is expected.
    #[error("its audience is not the expected one, or it names one and none is expected")]
    OtherAudience,
    /// It was valid and has expired: log in again.
    #[error("it expired at {at}")]
    Expired {
        /// When it expired.
        at: UnixMillis,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;
    use data_encoding::BASE64URL_NOPAD;
    use fourauth_protocol::{
        mac_address::MacAddress,
        receipt::{ProvenDevice, SessionHash, TimeQuality, compact, to_be_signed},
        request_id::RequestId,
        secret::Secret,
        username::Username,
    };
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(1_795_262_400_000);
    const ISSUER: &str = "4Auth-Authentication";

    fn receipt() -> Receipt {
        Receipt {
            issuer: ISSUER.into(),
            audience: None,
            username: Username::parse("alice").unwrap(),
            account: "7".into(),
            issued_at: NOW,
            expires_at: NOW.saturating_add_ms(3_600_000),
            request_id: RequestId::new(NOW, [7; 10]),
            methods: Vec::new(),
            level: None,
            device: ProvenDevice {
                mac: MacAddress::parse("00:1b:44:11:3a:b7").unwrap(),
                key_id: None,
            },
            time: TimeQuality { state: "synced".into(), error_ms: None },
            row: 42,
            tree_size: 42,
            session: SessionHash::of_token("token"),
        }
    }

    fn server(seed: u8) -> (Identity, VerifyingKey) {
        let identity = Identity::from_seed(Secret::new([seed; 32]));
        let key = VerifyingKey::from_bytes(*identity.key().as_bytes()).unwrap();
        (identity, key)
    }

    fn signed(receipt: &Receipt) -> String {
        let (identity, key) = server(1);
        let text = to_be_signed(receipt, &key.name());
        compact(&text, identity.sign(text.as_bytes()).as_bytes()).expose().clone()
    }

    fn verifier() -> ReceiptVerifier {
        ReceiptVerifier::new(server(1).1, ISSUER)
    }

    #[test]
    fn a_signed_receipt_is_valid_until_it_expires() {
        let text = signed(&receipt());
        assert_eq!(verifier().verify(&text, NOW), Ok(receipt()));
        let end = receipt().expires_at;
        assert_eq!(verifier().verify(&text, UnixMillis(end.0 - 1)), Ok(receipt()));
        assert_eq!(verifier().verify(&text, end), Err(ReceiptError::Expired { at: end }));
    }

    #[test]
    fn a_receipt_with_another_key_or_issuer_is_refused() {
        let text = signed(&receipt());
        let other = ReceiptVerifier::new(server(2).1, ISSUER);
        let named = server(1).1.name();
        assert_eq!(other.verify(&text, NOW), Err(ReceiptError::OtherKey { named }));
        let elsewhere = ReceiptVerifier::new(server(1).1, "Elsewhere");
        assert_eq!(elsewhere.verify(&text, NOW), Err(ReceiptError::OtherIssuer));
    }

    #[test]
    fn only_a_receipt_for_the_expected_audience_is_accepted() {
        let [door, gate] = ["door", "gate"].map(|name| Audience::parse(name).ok());
        for (named, asked, is_accepted) in [
            (None, None, true),
            (door.clone(), door.clone(), true),
            (door.clone(), gate.clone(), false),
            (door, None, false),
            (None, gate, false),
        ] {
            let text = signed(&Receipt { audience: named.clone(), ..receipt() });
            let verifier = match asked.clone() {
                Some(audience) => verifier().for_audience(audience),
                None => verifier(),
            };
            let outcome = verifier.verify(&text, NOW);
            assert_eq!(outcome.is_ok(), is_accepted, "{named:?} {asked:?}");
            assert!(is_accepted || outcome == Err(ReceiptError::OtherAudience));
        }
    }

    #[test]
    fn another_key_under_the_trusted_name_is_refused() {
        let text = to_be_signed(&receipt(), &server(1).1.name());
        let text = compact(&text, server(2).0.sign(text.as_bytes()).as_bytes());
        assert_eq!(verifier().verify(text.expose(), NOW), Err(ReceiptError::Forged));
    }

    #[test]
    fn a_signed_text_that_is_not_a_receipt_is_refused() {
        let (identity, key) = server(1);
        let header = to_be_signed(&receipt(), &key.name());
        let header = header.split_once('.').unwrap().0;
        let text = format!("{header}.{}", BASE64URL_NOPAD.encode(br#"{"iss":"4Auth"}"#));
        let text = compact(&text, identity.sign(text.as_bytes()).as_bytes());
        assert_eq!(
            verifier().verify(text.expose(), NOW),
            Err(ReceiptError::Unreadable(Unreadable))
        );
    }

    proptest! {
        #[test]
        fn changing_one_character_invalidates_a_receipt(
            at in any::<prop::sample::Index>(),
            to in "[A-Za-z0-9._-]",
        ) {
            let text = signed(&receipt());
            let at = at.index(text.len());
            prop_assume!(text[at..=at] != to);
            let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
            prop_assert!(verifier().verify(&changed, NOW).is_err());
        }
    }
}
