//! Whether the certificate is valid, and for how long.

use super::Condition;
use fourauth_daemon::tls::Fitness;

/// What an operator is told about a certificate.
#[must_use]
pub fn check(fitness: Fitness) -> Condition {
    match fitness {
        Fitness::Valid => Condition::Ok,
        Fitness::Ending(words) => Condition::Warning(words),
        Fitness::Invalid(words) => Condition::Failing(words),
    }
}
