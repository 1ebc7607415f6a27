//! What operators may know about all commands together: how they end, how long they take, and what
//! was refused before it became a command.
//!
//! Only kinds are counted. No name, address or text of a peer is here.

mod attempts;

pub use attempts::Attempts;

use crate::action::{ACTIONS, Action};
use fourauth_metrics::{Bounds, Counter, Exposition, Histogram, Kind};
use fourauth_protocol::command::Refused;
use std::{array, time::Duration};

/// The buckets of command durations: from a check of a token, which takes some ten microseconds, to a
/// login that waits for the deadline of the compute pool.
const DURATIONS: Bounds = &[
    Duration::from_micros(50),
    Duration::from_micros(200),
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Counts about all commands since the start.
#[derive(Debug)]
pub struct Metrics {
    /// How attempts have ended.
    pub attempts: Attempts,
    /// By [`Action`].
    durations: [Histogram; ACTIONS.len()],
    unavailable: Counter,
    rejected: Rejected,
}

/// Frames and lines that are not commands, by kind.
#[derive(Debug, Default)]
struct Rejected {
    malformed: Counter,
    unknown: Counter,
    too_large: Counter,
    not_a_gateway: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            attempts: Attempts::default(),
            durations: array::from_fn(|_| Histogram::new(DURATIONS)),
            unavailable: Counter::default(),
            rejected: Rejected::default(),
        }
    }
}

impl Metrics {
    /// Records that a command was decided, and how long that took.
    pub fn decided(&self, action: Action, took: Duration) {
        if let Some(durations) = self.durations.get(action.index()) {
            durations.observe(took);
        }
    }

    /// Counts a command that could not be decided, and was answered with `unavailable`.
    pub fn unavailable(&self) {
        self.unavailable.increment();
    }

    /// Counts a frame or line that is not a command.
    pub fn reject(&self, refused: &Refused) {
        let Rejected { malformed, unknown, too_large, not_a_gateway } = &self.rejected;
        let counter = match refused {
            Refused::Malformed(_) => malformed,
            Refused::Unknown => unknown,
            Refused::TooLarge => too_large,
            Refused::NotAGateway => not_a_gateway,
        };
        counter.increment();
    }

    /// Writes all of them.
    pub fn write(&self, exposition: &mut Exposition) {
        self.attempts.write(exposition);
        self.write_durations(exposition);
        exposition.single(
            "fourauth_unavailable_answers_total",
            Kind::Counter,
            "Commands that could not be decided and were answered with unavailable.",
            &self.unavailable,
        );
        let Rejected { malformed, unknown, too_large, not_a_gateway } = &self.rejected;
        exposition
            .family(
                "fourauth_rejected_frames_total",
                Kind::Counter,
                "Frames and lines of text that were not commands, by kind.",
            )
            .sample(&[("kind", "malformed")], malformed)
            .sample(&[("kind", "unknown")], unknown)
            .sample(&[("kind", "too_large")], too_large)
            .sample(&[("kind", "not_a_gateway")], not_a_gateway);
    }

    fn write_durations(&self, exposition: &mut Exposition) {
        let mut family = exposition.family(
            "fourauth_command_duration_seconds",
            Kind::Histogram,
            "Time to decide a command, without the wait for a turn of its source and without the \
             delay of denials.",
        );
        for action in ACTIONS {
            let durations = self.durations.get(action.index());
            if let Some(durations) = durations.filter(|durations| durations.count() > 0) {
                family.histogram(&[("action", action.as_str())], durations);
            }
        }
    }
}
