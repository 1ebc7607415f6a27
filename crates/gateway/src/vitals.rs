//! What a gateway reports about its server: whether it can work, and its numbers.

use crate::{
    Clock,
    upstream::{Pending, Upstream},
};
use fourauth_daemon::tls::{Certificate, Fitness};
use std::{fmt, sync::Arc};

/// The source of `/readyz` and `/metrics`.
pub trait Vitals: Send + Sync {
    /// Checks whether the server can work now.
    fn readiness(&self) -> Pending<'_, Readiness>;

    /// The numbers in the text format of Prometheus.
    fn metrics(&self) -> String;
}

/// The result of all checks. Whether they end readiness is decided where they are made: some faults
/// leave a server useful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// True if the server can work.
    pub is_ready: bool,
    /// The checks, in any order.
    pub checks: Vec<Check>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked, in a word.
    pub name: &'static str,
    /// What is wrong, if anything is, for an operator.
    pub fault: Option<String>,
}

/// What a supervisor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is wrong.
    Ok,
    /// The server can work, and an operator should look at a check.
    Warning,
    /// The server cannot work.
    Unavailable,
}

impl Readiness {
    /// All checks in one word.
    pub(crate) fn state(&self) -> State {
        let is_faultless = self.checks.iter().all(|check| check.fault.is_none());
        match (self.is_ready, is_faultless) {
            (true, true) => State::Ok,
            (true, false) => State::Warning,
            (false, _) => State::Unavailable,
        }
    }
}

/// The vitals of a server that is known only by its answers, and the certificate of the gateway.
pub struct Reachable {
    upstream: Arc<Upstream>,
    /// With the clock that judges it. `None` if no listener has TLS.
    presented: Option<(Arc<Certificate>, Clock)>,
}

impl Reachable {
    /// The vitals of the server behind `upstream`.
    #[must_use]
    pub const fn new(upstream: Arc<Upstream>) -> Self {
        Self { upstream, presented: None }
    }

    /// Adds the certificate that visitors see.
    #[must_use]
    pub fn presenting(self, certificate: Arc<Certificate>, clock: Clock) -> Self {
        Self { presented: Some((certificate, clock)), ..self }
    }

    /// Whether visitors can connect, and the check of it.
    fn of_certificate(&self) -> Option<(bool, Check)> {
        let (certificate, clock) = self.presented.as_ref()?;
        let (is_valid, fault) = match certificate.fitness(clock()) {
            Fitness::Valid => (true, None),
            Fitness::Ending(words) => (true, Some(format!("warning: {words}"))),
            Fitness::Invalid(words) => (false, Some(format!("failing: {words}"))),
        };
        Some((is_valid, Check { name: "certificate", fault }))
    }
}

impl fmt::Debug for Reachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reachable").finish_non_exhaustive()
    }
}

impl Vitals for Reachable {
    fn readiness(&self) -> Pending<'_, Readiness> {
        Box::pin(async {
            let fault = match self.upstream.hello().await {
                Ok(answer) if answer.is_ok() => None,
                Ok(answer) => Some(answer.message),
                Err(error) => Some(error.to_string()),
            };
            let (mut is_ready, mut checks) =
                (fault.is_none(), vec![Check { name: "server", fault }]);
            if let Some((is_valid, check)) = self.of_certificate() {
                is_ready &= is_valid;
                checks.push(check);
            }
            Readiness { is_ready, checks }
        })
    }

    fn metrics(&self) -> String {
        concat!(
            "# HELP fourauth_gateway_info The version of the gateway.\n",
            "# TYPE fourauth_gateway_info gauge\n",
            "fourauth_gateway_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1\n",
        )
        .to_owned()
    }
}
