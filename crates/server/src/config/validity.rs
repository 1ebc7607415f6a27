//! Whether a configuration that can be read can also be used.

use super::Config;
use fourauth_factors::password::Cost;
use fourauth_store::Location;
use tracing_subscriber::EnvFilter;

/// Most connections and most waiting jobs that anybody can mean.
const MAX_COUNT: usize = 1_000_000;

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
        let Config { auth, limits, compute, .. } = self;
        let cost = Cost { memory_kib: auth.argon2_memory_kib, passes: auth.argon2_passes };
        let counts = 1..=MAX_COUNT;
        let held = [
            (
                "auth.issuer",
                "must not be empty or hold a colon, which divides issuer and account",
                !auth.issuer.is_empty() && !auth.issuer.contains(':'),
            ),
            (
                "auth.argon2_memory_kib",
                "this and argon2_passes name no cost that Argon2id accepts and a server can bear",
                cost.checked().is_ok(),
            ),
            ("auth.session_s", "must be at least 1", auth.session_s > 0),
            (
                "store.url",
                "is neither sqlite:PATH nor postgres://…",
                Location::parse(&self.store_url()).is_ok(),
            ),
            ("limits.connections", "must be 1 to 1000000", counts.contains(&limits.connections)),
            (
                "limits.connections_per_source",
                "must be 1 to 1000000",
                counts.contains(&limits.connections_per_source),
            ),
            (
                "limits.in_flight_mib_per_source",
                "must be at least 8, two frames, and at most limits.in_flight_mib",
                (8..=limits.in_flight_mib).contains(&limits.in_flight_mib_per_source),
            ),
            ("compute.threads", "must be at most 1000", compute.threads <= 1000),
            ("compute.queue", "must be at most 1000000", compute.queue <= MAX_COUNT),
            (
                "log.filter",
                "is not in the syntax of EnvFilter",
                EnvFilter::try_new(&self.log.filter).is_ok(),
            ),
        ];
        match held.into_iter().find(|(_, _, holds)| !holds) {
            Some((key, reason, _)) => Err(Unusable { key, reason }),
            None => Ok(()),
        }
    }
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
            (|config: &mut Config| config.limits.connections = 0, "limits.connections"),
            (|config: &mut Config| config.compute.queue = usize::MAX, "compute.queue"),
            (|config: &mut Config| config.log.filter = "=[".into(), "log.filter"),
        ] as [(fn(&mut Config), &str); 6]
        {
            let mut config = Config::default();
            change(&mut config);
            assert_eq!(config.check().unwrap_err().key, key);
        }
    }
}
