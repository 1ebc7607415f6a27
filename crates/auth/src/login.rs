//! 100, start to finish: the command that every other one is a variation of.

use crate::{
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    decision::{Decision, judge},
    entropy,
    error::Error,
    evidence::Evidence,
    grant::{Change, Effect, Grant},
    received::Received,
};
use data_encoding::BASE64URL_NOPAD;
use fourauth_factors::{password::Hash, password_rule::NewPassword};
use fourauth_protocol::{answer::Gains, command::Login, secret::Secret, time::UnixMillis};
use fourauth_store::{AccountId, NewSession, Subject};
use sha2::{Digest as _, Sha256};

impl Authenticator {
    /// Decides one login and records the decision.
    ///
    /// The work done does not depend on whether the account exists: the store hands out a decoy
    /// record for an unknown name, and every check runs whatever the others found.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided; the peer is then told `unavailable`, never `ok`.
    pub async fn login(&self, received: Received, login: Login) -> Result<Audited, Error> {
        let attempt = self.open(Action::Login, Some(&login.username), received);
        let subject = self.store.subject(&login.username).await?;
        let evidence = Evidence::from(&login);
        let examination = self.examine(&subject, evidence, received.at.now).await?;

        let outcome = match judge(subject.standing, &examination, received.at.state) {
            Decision::Denied(denial) => Err(denial),
            Decision::Granted(account) => {
                let upgraded = self.upgrade(&subject, login.password).await?;
                let (session, gains) = self.session(&subject, account, received.at.now);
                let change = Change::LogIn { session, upgraded };
                Ok((grant(account, &subject, examination.step, change), gains))
            }
        };
        attempt.conclude(&self.store, Verdict { outcome, detail: examination.to_string() }).await
    }

    /// The hash of a password that has just proved right, if its stored hash has fallen behind.
    async fn upgrade(
        &self,
        subject: &Subject,
        password: Secret<String>,
    ) -> Result<Option<Hash>, Error> {
        if !self.hasher.is_outdated(&subject.password) {
            return Ok(None);
        }
        Ok(Some(self.hasher.create(NewPassword::in_use(&password)).await?))
    }

    /// A session and its token. Only the token's hash is kept.
    fn session(
        &self,
        subject: &Subject,
        account: AccountId,
        at: UnixMillis,
    ) -> (NewSession, Gains) {
        let token = Secret::new(BASE64URL_NOPAD.encode(&entropy::bytes::<32>()));
        let expires = at.saturating_add_ms(self.settings.session_ms);
        let session = NewSession {
            token: Sha256::digest(token.expose().as_bytes()).into(),
            account,
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

/// A change to the account that was examined, which spends the code that was offered.
pub(crate) fn grant(
    account: AccountId,
    subject: &Subject,
    step: Option<fourauth_factors::totp::Step>,
    change: Change,
) -> Effect {
    Effect::Change(Box::new(Grant { account, version: subject.version, step, change }))
}
