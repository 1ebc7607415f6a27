//! How often one may try, and how long one waits in between. Tallies in, a verdict out; the store
//! counts, and `admission` decides which attempts are counted together.
//!
//! Each device that an account knows is counted by itself, so that failing on purpose in an owner's
//! name locks no owner out, and a lost device closes no other. What all lanes forgive together stays
//! within the hundred consecutive failures of NIST SP 800-63B-4 §3.2.2: see `rules::allowance`.

pub use crate::rules::allowance::WITH_RECOVERY_CODE;

use crate::{admission::AdmissionRequest, rules::allowance::Budget};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Lane, Tallies, Tally};

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: i64 = 60_000;

/// Doublings of a second that no configured ceiling lies above.
const MOST_DOUBLINGS: i64 = 32;

/// What an operator can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Consecutive failures after which an account is closed to devices that it does not know, until
    /// a recovery with a trusted key or a recovery code, or an administrator, opens it again.
    pub unknown_device: u32,
    /// The same for all devices together that it knows. One that has used up its part is then
    /// treated like an unknown one.
    pub known_device: u32,
    /// Longest wait between two attempts from unknown devices, in milliseconds: 1 s after the first
    /// failure, then twice that after each. Zero: no waiting.
    pub backoff_max_ms: u64,
    /// Wrong one-time codes within a minute, which is a pair of their steps.
    pub totp_in_a_minute: u32,
    /// Wrong faces, after which each further one has to be waited for.
    pub face_before_waiting: u32,
    /// How long, in milliseconds.
    pub face_wait_ms: u64,
    /// Wrong faces after which no face is looked at from unknown devices.
    pub face_unknown_device: u32,
    /// The same for known ones. Both together: NIST SP 800-63B-4 §3.2.3.
    pub face_known_device: u32,
    /// Attempts on one account in one lane that may be decided at the same time.
    pub at_once: u32,
}

/// Why an attempt is not examined. Says nothing about the evidence, nor whether there is such an
/// account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Not before this many milliseconds are over.
    Wait(u64),
    /// Not from here.
    Closed,
}

/// What a command asks to have compared, as far as there are limits of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// A one-time code.
    pub totp: bool,
    /// A face.
    pub face: bool,
}

impl Asked {
    /// Everything: a success then makes good all that failed.
    pub(crate) const fn all() -> Self {
        Self { totp: true, face: true }
    }
}

impl Limits {
    /// Whether one more attempt may be examined in `lane`, while those `ahead` still are. Those count
    /// as if they had failed: of many at once no more get through than one after the other.
    ///
    /// # Errors
    ///
    /// [`Limited`]; the attempt is then neither examined nor counted.
    pub(crate) fn check(
        &self,
        lane: Lane,
        request: AdmissionRequest<'_>,
        tallies: &Tallies,
        ahead: &[(Lane, u32)],
    ) -> Result<(), Limited> {
        let AdmissionRequest { asked, at, known_lanes, .. } = request;
        let tally = tallies.of(lane);
        if self.is_used_up(lane, tallies, &[], asked, known_lanes) {
            return Err(Limited::Closed);
        }
        let own = ahead.iter().find(|(other, _)| *other == lane).map_or(0, |(_, ahead)| *ahead);
        let pause = self.pause(lane, &tally, asked);
        let wait =
            remaining(tally.last, pause, at).max(self.codes_wait(&tally, asked, own.into(), at));
        let crowded = own >= self.at_once
            || (own > 0 && pause > 0)
            || self.is_used_up(lane, tallies, ahead, asked, known_lanes);
        match if crowded { wait.max(SECOND_MS) } else { wait } {
            0 => Ok(()),
            wait => Err(Limited::Wait(wait)),
        }
    }

    /// Whether a lane forgives no further failure, or no further wrong face if one is asked for, once
    /// those `ahead` have failed as well.
    fn is_used_up(
        &self,
        lane: Lane,
        tallies: &Tallies,
        ahead: &[(Lane, u32)],
        asked: Asked,
        known_lanes: u32,
    ) -> bool {
        let all = Budget { unknown: self.unknown_device.into(), known: self.known_device.into() };
        let faces = Budget {
            unknown: self.face_unknown_device.into(),
            known: self.face_known_device.into(),
        };
        let is_used_up = |budget: Budget, count: fn(Tally) -> i64, ahead: &[(Lane, u32)]| {
            let spent = spent(tallies, count, ahead);
            let own = spent.iter().find(|(other, _)| *other == lane).map_or(0, |(_, used)| *used);
            own >= budget.of(lane, &spent, known_lanes)
        };
        // Without a wrong face yet, those ahead are most likely right.
        let doubtful = if tallies.of(lane).face > 0 { ahead } else { &[] };
        is_used_up(all, |tally| tally.failures, ahead)
            || (asked.face && is_used_up(faces, |tally| tally.face, doubtful))
    }

    /// How long after the newest failure nothing is examined.
    fn pause(&self, lane: Lane, tally: &Tally, asked: Asked) -> u64 {
        let backoff = match lane {
            Lane::Unknown | Lane::Admin => self.backoff(tally.failures),
            Lane::Device(_) | Lane::Place(_) | Lane::RecoveryCode => 0,
        };
        let waits_for_face = asked.face && tally.face >= self.face_before_waiting.into();
        if waits_for_face { backoff.max(self.face_wait_ms) } else { backoff }
    }

    /// 1, 2, 4 … seconds after so many failures.
    fn backoff(&self, failures: i64) -> u64 {
        match failures {
            ..=0 => 0,
            failures => (SECOND_MS << (failures - 1).min(MOST_DOUBLINGS)).min(self.backoff_max_ms),
        }
    }

    fn codes_wait(&self, tally: &Tally, asked: Asked, ahead: i64, at: UnixMillis) -> u64 {
        let wrong = tally.totp_within_the_minute(at);
        // Without a wrong one yet, those ahead are most likely right.
        let doubtful = if wrong > 0 { wrong + ahead } else { 0 };
        if asked.totp && doubtful >= self.totp_in_a_minute.into() {
            u64::try_from(MINUTE_MS - at.0.rem_euclid(MINUTE_MS)).unwrap_or(SECOND_MS)
        } else {
            0
        }
    }
}

/// What every lane has used, if those `ahead` fail as well.
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

/// What is left of a pause. A clock that has been set back by more than the pause since ends it, or
/// else it would last for as long as the clock was set back.
fn remaining(last: UnixMillis, pause: u64, at: UnixMillis) -> u64 {
    pause.saturating_sub(at.0.abs_diff(last.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::{device::DeviceId, username::Username};
    use fourauth_store::Target;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        unknown_device: 70,
        known_device: 30,
        backoff_max_ms: 900_000,
        totp_in_a_minute: 5,
        face_before_waiting: 5,
        face_wait_ms: 30_000,
        face_unknown_device: 35,
        face_known_device: 15,
        at_once: 8,
    };
    const NOON: UnixMillis = UnixMillis(1_795_262_400_000);
    const BOTH: Asked = Asked { totp: true, face: true };

    const DEVICE: Lane = Lane::Device(DeviceId::from_bytes([1; 16]));

    fn failed(failures: i64) -> Tally {
        Tally { failures, last: NOON, ..Tally::default() }
    }

    fn examined(
        lane: Lane,
        tally: Tally,
        asked: Asked,
        ahead: u32,
        at: UnixMillis,
    ) -> Result<(), Limited> {
        let name = Username::parse("alice").unwrap();
        let target = Target::account(&name);
        let request = AdmissionRequest { target, lanes: &[], known_lanes: 1, asked, at };
        LIMITS.check(lane, request, &[(lane, tally)].into_iter().collect(), &[(lane, ahead)])
    }

    fn check(lane: Lane, tally: Tally, ahead: u32, later_ms: i64) -> Result<(), Limited> {
        examined(lane, tally, BOTH, ahead, UnixMillis(NOON.0 + later_ms))
    }

    #[test]
    fn an_unknown_device_waits_twice_as_long_after_each_failure() {
        for (failures, wait) in
            [(1, 1_000), (2, 2_000), (10, 512_000), (11, 900_000), (69, 900_000)]
        {
            let waits = check(Lane::Unknown, failed(failures), 0, 0);
            assert_eq!(waits, Err(Limited::Wait(wait)), "after {failures}");
            let waited = i64::try_from(wait).unwrap();
            assert_eq!(check(Lane::Unknown, failed(failures), 0, waited), Ok(()));
        }
    }

    #[test]
    fn a_known_device_does_not_wait_and_has_thirty() {
        assert_eq!(check(DEVICE, failed(29), 0, 0), Ok(()));
        assert_eq!(check(DEVICE, failed(30), 0, 86_400_000), Err(Limited::Closed));
    }

    #[test]
    fn an_unknown_device_has_seventy_however_long_it_waits() {
        assert_eq!(check(Lane::Unknown, failed(70), 0, i64::MAX / 2), Err(Limited::Closed));
    }

    #[test]
    fn five_wrong_codes_use_up_a_minute() {
        let minute = NOON.0 / 60_000;
        let tally = Tally { totp_recent: 5, totp_minute: minute, ..failed(5) };
        assert_eq!(check(DEVICE, tally, 0, 10_000), Err(Limited::Wait(50_000)));
        assert_eq!(check(DEVICE, tally, 0, 60_000), Ok(()));
        let no_code = Asked { totp: false, face: true };
        assert_eq!(examined(DEVICE, tally, no_code, 0, NOON), Ok(()));
    }

    #[test]
    fn after_five_wrong_faces_each_has_to_be_waited_for() {
        let tally = Tally { face: 5, ..failed(5) };
        assert_eq!(check(DEVICE, tally, 0, 1_000), Err(Limited::Wait(29_000)));
        assert_eq!(check(DEVICE, tally, 0, 30_000), Ok(()));
    }

    #[test]
    fn when_too_many_faces_were_wrong_only_commands_without_a_face_go_on() {
        let tally = Tally { face: 15, ..failed(15) };
        assert_eq!(check(DEVICE, tally, 0, 86_400_000), Err(Limited::Closed));
        let no_face = Asked { totp: true, face: false };
        assert_eq!(examined(DEVICE, tally, no_face, 0, NOON), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_longer_than_the_pause() {
        for back in [1, 1_000, 3_999] {
            let waits = check(Lane::Unknown, failed(3), 0, -back);
            assert!(matches!(waits, Err(Limited::Wait(1..=4_000))), "{waits:?}");
        }
        assert_eq!(check(Lane::Unknown, failed(3), 0, -86_400_000), Ok(()));
    }

    proptest! {
        #[test]
        fn many_at_once_get_no_further_than_one_after_the_other(
            failures in 0_i64..80, ahead in 0_u32..100, known in any::<bool>(),
        ) {
            let (lane, all) = if known { (DEVICE, 30) } else { (Lane::Unknown, 70) };
            if check(lane, failed(failures), ahead, 0).is_ok() {
                prop_assert!(failures + i64::from(ahead) < all);
                prop_assert!(ahead < LIMITS.at_once);
                prop_assert!(known || ahead == 0 || failures == 0);
            }
        }
    }
}
