//! Whether the database takes writes: the last failure, until a later write succeeds.

use crate::error::{Cause, Error};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The last write that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteFailure {
    /// The reason.
    pub cause: Cause,
    /// Time since then.
    pub ago: Duration,
    /// True if a later write has succeeded.
    pub is_over: bool,
}

/// Notes failed writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writes(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// True since the last failure until a write succeeds. A success reads only this.
    is_failing: AtomicBool,
    last: Mutex<Option<(Cause, Instant)>>,
}

impl Writes {
    /// Notes a failed statement or commit, unless the statement itself was at fault.
    pub(crate) fn failed(&self, error: &Error) {
        if let Error::Unavailable(cause) = error
            && is_of_the_database(cause)
        {
            let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some((cause.clone(), Instant::now()));
            self.0.is_failing.store(true, Ordering::Release);
        }
    }

    /// Notes that a changed row is on disk. A commit without a change proves nothing: SQLite does
    /// not write for it.
    pub(crate) fn succeeded(&self) {
        if self.0.is_failing.load(Ordering::Acquire) {
            self.0.is_failing.store(false, Ordering::Release);
        }
    }

    pub(crate) fn last_failure(&self) -> Option<WriteFailure> {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (cause, at) = last?;
        let is_over = !self.0.is_failing.load(Ordering::Acquire);
        Some(WriteFailure { cause, ago: at.elapsed(), is_over })
    }
}

/// False for statements that break a constraint, which is how a race between two commands ends, and
/// for a store that was closed.
fn is_of_the_database(cause: &Cause) -> bool {
    match cause {
        Cause::DiskFull
        | Cause::Io
        | Cause::Busy
        | Cause::ReadOnly
        | Cause::CannotOpen
        | Cause::NotADatabase
        | Cause::Tls
        | Cause::UnknownHost
        | Cause::NotListening
        | Cause::WrongPassword
        | Cause::NoSuchDatabase
        | Cause::NotPermitted
        | Cause::NoConnection
        | Cause::Driver => true,
        Cause::Refused { is_conflict, .. } => !is_conflict,
        Cause::Closed | Cause::Abandoned | Cause::KeysRetired => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Error = Error::Unavailable(Cause::DiskFull);

    #[test]
    fn a_failure_is_over_once_a_write_succeeds() {
        let writes = Writes::default();
        assert_eq!(writes.last_failure(), None);
        writes.failed(&FULL);
        let failure = writes.last_failure().unwrap();
        assert_eq!((failure.cause, failure.is_over), (Cause::DiskFull, false));
        writes.succeeded();
        assert!(writes.last_failure().unwrap().is_over);
    }

    #[test]
    fn a_broken_constraint_is_no_failure_of_the_database() {
        for is_conflict in [false, true] {
            let writes = Writes::default();
            let code = "23505".to_owned();
            writes.failed(&Error::Unavailable(Cause::Refused { code, is_conflict }));
            assert_eq!(writes.last_failure().is_none(), is_conflict);
        }
    }
}
