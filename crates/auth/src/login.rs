//! 100: prove who you are. The command that every other one is a variation of; the walk itself is
//! in `proof.rs`.

use crate::{
    attempt::{Action, Audited},
    authenticator::Authenticator,
    entropy,
    error::Error,
    evidence::Evidence,
    grant::Change,
    received::Received,
};
use data_encoding::BASE64URL_NOPAD;
use fourauth_factors::{password::Hash, password_rule::NewPassword};
use fourauth_protocol::{answer::Gains, command::Login, secret::Secret, time::UnixMillis};
use fourauth_store::{NewSession, Subject};
use sha2::{Digest as _, Sha256};

impl Authenticator {
    /// Opens a session for who proves password, face, one-time code, device and an honest clock.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided; the peer is then told `unavailable`, never `ok`.
    pub async fn login(&self, received: Received, login: Login) -> Result<Audited, Error> {
        let evidence = Evidence::from(&login);
        self.prove(Action::Login, received, &login.username, evidence, async |subject, _| {
            let upgraded = self.upgrade(subject, &login.password).await?;
            let (session, gains) = self.session(subject, received.at.now);
            Ok(Ok((Change::LogIn { session, upgraded }, gains)))
        })
        .await
    }

    /// The hash of a password that has just proved right, if its stored hash has fallen behind.
    async fn upgrade(
        &self,
        subject: &Subject,
        password: &Secret<String>,
    ) -> Result<Option<Hash>, Error> {
        if !self.hasher.is_outdated(&subject.password) {
            return Ok(None);
        }
        Ok(Some(self.hasher.create(NewPassword::in_use(password)).await?))
    }

    /// A session and its token. Only the token's hash is kept.
    fn session(&self, subject: &Subject, at: UnixMillis) -> (NewSession, Gains) {
        let token = Secret::new(BASE64URL_NOPAD.encode(&entropy::bytes::<32>()));
        let expires = at.saturating_add_ms(self.settings.session_ms);
        let session = NewSession {
            token: Sha256::digest(token.expose().as_bytes()).into(),
            account: subject.account,
            version: subject.version,
            created: at,
            expires,
        };
        let gains = Gains {
            token: Some(token),
            expires_at: Some(expires),
            must_change: subject.must_change.then_some(true),
            ..Gains::default()
        };
        (session, gains)
    }
}
