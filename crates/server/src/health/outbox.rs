//! Whether notices were given up.

use super::Condition;
use fourauth_store::OutboxCensus;

/// Judges the last count of notices. Without a count there is nothing to say: the check of the
/// database tells why.
pub(super) fn check(outbox: Option<OutboxCensus>) -> Condition {
    match outbox {
        None | Some(OutboxCensus { dead: 0, .. }) => Condition::Ok,
        Some(OutboxCensus { dead, .. }) => Condition::Warning(format!(
            "{dead} notices were given up; `fourauthd outbox list` shows why, and `resend` or `drop` \
             settles them"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_that_were_given_up_are_a_warning() {
        let outbox = OutboxCensus { without_address: 3, ..OutboxCensus::default() };
        assert_eq!(check(Some(outbox)), Condition::Ok);
        assert_eq!(check(Some(OutboxCensus { dead: 2, ..outbox })).word(), "warning");
        assert_eq!(check(None), Condition::Ok);
    }
}
