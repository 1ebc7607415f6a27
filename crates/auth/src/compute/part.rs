//! The jobs of one urgency, with a FIFO for each source.

use super::{ledger::in_advance, used::Used};
use crate::source::Source;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Identifies a waiting job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(pub(super) u64);

/// The jobs of one urgency.
#[derive(Debug)]
pub(super) struct Part<J> {
    lines: BTreeMap<Source, Line<J>>,
    waiting: usize,
    running: usize,
    /// Recent processor time of all its jobs, without an upper bound.
    used: Used,
}

/// The jobs of one source, in order of arrival.
#[derive(Debug)]
struct Line<J> {
    waiting: VecDeque<(Ticket, J)>,
    running: usize,
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
        self.lines.get(&source).map_or((0, 0), |line| (line.waiting.len(), line.running))
    }

    /// Every source that has waiting jobs, with their number.
    pub(super) fn sources(&self) -> impl Iterator<Item = (Source, usize)> {
        let waiting = self.lines.iter().map(|(source, line)| (*source, line.waiting.len()));
        waiting.filter(|(_, waiting)| *waiting > 0)
    }

    /// Adds a job at the end of its source's FIFO.
    pub(super) fn push(&mut self, source: Source, ticket: Ticket, job: J) {
        let new = || Line { waiting: VecDeque::new(), running: 0 };
        self.lines.entry(source).or_insert_with(new).waiting.push_back((ticket, job));
        self.waiting += 1;
    }

    /// Takes the first job of `source` and counts it as running.
    pub(super) fn begin(&mut self, source: Source) -> Option<J> {
        let line = self.lines.get_mut(&source)?;
        let (_, job) = line.waiting.pop_front()?;
        line.running += 1;
        self.waiting -= 1;
        self.running += 1;
        Some(job)
    }

    /// Recent processor time of all its jobs, including an advance for those that run.
    pub(super) fn used(&self, now: Duration) -> Duration {
        self.used.by(now).saturating_add(in_advance(self.running))
    }

    /// Records that a running job of `source` has ended, and its cost.
    pub(super) fn end(&mut self, source: Source, cost: Duration, now: Duration) {
        self.used.add(cost, Duration::MAX, now);
        if let Some(line) = self.lines.get_mut(&source) {
            line.running -= 1;
            self.running -= 1;
        }
        self.forget_if_empty(source);
    }

    /// Removes the last job of `source`.
    pub(super) fn take_last(&mut self, source: Source) -> Option<J> {
        let (_, job) = self.lines.get_mut(&source)?.waiting.pop_back()?;
        self.waiting -= 1;
        self.forget_if_empty(source);
        Some(job)
    }

    /// Removes one job of `source`; `None` if it no longer waits.
    pub(super) fn take(&mut self, source: Source, ticket: Ticket) -> Option<J> {
        let line = &mut self.lines.get_mut(&source)?.waiting;
        let at = line.iter().position(|(of_job, _)| *of_job == ticket)?;
        let (_, job) = line.remove(at)?;
        self.waiting -= 1;
        self.forget_if_empty(source);
        Some(job)
    }

    fn forget_if_empty(&mut self, source: Source) {
        let is_empty = |line: &Line<J>| line.waiting.is_empty() && line.running == 0;
        if self.lines.get(&source).is_some_and(is_empty) {
            self.lines.remove(&source);
        }
    }
}
