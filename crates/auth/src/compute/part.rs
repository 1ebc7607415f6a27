//! The jobs of one urgency, with a line for each source.

use super::{
    ledger::in_advance,
    line::{Line, Position, Ticket},
    requester::Requester,
    used::Used,
};
use crate::source::Source;
use std::{collections::BTreeMap, time::Duration};

/// Half-life of the time charged to an urgency. It is short, so that earlier work of known devices
/// does not hold their next logins back when an attack begins.
const HALF_LIFE_S: u64 = 10;

/// The jobs of one urgency.
#[derive(Debug)]
pub(super) struct Part<J> {
    lines: BTreeMap<Source, Line<J>>,
    waiting: usize,
    running: usize,
    /// Recent processor time of all its jobs, without an upper bound.
    used: Used<HALF_LIFE_S>,
}

impl<J> Default for Part<J> {
    fn default() -> Self {
        Self { lines: BTreeMap::new(), waiting: 0, running: 0, used: Used::default() }
    }
}

impl<J> Part<J> {
    /// Number of waiting jobs.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Number of waiting and running jobs.
    pub(super) const fn jobs(&self) -> usize {
        self.waiting + self.running
    }

    /// Numbers of waiting and of running jobs of `source`.
    pub(super) fn of(&self, source: Source) -> (usize, usize) {
        self.lines.get(&source).map_or((0, 0), Line::jobs)
    }

    /// The position that a job with this ticket would have.
    pub(super) fn position(&self, by: Requester, ticket: Ticket) -> Position {
        let line = self.lines.get(&by.source);
        let alone = Position { is_new: true, ahead: 0, arrival: ticket };
        line.map_or(alone, |line| line.position(by.attempt, ticket))
    }

    /// The position of the next job of every source that has waiting jobs.
    pub(super) fn first(&self) -> impl Iterator<Item = (Source, Position)> {
        self.lines.iter().filter_map(|(source, line)| Some((*source, line.first()?)))
    }

    /// The position of the last job of every source that has waiting jobs.
    pub(super) fn last(&self) -> impl Iterator<Item = (Source, Position)> {
        self.lines.iter().filter_map(|(source, line)| Some((*source, line.last()?)))
    }

    /// Adds a job at the end of its attempt.
    pub(super) fn push(&mut self, by: Requester, ticket: Ticket, job: J) {
        self.lines.entry(by.source).or_default().push(by.attempt, ticket, job);
        self.waiting += 1;
    }

    /// Takes the first job of `source` and counts it as running.
    pub(super) fn begin(&mut self, source: Source) -> Option<J> {
        let job = self.lines.get_mut(&source)?.begin()?;
        self.waiting -= 1;
        self.running += 1;
        Some(job)
    }

    /// Recent processor time of all its jobs, including an advance for those that run.
    pub(super) fn used(&self, now: Duration) -> Duration {
        self.used.by(now).saturating_add(in_advance(self.running))
    }

    /// Records that a running job has ended, and its cost.
    pub(super) fn end(&mut self, by: Requester, cost: Duration, now: Duration) {
        self.used.add(cost, Duration::MAX, now);
        if self.lines.get_mut(&by.source).is_some_and(|line| line.end(by.attempt)) {
            self.running -= 1;
        }
        self.forget_if_empty(by.source);
    }

    /// Removes the last job of `source`.
    pub(super) fn take_last(&mut self, source: Source) -> Option<J> {
        let job = self.lines.get_mut(&source)?.take_last()?;
        self.waiting -= 1;
        self.forget_if_empty(source);
        Some(job)
    }

    /// Removes one job of `source`; `None` if it no longer waits.
    pub(super) fn take(&mut self, source: Source, ticket: Ticket) -> Option<J> {
        let job = self.lines.get_mut(&source)?.take(ticket)?;
        self.waiting -= 1;
        self.forget_if_empty(source);
        Some(job)
    }

    fn forget_if_empty(&mut self, source: Source) {
        if self.lines.get(&source).is_some_and(|line| line.jobs() == (0, 0)) {
            self.lines.remove(&source);
        }
    }
}
