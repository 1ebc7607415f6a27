//! The jobs of one source and one urgency: a FIFO of attempts, and in each attempt a FIFO of jobs.
//!
//! The second job of an attempt joins the first, so an attempt that has begun can be finished before
//! another begins.

use fourauth_protocol::request_id::RequestId;
use std::collections::VecDeque;

/// Identifies a waiting job. Tickets increase in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(pub(super) u64);

/// The position of a job among the jobs of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// True if no job of its attempt has begun.
    pub(super) is_new: bool,
    /// Waiting jobs of the earlier attempts of its source.
    pub(super) ahead: usize,
    /// The first ticket of its attempt.
    pub(super) arrival: Ticket,
}

/// The jobs of one source. The attempts are in order of arrival. They begin in that order, so those
/// that have begun are first.
#[derive(Debug)]
pub(super) struct Line<J> {
    attempts: VecDeque<AttemptJobs<J>>,
    waiting: usize,
    running: usize,
}

/// The jobs of one attempt, in order of arrival.
#[derive(Debug)]
struct AttemptJobs<J> {
    /// `None` if the first job is the only one.
    id: Option<RequestId>,
    arrival: Ticket,
    is_new: bool,
    waiting: VecDeque<(Ticket, J)>,
    running: usize,
}

impl<J> Default for Line<J> {
    fn default() -> Self {
        Self { attempts: VecDeque::new(), waiting: 0, running: 0 }
    }
}

impl<J> Line<J> {
    /// Numbers of waiting and of running jobs.
    pub(super) const fn jobs(&self) -> (usize, usize) {
        (self.waiting, self.running)
    }

    /// The position that a job of this attempt and with this ticket would have.
    pub(super) fn position(&self, id: Option<RequestId>, ticket: Ticket) -> Position {
        match self.attempts.iter().position(|attempt| attempt.includes(id)) {
            Some(at) => self.position_at(at),
            None => Position { is_new: true, ahead: self.waiting, arrival: ticket },
        }
    }

    fn position_at(&self, at: usize) -> Position {
        let ahead = self.attempts.iter().take(at).map(|attempt| attempt.waiting.len()).sum();
        let AttemptJobs { is_new, arrival, .. } = self.attempts[at];
        Position { is_new, ahead, arrival }
    }

    /// The position of the next job.
    pub(super) fn first(&self) -> Option<Position> {
        self.attempts.iter().position(AttemptJobs::waits).map(|at| self.position_at(at))
    }

    /// The position of the last job.
    pub(super) fn last(&self) -> Option<Position> {
        self.attempts.iter().rposition(AttemptJobs::waits).map(|at| self.position_at(at))
    }

    /// Adds a job at the end of its attempt.
    pub(super) fn push(&mut self, id: Option<RequestId>, ticket: Ticket, job: J) {
        self.waiting += 1;
        if let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.includes(id)) {
            attempt.waiting.push_back((ticket, job));
            return;
        }
        let waiting = VecDeque::from([(ticket, job)]);
        let attempt = AttemptJobs { id, arrival: ticket, is_new: true, waiting, running: 0 };
        self.attempts.push_back(attempt);
    }

    /// Takes the next job and counts it as running.
    pub(super) fn begin(&mut self) -> Option<J> {
        let attempt = self.attempts.iter_mut().find(|attempt| attempt.waits())?;
        let (_, job) = attempt.waiting.pop_front()?;
        attempt.is_new = false;
        attempt.running += 1;
        self.waiting -= 1;
        self.running += 1;
        Some(job)
    }

    /// Records that a job of this attempt has ended. Returns false if none runs.
    pub(super) fn end(&mut self, id: Option<RequestId>) -> bool {
        let is_it = |attempt: &&mut AttemptJobs<J>| attempt.id == id && attempt.running > 0;
        let Some(attempt) = self.attempts.iter_mut().find(is_it) else { return false };
        attempt.running -= 1;
        self.running -= 1;
        self.forget_finished();
        true
    }

    /// Removes the last job.
    pub(super) fn take_last(&mut self) -> Option<J> {
        let attempt = self.attempts.iter_mut().rfind(|attempt| attempt.waits())?;
        let (_, job) = attempt.waiting.pop_back()?;
        self.waiting -= 1;
        self.forget_finished();
        Some(job)
    }

    /// Removes one job; `None` if it no longer waits.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<J> {
        let job = self.attempts.iter_mut().find_map(|attempt| attempt.take(ticket))?;
        self.waiting -= 1;
        self.forget_finished();
        Some(job)
    }

    fn forget_finished(&mut self) {
        self.attempts.retain(|attempt| attempt.waits() || attempt.running > 0);
    }
}

impl<J> AttemptJobs<J> {
    /// True if a job with this attempt id belongs to it.
    fn includes(&self, id: Option<RequestId>) -> bool {
        id.is_some() && self.id == id
    }

    fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn take(&mut self, ticket: Ticket) -> Option<J> {
        let at = self.waiting.iter().position(|(of_job, _)| *of_job == ticket)?;
        self.waiting.remove(at).map(|(_, job)| job)
    }
}
