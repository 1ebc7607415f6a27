use super::*;
use fourauth_protocol::{device::DeviceId, username::Username};
use proptest::prelude::*;

/// The defaults.
const LIMITS: Limits = Limits {
    unknown_device: 70,
    known_device: 25,
    backoff_max_ms: 900_000,
    totp_in_a_minute: 5,
    face_before_waiting: 5,
    face_wait_ms: 30_000,
    face_unknown_device: 35,
    face_known_device: 10,
    at_once: 5,
};
const NOON: UnixMillis = UnixMillis(1_795_262_400_000);
const BOTH: LimitedFactors = LimitedFactors { totp: true, face: true };

const DEVICE: Lane = Lane::Device(DeviceId::from_bytes([1; 16]));

fn failed(failures: i64) -> Tally {
    Tally { failures, last: NOON, ..Tally::default() }
}

fn examined(
    lane: Lane,
    tally: Tally,
    factors: LimitedFactors,
    ahead: u32,
    at: UnixMillis,
) -> Result<(), Limited> {
    let name = Username::parse("alice").unwrap();
    let target = Target::account(&name);
    let request = AdmissionRequest { target, lanes: &[], known_lanes: 1, factors, at };
    LIMITS.check(lane, request, &[(lane, tally)].into_iter().collect(), &[(lane, ahead)])
}

fn check(lane: Lane, tally: Tally, ahead: u32, later_ms: i64) -> Result<(), Limited> {
    examined(lane, tally, BOTH, ahead, UnixMillis(NOON.0 + later_ms))
}

#[test]
fn an_unknown_device_waits_twice_as_long_after_each_failure() {
    for (failures, wait) in [(1, 1_000), (2, 2_000), (10, 512_000), (11, 900_000), (69, 900_000)] {
        let waits = check(Lane::Unknown, failed(failures), 0, 0);
        assert_eq!(waits, Err(Limited::Wait(wait)), "after {failures}");
        let waited = i64::try_from(wait).unwrap();
        assert_eq!(check(Lane::Unknown, failed(failures), 0, waited), Ok(()));
    }
}

#[test]
fn a_known_device_does_not_wait_and_has_25_failures() {
    assert_eq!(check(DEVICE, failed(24), 0, 0), Ok(()));
    assert_eq!(check(DEVICE, failed(25), 0, 86_400_000), Err(Limited::Closed));
}

#[test]
fn an_unknown_device_has_seventy_failures_and_waiting_adds_none() {
    assert_eq!(check(Lane::Unknown, failed(70), 0, i64::MAX / 2), Err(Limited::Closed));
}

#[test]
fn five_wrong_codes_use_up_a_minute() {
    let minute = NOON.0 / 60_000;
    let tally = Tally { totp_recent: 5, totp_minute: minute, ..failed(5) };
    assert_eq!(check(DEVICE, tally, 0, 10_000), Err(Limited::Wait(50_000)));
    assert_eq!(check(DEVICE, tally, 0, 60_000), Ok(()));
    let no_code = LimitedFactors { totp: false, face: true };
    assert_eq!(examined(DEVICE, tally, no_code, 0, NOON), Ok(()));
}

#[test]
fn after_five_wrong_faces_each_further_one_waits() {
    let tally = Tally { face: 5, ..failed(5) };
    assert_eq!(check(DEVICE, tally, 0, 1_000), Err(Limited::Wait(29_000)));
    assert_eq!(check(DEVICE, tally, 0, 30_000), Ok(()));
}

#[test]
fn too_many_wrong_faces_close_only_commands_with_a_face() {
    let tally = Tally { face: 10, ..failed(10) };
    assert_eq!(check(DEVICE, tally, 0, 86_400_000), Err(Limited::Closed));
    let no_face = LimitedFactors { totp: true, face: false };
    assert_eq!(examined(DEVICE, tally, no_face, 0, NOON), Ok(()));
}

#[test]
fn a_clock_set_back_does_not_extend_the_pause() {
    for back in [1, 1_000, 3_999] {
        let waits = check(Lane::Unknown, failed(3), 0, -back);
        assert!(matches!(waits, Err(Limited::Wait(1..=4_000))), "{waits:?}");
    }
    assert_eq!(check(Lane::Unknown, failed(3), 0, -86_400_000), Ok(()));
}

proptest! {
    #[test]
    fn concurrent_attempts_get_no_further_than_sequential_ones(
        failures in 0_i64..80, ahead in 0_u32..100, known in any::<bool>(),
    ) {
        let (lane, all) = if known { (DEVICE, 25) } else { (Lane::Unknown, 70) };
        if check(lane, failed(failures), ahead, 0).is_ok() {
            prop_assert!(failures + i64::from(ahead) < all);
            prop_assert!(ahead < LIMITS.at_once);
            prop_assert!(known || ahead == 0 || failures == 0);
        }
    }
}
