//! Which job is next, and which gets no place: the decisions of the pool as a value, without threads.
//!
//! * [`Urgency::Reserved`] comes first, until it has used three times the processor time that
//!   [`Urgency::Ordinary`] has: neither can keep the other waiting for ever.
//! * Within each of them the source that has used the least goes next (the idea of fair queueing;
//!   Demers, Keshav and Shenker 1989). A source that has just come waits for no backlog of others.
//! * Each source has so many places, and each urgency may fill all but a quarter of the queue. A shared
//!   address has the places of its urgency instead of a source's. It is one source in every order, so
//!   it does not delay other sources more than any of them does, and its jobs are the first to give way.
//! * When there is no place left, the job that would go last gives way, which may be the new one.
//!
//! Time is counted from the start of the pool and arrives as an argument.

use super::{
    ledger::{Ledger, Standing},
    part::{Part, Ticket},
    requester::{Requester, Urgency},
};
use std::{fmt, time::Duration};

/// How much reserved jobs may use for each second that ordinary ones use.
const RESERVED_SHARE: u32 = 3;

/// How many jobs there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// Jobs that run at the same time.
    pub(super) threads: usize,
    /// Jobs that may wait.
    pub(super) queue: usize,
    /// Jobs of one source and one urgency that may wait.
    pub(super) queue_per_source: usize,
}

/// A job and on whose behalf it is done.
type Asked<J> = (Requester, J);

/// The jobs that wait or run.
pub(super) struct Queue<J> {
    places: Places,
    reserved: Part<Asked<J>>,
    ordinary: Part<Asked<J>>,
    ledger: Ledger,
    newest: Ticket,
}

impl<J> Queue<J> {
    pub(super) fn new(places: Places) -> Self {
        let (reserved, ordinary) = (Part::default(), Part::default());
        Self { places, reserved, ordinary, ledger: Ledger::default(), newest: Ticket(0) }
    }

    /// Gives a job a place. Returns the job that gives way for it, if one has to.
    ///
    /// # Errors
    ///
    /// The job itself, if it is the one that has to give way.
    pub(super) fn offer(
        &mut self,
        by: Requester,
        job: J,
        now: Duration,
    ) -> Result<(Ticket, Option<J>), J> {
        let (waiting, running) = self.part(by.urgency).of(by.source);
        if waiting + running >= self.places.of(by) {
            return Err(job);
        }
        let gives_way = match self.crowded(by.urgency) {
            None => None,
            Some(crowded) => {
                let standing = self.ledger.standing(by.source, waiting, now);
                let newcomer = (crowded == by.urgency).then_some(standing);
                match self.evict(crowded, newcomer, now) {
                    Some(last) => Some(last),
                    None => return Err(job),
                }
            }
        };
        self.newest.0 += 1;
        let ticket = self.newest;
        self.split(by.urgency).0.push(by.source, ticket, (by, job));
        Ok((ticket, gives_way))
    }

    /// Takes the job that is next. It runs until [`Queue::end`].
    pub(super) fn begin(&mut self, now: Duration) -> Option<Asked<J>> {
        let urgency = self.next_urgency(now)?;
        let (part, ledger) = self.split(urgency);
        let (source, _) =
            part.sources().min_by_key(|(source, _)| ledger.standing(*source, 0, now))?;
        let asked = part.begin(source)?;
        ledger.begin(source, now);
        Some(asked)
    }

    /// Charges a job that has ended.
    pub(super) fn end(&mut self, by: Requester, cost: Duration, now: Duration) {
        let (part, ledger) = self.split(by.urgency);
        part.end(by.source, cost, now);
        ledger.end(by.source, cost, now);
    }

    /// Takes a job out whose caller has gone; `None` if it has begun.
    pub(super) fn withdraw(&mut self, by: Requester, ticket: Ticket) -> Option<J> {
        self.split(by.urgency).0.take(by.source, ticket).map(|(_, job)| job)
    }

    /// Jobs that wait.
    pub(super) const fn waiting(&self) -> usize {
        self.reserved.waiting() + self.ordinary.waiting()
    }

    /// The urgency that goes next.
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

    /// Where a job has to give way before one of `urgency` finds a place.
    ///
    /// Each urgency may fill all but a quarter of the queue, which is the other's. So if all places
    /// are taken and the reserved part may still grow, the ordinary part has more than its quarter.
    fn crowded(&self, urgency: Urgency) -> Option<Urgency> {
        if self.part(urgency).jobs() >= self.places.of_an_urgency() {
            return Some(urgency);
        }
        let is_full = self.reserved.jobs() + self.ordinary.jobs() >= self.places.of_all();
        let last = if self.ordinary.waiting() > 0 { Urgency::Ordinary } else { urgency };
        is_full.then_some(last)
    }

    /// Takes out the job that would go last, if the newcomer would go before it. A newcomer without
    /// a standing goes before all of them.
    fn evict(&mut self, urgency: Urgency, newcomer: Option<Standing>, now: Duration) -> Option<J> {
        let (part, ledger) = self.split(urgency);
        let standings = part
            .sources()
            .map(|(source, waiting)| (ledger.standing(source, waiting - 1, now), source));
        let (last, source) = standings.max()?;
        let goes_before = newcomer.is_none_or(|newcomer| newcomer < last);
        goes_before.then(|| part.take_last(source)).flatten().map(|(_, job)| job)
    }

    const fn part(&self, urgency: Urgency) -> &Part<Asked<J>> {
        match urgency {
            Urgency::Reserved => &self.reserved,
            Urgency::Ordinary => &self.ordinary,
        }
    }

    const fn split(&mut self, urgency: Urgency) -> (&mut Part<Asked<J>>, &mut Ledger) {
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

impl Places {
    const fn of_all(&self) -> usize {
        self.threads + self.queue
    }

    const fn of_an_urgency(&self) -> usize {
        self.of_all() - self.queue / 4
    }

    /// What the source of `by` may have of its urgency. Who is meant by a shared address is not known,
    /// so that its jobs have no bound of their own.
    const fn of(&self, by: Requester) -> usize {
        if by.is_shared { self.of_an_urgency() } else { self.threads + self.queue_per_source }
    }
}

#[cfg(test)]
mod tests;
