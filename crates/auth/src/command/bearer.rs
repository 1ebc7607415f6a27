//! The steps of every command that a token authorises and that only reads.
//!
//! ```text
//! limits    a blocked source is refused without a look
//! session   the session of the token: one read
//! level     the session must reach the level that the command asks for
//! read      what the command answers
//! count     a use of the session in memory, or a refusal of the source; no row
//! ```

use crate::{
    action::Action, authenticator::Authenticator, decision::Denial, error::Error,
    looked_up::LookedUp, policy::Factors, received::Received,
};
use fourauth_protocol::{level::Level, secret::Secret};
use fourauth_store::{Enrolled, Refusal, Session, SessionUse, TokenHash};
use sha2::{Digest as _, Sha256};

/// A token, and the level that its session must have.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) token: Secret<String>,
    pub(crate) level: Option<Level>,
}

impl Authenticator {
    /// Decides one command of the holder of a token. `read` is called only for a valid session.
    pub(crate) async fn bear<A>(
        &self,
        action: Action,
        received: &Received,
        bearer: Bearer,
        read: impl AsyncFnOnce(&Session) -> Result<A, Error>,
    ) -> Result<LookedUp<A>, Error> {
        let token = Sha256::digest(bearer.token.expose().as_bytes()).into();
        let outcome = match self.bearer_session(&token, received, bearer.level).await? {
            Ok(session) => {
                let answer = read(&session).await?;
                self.count_use(action, &token, session.account, received);
                Ok(answer)
            }
            Err(denial) => {
                self.count_bearer_refusal(action, received).await?;
                Err(denial)
            }
        };
        Ok(LookedUp { request: received.id, action, profile: self.settings.profile, outcome })
    }

    /// The session of a token, if it may be used now.
    async fn bearer_session(
        &self,
        token: &TokenHash,
        received: &Received,
        level: Option<Level>,
    ) -> Result<Result<Session, Denial>, Error> {
        if let Some(limited) = received.limited() {
            return Ok(Err(Denial::Limited(limited)));
        }
        let Some(session) = self.store.session(token, received.at.now).await? else {
            return Ok(Err(Denial::SignedOut));
        };
        if session.methods.level() < level {
            let missing = Factors::that_raise(&session.methods.0, Enrolled::ALL);
            return Ok(Err(Denial::MoreNeeded(missing)));
        }
        Ok(Ok(session))
    }

    fn count_use(
        &self,
        action: Action,
        session: &TokenHash,
        account: fourauth_store::AccountId,
        received: &Received,
    ) {
        let (session, action, at) = (*session, action.as_str(), received.at.now);
        self.store.note_use(&SessionUse { session, account, action, at });
    }

    /// The name in a refused command is not known, so only its source is counted.
    async fn count_bearer_refusal(&self, action: Action, received: &Received) -> Result<(), Error> {
        let refusal = Refusal {
            source: received.source().to_string(),
            action: action.as_str(),
            name: None,
            at: received.at.now,
        };
        Ok(self.store.count_refusal(refusal).await?)
    }
}
