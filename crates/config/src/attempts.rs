//! `[attempts]`

use serde::{Deserialize, Serialize};

/// Limits on the attempts per account, and the waits between them.
///
/// The numbers follow NIST SP 800-63B-4 §3.2.2: at most 100 consecutive failures per authenticator.
/// They are divided into lanes. Deliberate failures of an attacker do not reduce the attempts of
/// known devices, and a lost device does not reduce those of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttemptsConfig {
    /// Consecutive failures from devices unknown to the account before such devices are blocked. An
    /// administrator unblocks them, or a recovery with a trusted key or a recovery code.
    pub unknown_device: u32,
    /// The same for all known devices together. Each device has five failures of its own. After
    /// these it is treated like an unknown one.
    pub known_device: u32,
    /// Longest wait between two attempts from unknown devices, in seconds. The wait starts at one
    /// second and doubles with each failure. 0 disables it.
    pub backoff_max_s: u32,
    /// Wrong one-time codes per minute, which is two steps of RFC 6238. Further codes are not
    /// checked until the minute is over.
    pub totp_in_a_minute: u32,
    /// Consecutive wrong faces before each further one must wait (SP 800-63B-4 §3.2.3).
    pub face_before_waiting: u32,
    /// Length of that wait, in seconds.
    pub face_wait_s: u32,
    /// Consecutive wrong faces from unknown devices before faces from unknown devices are refused.
    pub face_unknown_device: u32,
    /// The same for known devices. Together with the attempts with recovery codes, the two make up
    /// the 50 of SP 800-63B-4 §3.2.3.
    pub face_known_device: u32,
    /// Concurrent attempts on one account, counted separately for unknown and known devices.
    /// Further ones are told to retry.
    pub at_once: u32,
    /// How long a factor that was changed from an unknown device cannot change another, in seconds.
    /// 0 disables the wait.
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
