//! Every attempt ends in the audit log. There is no other way to obtain an answer from it.
//!
//! * `Attempt::conclude` is the only constructor of [`Audited`], and it commits first.
//! * An answer is made from an [`Audited`] outcome, or says that nothing was decided.
//! * An attempt that is dropped before it is concluded (error, panic, disconnect) is audited as
//!   undecided.
//!
//! Hence: no answer leaves the process before its audit row is durable.

pub(crate) mod console;
pub(crate) mod effect;
pub(crate) mod messages;
pub(crate) mod reset;
pub(crate) mod tally_change;
pub mod undecided;

use crate::{
    action::Action,
    answer::CommandAnswer,
    conflict::{Aborted, Conflict},
    decision::Denial,
    error::Error,
    metrics::Metrics,
    profile::Profile,
    received::Received,
};
use effect::Effect;
use fourauth_protocol::{answer::Answer, device::DeviceId, request_id::RequestId};
use fourauth_store::{self as store, AccountId, AuditEntry, AuditId, FamilyId, Refusal, Store};
use fourauth_timekeeper::Reading;
use std::sync::Arc;
use tally_change::TallyChange;
use tracing::{Instrument as _, Span};
use undecided::{Report, Undecided};

/// An outcome whose audit row has been committed. `A` is the answer of a granted command.
///
/// ```compile_fail
/// use fourauth_auth::{action::Action, attempt::Audited, decision::Denial, profile::Profile};
/// use fourauth_protocol::request_id::RequestId;
///
/// fn forge(request: RequestId) -> Audited<()> {
///     let outcome = Err(Denial::Totp); // a grant has no public constructor either
///     Audited { request, action: Action::Login, profile: Profile::Secure, outcome } // private fields
/// }
/// ```
#[must_use = "the peer is waiting for this answer"]
#[derive(Debug)]
pub struct Audited<A> {
    request: RequestId,
    action: Action,
    profile: Profile,
    outcome: Result<Granted<A>, Denial>,
    proven_device: Option<DeviceId>,
}

/// The answer, and the audit row that records it.
#[derive(Debug)]
struct Granted<A> {
    answer: A,
    row: AuditId,
}

impl<A> Audited<A> {
    /// The kind of command.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The answer, or the denial.
    ///
    /// # Errors
    ///
    /// The denial, which is a valid decision.
    pub const fn outcome(&self) -> Result<&A, Denial> {
        match &self.outcome {
            Ok(granted) => Ok(&granted.answer),
            Err(denial) => Err(*denial),
        }
    }

    /// The device of the account that proved its key, regardless of the outcome.
    #[must_use]
    pub const fn proven_device(&self) -> Option<DeviceId> {
        self.proven_device
    }

    /// The audit row of a granted command.
    pub(crate) fn row(&self) -> Option<AuditId> {
        self.outcome.as_ref().ok().map(|granted| granted.row)
    }

    /// Changes the answer of a granted command. The decision stays.
    pub(crate) fn map(mut self, change: impl FnOnce(&mut A)) -> Self {
        if let Ok(granted) = &mut self.outcome {
            change(&mut granted.answer);
        }
        self
    }
}

/// The only way to turn a decision into an answer. It requires an audited outcome.
impl<A: CommandAnswer> From<Audited<A>> for Answer {
    fn from(audited: Audited<A>) -> Self {
        let Audited { request, action, profile, outcome, .. } = audited;
        let answer = outcome.map(|granted| granted.answer);
        messages::answer(action, profile, answer).to_request(request)
    }
}

/// Where the end of an attempt is noted.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    /// Writes rows about attempts that are dropped.
    pub(crate) undecided: Undecided,
    /// Counts every attempt.
    pub(crate) metrics: Arc<Metrics>,
}

/// One command in progress.
#[must_use = "an attempt that is dropped is audited as undecided"]
#[derive(Debug)]
pub(crate) struct Attempt {
    action: Action,
    username: Option<String>,
    received: Received,
    profile: Profile,
    /// The device of the account that proved its key.
    pub(crate) proven_device: Option<DeviceId>,
    journal: Journal,
    is_concluded: bool,
}

/// The outcome of an attempt, unless a concurrent command overtakes it.
#[derive(Debug)]
pub(crate) struct Verdict<A> {
    /// The change and the answer; or the denial.
    pub(crate) outcome: Result<(Effect, A), Denial>,
    /// The detail of the audit row, after the reason.
    pub(crate) detail: String,
    /// Changes to counters, and a notice.
    pub(crate) tally_change: TallyChange,
    /// A session that ends with a denial.
    pub(crate) ends: Option<(AccountId, FamilyId)>,
}

impl<A> Verdict<A> {
    /// A verdict that changes no counter.
    pub(crate) fn new(outcome: Result<(Effect, A), Denial>, detail: String) -> Self {
        Self { outcome, detail, tally_change: TallyChange::default(), ends: None }
    }

    /// A denial of an attempt that was not examined.
    pub(crate) fn unexamined(denial: Denial) -> Self {
        Self::new(Err(denial), String::new())
    }
}

impl Attempt {
    /// Opens an attempt. If it is dropped before it is concluded, it is noted in `journal`.
    pub(crate) const fn open(
        action: Action,
        username: Option<String>,
        received: Received,
        profile: Profile,
        journal: Journal,
    ) -> Self {
        let (proven_device, is_concluded) = (None, false);
        Self { action, username, received, profile, proven_device, journal, is_concluded }
    }

    /// Applies the verdict and appends its audit row in one transaction, and only then returns the
    /// outcome.
    ///
    /// If a concurrent command came first (the same one-time code, the same name), the changes of
    /// this one are rolled back and a denial is recorded instead.
    ///
    /// # Errors
    ///
    /// The storage error. Nothing was committed, the attempt counts as undecided, and the only
    /// possible answer is `unavailable`.
    pub(crate) async fn conclude<A>(
        mut self,
        store: &Store,
        verdict: Verdict<A>,
    ) -> Result<Audited<A>, Error> {
        let Verdict { outcome, detail, tally_change, ends } = verdict;
        let outcome = match outcome {
            Ok((effect, answer)) => {
                let counted = tally_change.counted;
                match self.carry_out(store, effect, tally_change, &detail).await {
                    Ok(row) => {
                        self.journal.metrics.attempts.granted(self.action, self.received.door);
                        Ok(Granted { answer, row })
                    }
                    Err(Aborted::Conflict(conflict)) => {
                        let detail = format!("{detail} lost={}", conflict.as_str());
                        let tally_change = TallyChange::of_conflict(conflict, counted);
                        if conflict == Conflict::NonceSpent {
                            self.proven_device = None;
                        }
                        self.deny(store, conflict.into(), tally_change, None, &detail).await?;
                        Err(conflict.into())
                    }
                    Err(Aborted::Store(error)) => return Err(error.into()),
                }
            }
            Err(denial) => {
                self.deny(store, denial, tally_change, ends, &detail).await?;
                Err(denial)
            }
        };
        self.is_concluded = true;
        let request = self.received.id;
        let (action, profile, proven_device) = (self.action, self.profile, self.proven_device);
        Ok(Audited { request, action, profile, outcome, proven_device })
    }

    /// Commits the change and its row, or neither.
    async fn carry_out(
        &self,
        store: &Store,
        effect: Effect,
        tally_change: TallyChange,
        detail: &str,
    ) -> Result<AuditId, Aborted> {
        let entry = self.entry(None, detail);
        let write = store.write(move |tx| {
            Box::pin(async move {
                effect.apply(tx).await?;
                tally_change.apply_granted(tx).await?;
                Ok(tx.append(&entry).await?)
            })
        });
        write.instrument(span()).await
    }

    /// Writes a row for the denial. Attempts refused by a limit share one row per minute.
    async fn deny(
        &self,
        store: &Store,
        denial: Denial,
        tally_change: TallyChange,
        ends: Option<(AccountId, FamilyId)>,
        detail: &str,
    ) -> Result<(), Error> {
        // A command with a token that opens nothing, or at a door that does not offer it, has no effect
        // except this row, so it is only counted.
        let is_counted = match denial {
            Denial::Limited(_)
            | Denial::NotOffered
            | Denial::SessionExpired
            | Denial::NoSuchSession => true,
            Denial::SignedOut => ends.is_none(),
            _ => false,
        };
        if is_counted {
            store.count_refusal(self.refusal()).await?;
            self.journal.metrics.attempts.refused(self.action, self.received.door);
            return Ok(());
        }
        let entry = self.entry(Some(denial), detail);
        let written: Result<(), store::Error> = store
            .write(move |tx| {
                Box::pin(async move {
                    tally_change.apply_denied(tx).await?;
                    if let Some((account, family)) = ends {
                        tx.end_family(account, family).await?;
                    }
                    tx.append(&entry).await?;
                    Ok(())
                })
            })
            .instrument(span())
            .await;
        written?;
        self.journal.metrics.attempts.denied(self.action, self.received.door, denial);
        Ok(())
    }

    fn refusal(&self) -> Refusal {
        Refusal {
            source: self.received.source().to_string(),
            action: self.action.as_str(),
            name: self.username.clone(),
            at: self.received.at.now,
        }
    }

    fn entry(&self, denial: Option<Denial>, detail: &str) -> AuditEntry {
        let reason = match denial {
            None => self.action.granted_text(),
            // The log always has the true reason, even if the answer does not.
            Some(denial) => messages::refusal(self.action, denial, Profile::Secure).1,
        };
        entry(self.action, self.username.clone(), &self.received, denial.is_none(), reason, detail)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_concluded {
            self.journal.metrics.attempts.undecided(self.action, self.received.door);
            let username = self.username.take();
            let entry = entry(self.action, username, &self.received, false, "Undecided.", "");
            self.journal
                .undecided
                .report(Report { entry, source: self.received.source().to_string() });
        }
    }
}

/// The wait for the transaction of an attempt, for traces.
fn span() -> Span {
    tracing::info_span!("write")
}

/// One audit row: the reason, the findings, and the peer, time quality and request id.
fn entry(
    action: Action,
    username: Option<String>,
    received: &Received,
    success: bool,
    reason: &str,
    detail: &str,
) -> AuditEntry {
    let Received { id, at, .. } = received;
    let (way_in, divider) = (received.way_in(), if detail.is_empty() { "" } else { " " });
    let time = time_quality(at);
    AuditEntry {
        at: at.now,
        username,
        action: action.as_str(),
        success,
        detail: format!("{reason}{divider}{detail} {way_in} time={time} request={id}"),
    }
}

/// The quality of the row's time: `synced(12ms)`, or `local(?)` if the error has no bound.
pub(crate) fn time_quality(at: &Reading) -> String {
    match at.error_ms {
        Reading::UNBOUNDED => format!("{}(?)", at.state),
        error => format!("{}({error}ms)", at.state),
    }
}
