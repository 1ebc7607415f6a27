//! What a reader of the clock is told, and the trait through which everyone asks.

use fourauth_protocol::time::UnixMillis;
use std::fmt;

/// Tells the time and how far to trust it.
///
/// An object holds an `Arc<dyn Clock>` and reads it once per attempt; a function takes the instant.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now. Neither blocks nor waits for the network.
    fn read(&self) -> Reading;
}

/// One answer of a [`Clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Best knowledge of UTC. Under [`State::Denied`] it is only good for a log line.
    pub now: UnixMillis,
    /// How far `now` may be off, in milliseconds; [`Reading::UNBOUNDED`] if nothing bounds it.
    pub error_ms: u32,
    /// Where the time comes from.
    pub state: State,
}

impl Reading {
    /// The error of a time that no quorum has ever confirmed.
    pub const UNBOUNDED: u32 = u32::MAX;
}

/// How far the time is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The last round of servers agreed with us, and the error is at most 2 s.
    Synced,
    /// Counting on from an older agreement; the error is at most 20 s.
    Holdover,
    /// Counting on from the system clock, or from an agreement too old to bound the error.
    Local,
    /// No time that may decide anything: whatever depends on the time must be refused.
    Denied,
}

impl State {
    /// The word for logs, audit rows and health answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Holdover => "holdover",
            Self::Local => "local",
            Self::Denied => "denied",
        }
    }

    /// The state of a word; `None` if it is the word of none.
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
