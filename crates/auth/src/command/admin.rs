//! The steps of every command that needs an administrator: adding accounts and reading the log.
//!
//! Guesses at administrators' secrets are counted by source: a source that guesses waits longer and
//! longer, and administrators elsewhere do not wait.

use crate::{
    action::Action,
    admission::Admitted,
    attempt::{Audited, Verdict, effect::Effect, tally_change::TallyChange},
    authenticator::Authenticator,
    compute::Requester,
    decision::Denial,
    error::Error,
    limits::{AdmissionRequest, LimitedFactors},
    not_granted::{NotGranted, decided},
    received::Received,
};
use fourauth_protocol::{secret::Secret, username::Username};
use fourauth_store::{Lane, Target};

impl Authenticator {
    /// Decides one command that needs an administrator, and records the decision. `act` is called
    /// only if the secret is right, with the administrator's name.
    pub(crate) async fn as_admin<A>(
        &self,
        action: Action,
        received: Received,
        about: Option<&Username>,
        secret: Secret<String>,
        act: impl AsyncFnOnce(&Received, &str) -> Result<(Effect, A), NotGranted>,
    ) -> Result<Audited<A>, Error> {
        let attempt = self.open(action, about, received.clone())?;
        let admitted = match decided(self.admit_admin(&received).await)? {
            Ok(admitted) => admitted,
            Err(denial) => return attempt.conclude(&self.store, Verdict::unexamined(denial)).await,
        };
        let by = Requester::admitted(&received, Lane::Admin);
        let verdict = match self.admin(secret, by).await? {
            None => Verdict {
                outcome: Err(Denial::Admin),
                detail: String::new(),
                tally_change: TallyChange::wrong_admin(admitted.as_ref(), &received),
                ends: None,
            },
            Some(admin) => Verdict {
                outcome: decided(act(&received, &admin).await)?,
                detail: format!("admin={admin}"),
                tally_change: TallyChange::right_admin(admitted.as_ref(), &received),
                ends: None,
            },
        };
        attempt.conclude(&self.store, verdict).await
    }

    /// Admits a guess at an administrator's secret to the lane of its source. A shared address has
    /// no lane, because one guessing client would make every administrator behind it wait. Secrets
    /// are too long to guess.
    async fn admit_admin(&self, received: &Received) -> Result<Option<Admitted>, NotGranted> {
        if let Some(limited) = received.limited() {
            return Err(limited.into());
        }
        if received.is_shared_address {
            return Ok(None);
        }
        let request = AdmissionRequest {
            target: Target::admin(&received.source().to_string()),
            lanes: &[Lane::Admin],
            known_lanes: 0,
            factors: LimitedFactors::default(),
            at: received.at.now,
        };
        Ok(Some(self.admission.admit(&self.store, request).await?))
    }

    /// Returns the name of the administrator with this secret. Every stored hash is compared, even
    /// after a match.
    async fn admin(&self, secret: Secret<String>, by: Requester) -> Result<Option<String>, Error> {
        let admins = self.store.admins().await?;
        let hashes = admins.iter().map(|admin| admin.hash.clone()).collect();
        let found = self.hasher.find(hashes, secret, by).await?;
        Ok(found.and_then(|index| admins.into_iter().nth(index)).map(|admin| admin.name))
    }
}
