//! Receipts: signed statements about a login that a service can verify without this server.
//!
//! A receipt names the audit row of its login, so it is signed after that row is durable. It is
//! added to the answer and decides nothing: a login without a receipt is valid.

use crate::{
    attempt::Audited, authenticator::Authenticator, command::LoggedIn, verified::Verified,
};
use fourauth_protocol::{
    audience::Audience,
    level::Level,
    receipt::{Method, ProvenDevice, Receipt, SessionHash, TimeQuality},
    request_id::RequestId,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{AccountId, AuditId, NewDevice, NewSession};
use fourauth_timekeeper::Reading;

/// The claims about a login, before its audit row is known.
#[derive(Debug)]
pub(crate) struct PendingReceipt {
    audience: Option<Audience>,
    username: Username,
    account: AccountId,
    request_id: RequestId,
    at: Reading,
    expires: UnixMillis,
    methods: Vec<Method>,
    device: ProvenDevice,
    session: SessionHash,
}

impl PendingReceipt {
    /// Creates the claims about a login that opens `session` with `token` and may bind the device
    /// `first`.
    pub(crate) fn of(
        verified: &Verified<'_>,
        audience: Option<Audience>,
        session: &NewSession,
        (token, first): (&Secret<String>, Option<&NewDevice>),
    ) -> Self {
        let (mac, known) = verified.device.address_and_key(verified.subject);
        let key_id = known.or(first.map(|device| device.key.id()));
        Self {
            audience,
            username: verified.subject.username.clone(),
            account: session.account,
            request_id: verified.received.id,
            at: verified.received.at,
            expires: session.expires,
            methods: session.methods.0.clone(),
            device: ProvenDevice { mac, key_id },
            session: SessionHash::of_token(token.expose()),
        }
    }

    fn written_as(self, AuditId(row): AuditId, tree_size: u64, issuer: &str) -> Receipt {
        let error_ms = Some(self.at.error_ms).filter(|error| *error != Reading::UNBOUNDED);
        Receipt {
            issuer: issuer.to_owned(),
            audience: self.audience,
            username: self.username,
            account: self.account.0.to_string(),
            issued_at: self.at.now,
            expires_at: self.expires,
            request_id: self.request_id,
            level: Level::of(&self.methods),
            methods: self.methods,
            device: self.device,
            time: TimeQuality { state: self.at.state.as_str().into(), error_ms },
            row,
            tree_size,
            session: self.session,
        }
    }
}

impl Authenticator {
    /// Adds a receipt if the login was granted. If the size of the audit tree cannot be read, the
    /// login stays granted and has no receipt.
    pub(crate) async fn with_receipt(
        &self,
        audited: Audited<LoggedIn>,
        pending: PendingReceipt,
    ) -> Audited<LoggedIn> {
        let Some(row) = audited.row() else { return audited };
        match self.store.tree_size().await {
            Ok(tree_size) => {
                let receipt = pending.written_as(row, tree_size, &self.settings.issuer);
                let receipt = self.receipts.sign(&receipt);
                audited.map(|logged_in| logged_in.receipt = Some(receipt))
            }
            Err(error) => {
                tracing::error!(%error, row = row.0, "login granted without a receipt");
                audited
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt_key::tests::key;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use fourauth_protocol::receipt::Unverified;

    #[test]
    fn a_receipt_verifies_and_parses_to_the_same_claims() {
        let receipt = pending().written_as(AuditId(42), 43, "issuer");
        assert_eq!((receipt.row, receipt.tree_size), (42, 43));
        let text = key().sign(&receipt);
        let read = Unverified::parse(text.expose()).unwrap();
        assert_eq!(read.key().to_string(), "21fe31dfa154a261");
        let public = UnparsedPublicKey::new(&ED25519, *key().public().as_bytes());
        assert!(public.verify(read.signed(), read.signature()).is_ok());
        assert_eq!(read.claims(), Ok(receipt));
    }

    #[test]
    fn an_unbounded_time_error_is_left_out() {
        let mut unbounded = pending();
        unbounded.at.error_ms = Reading::UNBOUNDED;
        assert_eq!(unbounded.written_as(AuditId(1), 1, "i").time.error_ms, None);
        assert_eq!(pending().written_as(AuditId(1), 1, "i").time.error_ms, Some(12));
    }

    fn pending() -> PendingReceipt {
        let now = UnixMillis(1_795_262_400_000);
        PendingReceipt {
            audience: None,
            username: Username::parse("alice").unwrap(),
            account: AccountId(7),
            request_id: RequestId::new(now, [7; 10]),
            at: Reading { now, error_ms: 12, state: fourauth_timekeeper::State::Synced },
            expires: now.saturating_add_ms(3_600_000),
            methods: Vec::new(),
            device: ProvenDevice {
                mac: fourauth_protocol::mac_address::MacAddress::parse("00:1b:44:11:3a:b7")
                    .unwrap(),
                key_id: None,
            },
            session: SessionHash::of_token("token"),
        }
    }
}
