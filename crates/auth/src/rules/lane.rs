//! The lanes that an attempt may be counted in.

use fourauth_protocol::device::DeviceId;
use fourauth_store::{Lane, LoginLocation};

/// The facts about an attempt that decide its lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LaneFacts {
    /// The device that proved its key.
    pub(crate) proven: Option<DeviceId>,
    /// True if the command came with a right recovery code.
    pub(crate) has_recovery_code: bool,
    /// The place of the attempt, if it is known for the account.
    pub(crate) known_place: Option<LoginLocation>,
    /// True if the account has or had a device key. A place is then ignored.
    pub(crate) is_keyed: bool,
}

/// Returns the lanes that an attempt may use, best first. If a lane is closed, the next one is
/// used; the last is the lane of unknown devices.
pub(crate) fn lanes(facts: LaneFacts) -> Vec<Lane> {
    let LaneFacts { proven, has_recovery_code, known_place, is_keyed } = facts;
    let device = proven.map(Lane::Device);
    let code = has_recovery_code.then_some(Lane::RecoveryCode);
    let place = known_place.filter(|_| !is_keyed).map(Lane::Place);
    [device, code, place, Some(Lane::Unknown)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Lane::{RecoveryCode, Unknown};

    #[test]
    fn a_place_counts_only_without_a_device_key() {
        let id = DeviceId::from_bytes([1; 16]);
        let here = LoginLocation::new(None, "192.0.2.1");
        let (device, place) = (Lane::Device(id), Lane::Place(here));
        for (proven, code, known_place, is_keyed, expected) in [
            (false, false, false, false, vec![Unknown]),
            (false, false, false, true, vec![Unknown]),
            (false, false, true, false, vec![place, Unknown]),
            (false, false, true, true, vec![Unknown]),
            (false, true, false, false, vec![RecoveryCode, Unknown]),
            (false, true, false, true, vec![RecoveryCode, Unknown]),
            (false, true, true, false, vec![RecoveryCode, place, Unknown]),
            (false, true, true, true, vec![RecoveryCode, Unknown]),
            (true, false, false, true, vec![device, Unknown]),
            (true, false, true, true, vec![device, Unknown]),
            (true, true, false, true, vec![device, RecoveryCode, Unknown]),
            (true, true, true, true, vec![device, RecoveryCode, Unknown]),
        ] {
            let facts = LaneFacts {
                proven: proven.then_some(id),
                has_recovery_code: code,
                known_place: known_place.then_some(here),
                is_keyed,
            };
            assert_eq!(lanes(facts), expected, "{facts:?}");
        }
    }
}
