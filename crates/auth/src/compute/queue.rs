//! The scheduling decisions of the pool, as a value without threads: which job runs next, and which
//! job is refused.
//!
//! * [`Urgency::Reserved`] runs first, until it has used three times the processor time of
//!   [`Urgency::Ordinary`]. Neither can starve the other.
//! * Within an urgency, an attempt that has begun is finished first. Then the source that has used
//!   the least time begins its next attempt (fair queueing; Demers, Keshav and Shenker 1989). A new
//!   source does not wait for the backlog of others.
//! * Each source has a fixed number of slots, and each urgency may fill all but a quarter of the
//!   queue. A shared address may use all slots of its urgency. It is scheduled as one source, so it
//!   delays other sources no more than any single source does, and its jobs are evicted first.
//! * When the queue is full, the job that would run last is evicted. It may be the new one.
//!
//! Time is counted from the start of the pool and arrives as an argument.

use super::{
    ledger::{Ledger, Standing},
    line::Ticket,
    part::Part,
    requester::{Requester, Urgency},
};
use std::{fmt, time::Duration};

/// Processor time of reserved jobs for each second of ordinary jobs.
const RESERVED_SHARE: u32 = 3;

/// Upper bounds of the numbers of jobs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    /// Jobs that run at the same time.
    pub(super) threads: usize,
    /// Jobs that may wait.
    pub(super) queue: usize,
    /// Jobs of one source and one urgency that may wait.
    pub(super) queue_per_source: usize,
}

/// A job and its requester.
type Queued<J> = (Requester, J);

/// Jobs that wait or run.
pub(super) struct Queue<J> {
    capacity: Capacity,
    reserved: Part<Queued<J>>,
    ordinary: Part<Queued<J>>,
    ledger: Ledger,
    newest: Ticket,
}

impl<J> Queue<J> {
    pub(super) fn new(capacity: Capacity) -> Self {
        let (reserved, ordinary) = (Part::default(), Part::default());
        Self { capacity, reserved, ordinary, ledger: Ledger::default(), newest: Ticket(0) }
    }

    /// Adds a job. Returns its ticket, and the job that was evicted to make room for it.
    ///
    /// # Errors
    ///
    /// The job itself, if there is no room for it.
    pub(super) fn offer(
        &mut self,
        by: Requester,
        job: J,
        now: Duration,
    ) -> Result<(Ticket, Option<J>), J> {
        let (waiting, running) = self.part(by.urgency).of(by.source);
        if waiting + running >= self.capacity.of(by) {
            return Err(job);
        }
        let ticket = Ticket(self.newest.0 + 1);
        let evicted = match self.crowded(by.urgency) {
            None => None,
            Some(crowded) => {
                let position = self.part(by.urgency).position(by, ticket);
                let standing = self.ledger.standing(by.source, position, now);
                let new_job = (crowded == by.urgency).then_some(standing);
                match self.evict(crowded, new_job, now) {
                    Some(last) => Some(last),
                    None => return Err(job),
                }
            }
        };
        self.newest = ticket;
        self.split(by.urgency).0.push(by, ticket, (by, job));
        Ok((ticket, evicted))
    }

    /// Takes the next job. It counts as running until [`Queue::end`].
    pub(super) fn begin(&mut self, now: Duration) -> Option<Queued<J>> {
        let urgency = self.next_urgency(now)?;
        let (part, ledger) = self.split(urgency);
        let (source, _) =
            part.first().min_by_key(|(source, next)| ledger.standing(*source, *next, now))?;
        let queued = part.begin(source)?;
        ledger.begin(source, now);
        Some(queued)
    }

    /// Charges a job that has ended.
    pub(super) fn end(&mut self, by: Requester, cost: Duration, now: Duration) {
        let (part, ledger) = self.split(by.urgency);
        part.end(by, cost, now);
        ledger.end(by.source, cost, now);
    }

    /// Removes a job after its caller has stopped waiting; `None` if it has started.
    pub(super) fn withdraw(&mut self, by: Requester, ticket: Ticket) -> Option<J> {
        self.split(by.urgency).0.take(by.source, ticket).map(|(_, job)| job)
    }

    /// Numbers of waiting and of running jobs.
    pub(super) const fn jobs(&self) -> (usize, usize) {
        let waiting = self.waiting();
        (waiting, self.reserved.jobs() + self.ordinary.jobs() - waiting)
    }

    /// Number of waiting jobs.
    pub(super) const fn waiting(&self) -> usize {
        self.reserved.waiting() + self.ordinary.waiting()
    }

    /// The urgency of the next job.
    fn next_urgency(&self, now: Duration) -> Option<Urgency> {
        let share = self.ordinary.used(now).saturating_mul(RESERVED_SHARE);
        let reserved_has_its_share = self.reserved.used(now) > share;
        match (self.reserved.waiting(), self.ordinary.waiting()) {
            (0, 0) => None,
            (0, _) => Some(Urgency::Ordinary),
            (_, 0) => Some(Urgency::Reserved),
            _ if reserved_has_its_share => Some(Urgency::Ordinary),
            _ => Some(Urgency::Reserved),
        }
    }

    /// The urgency that must lose a job before one of `urgency` can be added.
    ///
    /// Each urgency may fill all but a quarter of the queue, which is left to the other. So if the
    /// queue is full and the reserved part may still grow, the ordinary part has more than a
    /// quarter.
    fn crowded(&self, urgency: Urgency) -> Option<Urgency> {
        if self.part(urgency).jobs() >= self.capacity.of_an_urgency() {
            return Some(urgency);
        }
        let is_full = self.reserved.jobs() + self.ordinary.jobs() >= self.capacity.of_all();
        let last = if self.ordinary.waiting() > 0 { Urgency::Ordinary } else { urgency };
        is_full.then_some(last)
    }

    /// Evicts the job that would run last, if the new job would run before it. A new job without a
    /// standing runs before all of them.
    fn evict(&mut self, urgency: Urgency, new_job: Option<Standing>, now: Duration) -> Option<J> {
        let (part, ledger) = self.split(urgency);
        let standings =
            part.last().map(|(source, last)| (ledger.standing(source, last, now), source));
        let (last, source) = standings.max()?;
        let is_before = new_job.is_none_or(|new_job| new_job < last);
        is_before.then(|| part.take_last(source)).flatten().map(|(_, job)| job)
    }

    const fn part(&self, urgency: Urgency) -> &Part<Queued<J>> {
        match urgency {
            Urgency::Reserved => &self.reserved,
            Urgency::Ordinary => &self.ordinary,
        }
    }

    const fn split(&mut self, urgency: Urgency) -> (&mut Part<Queued<J>>, &mut Ledger) {
        match urgency {
            Urgency::Reserved => (&mut self.reserved, &mut self.ledger),
            Urgency::Ordinary => (&mut self.ordinary, &mut self.ledger),
        }
    }
}

impl<J> fmt::Debug for Queue<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} jobs wait)", self.waiting())
    }
}

impl Capacity {
    const fn of_all(&self) -> usize {
        self.threads + self.queue
    }

    const fn of_an_urgency(&self) -> usize {
        self.of_all() - self.queue / 4
    }

    /// Slots of the source of `by` in its urgency. A shared address stands for many clients, so its
    /// jobs are bounded only by the urgency.
    const fn of(&self, by: Requester) -> usize {
        if by.is_shared { self.of_an_urgency() } else { self.threads + self.queue_per_source }
    }
}

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod tests;
