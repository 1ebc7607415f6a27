//! Administrators: who may add accounts and read the log. The walk of every command that an
//! administrator vouches for.
//!
//! Guesses at their secrets are counted by where they come from: whoever guesses waits longer and
//! longer, and administrators elsewhere do not.

use crate::{
    aftermath::Aftermath,
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    compute::Requester,
    decision::Denial,
    error::Error,
    grant::Effect,
    limits::Asked,
    received::Received,
};
use fourauth_protocol::{answer::Gains, secret::Secret, username::Username};
use fourauth_store::{Lane, Target};

/// Shortest administrator's secret, in characters.
pub const MIN_SECRET_CHARS: usize = 16;

impl Authenticator {
    /// Decides one command that needs an administrator, and records the decision. `act` is asked only
    /// once the secret has proved to be one's, and told whose.
    pub(crate) async fn as_admin(
        &self,
        action: Action,
        received: Received,
        about: Option<&Username>,
        secret: Secret<String>,
        act: impl AsyncFnOnce(&Received, &str) -> Result<Result<(Effect, Gains), Denial>, Error>,
    ) -> Result<Audited, Error> {
        let attempt = self.open(action, about, received.clone())?;
        if let Some(limited) = received.limited() {
            return attempt.conclude(&self.store, Verdict::limited(limited)).await;
        }
        let target = Target::admin(&received.source().to_string());
        let admission = self.admit(target, Lane::Admin, Asked::default(), received.at.now);
        let admitted = match admission.await? {
            Ok(admitted) => admitted,
            Err(limited) => return attempt.conclude(&self.store, Verdict::limited(limited)).await,
        };
        let by = Requester::admitted(received.source(), admitted.lane);
        let verdict = match self.admin(secret, by).await? {
            None => Verdict {
                outcome: Err(Denial::Admin),
                detail: String::new(),
                aftermath: Aftermath::wrong_admin(&admitted, &received),
            },
            Some(admin) => Verdict {
                outcome: act(&received, &admin).await?,
                detail: format!("admin={admin}"),
                aftermath: Aftermath::right_admin(&admitted),
            },
        };
        attempt.conclude(&self.store, verdict).await
    }

    /// The name of the administrator whose secret this is.
    ///
    /// Every secret on record is compared, whichever fits.
    async fn admin(&self, secret: Secret<String>, by: Requester) -> Result<Option<String>, Error> {
        let admins = self.store.admins().await?;
        let hashes = admins.iter().map(|admin| admin.hash.clone()).collect();
        let found = self.hasher.find(hashes, secret, by).await?;
        Ok(found.and_then(|index| admins.into_iter().nth(index)).map(|admin| admin.name))
    }
}
