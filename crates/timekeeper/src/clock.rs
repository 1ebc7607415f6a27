//! The trait through which all code reads the time, and the readings it returns.

use fourauth_protocol::time::UnixMillis;
use std::fmt;

/// A clock that also reports how far its time can be trusted.
///
/// An object holds an `Arc<dyn Clock>` and reads it once per attempt; a function takes the instant.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time. Neither blocks nor waits for the network.
    fn read(&self) -> Reading;
}

/// One reading of a [`Clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Best estimate of UTC. Under [`State::Denied`], use it only for log lines.
    pub now: UnixMillis,
    /// Upper bound for the error of `now`, in milliseconds; [`Reading::UNBOUNDED`] if unknown.
    pub error_ms: u32,
    /// How far the time can be trusted.
    pub state: State,
}

impl Reading {
    /// Value of `error_ms` for a time that no quorum has confirmed.
    pub const UNBOUNDED: u32 = u32::MAX;
}

/// How far a time can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The last round of time servers confirmed the time, and the error is at most 2 s.
    Synced,
    /// The time is counted from an older quorum. The error is at most 20 s.
    Holdover,
    /// The time is counted from the system clock, or from a quorum too old to bound the error.
    Local,
    /// There is no usable time. Every operation that depends on the time must be refused.
    Denied,
}

impl State {
    /// The name in logs, audit rows and health answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Holdover => "holdover",
            Self::Local => "local",
            Self::Denied => "denied",
        }
    }

    /// The state with this name, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Synced, Self::Holdover, Self::Local, Self::Denied]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
