//! What a gateway reports about its server: whether it can work, and its numbers.

use crate::upstream::{Pending, Upstream};
use std::sync::Arc;

/// The source of `/readyz` and `/metrics`.
pub trait Vitals: Send + Sync {
    /// Checks whether the server can work now.
    fn readiness(&self) -> Pending<'_, Readiness>;

    /// The numbers in the text format of Prometheus.
    fn metrics(&self) -> String;
}

/// The result of all checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The checks, in the order in which they are shown.
    pub checks: Vec<Check>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked, in a word.
    pub name: &'static str,
    /// What is wrong, if anything is.
    pub fault: Option<String>,
}

impl Readiness {
    /// True if nothing is wrong.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.fault.is_none())
    }
}

/// The vitals of a server that is known only by its answers.
#[derive(Debug)]
pub struct Reachable(Arc<Upstream>);

impl Reachable {
    /// The vitals of the server behind `upstream`.
    #[must_use]
    pub const fn new(upstream: Arc<Upstream>) -> Self {
        Self(upstream)
    }
}

impl Vitals for Reachable {
    fn readiness(&self) -> Pending<'_, Readiness> {
        Box::pin(async {
            let fault = match self.0.hello().await {
                Ok(answer) if answer.is_ok() => None,
                Ok(answer) => Some(answer.message),
                Err(error) => Some(error.to_string()),
            };
            Readiness { checks: vec![Check { name: "server", fault }] }
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
