//! What an operator sees: the servers, what each said last, and what was made of it.

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
    /// What a reader is told.
    pub reading: Reading,
    /// How far the system clock is ahead of it, in milliseconds.
    pub system_clock_ahead_ms: i64,
    /// The step the servers ask for and do not get: milliseconds, and why not.
    pub refused_step: Option<(i64, Refusal)>,
    /// The time, if it is good enough to be the floor of a later start; see [`Past::vouched`](crate::Past::vouched).
    pub vouched: Option<UnixMillis>,
    /// Whether `strict` waits for its operator; see [`Past::barred`](crate::Past::barred).
    pub barred: bool,
    /// How far the time would move if an operator [accepted](crate::Timekeeper::accept) what is
    /// offered, in milliseconds; `None` if there is nothing to accept.
    pub offer_ms: Option<i64>,
    /// In the order of the configuration.
    pub servers: Vec<ServerStatus>,
}

impl Status {
    /// How many servers were part of the last quorum.
    #[must_use]
    pub fn agreeing(&self) -> usize {
        self.servers.iter().filter(|server| server.verdict == Verdict::Agrees).count()
    }
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// As configured.
    pub name: String,
    /// What the last round made of it.
    pub verdict: Verdict,
    /// How far it was ahead of the system clock when it last answered, in milliseconds.
    pub offset_ms: Option<i64>,
    /// The round trip of that answer, in milliseconds.
    pub round_trip_ms: Option<i64>,
}

/// What a round made of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not asked yet.
    Unasked,
    /// It is part of the quorum.
    Agrees,
    /// It answered, but there was no quorum to compare it with.
    Undecided,
    /// It was outvoted.
    Lies,
    /// It was not heard.
    Lost(Loss),
}

/// The configured servers.
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

    /// Notes what `round` brought, given the `quorum` it reached (in UTC of boot).
    ///
    /// Returns a [`Event::Liar`] for every server that was not one before.
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
