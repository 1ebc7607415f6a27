//! The connections there are: who enters, who is told to leave, and what those of one source share.

use crate::{
    caps::{Caps, Counts, Newcomer},
    in_flight::{Budget, Budgets},
    protection::{Candidate, Protection},
    roster::{Id, Party, Roster, Scope, Worth},
};
use fourauth_auth::source::Source;
use fourauth_protocol::device::DeviceId;
use std::{collections::HashMap, sync::Arc};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;

/// The connections there are. Those that were told to leave are still present and no longer counted
/// against a bound.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    next: Id,
    present: HashMap<Id, Present>,
    all: Roster,
    /// Those that have sent no command yet.
    startups: Roster,
    /// Those that a proven device protects.
    protection: Protection,
    shares: HashMap<Origin, Share>,
    dropped: Dropped,
}

/// Where connections come from that have something in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Origin {
    source: Source,
    /// Whether it is a shared address, which has nothing of its own.
    is_shared: bool,
}

#[derive(Debug)]
struct Present {
    origin: Origin,
    is_deciding: bool,
    /// When its worth changed last, other than by the proof of another connection.
    since: Instant,
    is_leaving: bool,
    evicted: CancellationToken,
}

#[derive(Debug)]
struct Share {
    connections: usize,
    common: Common,
}

/// What the connections of one source have in common.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    /// Bytes in flight.
    pub(crate) budget: Budget,
    /// One permit for each command that is being decided.
    pub(crate) turns: Arc<Semaphore>,
}

/// What a newcomer is given.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: Id,
    /// Cancelled once it has to leave.
    pub(crate) evicted: CancellationToken,
    pub(crate) common: Common,
}

/// Every place is taken, and so is the room for connections that are being closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("every place is taken, and those who have to leave have not left yet")]
pub struct Full;

/// Connections that lost their place, or got none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Told to leave, so that another one gets in.
    pub evicted: u64,
    /// Closed as soon as they were accepted.
    pub refused: u64,
}

impl Crowd {
    /// Has one connection leave for each bound that the newcomer meets.
    pub(crate) fn make_room(&mut self, caps: &Caps, newcomer: &Newcomer) -> Result<(), Full> {
        if self.present.len() >= caps.with_leaving() {
            self.dropped.refused += 1;
            return Err(Full);
        }
        let first = caps.met_by(newcomer, self.counts(newcomer.source));
        if let Some(id) = first.and_then(|scope| self.all.first_to_go(scope)) {
            self.evict(id);
        }
        if caps.are_met_by_startups(self.startups.len(Scope::All))
            && let Some(id) = self.startups.first_to_go(Scope::All)
        {
            self.evict(id);
        }
        Ok(())
    }

    /// Adds the newcomer, a startup at first. `common` makes what a source that had no connection
    /// has in common.
    pub(crate) fn enter(
        &mut self,
        newcomer: &Newcomer,
        now: Instant,
        common: impl FnOnce() -> Common,
    ) -> Entry {
        let Newcomer { source, is_shared, .. } = *newcomer;
        let origin = Origin { source, is_shared };
        let id = self.next;
        self.next += 1;
        let evicted = CancellationToken::new();
        let present = Present {
            origin,
            is_deciding: false,
            since: now,
            is_leaving: false,
            evicted: evicted.clone(),
        };
        self.present.insert(id, present);
        let party = Party::of(id, source, is_shared);
        self.all.put(id, party, Worth::Idle, now);
        self.startups.put(id, party, Worth::Idle, now);
        let new = || Share { connections: 0, common: common() };
        let share = self.shares.entry(origin).or_insert_with(new);
        share.connections += 1;
        Entry { id, evicted, common: share.common.clone() }
    }

    /// Its first command has come.
    pub(crate) fn settle(&mut self, id: Id) {
        self.startups.remove(id);
    }

    /// A frame of it has begun, so that its idle time starts again. It is worth no more by that: a
    /// peer that holds many connections can begin a frame on each.
    pub(crate) fn begin(&mut self, id: Id, now: Instant) {
        if let Some(present) = self.present.get_mut(&id) {
            present.since = now;
            self.rank(id);
        }
    }

    /// A command of it begins to be decided, or has been answered.
    pub(crate) fn decide(&mut self, id: Id, is_deciding: bool, now: Instant) {
        if let Some(present) = self.present.get_mut(&id) {
            present.is_deciding = is_deciding;
            present.since = now;
            self.rank(id);
        }
    }

    /// It has proved to be a device of an account. Another connection may lose its protection.
    pub(crate) fn prove(&mut self, caps: &Caps, id: Id, device: DeviceId, now: Instant) {
        let Some(present) = self.present.get_mut(&id).filter(|present| !present.is_leaving) else {
            return;
        };
        present.since = now;
        let Origin { source, is_shared } = present.origin;
        let candidate = Candidate { id, source, is_shared, device };
        let changed = self.protection.protect(caps, &candidate, now);
        for id in changed {
            self.rank(id);
        }
    }

    /// It has gone.
    pub(crate) fn leave(&mut self, id: Id) {
        self.all.remove(id);
        self.startups.remove(id);
        self.protection.remove(id);
        let Some(Present { origin, .. }) = self.present.remove(&id) else { return };
        if let Some(share) = self.shares.get_mut(&origin) {
            share.connections -= 1;
            if share.connections == 0 {
                self.shares.remove(&origin);
            }
        }
    }

    /// What was dropped since this was asked last.
    pub(crate) fn take_dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }

    /// Whether nothing is left of anyone.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let counted = self.all.len(Scope::All) + self.startups.len(Scope::All);
        self.present.is_empty()
            && self.shares.is_empty()
            && self.protection.is_empty()
            && counted == 0
    }

    fn counts(&self, source: Source) -> Counts {
        Counts {
            all: self.all.len(Scope::All),
            of_site: self.all.len(Scope::Site(source.site())),
            of_source: self.all.len(Scope::Source(source)),
            unprotected_of_source: self.all.unprotected(source),
        }
    }

    /// Puts it where it now stands.
    fn rank(&mut self, id: Id) {
        let Some(present) = self.present.get(&id).filter(|present| !present.is_leaving) else {
            return;
        };
        let worth = Worth::of(self.protection.covers(id), present.is_deciding);
        let Origin { source, is_shared } = present.origin;
        self.all.put(id, Party::of(id, source, is_shared), worth, present.since);
    }

    fn evict(&mut self, id: Id) {
        self.all.remove(id);
        self.startups.remove(id);
        self.protection.remove(id);
        if let Some(present) = self.present.get_mut(&id) {
            present.is_leaving = true;
            present.evicted.cancel();
            self.dropped.evicted += 1;
        }
    }
}

impl Common {
    /// For a source with a share, or for a shared address, which is bound only by what all may take.
    pub(crate) fn new(budgets: &Budgets, turns: usize, source: Source, is_shared: bool) -> Self {
        let (budget, turns) = if is_shared {
            (budgets.unshared(), Semaphore::MAX_PERMITS)
        } else {
            (budgets.of(source), turns.min(Semaphore::MAX_PERMITS))
        };
        Self { budget, turns: Arc::new(Semaphore::new(turns)) }
    }
}
