//! The open connections: admission, eviction, and the state that connections of one source share.

use crate::limits::{
    caps::{Caps, Counts, NewConnection},
    in_flight::{Budget, Budgets},
    last_use::LastUse,
    protection::{Candidate, Protection},
    roster::{Id, RankedSource, Roster, Scope, Worth},
};
use fourauth_auth::source::Source;
use fourauth_protocol::device::DeviceId;
use std::{collections::HashMap, sync::Arc};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;

/// The open connections. Evicted ones are still present until they close, but no longer count
/// towards the bounds.
#[derive(Debug, Default)]
pub(crate) struct OpenConnections {
    next: Id,
    present: HashMap<Id, Present>,
    all: Roster,
    /// Connections that have sent no command yet.
    startups: Roster,
    /// Connections that a proven device protects.
    protection: Protection,
    shares: HashMap<ShareKey, Share>,
    dropped: Dropped,
    /// Since the start.
    all_dropped: Dropped,
}

/// The key of the state that connections share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ShareKey {
    pub(super) source: Source,
    /// True for an address that many clients share. Such connections have no per-source limits.
    pub(super) is_shared: bool,
}

#[derive(Debug)]
struct Present {
    key: ShareKey,
    /// Commands that are being decided.
    deciding: usize,
    /// The time of the last change of its worth, not counting proofs on other connections.
    since: Instant,
    /// The last command that was decided without a wait. It changes the rank only when the
    /// connection would be evicted.
    used: LastUse,
    is_leaving: bool,
    evicted: CancellationToken,
}

#[derive(Debug)]
struct Share {
    connections: usize,
    /// Commands in progress that a gateway states to come from the source.
    visits: usize,
    common: Common,
}

/// State that the connections of one source share.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    /// The byte budget for frames in flight.
    pub(crate) budget: Budget,
    /// One permit for each command that is being decided.
    pub(crate) turns: Arc<Semaphore>,
}

/// The slot of a new connection.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: Id,
    /// Cancelled when the connection is evicted.
    pub(crate) evicted: CancellationToken,
    /// Set by the connection when it is used.
    pub(crate) used: LastUse,
    pub(crate) common: Common,
}

/// All slots are taken, including the extra ones for connections that are being closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all connection slots are taken, and evicted connections are still closing")]
pub(crate) struct Full;

/// Numbers of connections that lost their slot or got none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Evicted to make room for others.
    pub evicted: u64,
    /// Closed as soon as they were accepted.
    pub refused: u64,
}

/// Numbers of connections at one time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionCounts {
    /// Open connections, also those that are being closed.
    pub open: usize,
    /// Those that have sent no command yet.
    pub startups: usize,
    /// Those that lost their slot or got none since the start.
    pub dropped: Dropped,
}

impl OpenConnections {
    /// The present numbers.
    pub(super) fn census(&self) -> ConnectionCounts {
        let (open, startups) = (self.present.len(), self.startups.len(Scope::All));
        ConnectionCounts { open, startups, dropped: self.all_dropped }
    }

    /// Evicts one connection for each bound that the new connection reaches.
    pub(crate) fn make_room(&mut self, caps: &Caps, newcomer: &NewConnection) -> Result<(), Full> {
        if self.present.len() >= caps.with_leaving() {
            self.dropped.refused += 1;
            self.all_dropped.refused += 1;
            return Err(Full);
        }
        let first = caps.met_by(newcomer, self.counts(newcomer.source));
        if let Some(scope) = first {
            self.evict_next(scope);
        }
        if caps.are_met_by_startups(self.startups.len(Scope::All))
            && let Some(id) = self.startups.next_eviction(Scope::All)
        {
            self.evict(id);
        }
        Ok(())
    }

    /// Evicts the first connection in the order of eviction. A connection that was used since it was
    /// ranked is ranked again instead, and the next one is looked at.
    fn evict_next(&mut self, scope: Scope) {
        while let Some(id) = self.all.next_eviction(scope) {
            match self.present.get_mut(&id) {
                Some(present) if present.used.at() > present.since => {
                    present.since = present.used.at();
                    self.rank(id);
                }
                _ => return self.evict(id),
            }
        }
    }

    /// Adds the new connection, which counts as a startup at first. `common` creates the shared
    /// state if the source had no connection.
    pub(crate) fn enter(
        &mut self,
        newcomer: &NewConnection,
        now: Instant,
        common: impl FnOnce() -> Common,
    ) -> Entry {
        let NewConnection { source, is_shared, .. } = *newcomer;
        let key = ShareKey { source, is_shared };
        let id = self.next;
        self.next += 1;
        let (evicted, used) = (CancellationToken::new(), LastUse::opened(now));
        let present = Present {
            key,
            deciding: 0,
            since: now,
            used: used.clone(),
            is_leaving: false,
            evicted: evicted.clone(),
        };
        self.present.insert(id, present);
        let party = RankedSource::of(id, source, is_shared);
        self.all.put(id, party, Worth::Idle, now);
        self.startups.put(id, party, Worth::Idle, now);
        let share = self.share(key, common);
        share.connections += 1;
        Entry { id, evicted, used, common: share.common.clone() }
    }

    /// Adds a command of a peer that a gateway states. `None` if its source has too many.
    pub(super) fn enter_visit(
        &mut self,
        caps: &Caps,
        key: ShareKey,
        common: impl FnOnce() -> Common,
    ) -> Option<Common> {
        let visits = self.shares.get(&key).map_or(0, |share| share.visits);
        if !key.is_shared && caps.are_met_by_visits(visits) {
            return None;
        }
        let share = self.share(key, common);
        share.visits += 1;
        Some(share.common.clone())
    }

    /// Removes a command of a peer that a gateway states.
    pub(super) fn end_visit(&mut self, key: ShareKey) {
        self.leave_share(key, |share| share.visits -= 1);
    }

    /// The state that all connections and commands of a source share, new if it had none.
    fn share(&mut self, key: ShareKey, common: impl FnOnce() -> Common) -> &mut Share {
        let new = || Share { connections: 0, visits: 0, common: common() };
        self.shares.entry(key).or_insert_with(new)
    }

    fn leave_share(&mut self, key: ShareKey, leave: impl FnOnce(&mut Share)) {
        if let Some(share) = self.shares.get_mut(&key) {
            leave(share);
            if share.connections == 0 && share.visits == 0 {
                self.shares.remove(&key);
            }
        }
    }

    /// Records that the first command of a connection has arrived.
    pub(crate) fn settle(&mut self, id: Id) {
        self.startups.remove(id);
    }

    /// Records that a frame has begun, which restarts the idle time of the connection. Its worth
    /// does not grow: a peer with many connections can begin a frame on each.
    pub(crate) fn begin(&mut self, id: Id, now: Instant) {
        if let Some(present) = self.present.get_mut(&id) {
            present.since = now;
            self.rank(id);
        }
    }

    /// Records that a command of a connection is being decided, or has been answered.
    pub(crate) fn decide(&mut self, id: Id, is_deciding: bool, now: Instant) {
        if let Some(present) = self.present.get_mut(&id) {
            present.deciding =
                if is_deciding { present.deciding + 1 } else { present.deciding.saturating_sub(1) };
            present.since = now;
            self.rank(id);
        }
    }

    /// Records that a connection has proved to be a device of an account. Another connection may
    /// lose its protection.
    pub(crate) fn prove(&mut self, caps: &Caps, id: Id, device: DeviceId, now: Instant) {
        let Some(present) = self.present.get_mut(&id).filter(|present| !present.is_leaving) else {
            return;
        };
        present.since = now;
        let ShareKey { source, is_shared } = present.key;
        let candidate = Candidate { id, source, is_shared, device };
        let changed = self.protection.protect(caps, &candidate, now);
        for id in changed {
            self.rank(id);
        }
    }

    /// Removes a connection that has closed.
    pub(crate) fn leave(&mut self, id: Id) {
        self.all.remove(id);
        self.startups.remove(id);
        self.protection.remove(id);
        let Some(Present { key, .. }) = self.present.remove(&id) else { return };
        self.leave_share(key, |share| share.connections -= 1);
    }

    /// The numbers of dropped connections since the last call.
    pub(crate) fn take_dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }

    /// True if no state of any connection is left.
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

    /// Updates the rank of a connection.
    fn rank(&mut self, id: Id) {
        let Some(present) = self.present.get(&id).filter(|present| !present.is_leaving) else {
            return;
        };
        let worth = Worth::of(self.protection.covers(id), present.deciding > 0);
        let ShareKey { source, is_shared } = present.key;
        self.all.put(id, RankedSource::of(id, source, is_shared), worth, present.since);
    }

    fn evict(&mut self, id: Id) {
        self.all.remove(id);
        self.startups.remove(id);
        self.protection.remove(id);
        if let Some(present) = self.present.get_mut(&id) {
            present.is_leaving = true;
            present.evicted.cancel();
            self.dropped.evicted += 1;
            self.all_dropped.evicted += 1;
        }
    }
}

impl Entry {
    /// A connection that is not among the open ones, so that it counts nowhere and nothing evicts
    /// it.
    pub(super) fn outside_the_bounds(budget: Budget) -> Self {
        let turns = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let (evicted, used) = (CancellationToken::new(), LastUse::opened(Instant::now()));
        Self { id: Id::MAX, evicted, used, common: Common { budget, turns } }
    }
}

impl Common {
    /// The shared state of a source with its own limits, or of a shared address, which only the
    /// total limits bound.
    pub(crate) fn new(budgets: &Budgets, turns: usize, source: Source, is_shared: bool) -> Self {
        let (budget, turns) = if is_shared {
            (budgets.unshared(), Semaphore::MAX_PERMITS)
        } else {
            (budgets.of(source), turns.min(Semaphore::MAX_PERMITS))
        };
        Self { budget, turns: Arc::new(Semaphore::new(turns)) }
    }
}
