//! Whether the time can be trusted.

use super::Condition;
use fourauth_timekeeper::{Reading, State};

/// Judges one reading. The timekeeper knows the profile: under `strict` a time that no quorum confirms
/// is denied. Without `servers`, no round can confirm it.
pub(super) fn check(time: Reading, servers: bool) -> Condition {
    const WHAT_TO_DO: &str =
        "check that time.servers can be reached over UDP; see `fourauthd time status`";

    match time.state {
        State::Local if !servers => Condition::Warning(
            "time.servers is empty, so the time is that of this machine and its error has no bound; \
             keep its clock right, or name time servers"
                .to_owned(),
        ),
        State::Denied if !servers => Condition::Failing(
            "time.servers is empty, and auth.profile denies every login without a confirmed time; \
             name time servers"
                .to_owned(),
        ),
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
            assert_eq!(check(reading, true).word(), word, "{state}");
            assert_eq!(check(reading, false).word(), word, "{state}");
        }
    }

    #[test]
    fn without_time_servers_none_has_to_be_reached() {
        for (state, servers, expected) in [
            (State::Local, false, "time.servers is empty"),
            (State::Denied, false, "time.servers is empty"),
            (State::Local, true, "can be reached over UDP"),
            (State::Denied, true, "can be reached over UDP"),
        ] {
            let reading = Reading { now: UnixMillis(0), error_ms: 7, state };
            let found = check(reading, servers);
            assert!(found.words().unwrap().contains(expected), "{state} {servers}: {found}");
        }
    }
}
