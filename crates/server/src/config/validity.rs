//! Whether a configuration that can be read can also be used.

use super::{AttemptsConfig, AuthConfig, ComputeConfig, Config, LimitsConfig};
use fourauth_factors::password::Cost;
use fourauth_store::Location;
use std::ops::RangeInclusive;
use tracing_subscriber::EnvFilter;

/// Connections, attempts and waiting jobs: at least one, and no more than anybody can mean.
const COUNTS: RangeInclusive<usize> = 1..=1_000_000;

/// Longest wait between attempts, in seconds: a day.
const MAX_WAIT_S: u32 = 86_400;

/// Longest wait between two recoveries, in seconds: thirty days.
const MAX_COOLDOWN_S: u32 = 30 * 86_400;

/// Longest issuer, in characters: receipts carry it.
const MAX_ISSUER_CHARS: usize = 256;

/// A setting that no server could run with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Unusable {
    /// Its dotted name.
    pub key: &'static str,
    /// What is wrong with it. Never quotes the value, which may be a secret.
    pub reason: &'static str,
}

impl Config {
    /// Checks what the types of the settings cannot.
    ///
    /// # Errors
    ///
    /// [`Unusable`] names the first setting that cannot be used.
    pub fn check(&self) -> Result<(), Unusable> {
        let requirements = [
            auth(&self.auth),
            attempts(&self.attempts),
            limits(&self.limits),
            compute(&self.compute),
            vec![
                Requirement {
                    key: "store.url",
                    reason: "is neither sqlite:PATH nor postgres://…",
                    holds: Location::parse(&self.store_url()).is_ok(),
                },
                Requirement {
                    key: "audit.checkpoint_sinks",
                    reason: "must name at least one place",
                    holds: !self.checkpoint_sinks().is_empty(),
                },
                Requirement {
                    key: "audit.checkpoint_s",
                    reason: "must be 1 to 86400",
                    holds: (1..=MAX_WAIT_S).contains(&self.audit.checkpoint_s),
                },
                Requirement {
                    key: "log.filter",
                    reason: "is not in the syntax of EnvFilter",
                    holds: EnvFilter::try_new(&self.log.filter).is_ok(),
                },
            ],
        ];
        match requirements.into_iter().flatten().find(|requirement| !requirement.holds) {
            Some(Requirement { key, reason, .. }) => Err(Unusable { key, reason }),
            None => Ok(()),
        }
    }
}

/// Something that must hold for a setting.
struct Requirement {
    key: &'static str,
    reason: &'static str,
    holds: bool,
}

impl Requirement {
    fn count(key: &'static str, value: usize) -> Self {
        Self { key, reason: "must be 1 to 1000000", holds: COUNTS.contains(&value) }
    }

    fn count_of(key: &'static str, value: u32) -> Self {
        Self::count(key, usize::try_from(value).unwrap_or(usize::MAX))
    }

    fn wait(key: &'static str, seconds: u32) -> Self {
        Self { key, reason: "must be at most 86400, a day", holds: seconds <= MAX_WAIT_S }
    }
}

fn auth(auth: &AuthConfig) -> Vec<Requirement> {
    let cost = Cost { memory_kib: auth.argon2_memory_kib, passes: auth.argon2_passes };
    vec![
        Requirement {
            key: "auth.issuer",
            reason: "must not be empty or hold a colon, which divides issuer and account",
            holds: !auth.issuer.is_empty() && !auth.issuer.contains(':'),
        },
        Requirement {
            key: "auth.issuer",
            reason: "must be at most 256 characters, so that a receipt stays short",
            holds: auth.issuer.chars().count() <= MAX_ISSUER_CHARS,
        },
        Requirement {
            key: "auth.argon2_memory_kib",
            reason: "this and argon2_passes name no cost that Argon2id accepts and a server can bear",
            holds: cost.checked().is_ok(),
        },
        Requirement {
            key: "auth.session_s",
            reason: "must be at least 1",
            holds: auth.session_s > 0,
        },
    ]
}

fn attempts(attempts: &AttemptsConfig) -> Vec<Requirement> {
    vec![
        Requirement::count_of("attempts.unknown_device", attempts.unknown_device),
        Requirement::count_of("attempts.known_device", attempts.known_device),
        Requirement::wait("attempts.backoff_max_s", attempts.backoff_max_s),
        Requirement::count_of("attempts.totp_in_a_minute", attempts.totp_in_a_minute),
        Requirement::count_of("attempts.face_before_waiting", attempts.face_before_waiting),
        Requirement::wait("attempts.face_wait_s", attempts.face_wait_s),
        Requirement::count_of("attempts.face_unknown_device", attempts.face_unknown_device),
        Requirement::count_of("attempts.face_known_device", attempts.face_known_device),
        Requirement::count_of("attempts.at_once", attempts.at_once),
        Requirement {
            key: "attempts.recovery_cooldown_s",
            reason: "must be at most 2592000, thirty days",
            holds: attempts.recovery_cooldown_s <= MAX_COOLDOWN_S,
        },
    ]
}

fn limits(limits: &LimitsConfig) -> Vec<Requirement> {
    vec![
        Requirement::count("limits.connections", limits.connections),
        Requirement::count("limits.connections_per_source", limits.connections_per_source),
        Requirement::count("limits.deciding_per_source", limits.deciding_per_source),
        Requirement::count("limits.startups_full", limits.startups_full),
        Requirement {
            key: "limits.startups_begin",
            reason: "must be at least 1 and at most limits.startups_full",
            holds: (1..=limits.startups_full).contains(&limits.startups_begin),
        },
        Requirement {
            key: "limits.startups_rate",
            reason: "must be 0 to 100, in percent",
            holds: limits.startups_rate <= 100,
        },
        Requirement::count("limits.startups_per_source", limits.startups_per_source),
        Requirement {
            key: "limits.in_flight_mib_per_source",
            reason: "must be at least 8, two frames, and at most limits.in_flight_mib",
            holds: (8..=limits.in_flight_mib).contains(&limits.in_flight_mib_per_source),
        },
    ]
}

fn compute(compute: &ComputeConfig) -> Vec<Requirement> {
    vec![
        Requirement {
            key: "compute.threads",
            reason: "must be at most 1000",
            holds: compute.threads <= 1000,
        },
        Requirement {
            key: "compute.queue",
            reason: "must be at most 1000000",
            holds: compute.queue <= *COUNTS.end(),
        },
        Requirement {
            key: "compute.queue_per_source",
            reason: "must be 2 to 1000000: a login is two jobs",
            holds: (2..=*COUNTS.end()).contains(&compute.queue_per_source),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_server_could_run_with_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        for (change, key) in [
            (|config: &mut Config| config.auth.issuer = "ACME: Doors".into(), "auth.issuer"),
            (|config: &mut Config| config.auth.argon2_passes = 0, "auth.argon2_memory_kib"),
            (|config: &mut Config| config.store.url = Some("mysql:x".into()), "store.url"),
            (|config: &mut Config| config.compute.queue = usize::MAX, "compute.queue"),
            (|config: &mut Config| config.compute.queue_per_source = 1, "compute.queue_per_source"),
            (|config: &mut Config| config.log.filter = "=[".into(), "log.filter"),
            (
                |config: &mut Config| config.audit.checkpoint_sinks = Some(Vec::new()),
                "audit.checkpoint_sinks",
            ),
            (|config: &mut Config| config.audit.checkpoint_s = 0, "audit.checkpoint_s"),
        ] as [(fn(&mut Config), &str); 8]
        {
            assert_eq!(refused(change), key);
        }
    }

    #[test]
    fn limits_that_would_let_nobody_or_everybody_in_are_named() {
        for (change, key) in [
            (|config| config.limits.connections = 0, "limits.connections"),
            (|config| config.limits.startups_begin = 0, "limits.startups_begin"),
            (|config| config.limits.startups_full = 255, "limits.startups_begin"),
            (|config| config.limits.startups_full = 0, "limits.startups_full"),
            (|config| config.limits.startups_rate = 101, "limits.startups_rate"),
            (|config| config.limits.startups_per_source = 0, "limits.startups_per_source"),
            (|config| config.attempts.unknown_device = 0, "attempts.unknown_device"),
            (|config| config.attempts.known_device = 0, "attempts.known_device"),
            (|config| config.attempts.backoff_max_s = 86_401, "attempts.backoff_max_s"),
            (|config| config.attempts.totp_in_a_minute = 0, "attempts.totp_in_a_minute"),
            (|config| config.attempts.face_wait_s = u32::MAX, "attempts.face_wait_s"),
            (|config| config.attempts.at_once = u32::MAX, "attempts.at_once"),
            (
                |config| config.attempts.recovery_cooldown_s = u32::MAX,
                "attempts.recovery_cooldown_s",
            ),
        ] as [(fn(&mut Config), &str); 13]
        {
            assert_eq!(refused(change), key);
        }
    }

    fn refused(change: fn(&mut Config)) -> &'static str {
        let mut config = Config::default();
        change(&mut config);
        config.check().unwrap_err().key
    }
}
