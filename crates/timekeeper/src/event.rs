//! Events that an operator should know about.

use crate::clock::State;
use std::fmt;

/// A change of the time or of its state.
///
/// Events are logged and sent to [subscribers](crate::Timekeeper::events), such as the writer of
/// alarm rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The state of the readings changed.
    StateChanged {
        /// The previous state.
        from: State,
        /// The new state.
        to: State,
    },
    /// A server was outvoted.
    Liar {
        /// Name of the server, as configured.
        server: String,
        /// How far the server is ahead of the others, in milliseconds.
        off_by_ms: i64,
    },
    /// Fewer than a majority of the servers agree.
    QuorumLost {
        /// Number of servers with a usable answer.
        answered: usize,
        /// Number of servers that must agree.
        needed: usize,
    },
    /// The servers agree on a time that is refused.
    StepRefused {
        /// How far the servers are ahead of our time, in milliseconds.
        by_ms: i64,
        /// Reason for the refusal.
        why: Refusal,
    },
    /// The time was moved, because the servers confirmed a step or an operator accepted one.
    Stepped {
        /// Size of the step, in milliseconds.
        by_ms: i64,
        /// True if an operator accepted the step.
        by_operator: bool,
    },
    /// The system clock differs from the trusted time by more than 2 s.
    SystemClockOff {
        /// How far the system clock is ahead, in milliseconds.
        by_ms: i64,
    },
}

/// Why a time that the servers agree on is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A second round must confirm the time, at least 60 s later.
    Unconfirmed,
    /// The time is below the floor, which the build date and the last recorded time set.
    BelowFloor,
    /// The time of the first quorum after a start is too far from the system clock.
    FarFromSystemClock,
    /// Under the strict profile, only an operator can accept this step.
    NeedsOperator,
}

/// Why a request of an operator was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// No time is offered.
    #[error("there is no time to accept")]
    NothingOffered,
    /// The offered time is no longer the one that the operator saw.
    #[error("the offered time has changed; check the status again")]
    OfferChanged,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unconfirmed => "to be confirmed after a minute",
            Self::BelowFloor => "earlier than the last recorded time or the build date allows",
            Self::FarFromSystemClock => "too far from the system clock for a first quorum",
            Self::NeedsOperator => "needs an operator",
        })
    }
}

/// Writes the event as a sentence for the audit log.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StateChanged { from, to } => write!(f, "The time is {to}; it was {from}."),
            Self::Liar { server, off_by_ms } => {
                write!(f, "Time server {server} was outvoted: {} the others.", Offset(*off_by_ms))
            }
            Self::QuorumLost { answered, needed } => {
                write!(f, "No quorum: {answered} time servers answered, {needed} must agree.")
            }
            Self::StepRefused { by_ms, why } => {
                write!(f, "The servers agree on a time {} ours; refused: {why}.", Offset(*by_ms))
            }
            Self::Stepped { by_ms, by_operator: false } => {
                write!(f, "The time moved by {by_ms} ms, because the servers confirmed it.")
            }
            Self::Stepped { by_ms, by_operator: true } => {
                write!(f, "The time moved by {by_ms} ms, because an operator accepted it.")
            }
            Self::SystemClockOff { by_ms } => {
                write!(f, "The system clock is {} the trusted time.", Offset(*by_ms))
            }
        }
    }
}

/// Writes a signed difference in milliseconds; positive is ahead.
struct Offset(i64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.0 < 0 { "behind" } else { "ahead of" };
        write!(f, "{} ms {direction}", self.0.unsigned_abs())
    }
}

impl Event {
    /// True if the event names a problem. A change of the state is only the result of one.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        match self {
            Self::StateChanged { .. } => false,
            Self::Stepped { by_operator, .. } => !*by_operator,
            Self::Liar { .. }
            | Self::QuorumLost { .. }
            | Self::StepRefused { .. }
            | Self::SystemClockOff { .. } => true,
        }
    }

    /// True if the event needs no attention.
    #[must_use]
    pub const fn is_good_news(&self) -> bool {
        match self {
            Self::StateChanged { to, .. } => matches!(to, State::Synced),
            Self::Stepped { by_operator, .. } => *by_operator,
            Self::Liar { .. }
            | Self::QuorumLost { .. }
            | Self::StepRefused { .. }
            | Self::SystemClockOff { .. } => false,
        }
    }

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
                tracing::warn!(answered, needed, "no quorum of time servers");
            }
            Self::StepRefused { by_ms, why } => {
                tracing::warn!(by_ms, %why, "time step refused");
            }
            Self::Stepped { by_ms, by_operator } => {
                tracing::warn!(by_ms, by_operator, "time stepped");
            }
            Self::SystemClockOff { by_ms } => {
                tracing::warn!(by_ms, "system clock differs from the trusted time");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_sentence_with_the_direction() {
        let behind = Event::SystemClockOff { by_ms: -2_500 };
        assert_eq!(behind.to_string(), "The system clock is 2500 ms behind the trusted time.");
        let refused = Event::StepRefused { by_ms: 3_000, why: Refusal::NeedsOperator };
        assert_eq!(
            refused.to_string(),
            "The servers agree on a time 3000 ms ahead of ours; refused: needs an operator."
        );
    }

    #[test]
    fn a_state_change_is_no_alarm_and_good_news_only_if_synced() {
        let change = |to| Event::StateChanged { from: State::Local, to };
        assert!(!change(State::Denied).is_alarm() && !change(State::Denied).is_good_news());
        assert!(change(State::Synced).is_good_news());
        assert!(Event::QuorumLost { answered: 1, needed: 3 }.is_alarm());
    }
}
