//! Failure budgets: how many failures each lane of an account allows.
//!
//! Unknown devices have `unknown`, known devices (or places) share `known`, and attempts with a
//! right recovery code have five of their own, so that failures of others never prevent a recovery.
//! With the default figures the sum is the hundred consecutive failures of NIST SP 800-63B-4
//! §3.2.2.
//!
//! Each known device has a guaranteed part of `known`, and may use what is not reserved for others.

use fourauth_store::Lane;

/// Guaranteed failures of each known device: about as many mistakes as a user makes in a row.
const GUARANTEED: i64 = 5;

/// Failures allowed with a right recovery code.
pub const WITH_RECOVERY_CODE: i64 = 5;

/// The failures that an account allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailureBudget {
    /// By unknown devices.
    pub(crate) unknown: i64,
    /// By all known devices or places together.
    pub(crate) known: i64,
}

impl FailureBudget {
    /// Returns the number of failures at which `lane` is closed, given the failures `spent` in
    /// every lane and the number of known devices or places.
    pub(crate) fn of(self, lane: Lane, spent: &[(Lane, i64)], known_lanes: u32) -> i64 {
        match lane {
            // The backoff is sufficient, because there are many sources and the secrets are long. A
            // closed lane would block every administrator at that source.
            Lane::Admin => i64::MAX,
            Lane::Unknown => self.unknown,
            Lane::RecoveryCode => WITH_RECOVERY_CODE,
            Lane::Device(_) | Lane::Place(_) => {
                let others = spent.iter().filter(|(other, _)| other.is_known() && *other != lane);
                share(self.known, others.map(|(_, used)| *used), known_lanes)
            }
        }
    }
}

/// The part of `pool` that one known lane may use, given the failures of `others`.
fn share(pool: i64, others: impl Iterator<Item = i64>, known_lanes: u32) -> i64 {
    let lanes = i64::from(known_lanes.max(1));
    let guaranteed = (pool / lanes).clamp(1, GUARANTEED);
    let (mut reserved, mut idle) = (0, lanes - 1);
    for used in others {
        reserved += used.max(guaranteed);
        idle -= 1;
    }
    guaranteed.max(pool - reserved - idle.max(0) * guaranteed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::device::DeviceId;
    use proptest::prelude::*;

    const HUNDRED: FailureBudget = FailureBudget { unknown: 70, known: 25 };

    fn device(number: u8) -> Lane {
        Lane::Device(DeviceId::from_bytes([number; 16]))
    }

    #[test]
    fn budgets_match_the_documented_figures() {
        let nothing: &[(Lane, i64)] = &[];
        let lost = &[(device(1), 25)][..];
        let all_used = &[(Lane::Unknown, 70), (device(1), 25)][..];
        for (lane, spent, known_lanes, expected) in [
            (Lane::Unknown, nothing, 0, 70),
            (Lane::Unknown, lost, 2, 70),
            (Lane::RecoveryCode, nothing, 0, 5),
            (Lane::RecoveryCode, all_used, 1, 5),
            (device(1), nothing, 1, 25),
            (device(1), all_used, 1, 25),
            (device(1), nothing, 2, 20),
            (device(1), nothing, 3, 15),
            (device(1), nothing, 5, 5),
            (device(1), nothing, 16, 10),
            (device(2), &[(device(1), 20)], 2, 5),
            (device(2), &[(device(1), 10)], 16, 1),
            (device(2), lost, 1, 5),
            (Lane::Admin, nothing, 0, i64::MAX),
        ] {
            let budget = HUNDRED.of(lane, spent, known_lanes);
            assert_eq!(budget, expected, "{lane:?} {spent:?} {known_lanes}");
        }
    }

    /// Fails in the lanes of `order` while they are open. Returns the failures of every lane.
    fn fail_in(order: &[u8], devices: u8) -> Vec<(Lane, i64)> {
        let mut spent: Vec<(Lane, i64)> = Vec::new();
        for pick in order {
            let lane = match pick % (devices + 2) {
                0 => Lane::Unknown,
                1 => Lane::RecoveryCode,
                number => device(number),
            };
            let used = spent.iter().find(|(other, _)| *other == lane).map_or(0, |(_, used)| *used);
            if used < HUNDRED.of(lane, &spent, devices.into()) {
                spent.retain(|(other, _)| *other != lane);
                spent.push((lane, used + 1));
            }
        }
        spent
    }

    proptest! {
        #[test]
        fn all_lanes_together_allow_at_most_a_hundred_failures(
            order in prop::collection::vec(any::<u8>(), 0..2000), devices in 1_u8..=16,
        ) {
            let spent = fail_in(&order, devices);
            prop_assert!(spent.iter().map(|(_, used)| used).sum::<i64>() <= 100, "{spent:?}");
        }

        #[test]
        fn failures_of_others_close_no_known_device(
            order in prop::collection::vec(any::<u8>(), 0..2000), devices in 1_u8..=15,
        ) {
            let spent = fail_in(&order, devices);
            let open = HUNDRED.of(device(200), &spent, u32::from(devices) + 1);
            prop_assert!(open >= 1, "{spent:?}");
            prop_assert!(devices > 4 || open >= 5, "{spent:?}");
            prop_assert_eq!(HUNDRED.of(Lane::RecoveryCode, &spent, devices.into()), 5);
        }
    }
}
