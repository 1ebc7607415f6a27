//! Whether the time can be trusted.

use super::Condition;
use fourauth_timekeeper::{Reading, State};

/// Judges one reading. The timekeeper knows the profile: under `strict` a time that no quorum confirms
/// is denied.
pub(super) fn check(time: Reading) -> Condition {
    const WHAT_TO_DO: &str =
        "check that time.servers can be reached over UDP; see `fourauthd time status`";

    match time.state {
        State::Synced => Condition::Ok,
        State::Holdover => Condition::Warning(format!(
            "the last round of time servers did not confirm the time, which is wrong by at most {} \
             ms; {WHAT_TO_DO}",
            time.error_ms
        )),
        State::Local => Condition::Warning(format!(
            "no time server confirms the time, so its error has no bound; {WHAT_TO_DO}"
        )),
        State::Denied => Condition::Failing(format!(
            "the time is not known well enough, and every login is denied; {WHAT_TO_DO}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::time::UnixMillis;

    #[test]
    fn only_a_denied_time_is_a_failure() {
        for (state, word) in [
            (State::Synced, "ok"),
            (State::Holdover, "warning"),
            (State::Local, "warning"),
            (State::Denied, "failing"),
        ] {
            let reading = Reading { now: UnixMillis(0), error_ms: 7, state };
            assert_eq!(check(reading).word(), word, "{state}");
        }
    }
}
