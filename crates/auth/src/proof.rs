//! The walk of every command that proves factors, start to finish.
//!
//! ```text
//! open      from here on, ending unaudited reports itself
//! subject   the account's record, or a decoy: one read, one immutable snapshot
//! examine   every check, always, at the instant the command arrived
//! judge     findings in, decision out; the only place that knows what a decoy is
//! conclude  the change, the spent code and the audit row in one transaction, and then the answer
//! ```
//!
//! The commands differ in what they ask for and in what they change.

use crate::{
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    decision::{Decision, Denial, judge},
    error::Error,
    evidence::Evidence,
    examination::Examination,
    grant::{Change, Effect, Grant},
    received::Received,
};
use fourauth_protocol::{answer::Gains, username::Username};
use fourauth_store::Subject;

/// A change that may be made and what the peer gains by it, or why what was offered cannot be taken.
pub(crate) type Replacement = Result<(Change, Gains), Denial>;

impl Authenticator {
    /// Decides one command about the account `name` and records the decision.
    ///
    /// The steps taken do not depend on whether the account exists: the store hands out a decoy
    /// record for an unknown name, and every check runs whatever the others found. `change` is asked
    /// only once everything that `evidence` had to show has matched.
    pub(crate) async fn prove(
        &self,
        action: Action,
        received: Received,
        name: &Username,
        evidence: Evidence,
        change: impl AsyncFnOnce(&Subject, &Examination) -> Result<Replacement, Error>,
    ) -> Result<Audited, Error> {
        let attempt = self.open(action, Some(name), received);
        let subject = self.store.subject(name).await?;
        let examination = self.examine(&subject, evidence, received.at.now).await?;

        let outcome = match judge(subject.standing, &examination, received.at.state) {
            Decision::Denied(denial) => Err(denial),
            Decision::Granted(account) => {
                change(&subject, &examination).await?.map(|(change, gains)| {
                    let step = examination.step.filter(|_| change.spends_the_code());
                    let version = subject.version;
                    (Effect::Change(Box::new(Grant { account, version, step, change })), gains)
                })
            }
        };
        attempt.conclude(&self.store, Verdict { outcome, detail: examination.to_string() }).await
    }
}
