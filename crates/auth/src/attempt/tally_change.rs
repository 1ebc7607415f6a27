//! How an attempt changes the failure tallies, and the notice to the owner if it is denied.

use crate::{
    action::Action,
    admission::Admitted,
    attempt::effect::Effect,
    conflict::Conflict,
    decision::Denial,
    device::DeviceContext,
    examination::Examination,
    limits::LimitedFactors,
    notice::notice,
    profile::Profile,
    received::Received,
    rules::tally::{self, Clears, Guess},
};
use fourauth_factors::Finding;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{
    self as store, AccountId, Enrolled, Event, Failure, Lane, Notice, Standing, Subject, Target, Tx,
};

/// Shortest interval between two notices of the same event: 1 h.
const NOTICE_INTERVAL_MS: i64 = 3_600_000;

/// Writes to the tallies that go with the audit row, and a notice.
#[derive(Debug, Default)]
pub(crate) struct TallyChange {
    /// The target and lane of a failure of this attempt; `None` if failures are not counted.
    pub(crate) counted: Option<CountedAt>,
    /// The guess that it counts as if it is denied.
    pub(crate) guess: Option<Guess>,
    /// The failures that it clears if it is granted.
    pub(crate) clears: Clears,
    /// A notice to the owner if it is denied.
    pub(crate) notice: Option<Notice>,
    /// The account that a wrong passcode is counted for if it is denied.
    pub(crate) wrong_passcode: Option<AccountId>,
    /// The account that a wrong code for a reset is counted for if it is denied.
    pub(crate) wrong_reset_code: Option<AccountId>,
}

/// The target, lane and time of a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CountedAt {
    target: Target,
    lane: Lane,
    at: UnixMillis,
}

impl CountedAt {
    fn of(admitted: &Admitted, received: &Received) -> Self {
        Self { target: admitted.target, lane: admitted.lane, at: received.at.now }
    }

    fn failure(self, guess: Guess) -> Failure {
        let Self { target, lane, at } = self;
        let Guess { totp, face } = guess;
        Failure { target, lane, totp, face, at }
    }
}

/// The facts about an attempt that decide its tally change.
pub(crate) struct Context<'a> {
    pub(crate) action: Action,
    pub(crate) profile: Profile,
    pub(crate) factors: LimitedFactors,
    pub(crate) subject: &'a Subject,
    pub(crate) device: &'a DeviceContext,
    pub(crate) examination: &'a Examination,
    pub(crate) received: &'a Received,
    /// True if it came with a trusted key or a right recovery code.
    pub(crate) is_trusted: bool,
}

/// The tally change of an attempt with this outcome.
pub(crate) fn of<A>(
    admitted: &Admitted,
    context: &Context<'_>,
    outcome: &Result<(Effect, A), Denial>,
) -> TallyChange {
    let Context { action, profile, factors, subject, examination, is_trusted, .. } = *context;
    let counted = Some(CountedAt::of(admitted, context.received));
    match outcome {
        Ok(_) => {
            let lanes = admitted.lanes_with_failures();
            let clears = tally::of_success(action, subject.enrolled, is_trusted, factors, lanes);
            TallyChange { counted, clears, ..TallyChange::default() }
        }
        Err(denial) => {
            let is_active = matches!(subject.standing, Standing::Active(_));
            let guess =
                tally::of_denial(profile, *denial, is_active, examination.findings, factors);
            let notice =
                password_notice(context, *denial).or_else(|| face_notice(context, *denial));
            let of_wrong = |finding: Option<Finding>, told: Denial| {
                let is_wrong = *denial == told && finding == Some(Finding::Mismatch);
                is_wrong.then_some(subject.account)
            };
            TallyChange {
                counted,
                guess,
                clears: Clears::Nothing,
                notice,
                wrong_passcode: of_wrong(examination.passcode, Denial::Passcode),
                wrong_reset_code: of_wrong(examination.reset_code, Denial::Credentials),
            }
        }
    }
}

/// A notice to the owner if the peer knows the password and failed another factor (OWASP ASVS 5.0
/// §6.3.5).
fn password_notice(context: &Context<'_>, denial: Denial) -> Option<Notice> {
    let Context { action, subject, device, examination, received, .. } = *context;
    let Standing::Active(_) = subject.standing else { return None };
    // A typing error of a person with a new authenticator is no login.
    if action == Action::ConfirmTotp {
        return None;
    }
    let knows_the_password = examination.findings.password.is_some_and(Finding::is_match);
    let failed = matches!(
        denial,
        Denial::Face(_)
            | Denial::FaceChallenge(_)
            | Denial::Totp
            | Denial::Device
            | Denial::Passcode
            | Denial::RecoveryCode
    );
    (knows_the_password && failed)
        .then(|| notice(Event::PasswordUsedElsewhere, subject, device, received))
}

/// A notice to the owner that the face has to be enrolled again.
fn face_notice(context: &Context<'_>, denial: Denial) -> Option<Notice> {
    let Context { subject, device, received, .. } = *context;
    (denial == Denial::FaceOutdated).then(|| notice(Event::FaceOutdated, subject, device, received))
}

impl TallyChange {
    /// The tally change of a wrong administrator's secret.
    pub(crate) fn wrong_admin(admitted: Option<&Admitted>, received: &Received) -> Self {
        let counted = admitted.map(|admitted| CountedAt::of(admitted, received));
        Self { counted, guess: Some(Guess { totp: false, face: false }), ..Self::default() }
    }

    /// The tally change of a right administrator's secret.
    pub(crate) fn right_admin(admitted: Option<&Admitted>, received: &Received) -> Self {
        let counted = admitted.map(|admitted| CountedAt::of(admitted, received));
        let lanes = admitted.map(Admitted::lanes_with_failures).unwrap_or_default();
        let clears = tally::of_success(
            Action::ReadAudit,
            Enrolled::PASSWORD,
            false,
            LimitedFactors::all(),
            lanes,
        );
        Self { counted, clears, ..Self::default() }
    }

    /// The tally change of a granted change that was lost to a conflict.
    pub(crate) fn of_conflict(conflict: Conflict, counted: Option<CountedAt>) -> Self {
        Self { counted, guess: tally::of_conflict(conflict), ..Self::default() }
    }

    /// Applies the change of a success, inside `tx`.
    pub(crate) async fn apply_granted(self, tx: &mut Tx) -> Result<(), store::Error> {
        let Some(CountedAt { target, .. }) = self.counted else { return Ok(()) };
        match self.clears {
            Clears::Nothing => {}
            Clears::Lanes(lanes, keep) => {
                for lane in lanes {
                    tx.clear_lane(target, lane, keep).await?;
                }
            }
            Clears::All => {
                tx.clear_failures(target).await?;
            }
        }
        Ok(())
    }

    /// Applies the change of a denial, inside `tx`.
    pub(crate) async fn apply_denied(self, tx: &mut Tx) -> Result<(), store::Error> {
        // In the order in which a success writes to the two tables: otherwise both could wait for each
        // other.
        if let Some(account) = self.wrong_passcode {
            tx.count_wrong_passcode(account).await?;
        }
        if let Some(account) = self.wrong_reset_code {
            tx.count_wrong_reset_code(account).await?;
        }
        if let (Some(counted), Some(guess)) = (self.counted, self.guess) {
            tx.count_failure(&counted.failure(guess)).await?;
        }
        if let Some(notice) = self.notice {
            tx.notify_seldom(&notice, NOTICE_INTERVAL_MS).await?;
        }
        Ok(())
    }
}
