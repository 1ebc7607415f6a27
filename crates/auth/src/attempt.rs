//! An attempt ends in the audit log. There is no other way to obtain an answer from it.
//!
//! * [`Attempt::conclude`] is the only constructor of [`Audited`], and it commits first.
//! * An answer is made from an [`Audited`] outcome, or says that nothing was decided.
//! * An attempt dropped unconcluded (error, panic, disconnect) reports itself as undecided.
//!
//! Hence: no answer leaves the process before its audit row is durable.

use crate::{
    aftermath::Aftermath,
    decision::Denial,
    error::Error,
    grant::Effect,
    limits::Limited,
    lost::{Lost, Undone},
    profile::Profile,
    received::Received,
    undecided::{Report, Undecided},
};
use fourauth_protocol::{answer::Gains, device::DeviceId, request_id::RequestId, secret::Secret};
use fourauth_store::{self as store, AuditEntry, AuditId, Refusal, Store};
use fourauth_timekeeper::Reading;

/// What was tried, in the words of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 100
    Login,
    /// 200
    Register,
    /// 210
    ConfirmTotp,
    /// 220
    BindDevice,
    /// 222
    ListDevices,
    /// 224
    RevokeDevice,
    /// 240
    ReadAudit,
    /// 300
    RecoverTotp,
    /// 310
    RecoverPassword,
    /// 320
    RecoverFace,
    /// 330
    RecoverDevice,
}

impl Action {
    /// The word that stands in the `action` column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Register => "register",
            Self::ConfirmTotp => "confirm_totp",
            Self::BindDevice => "bind_device",
            Self::ListDevices => "list_devices",
            Self::RevokeDevice => "revoke_device",
            Self::ReadAudit => "read_audit",
            Self::RecoverTotp => "recover_totp",
            Self::RecoverPassword => "recover_password",
            Self::RecoverFace => "recover_face",
            Self::RecoverDevice => "recover_mac",
        }
    }

    /// Whether nobody is let in or kept out by it, so that it can wait while the database is full.
    #[must_use]
    pub const fn can_wait(self) -> bool {
        match self {
            Self::Register
            | Self::ConfirmTotp
            | Self::BindDevice
            | Self::ListDevices
            | Self::ReadAudit => true,
            Self::Login
            | Self::RevokeDevice
            | Self::RecoverTotp
            | Self::RecoverPassword
            | Self::RecoverFace
            | Self::RecoverDevice => false,
        }
    }

    /// Whether it is for who has lost something.
    #[must_use]
    pub const fn replaces_a_factor(self) -> bool {
        match self {
            Self::RecoverTotp | Self::RecoverPassword | Self::RecoverFace | Self::RecoverDevice => {
                true
            }
            Self::Login
            | Self::Register
            | Self::ConfirmTotp
            | Self::BindDevice
            | Self::ListDevices
            | Self::RevokeDevice
            | Self::ReadAudit => false,
        }
    }
}

/// An outcome whose audit row has been committed.
///
/// ```compile_fail
/// use fourauth_auth::{attempt::{Action, Audited}, decision::Denial, profile::Profile};
/// use fourauth_protocol::request_id::RequestId;
///
/// fn forge(request: RequestId) -> Audited {
///     let outcome = Err(Denial::Totp); // a grant has no public constructor either
///     Audited { request, action: Action::Login, profile: Profile::Secure, outcome } // private fields
/// }
/// ```
#[must_use = "the peer is waiting for this answer"]
#[derive(Debug)]
pub struct Audited {
    pub(crate) request: RequestId,
    pub(crate) action: Action,
    pub(crate) profile: Profile,
    pub(crate) outcome: Result<Granted, Denial>,
    proven_device: Option<DeviceId>,
}

/// What was gained, and the row that says so.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) gains: Box<Gains>,
    row: AuditId,
}

impl Audited {
    /// What was tried.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// What was gained, or why nothing was.
    ///
    /// # Errors
    ///
    /// The denial, which is a decision like any other.
    pub const fn outcome(&self) -> Result<&Gains, Denial> {
        match &self.outcome {
            Ok(granted) => Ok(&granted.gains),
            Err(denial) => Err(*denial),
        }
    }

    /// The device of the account that has proved itself with its key, whatever the outcome.
    #[must_use]
    pub const fn proven_device(&self) -> Option<DeviceId> {
        self.proven_device
    }

    /// The audit row of what was granted.
    pub(crate) fn row(&self) -> Option<AuditId> {
        self.outcome.as_ref().ok().map(|granted| granted.row)
    }

    /// The same outcome, with a receipt if something was granted.
    pub(crate) fn with_receipt(mut self, receipt: Secret<String>) -> Self {
        if let Ok(granted) = &mut self.outcome {
            granted.gains.receipt = Some(receipt);
        }
        self
    }
}

/// One command in progress.
#[must_use = "an attempt that is dropped is audited as undecided"]
#[derive(Debug)]
pub struct Attempt {
    action: Action,
    username: Option<String>,
    received: Received,
    profile: Profile,
    /// The device of the account that has proved itself with its key.
    pub(crate) proven_device: Option<DeviceId>,
    /// `None` once concluded.
    undecided: Option<Undecided>,
}

/// How an attempt ends, but for what another command does in the same instant.
#[derive(Debug)]
pub struct Verdict {
    /// What to change and what the peer gains by it; or why not.
    pub outcome: Result<(Effect, Gains), Denial>,
    /// For the audit log, after the reason.
    pub detail: String,
    /// What it adds to the counters.
    pub(crate) aftermath: Aftermath,
}

impl Verdict {
    /// One that no counter hears of.
    pub(crate) fn new(outcome: Result<(Effect, Gains), Denial>, detail: String) -> Self {
        Self { outcome, detail, aftermath: Aftermath::default() }
    }

    /// Nothing was examined.
    pub(crate) fn limited(limited: Limited) -> Self {
        Self::new(Err(Denial::Limited(limited)), String::new())
    }
}

impl Attempt {
    /// Opens an attempt. What is dropped unconcluded goes to `undecided`.
    pub const fn open(
        action: Action,
        username: Option<String>,
        received: Received,
        profile: Profile,
        undecided: Undecided,
    ) -> Self {
        let undecided = Some(undecided);
        Self { action, username, received, profile, proven_device: None, undecided }
    }

    /// Carries out the verdict and appends its audit row in one transaction, and only then lets go
    /// of the outcome.
    ///
    /// If another command was quicker (the same one-time code, the same name), what this one changed
    /// is rolled back and the denial is written down instead.
    ///
    /// # Errors
    ///
    /// The storage error, in which case nothing was committed, the attempt counts as undecided and
    /// the peer can only be told `unavailable`.
    pub async fn conclude(mut self, store: &Store, verdict: Verdict) -> Result<Audited, Error> {
        let Verdict { outcome, detail, aftermath } = verdict;
        let outcome = match outcome {
            Ok((effect, gains)) => match self.carry_out(store, effect, aftermath, &detail).await? {
                Ok(row) => Ok(Granted { gains: Box::new(gains), row }),
                Err((lost, aftermath)) => {
                    let detail = format!("{detail} lost={}", lost.as_str());
                    self.deny(store, lost.into(), aftermath, &detail).await?;
                    Err(lost.into())
                }
            },
            Err(denial) => {
                self.deny(store, denial, aftermath, &detail).await?;
                Err(denial)
            }
        };
        self.undecided = None;
        let request = self.received.id;
        let Self { action, profile, proven_device, .. } = self;
        Ok(Audited { request, action, profile, outcome, proven_device })
    }

    /// The change and its row, or neither; what is counted then.
    async fn carry_out(
        &self,
        store: &Store,
        effect: Effect,
        aftermath: Aftermath,
        detail: &str,
    ) -> Result<Result<AuditId, (Lost, Aftermath)>, Error> {
        let entry = self.entry(None, detail);
        let counted = aftermath.counted;
        let done = store.write(move |tx| {
            Box::pin(async move {
                effect.apply(tx).await?;
                aftermath.apply_granted(tx).await?;
                Ok(tx.append(&entry).await?)
            })
        });
        match done.await {
            Ok(row) => Ok(Ok(row)),
            Err(Undone::Lost(lost)) => Ok(Err((lost, Aftermath::of_loss(lost, counted)))),
            Err(Undone::Store(error)) => Err(error.into()),
        }
    }

    /// A row, or one more in the row of everything that limits turn away in this minute.
    async fn deny(
        &self,
        store: &Store,
        denial: Denial,
        aftermath: Aftermath,
        detail: &str,
    ) -> Result<(), Error> {
        // Tokens that are none cost nobody anything but this row.
        if let Denial::Limited(_) | Denial::SignedOut = denial {
            return Ok(store.count_refusal(self.refusal()).await?);
        }
        let entry = self.entry(Some(denial), detail);
        let written: Result<(), store::Error> = store
            .write(move |tx| {
                Box::pin(async move {
                    aftermath.apply_denied(tx).await?;
                    tx.append(&entry).await?;
                    Ok(())
                })
            })
            .await;
        Ok(written?)
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
            None => crate::words::success(self.action),
            // The log always has the true reason, whatever the peer is told.
            Some(denial) => crate::words::refusal(self.action, denial, Profile::Secure).1,
        };
        entry(self.action, self.username.clone(), &self.received, denial.is_none(), reason, detail)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(undecided) = self.undecided.take() {
            let username = self.username.take();
            let entry = entry(self.action, username, &self.received, false, "Undecided.", "");
            undecided.report(Report { entry, source: self.received.source().to_string() });
        }
    }
}

/// One row: the reason, what each factor said, and where to look further.
fn entry(
    action: Action,
    username: Option<String>,
    received: &Received,
    success: bool,
    reason: &str,
    detail: &str,
) -> AuditEntry {
    let Received { id, at, peer, .. } = received;
    let divider = if detail.is_empty() { "" } else { " " };
    let time = time_quality(at);
    AuditEntry {
        at: at.now,
        username,
        action: action.as_str(),
        success,
        detail: format!("{reason}{divider}{detail} peer={peer} time={time} request={id}"),
    }
}

/// How well the time of the row is known: `synced(12ms)`, or `local(?)` if nothing bounds the error.
fn time_quality(at: &Reading) -> String {
    match at.error_ms {
        Reading::UNBOUNDED => format!("{}(?)", at.state),
        error => format!("{}({error}ms)", at.state),
    }
}
