//! Settings that a server can run with and that an operator should know about.

use super::{AttemptsConfig, Config, LimitsConfig};
use fourauth_auth::limits::WITH_RECOVERY_CODE;

/// Failures in a row that NIST allows one authenticator (SP 800-63B-4 §3.2.2).
const NIST_FAILURES: u64 = 100;

/// Wrong faces in a row that NIST allows before another authenticator is asked for (SP 800-63B-4
/// §3.2.3).
const NIST_FACES: u64 = 50;

/// Below this a denial shows how long deciding took: one hash and one face take about as long.
const LEAST_DENIAL_MS: u32 = 100;

/// Below this one peer holds a connection for more than an hour with a single frame of 4 MiB.
const LEAST_BYTES_PER_S: u32 = 1024;

impl Config {
    /// What an operator should know about these settings, a sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        [nist(&self.attempts), weak_limits(&self.limits)].concat()
    }
}

/// Attempts beyond what NIST allows.
fn nist(attempts: &AttemptsConfig) -> Vec<String> {
    // Recovery codes have a few of their own.
    let together = |unknown: u32, known: u32| {
        u64::from(unknown) + u64::from(known) + WITH_RECOVERY_CODE.unsigned_abs()
    };
    let failures = together(attempts.unknown_device, attempts.known_device);
    let faces = together(attempts.face_unknown_device, attempts.face_known_device);
    let mut warnings = Vec::new();
    if failures > NIST_FAILURES {
        warnings.push(format!(
            "attempts.unknown_device, attempts.known_device and {WITH_RECOVERY_CODE} for recovery \
             codes are {failures} together: NIST SP 800-63B-4 section 3.2.2 allows {NIST_FAILURES} failures in a row"
        ));
    }
    if faces > NIST_FACES {
        warnings.push(format!(
            "attempts.face_unknown_device, attempts.face_known_device and {WITH_RECOVERY_CODE} for \
             recovery codes are {faces} together: NIST SP 800-63B-4 section 3.2.3 allows {NIST_FACES} wrong faces in a row"
        ));
    }
    warnings
}

/// Limits that let a peer learn or hold more than it should.
fn weak_limits(limits: &LimitsConfig) -> Vec<String> {
    let mut warnings = Vec::new();
    if limits.denial_ms < LEAST_DENIAL_MS {
        warnings.push(format!(
            "limits.denial_ms is {}: below {LEAST_DENIAL_MS} the time of a denial shows how long \
             deciding took, which tells whether there is such an account",
            limits.denial_ms
        ));
    }
    if limits.min_bytes_per_s < LEAST_BYTES_PER_S {
        warnings.push(format!(
            "limits.min_bytes_per_s is {}: below {LEAST_BYTES_PER_S} one frame may hold a \
             connection for more than an hour",
            limits.min_bytes_per_s
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(change: fn(&mut Config)) -> Vec<String> {
        let mut config = Config::default();
        change(&mut config);
        config.warnings()
    }

    #[test]
    fn nobody_is_warned_of_the_defaults() {
        assert_eq!(Config::default().warnings(), Vec::<String>::new());
    }

    #[test]
    fn more_attempts_than_nist_allows_are_warned_of() {
        for (change, key) in [
            (|config| config.attempts.unknown_device = 71, "attempts.unknown_device"),
            (|config| config.attempts.known_device = u32::MAX, "attempts.known_device"),
            (|config| config.attempts.face_unknown_device = 36, "attempts.face_unknown_device"),
            (|config| config.attempts.face_known_device = 16, "attempts.face_known_device"),
            (|config| config.limits.denial_ms = 0, "limits.denial_ms"),
            (|config| config.limits.min_bytes_per_s = 1, "limits.min_bytes_per_s"),
        ] as [(fn(&mut Config), &str); 6]
        {
            let warnings = warned(change);
            assert!(warnings.len() == 1 && warnings[0].contains(key), "{warnings:?}");
        }
        let shifted = |config: &mut Config| {
            (config.attempts.unknown_device, config.attempts.known_device) = (40, 55);
        };
        assert!(warned(shifted).is_empty());
    }
}
