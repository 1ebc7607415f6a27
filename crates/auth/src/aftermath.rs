//! What an attempt adds to the tally of its lane, or takes from it.

use crate::{
    admission::Admitted, attempt::Action, decision::Denial, examination::Examination,
    grant::Effect, limits::Asked, received::Received,
};
use fourauth_factors::{Finding, Findings};
use fourauth_protocol::answer::Gains;
use fourauth_store::{self as store, Failure, Keep, Lane, Notice, Standing, Subject, Target, Tx};

/// How long an owner who was told that somebody knows the password is not told again: 1 h.
const SILENCE_MS: i64 = 3_600_000;

/// What is written beside the audit row, whatever it says.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    /// If the attempt is denied.
    pub(crate) failure: Option<Failure>,
    /// If it is granted.
    pub(crate) clears: Clears,
    /// If it is denied, what the owner is told.
    pub(crate) notice: Option<Notice>,
}

/// Which failures a success makes good.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Clears {
    /// None, since there are none.
    #[default]
    Nothing,
    /// Those of its own lane, but for what was not shown.
    Lane(Target, Lane, Keep),
    /// All: an owner who has just replaced a factor has what the limits protect.
    All(Target),
}

/// What an attempt of this outcome changes about tallies.
pub(crate) fn of(
    admitted: &Admitted,
    asked: Asked,
    action: Action,
    subject: &Subject,
    examination: &Examination,
    outcome: &Result<(Effect, Gains), Denial>,
    received: &Received,
) -> Aftermath {
    match outcome {
        Ok(_) => Aftermath { clears: clears(admitted, asked, action), ..Aftermath::default() },
        Err(denial) => Aftermath {
            failure: failure(admitted, subject.standing, examination, *denial, received),
            notice: half_way(subject, examination, *denial, received),
            clears: Clears::Nothing,
        },
    }
}

fn clears(admitted: &Admitted, asked: Asked, action: Action) -> Clears {
    let keep = Keep { totp: !asked.totp, face: !asked.face };
    match (action.replaces_a_factor(), admitted.lane) {
        (true, Lane::Known) => Clears::All(admitted.target),
        _ if admitted.has_failures() => Clears::Lane(admitted.target, admitted.lane, keep),
        _ => Clears::Nothing,
    }
}

/// Only guesses count: a clock that is off, a weak new password or a name that is taken is none.
///
/// Of which kind a guess was counts only where the peer may know it. Otherwise how long one waits
/// would tell what the answer keeps to itself: that there is such an account, or that its password
/// or its face was right.
fn failure(
    admitted: &Admitted,
    standing: Standing,
    examination: &Examination,
    denial: Denial,
    received: &Received,
) -> Option<Failure> {
    let guess =
        matches!(denial, Denial::Credentials | Denial::Face(_) | Denial::Totp | Denial::Device);
    let Findings { password, totp, face, .. } = examination.findings;
    let told = denial != Denial::Credentials && matches!(standing, Standing::Active(_));
    // Where no password is asked for, the code is the first secret, and everybody is told of it.
    let told_of_totp = told || password.is_none();
    guess.then(|| Failure {
        target: admitted.target,
        lane: admitted.lane,
        totp: told_of_totp && totp == Some(Finding::Mismatch),
        face: told && face == Some(Finding::Mismatch),
        at: received.at.now,
    })
}

/// Somebody knows the password and not the rest: the owner should know (OWASP ASVS 5.0 §6.3.5).
fn half_way(
    subject: &Subject,
    examination: &Examination,
    denial: Denial,
    received: &Received,
) -> Option<Notice> {
    let Standing::Active(account) = subject.standing else { return None };
    let knows_the_password = examination.findings.password.is_some_and(Finding::is_match);
    let failed = matches!(denial, Denial::Face(_) | Denial::Totp | Denial::Device);
    (knows_the_password && failed).then(|| Notice {
        account,
        subject: "password_used_elsewhere",
        detail: format!("peer={} request={}", received.peer, received.id),
        at: received.at.now,
    })
}

impl Aftermath {
    /// Of a guess at an administrator's secret.
    pub(crate) fn wrong_admin(admitted: &Admitted, received: &Received) -> Self {
        let Admitted { target, lane, .. } = *admitted;
        let at = received.at.now;
        let failure = Failure { target, lane, totp: false, face: false, at };
        Self { failure: Some(failure), ..Self::default() }
    }

    /// Of what an administrator did.
    pub(crate) fn right_admin(admitted: &Admitted) -> Self {
        let clears = Clears::Lane(admitted.target, admitted.lane, Keep::default());
        let clears = if admitted.has_failures() { clears } else { Clears::Nothing };
        Self { clears, ..Self::default() }
    }

    /// What follows from a success, inside `tx`.
    pub(crate) async fn apply_granted(self, tx: &mut Tx) -> Result<(), store::Error> {
        match self.clears {
            Clears::Nothing => Ok(()),
            Clears::Lane(target, lane, keep) => tx.clear_lane(target, lane, keep).await,
            Clears::All(target) => tx.clear_failures(target).await.map(|_| ()),
        }
    }

    /// What follows from a denial, inside `tx`.
    pub(crate) async fn apply_denied(self, tx: &mut Tx) -> Result<(), store::Error> {
        if let Some(failure) = self.failure {
            tx.count_failure(&failure).await?;
        }
        if let Some(notice) = self.notice {
            tx.notify_seldom(&notice, SILENCE_MS).await?;
        }
        Ok(())
    }
}
