//! How often one may try, and how long one waits in between. Tallies in, a verdict out; counting is
//! the store's business, and who is counted together is decided in `admission`.
//!
//! Devices that the account has been used with are counted apart from all others, so that nobody
//! locks an owner out by failing in their name. Both lanes together stay within the hundred
//! consecutive failures of NIST SP 800-63B-4 §3.2.2.

use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Lane, Tally};

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: i64 = 60_000;

/// Doublings of a second that no configured ceiling lies above.
const MOST_DOUBLINGS: i64 = 32;

/// What an operator can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Consecutive failures after which an account is closed to devices that it does not know, until
    /// a recovery from one that it knows, or an administrator, opens it again.
    pub unknown_device: u32,
    /// The same for devices that it knows; they are then treated like unknown ones.
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

impl Limits {
    /// Whether one more attempt may be examined at `at`, while `ahead` others still are. Those count
    /// as if they had failed: of many at once no more get through than one after the other.
    ///
    /// # Errors
    ///
    /// [`Limited`]; the attempt is then neither examined nor counted.
    pub fn check(
        &self,
        lane: Lane,
        tally: &Tally,
        asked: Asked,
        ahead: u32,
        at: UnixMillis,
    ) -> Result<(), Limited> {
        let ahead = i64::from(ahead);
        let (all, faces) = self.totals(lane);
        if tally.failures >= all || (asked.face && tally.face >= faces) {
            return Err(Limited::Closed);
        }
        let pause = self.pause(lane, tally, asked);
        let wait = remaining(tally.last, pause, at).max(self.codes_wait(tally, asked, ahead, at));
        let crowded = ahead >= self.at_once.into()
            || (ahead > 0 && (pause > 0 || tally.failures + ahead >= all));
        match if crowded { wait.max(SECOND_MS) } else { wait } {
            0 => Ok(()),
            wait => Err(Limited::Wait(wait)),
        }
    }

    /// Failures and wrong faces that a lane forgives.
    fn totals(&self, lane: Lane) -> (i64, i64) {
        match lane {
            Lane::Unknown => (self.unknown_device.into(), self.face_unknown_device.into()),
            Lane::Known => (self.known_device.into(), self.face_known_device.into()),
            // Sources are many and secrets long: waiting is enough, and closing a source would close
            // it to everybody behind it.
            Lane::Admin => (i64::MAX, i64::MAX),
        }
    }

    /// How long after the newest failure nothing is examined.
    fn pause(&self, lane: Lane, tally: &Tally, asked: Asked) -> u64 {
        let backoff = match lane {
            Lane::Unknown | Lane::Admin => self.backoff(tally.failures),
            Lane::Known => 0,
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

/// What is left of a pause. A clock that has been set back by more than the pause since ends it, or
/// else it would last for as long as the clock was set back.
fn remaining(last: UnixMillis, pause: u64, at: UnixMillis) -> u64 {
    pause.saturating_sub(at.0.abs_diff(last.0))
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn failed(failures: i64) -> Tally {
        Tally { failures, last: NOON, ..Tally::default() }
    }

    fn check(lane: Lane, tally: Tally, ahead: u32, later_ms: i64) -> Result<(), Limited> {
        LIMITS.check(lane, &tally, BOTH, ahead, UnixMillis(NOON.0 + later_ms))
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
        assert_eq!(check(Lane::Known, failed(29), 0, 0), Ok(()));
        assert_eq!(check(Lane::Known, failed(30), 0, 86_400_000), Err(Limited::Closed));
    }

    #[test]
    fn an_unknown_device_has_seventy_however_long_it_waits() {
        assert_eq!(check(Lane::Unknown, failed(70), 0, i64::MAX / 2), Err(Limited::Closed));
    }

    #[test]
    fn five_wrong_codes_use_up_a_minute() {
        let minute = NOON.0 / 60_000;
        let tally = Tally { totp_recent: 5, totp_minute: minute, ..failed(5) };
        assert_eq!(check(Lane::Known, tally, 0, 10_000), Err(Limited::Wait(50_000)));
        assert_eq!(check(Lane::Known, tally, 0, 60_000), Ok(()));
        let no_code = Asked { totp: false, face: true };
        assert_eq!(LIMITS.check(Lane::Known, &tally, no_code, 0, NOON), Ok(()));
    }

    #[test]
    fn after_five_wrong_faces_each_has_to_be_waited_for() {
        let tally = Tally { face: 5, ..failed(5) };
        assert_eq!(check(Lane::Known, tally, 0, 1_000), Err(Limited::Wait(29_000)));
        assert_eq!(check(Lane::Known, tally, 0, 30_000), Ok(()));
    }

    #[test]
    fn when_too_many_faces_were_wrong_only_commands_without_a_face_go_on() {
        let tally = Tally { face: 15, ..failed(15) };
        assert_eq!(check(Lane::Known, tally, 0, 86_400_000), Err(Limited::Closed));
        let no_face = Asked { totp: true, face: false };
        assert_eq!(LIMITS.check(Lane::Known, &tally, no_face, 0, NOON), Ok(()));
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
            let lane = if known { Lane::Known } else { Lane::Unknown };
            if check(lane, failed(failures), ahead, 0).is_ok() {
                let (all, _) = LIMITS.totals(lane);
                prop_assert!(failures + i64::from(ahead) < all);
                prop_assert!(ahead < LIMITS.at_once);
                prop_assert!(known || ahead == 0 || failures == 0);
            }
        }
    }
}
