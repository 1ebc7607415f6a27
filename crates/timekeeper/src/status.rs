//! The status for operators: the time, and the last answer and verdict of each server.

use crate::{
    clock::Reading,
    event::{Event, Refusal},
    quorum::Interval,
    sample::{Loss, Round},
};
use fourauth_protocol::time::UnixMillis;

/// The timekeeper at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The reading at this instant.
    pub reading: Reading,
    /// How far the system clock is ahead of the reading, in milliseconds.
    pub system_clock_ahead_ms: i64,
    /// The refused step of the servers, in milliseconds, and the reason.
    pub refused_step: Option<(i64, Refusal)>,
    /// The time, if it may set the floor of a later start; see
    /// [`Past::vouched`](crate::Past::vouched).
    pub vouched: Option<UnixMillis>,
    /// True if `strict` waits for an operator; see [`Past::barred`](crate::Past::barred).
    pub barred: bool,
    /// How far the time would move if an operator [accepted](crate::Timekeeper::accept) the offered
    /// time, in milliseconds; `None` if no time is offered.
    pub offer_ms: Option<i64>,
    /// The servers, in the order of the configuration.
    pub servers: Vec<ServerStatus>,
}

impl Status {
    /// Number of servers in the last quorum.
    #[must_use]
    pub fn agreeing(&self) -> usize {
        self.servers.iter().filter(|server| server.verdict == Verdict::Agrees).count()
    }
}

/// Status of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// Name of the server, as configured.
    pub name: String,
    /// Verdict of the last round.
    pub verdict: Verdict,
    /// How far the last answer was ahead of the system clock, in milliseconds.
    pub offset_ms: Option<i64>,
    /// Round trip of the last answer, in milliseconds.
    pub round_trip_ms: Option<i64>,
}

/// Verdict of a round on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server was not queried yet.
    Unasked,
    /// The server is part of the quorum.
    Agrees,
    /// The server answered, but there was no quorum to compare its answer with.
    Undecided,
    /// The server was outvoted.
    Lies,
    /// The server gave no usable answer.
    Lost(Loss),
}

/// Status of all configured servers.
#[derive(Debug)]
pub(crate) struct Panel(Vec<ServerStatus>);

impl Panel {
    pub(crate) fn new(names: Vec<String>) -> Self {
        let unasked = |name| ServerStatus {
            name,
            verdict: Verdict::Unasked,
            offset_ms: None,
            round_trip_ms: None,
        };
        Self(names.into_iter().map(unasked).collect())
    }

    pub(crate) const fn servers(&self) -> &Vec<ServerStatus> {
        &self.0
    }

    /// Records the results of `round` and its `quorum` (UTC at zero of the boot clock).
    ///
    /// Returns an [`Event::Liar`] for every server that was not outvoted in the round before.
    pub(crate) fn record(&mut self, round: &Round, quorum: Option<Interval>) -> Vec<Event> {
        let mut liars = Vec::new();
        for (server, outcome) in self.0.iter_mut().zip(round) {
            let verdict = match (outcome, quorum) {
                (Err(loss), _) => Verdict::Lost(*loss),
                (Ok(_), None) => Verdict::Undecided,
                (Ok(sample), Some(quorum)) if sample.utc_of_boot().meets(quorum) => Verdict::Agrees,
                (Ok(_), Some(_)) => Verdict::Lies,
            };
            if let Ok(sample) = outcome {
                server.offset_ms = Some(sample.offset_ms);
                server.round_trip_ms = Some(sample.round_trip_ms);
            }
            if let (Ok(sample), Some(quorum), Verdict::Lies) = (outcome, quorum, verdict)
                && server.verdict != Verdict::Lies
            {
                let off_by_ms = sample.utc_of_boot().centre().saturating_sub(quorum.centre());
                liars.push(Event::Liar { server: server.name.clone(), off_by_ms });
            }
            server.verdict = verdict;
        }
        liars
    }
}
