//! What an attempt changes beside what it is for: tallies, and a notice to the owner.

use crate::{
    admission::Admitted,
    attempt::Action,
    decision::Denial,
    examination::Examination,
    grant::Effect,
    limits::Asked,
    lost::Lost,
    profile::Profile,
    received::Received,
    rules::tally::{self, Clears, Guess},
};
use fourauth_factors::Finding;
use fourauth_protocol::{answer::Gains, time::UnixMillis};
use fourauth_store::{self as store, Failure, Lane, Notice, Standing, Subject, Target, Tx};

/// How long an owner who was told that their password is used elsewhere is not told again: 1 h.
const SILENCE_MS: i64 = 3_600_000;

/// What is written beside the audit row.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    /// Where failures of this attempt are counted; nowhere if no counter hears of it.
    pub(crate) counted: Option<CountedAt>,
    /// What it counts as if it is denied.
    pub(crate) guess: Option<Guess>,
    /// What it clears if it is granted.
    pub(crate) clears: Clears,
    /// What the owner is told if it is denied.
    pub(crate) notice: Option<Notice>,
}

/// Where and when a failure is counted.
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

/// What was asked, by whom, and with which right to be trusted.
pub(crate) struct Context<'a> {
    pub(crate) action: Action,
    pub(crate) profile: Profile,
    pub(crate) asked: Asked,
    pub(crate) subject: &'a Subject,
    pub(crate) examination: &'a Examination,
    pub(crate) received: &'a Received,
    /// Whether a trusted key or a recovery code came with it.
    pub(crate) is_trusted: bool,
}

/// What an attempt of this outcome changes about tallies.
pub(crate) fn of(
    admitted: &Admitted,
    context: &Context<'_>,
    outcome: &Result<(Effect, Gains), Denial>,
) -> Aftermath {
    let Context { action, profile, asked, subject, examination, received, is_trusted } = *context;
    let counted = Some(CountedAt::of(admitted, received));
    match outcome {
        Ok(_) => {
            let lanes = admitted.lanes_with_failures();
            let clears = tally::of_success(action, is_trusted, asked, lanes);
            Aftermath { counted, clears, ..Aftermath::default() }
        }
        Err(denial) => {
            let is_active = matches!(subject.standing, Standing::Active(_));
            let guess = tally::of_denial(profile, *denial, is_active, examination.findings);
            let notice = half_way(subject, examination, *denial, received);
            Aftermath { counted, guess, clears: Clears::Nothing, notice }
        }
    }
}

/// The peer knows the password and not the rest: the owner should know (OWASP ASVS 5.0 §6.3.5).
fn half_way(
    subject: &Subject,
    examination: &Examination,
    denial: Denial,
    received: &Received,
) -> Option<Notice> {
    let Standing::Active(account) = subject.standing else { return None };
    let knows_the_password = examination.findings.password.is_some_and(Finding::is_match);
    let failed =
        matches!(denial, Denial::Face(_) | Denial::Totp | Denial::Device | Denial::RecoveryCode);
    (knows_the_password && failed).then(|| Notice {
        account,
        subject: "password_used_elsewhere",
        detail: format!("peer={} request={}", received.peer, received.id),
        at: received.at.now,
    })
}

impl Aftermath {
    /// Of a guess at an administrator's secret.
    pub(crate) fn wrong_admin(admitted: Option<&Admitted>, received: &Received) -> Self {
        let counted = admitted.map(|admitted| CountedAt::of(admitted, received));
        Self { counted, guess: Some(Guess { totp: false, face: false }), ..Self::default() }
    }

    /// Of what an administrator did.
    pub(crate) fn right_admin(admitted: Option<&Admitted>, received: &Received) -> Self {
        let counted = admitted.map(|admitted| CountedAt::of(admitted, received));
        let lanes = admitted.map(Admitted::lanes_with_failures).unwrap_or_default();
        let clears = tally::of_success(Action::ReadAudit, false, Asked::all(), lanes);
        Self { counted, clears, ..Self::default() }
    }

    /// What is counted when something granted was not done after all.
    pub(crate) fn of_loss(lost: Lost, counted: Option<CountedAt>) -> Self {
        Self { counted, guess: tally::of_loss(lost), ..Self::default() }
    }

    /// What follows from a success, inside `tx`.
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

    /// What follows from a denial, inside `tx`.
    pub(crate) async fn apply_denied(self, tx: &mut Tx) -> Result<(), store::Error> {
        if let (Some(counted), Some(guess)) = (self.counted, self.guess) {
            tx.count_failure(&counted.failure(guess)).await?;
        }
        if let Some(notice) = self.notice {
            tx.notify_seldom(&notice, SILENCE_MS).await?;
        }
        Ok(())
    }
}
