//! Whether the database answers, and whether it takes writes.

use super::Condition;
use fourauth_store::{Store, WriteFailure};
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for an answer. It is shorter than the timeout that balancers have for a probe, so
/// that they get an answer and not a silence.
pub(crate) const ANSWER: Duration = Duration::from_secs(2);

/// How long a failed write is mentioned after writes succeed again. After an
/// alert an operator should still find the reason.
const MENTIONED: Duration = Duration::from_mins(10);

/// Reads a row, and looks at the last write that failed.
pub(super) async fn check(store: &Store) -> Condition {
    match timeout(ANSWER, store.ping()).await {
        Err(_) => Condition::Failing(format!(
            "the database gives no answer within {} s; check that it runs and is not overloaded",
            ANSWER.as_secs()
        )),
        Ok(Err(error)) => Condition::Failing(format!(
            "{error}; check that the database of store.url runs and can be reached"
        )),
        Ok(Ok(())) => written(store.last_write_failure()),
    }
}

fn written(failure: Option<WriteFailure>) -> Condition {
    let Some(WriteFailure { cause, ago, is_over }) = failure else { return Condition::Ok };
    let seconds = ago.as_secs();
    if !is_over {
        let todo = "nothing was written since; check the disk and the log of the database";
        return Condition::Failing(format!("a write failed {seconds} s ago: {cause}; {todo}"));
    }
    if ago >= MENTIONED {
        return Condition::Ok;
    }
    Condition::Warning(format!(
        "a write failed {seconds} s ago: {cause}; later writes succeeded, so find out why"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_store::Cause;

    fn found(is_over: bool, seconds: u64) -> &'static str {
        let ago = Duration::from_secs(seconds);
        written(Some(WriteFailure { cause: Cause::DiskFull, ago, is_over })).word()
    }

    #[test]
    fn a_failed_write_fails_the_check_until_one_succeeds() {
        assert_eq!(written(None), Condition::Ok);
        assert_eq!(found(false, 3600), "failing");
        assert_eq!(found(true, 599), "warning");
        assert_eq!(found(true, 600), "ok");
    }
}
