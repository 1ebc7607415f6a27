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
    /// Earlier than the build date, or than a time that was vouched for, allows.
    BelowFloor,
    /// At the first start, and too far from the system clock.
    FarFromSystemClock,
    /// Only an operator moves the time in the strict profile.
    NeedsOperator,
}

/// Why an operator's word changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// There is nothing to accept.
    #[error("there is nothing to accept")]
    NothingOffered,
    /// It is another time by now than the one that the operator saw.
    #[error("it is another time by now that could be accepted")]
    OfferChanged,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unconfirmed => "to be confirmed after a minute",
            Self::BelowFloor => "earlier than a time that was vouched for, or than the build date",
            Self::FarFromSystemClock => "too far from the system clock for a first agreement",
            Self::NeedsOperator => "needs an operator",
        })
    }
}

/// A sentence for the audit log.
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
                write!(f, "The time moved by {by_ms} ms, because the servers insisted.")
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

/// How far something is ahead, in milliseconds.
struct Offset(i64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.0 < 0 { "behind" } else { "ahead of" };
        write!(f, "{} ms {direction}", self.0.unsigned_abs())
    }
}

impl Event {
    /// Whether it names something that is wrong, which a change of the state only follows from.
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

    /// Whether it needs nobody's attention.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_sentence_that_says_which_way() {
        let behind = Event::SystemClockOff { by_ms: -2_500 };
        assert_eq!(behind.to_string(), "The system clock is 2500 ms behind the trusted time.");
        let refused = Event::StepRefused { by_ms: 3_000, why: Refusal::NeedsOperator };
        assert_eq!(
            refused.to_string(),
            "The servers agree on a time 3000 ms ahead of ours; refused: needs an operator."
        );
    }

    #[test]
    fn a_change_of_the_state_is_no_alarm_and_good_news_only_if_the_time_is_synced() {
        let change = |to| Event::StateChanged { from: State::Local, to };
        assert!(!change(State::Denied).is_alarm() && !change(State::Denied).is_good_news());
        assert!(change(State::Synced).is_good_news());
        assert!(Event::QuorumLost { answered: 1, needed: 3 }.is_alarm());
    }
}
