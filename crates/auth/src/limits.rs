//! Rate limits: how many failures are allowed, and the wait between attempts. Tallies in, a verdict
//! out; the store counts, and `admission` decides which attempts are counted together.
//!
//! Each known device of an account is counted separately, so that deliberate failures cannot lock
//! the owner out, and a lost device does not close the others. All lanes together allow no more
//! than the hundred consecutive failures of NIST SP 800-63B-4 §3.2.2: see `failure_budget`.

mod failure_budget;

pub use failure_budget::WITH_RECOVERY_CODE;

use failure_budget::FailureBudget;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Lane, Tallies, Tally, Target};

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: i64 = 60_000;

/// Upper bound of the doublings of a second. It exceeds every configured maximum.
const MOST_DOUBLINGS: i64 = 32;

/// Rate limits that an operator can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Consecutive failures after which an account is closed to unknown devices. A recovery with a
    /// trusted key or a recovery code, or an administrator, opens it again.
    pub unknown_device: u32,
    /// The same for all known devices together. A device that has used up its part is treated as an
    /// unknown one.
    pub known_device: u32,
    /// Longest wait between two attempts from unknown devices, in milliseconds. The wait is 1 s
    /// after the first failure and doubles with each further one. Zero disables it.
    pub backoff_max_ms: u64,
    /// Wrong one-time codes allowed per clock minute, which is two steps of 30 s.
    pub totp_in_a_minute: u32,
    /// Wrong faces after which each further attempt with a face has to wait.
    pub face_before_waiting: u32,
    /// That wait, in milliseconds.
    pub face_wait_ms: u64,
    /// Wrong faces after which no further face from unknown devices is examined.
    pub face_unknown_device: u32,
    /// The same for known devices. The bound for both together is from NIST SP 800-63B-4 §3.2.3.
    pub face_known_device: u32,
    /// Concurrent attempts on one account in one lane.
    pub at_once: u32,
}

/// The reason why an attempt is not examined. It does not depend on what was offered, nor on whether
/// the account exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// The attempt has to wait for this many milliseconds.
    Wait(u64),
    /// Every lane that the attempt may use is closed.
    Closed,
}

/// The factors of a command that have separate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LimitedFactors {
    /// A one-time code.
    pub(crate) totp: bool,
    /// A face.
    pub(crate) face: bool,
}

impl LimitedFactors {
    /// All of them: a success then clears the failures of every kind.
    pub(crate) const fn all() -> Self {
        Self { totp: true, face: true }
    }
}

/// A request to admit one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdmissionRequest<'a> {
    /// The target that failures are counted under: an account name or an administrator's source.
    pub(crate) target: Target,
    /// Lanes that the attempt may use, best first.
    pub(crate) lanes: &'a [Lane],
    /// Number of known devices or places, which share one failure budget.
    pub(crate) known_lanes: u32,
    /// The factors with separate limits that the command asks for.
    pub(crate) factors: LimitedFactors,
    /// The time at which the attempt arrived.
    pub(crate) at: UnixMillis,
}

impl Limits {
    /// Checks whether one more attempt may be examined in `lane` while the attempts `ahead` are in
    /// progress. Those count as failed, so that concurrent attempts get no further than sequential
    /// ones. An attempt that is limited is neither examined nor counted.
    pub(crate) fn check(
        &self,
        lane: Lane,
        request: AdmissionRequest<'_>,
        tallies: &Tallies,
        ahead: &[(Lane, u32)],
    ) -> Result<(), Limited> {
        let AdmissionRequest { factors, at, known_lanes, .. } = request;
        let tally = tallies.of(lane);
        if self.is_used_up(lane, tallies, &[], factors, known_lanes) {
            return Err(Limited::Closed);
        }
        let own = ahead.iter().find(|(other, _)| *other == lane).map_or(0, |(_, ahead)| *ahead);
        let pause = self.pause(lane, &tally, factors);
        let wait =
            remaining(tally.last, pause, at).max(self.codes_wait(&tally, factors, own.into(), at));
        let crowded = own >= self.at_once
            || (own > 0 && pause > 0)
            || self.is_used_up(lane, tallies, ahead, factors, known_lanes);
        match if crowded { wait.max(SECOND_MS) } else { wait } {
            0 => Ok(()),
            wait => Err(Limited::Wait(wait)),
        }
    }

    /// True if a lane allows no further failure, or no further wrong face if the command asks for
    /// one, provided that the attempts `ahead` fail as well.
    fn is_used_up(
        &self,
        lane: Lane,
        tallies: &Tallies,
        ahead: &[(Lane, u32)],
        factors: LimitedFactors,
        known_lanes: u32,
    ) -> bool {
        let all =
            FailureBudget { unknown: self.unknown_device.into(), known: self.known_device.into() };
        let faces = FailureBudget {
            unknown: self.face_unknown_device.into(),
            known: self.face_known_device.into(),
        };
        let is_used_up = |budget: FailureBudget, count: fn(Tally) -> i64, ahead: &[(Lane, u32)]| {
            let spent = spent(tallies, count, ahead);
            let own = spent.iter().find(|(other, _)| *other == lane).map_or(0, |(_, used)| *used);
            own >= budget.of(lane, &spent, known_lanes)
        };
        // If no face has been wrong yet, the faces of the attempts ahead are probably right.
        let doubtful = if tallies.of(lane).face > 0 { ahead } else { &[] };
        is_used_up(all, |tally| tally.failures, ahead)
            || (factors.face && is_used_up(faces, |tally| tally.face, doubtful))
    }

    /// The wait after the newest failure, in milliseconds.
    fn pause(&self, lane: Lane, tally: &Tally, factors: LimitedFactors) -> u64 {
        let backoff = match lane {
            Lane::Unknown | Lane::Admin => self.backoff(tally.failures),
            Lane::Device(_) | Lane::Place(_) | Lane::RecoveryCode => 0,
        };
        let waits_for_face = factors.face && tally.face >= self.face_before_waiting.into();
        if waits_for_face { backoff.max(self.face_wait_ms) } else { backoff }
    }

    /// 1, 2, 4 … seconds after this many failures, in milliseconds.
    fn backoff(&self, failures: i64) -> u64 {
        match failures {
            ..=0 => 0,
            failures => (SECOND_MS << (failures - 1).min(MOST_DOUBLINGS)).min(self.backoff_max_ms),
        }
    }

    fn codes_wait(
        &self,
        tally: &Tally,
        factors: LimitedFactors,
        ahead: i64,
        at: UnixMillis,
    ) -> u64 {
        let wrong = tally.totp_within_the_minute(at);
        // If no code has been wrong yet, the codes of the attempts ahead are probably right.
        let doubtful = if wrong > 0 { wrong + ahead } else { 0 };
        if factors.totp && doubtful >= self.totp_in_a_minute.into() {
            u64::try_from(MINUTE_MS - at.0.rem_euclid(MINUTE_MS)).unwrap_or(SECOND_MS)
        } else {
            0
        }
    }
}

/// The failures of every lane, if the attempts `ahead` fail as well.
fn spent(tallies: &Tallies, count: fn(Tally) -> i64, ahead: &[(Lane, u32)]) -> Vec<(Lane, i64)> {
    let mut spent: Vec<_> = tallies.iter().map(|(lane, tally)| (lane, count(tally))).collect();
    for (lane, ahead) in ahead {
        match spent.iter_mut().find(|(other, _)| other == lane) {
            Some((_, used)) => *used += i64::from(*ahead),
            None => spent.push((*lane, i64::from(*ahead))),
        }
    }
    spent
}

/// The rest of a pause. If the clock has since been set back by more than the pause, the pause
/// ends; otherwise it would last until the clock has caught up.
fn remaining(last: UnixMillis, pause: u64, at: UnixMillis) -> u64 {
    pause.saturating_sub(at.0.abs_diff(last.0))
}

#[cfg(test)]
mod tests;
