//! Verifies receipts: whether a login took place, without asking the server.
//!
//! There is one algorithm and one key, and the receipt has no say in either. Nothing is believed of
//! it before its signature has been verified, and no clock is read here.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use fourauth_protocol::{
    audience::Audience,
    receipt::{KeyName, Receipt, Unreadable, Unverified, VerifyingKey},
    time::UnixMillis,
};

/// Verifies the receipts of one server.
///
/// What it needs to know comes from the operator, or from `receipt_key` in the answer to 190 over a
/// connection whose server is [trusted](crate::Trust); never from the receipt.
///
/// ```
/// use fourauth_client::{NotAReceipt, ReceiptVerifier};
/// use fourauth_protocol::{
///     receipt::{Method, VerifyingKey},
///     time::UnixMillis,
/// };
///
/// let key = VerifyingKey::parse("ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")?;
/// let verifier = ReceiptVerifier::new(key, "4Auth-Authentication");
///
/// // What a person's browser or program has shown:
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
/// // An hour later the session has ended.
/// let later = now.saturating_add_ms(3_600_000);
/// assert!(matches!(verifier.verify(shown, later), Err(NotAReceipt::Expired { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReceiptVerifier {
    key: VerifyingKey,
    issuer: String,
    audience: Option<Audience>,
}

impl ReceiptVerifier {
    /// Believes what the server with this key says under the name `issuer`: `auth.issuer` of its
    /// configuration.
    #[must_use]
    pub fn new(key: VerifyingKey, issuer: impl Into<String>) -> Self {
        Self { key, issuer: issuer.into(), audience: None }
    }

    /// Believes only receipts that are for `audience`: what this service has its people name at
    /// login. Without it, a receipt that was shown here could be shown at another service.
    #[must_use]
    pub fn for_audience(self, audience: Audience) -> Self {
        Self { audience: Some(audience), ..self }
    }

    /// What the receipt says, if the server has said it and the session has not ended by itself at
    /// `now`.
    ///
    /// A receipt shows that the login took place, and not that its session still lasts: only the server
    /// knows of a session that was ended early. A receipt without an audience can be shown on by any
    /// service to another that asks for none. To tie it to a token see
    /// [`SessionHash::is_of`](fourauth_protocol::receipt::SessionHash::is_of).
    ///
    /// # Errors
    ///
    /// [`NotAReceipt`], split by what its holder can do. Nothing it says may then be believed.
    pub fn verify(&self, text: &str, now: UnixMillis) -> Result<Receipt, NotAReceipt> {
        let unverified = Unverified::parse(text)?;
        if unverified.key() != self.key.name() {
            return Err(NotAReceipt::OtherKey { named: unverified.key() });
        }
        UnparsedPublicKey::new(&ED25519, self.key.as_bytes())
            .verify(unverified.signed(), unverified.signature())
            .map_err(|_| NotAReceipt::Forged)?;
        let receipt = unverified.claims()?;
        if receipt.issuer != self.issuer {
            return Err(NotAReceipt::OtherIssuer);
        }
        //= https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
        //# If the principal processing the claim does not identify itself with a
        //# value in the "aud" claim when this claim is present, then the JWT MUST
        //# be rejected.
        if receipt.audience != self.audience {
            return Err(NotAReceipt::OtherAudience);
        }
        if receipt.expires_at <= now {
            return Err(NotAReceipt::Expired { at: receipt.expires_at });
        }
        Ok(receipt)
    }
}

/// Why a receipt is not believed. Quotes nothing that could be of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAReceipt {
    /// Not a receipt at all, or of a kind that is not ours: another algorithm or type among them.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It says to be signed with another key: another server's, or a newer one of this server's.
    #[error("it is signed with key {named}, not with the one that is trusted")]
    OtherKey {
        /// What it calls that key.
        named: KeyName,
    },
    /// Its signature does not hold: somebody has made or changed it.
    #[error("its signature does not hold")]
    Forged,
    /// The server said it under another name.
    #[error("it is of another issuer")]
    OtherIssuer,
    /// It is for another service, or for none where one is asked for, or the other way round.
    #[error(
        "it is for another audience than the one that was asked for, or names one and none was"
    )]
    OtherAudience,
    /// It was true and has ended: log in again.
    #[error("it has ended at {at}")]
    Expired {
        /// When.
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
    fn what_the_server_has_signed_is_believed_until_it_ends() {
        let text = signed(&receipt());
        assert_eq!(verifier().verify(&text, NOW), Ok(receipt()));
        let end = receipt().expires_at;
        assert_eq!(verifier().verify(&text, UnixMillis(end.0 - 1)), Ok(receipt()));
        assert_eq!(verifier().verify(&text, end), Err(NotAReceipt::Expired { at: end }));
    }

    #[test]
    fn another_key_and_another_issuer_are_not_believed() {
        let text = signed(&receipt());
        let other = ReceiptVerifier::new(server(2).1, ISSUER);
        let named = server(1).1.name();
        assert_eq!(other.verify(&text, NOW), Err(NotAReceipt::OtherKey { named }));
        let elsewhere = ReceiptVerifier::new(server(1).1, "Elsewhere");
        assert_eq!(elsewhere.verify(&text, NOW), Err(NotAReceipt::OtherIssuer));
    }

    #[test]
    fn only_a_receipt_for_this_service_is_believed() {
        let [door, gate] = ["door", "gate"].map(|name| Audience::parse(name).ok());
        for (named, asked, is_believed) in [
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
            assert_eq!(outcome.is_ok(), is_believed, "{named:?} {asked:?}");
            assert!(is_believed || outcome == Err(NotAReceipt::OtherAudience));
        }
    }

    #[test]
    fn one_who_borrows_the_name_of_the_key_has_not_borrowed_the_key() {
        let text = to_be_signed(&receipt(), &server(1).1.name());
        let text = compact(&text, server(2).0.sign(text.as_bytes()).as_bytes());
        assert_eq!(verifier().verify(text.expose(), NOW), Err(NotAReceipt::Forged));
    }

    #[test]
    fn what_is_signed_and_is_no_receipt_is_none() {
        let (identity, key) = server(1);
        let header = to_be_signed(&receipt(), &key.name());
        let header = header.split_once('.').unwrap().0;
        let text = format!("{header}.{}", BASE64URL_NOPAD.encode(br#"{"iss":"4Auth"}"#));
        let text = compact(&text, identity.sign(text.as_bytes()).as_bytes());
        assert_eq!(verifier().verify(text.expose(), NOW), Err(NotAReceipt::Unreadable(Unreadable)));
    }

    proptest! {
        #[test]
        fn no_change_of_one_character_is_believed(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9._-]") {
            let text = signed(&receipt());
            let at = at.index(text.len());
            prop_assume!(text[at..=at] != to);
            let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
            prop_assert!(verifier().verify(&changed, NOW).is_err());
        }
    }
}
