//! `[attempts]`

use serde::{Deserialize, Serialize};

/// How often an account may be tried, and how long it then waits.
///
/// The numbers are of NIST SP 800-63B-4 §3.2.2: no more than 100 failures in a row for one
/// authenticator. They are divided into lanes, so that an attacker who fails on purpose takes nothing
/// from the devices that an account already knows, and a lost device nothing from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttemptsConfig {
    /// Failures in a row from devices that the account does not know, until they are shut out. An
    /// administrator lets them in again, or a recovery with a trusted key or a recovery code.
    pub unknown_device: u32,
    /// The same from all devices together that it knows. Each has five of them to itself; one that
    /// has used up its part is treated like an unknown one.
    pub known_device: u32,
    /// Longest wait between two attempts from unknown devices, in seconds. It doubles from one
    /// second on with each failure. 0 makes nobody wait.
    pub backoff_max_s: u32,
    /// Wrong one-time codes in a minute, two steps of RFC 6238; further ones are not looked at until
    /// it is over.
    pub totp_in_a_minute: u32,
    /// Pictures of somebody else in a row, before each further one waits (SP 800-63B-4 §3.2.3).
    pub face_before_waiting: u32,
    /// How long it waits, in seconds.
    pub face_wait_s: u32,
    /// Pictures of somebody else in a row from unknown devices, until faces of such are refused.
    pub face_unknown_device: u32,
    /// The same from devices that the account knows. Both together are the 50 of SP 800-63B-4
    /// §3.2.3.
    pub face_known_device: u32,
    /// Attempts on one account that are being decided at the same moment, from unknown devices and
    /// from known ones. Further ones are asked to come back.
    pub at_once: u32,
    /// How long a factor that was changed from an unknown device cannot change another, in seconds.
    /// 0 lets it at once.
    pub recovery_cooldown_s: u32,
}

impl Default for AttemptsConfig {
    fn default() -> Self {
        Self {
            unknown_device: 70,
            known_device: 25,
            backoff_max_s: 15 * 60,
            totp_in_a_minute: 5,
            face_before_waiting: 5,
            face_wait_s: 30,
            face_unknown_device: 35,
            face_known_device: 10,
            at_once: 5,
            recovery_cooldown_s: 24 * 60 * 60,
        }
    }
}
