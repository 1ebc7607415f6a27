//! What is worth telling an operator about the time.

use crate::clock::State;
use std::fmt;

/// A change in what is believed. Each is logged, and sent to whoever
/// [subscribed](crate::Timekeeper::events), such as the writer of alarm rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Readings carry another state from here on.
    StateChanged {
        /// What they carried.
        from: State,
        /// What they carry.
        to: State,
    },
    /// A server was outvoted.
    Liar {
        /// As configured.
        server: String,
        /// How far it is ahead of the others, in milliseconds.
        off_by_ms: i64,
    },
    /// No longer do more than half of the servers agree.
    QuorumLost {
        /// Servers whose answers could be used.
        answered: usize,
        /// Servers that would have to agree.
        needed: usize,
    },
    /// The servers agree on a time that is not believed.
    StepRefused {
        /// How far they are ahead of us, in milliseconds.
        by_ms: i64,
        /// Why not.
        why: Refusal,
    },
    /// The time was moved, because the servers insisted or an operator did.
    Stepped {
        /// By how much, in milliseconds.
        by_ms: i64,
        /// Whether an operator accepted it.
        by_operator: bool,
    },
    /// The system clock is more than 2 s away from the trusted time.
    SystemClockOff {
        /// How far it is ahead, in milliseconds.
        by_ms: i64,
    },
}

/// Why servers that agree are not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The same must be said again, at least 60 s later.
    Unconfirmed,
    /// Earlier than the build date or the audit log allows.
    BelowFloor,
    /// At the first start, and too far from the system clock.
    FarFromSystemClock,
    /// Only an operator moves the time in the strict profile.
    NeedsOperator,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unconfirmed => "to be confirmed after a minute",
            Self::BelowFloor => "before the build date or the newest audit row",
            Self::FarFromSystemClock => "too far from the system clock for a first agreement",
            Self::NeedsOperator => "needs an operator",
        })
    }
}

impl Event {
    /// Writes the event to the log.
    pub(crate) fn log(&self) {
        match self {
            Self::StateChanged { from, to: State::Synced } => {
                tracing::info!(%from, to = %State::Synced, "time is trusted");
            }
            Self::StateChanged { from, to } => {
                tracing::warn!(%from, %to, "time is trusted less");
            }
            Self::Liar { server, off_by_ms } => {
                tracing::warn!(server, off_by_ms, "time server outvoted");
            }
            Self::QuorumLost { answered, needed } => {
                tracing::warn!(answered, needed, "time servers reach no quorum");
            }
            Self::StepRefused { by_ms, why } => {
                tracing::warn!(by_ms, %why, "time step refused");
            }
            Self::Stepped { by_ms, by_operator } => {
                tracing::warn!(by_ms, by_operator, "time stepped");
            }
            Self::SystemClockOff { by_ms } => {
                tracing::warn!(by_ms, "system clock disagrees with the trusted time");
            }
        }
    }
}
