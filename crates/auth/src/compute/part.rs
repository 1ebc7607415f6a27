//! The jobs of one urgency: a line for each source.

use super::{ledger::in_advance, used::Used};
use crate::source::Source;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Names a job that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(pub(super) u64);

/// The jobs of one urgency.
#[derive(Debug)]
pub(super) struct Part<J> {
    lines: BTreeMap<Source, Line<J>>,
    waiting: usize,
    running: usize,
    /// What all of them have used, without an upper bound.
    used: Used,
}

/// The jobs of one source, in the order in which they came.
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
    /// Jobs that wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Jobs that wait or run.
    pub(super) const fn jobs(&self) -> usize {
        self.waiting + self.running
    }

    /// Jobs of `source` that wait, and that run.
    pub(super) fn of(&self, source: Source) -> (usize, usize) {
        self.lines.get(&source).map_or((0, 0), |line| (line.waiting.len(), line.running))
    }

    /// Every source with jobs that wait, and how many.
    pub(super) fn sources(&self) -> impl Iterator<Item = (Source, usize)> {
        let waiting = self.lines.iter().map(|(source, line)| (*source, line.waiting.len()));
        waiting.filter(|(_, waiting)| *waiting > 0)
    }

    /// Adds a job at the end of its source's line.
    pub(super) fn push(&mut self, source: Source, ticket: Ticket, job: J) {
        let new = || Line { waiting: VecDeque::new(), running: 0 };
        self.lines.entry(source).or_insert_with(new).waiting.push_back((ticket, job));
        self.waiting += 1;
    }

    /// The first job of `source`. It runs from now on.
    pub(super) fn begin(&mut self, source: Source) -> Option<J> {
        let line = self.lines.get_mut(&source)?;
        let (_, job) = line.waiting.pop_front()?;
        line.running += 1;
        self.waiting -= 1;
        self.running += 1;
        Some(job)
    }

    /// What all of its jobs have used lately, those that run included.
    pub(super) fn used(&self, now: Duration) -> Duration {
        self.used.by(now).saturating_add(in_advance(self.running))
    }

    /// Notes that a job of `source` that ran has ended, at this cost.
    pub(super) fn end(&mut self, source: Source, cost: Duration, now: Duration) {
        self.used.add(cost, Duration::MAX, now);
        if let Some(line) = self.lines.get_mut(&source) {
            line.running -= 1;
            self.running -= 1;
        }
        self.forget_if_empty(source);
    }

    /// Takes the last job of `source` out.
    pub(super) fn take_last(&mut self, source: Source) -> Option<J> {
        let (_, job) = self.lines.get_mut(&source)?.waiting.pop_back()?;
        self.waiting -= 1;
        self.forget_if_empty(source);
        Some(job)
    }

    /// Takes one job of `source` out; `None` if it does not wait any more.
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
