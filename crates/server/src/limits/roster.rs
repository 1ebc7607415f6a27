//! The set of connections, and the order of their eviction.
//!
//! Within a source, connections are ordered by worth, then by idle time. Across sources, the source
//! or site with most unprotected connections loses one. Ordered sets answer every query in
//! O(log n), because a flood causes one for each new connection.
//!
//! This module handles plain values. The caller has the clock, the lock and the sockets.

use fourauth_auth::source::{Site, Source};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};
use tokio::time::Instant;

/// The unique number of a connection.
pub(crate) type Id = u64;

/// The worth of a connection. The lowest is evicted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    /// Waits for its peer.
    Idle,
    /// Has a command that is being decided. It is answered before an eviction.
    Deciding,
    /// Waits for its peer, and a proven device protects it.
    ProtectedIdle,
    /// Has a command that is being decided, and a proven device protects it.
    ProtectedDeciding,
}

/// The position of a connection in the order of eviction. The first one is evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    worth: Worth,
    /// The time when it got this worth.
    since: Instant,
    id: Id,
}

/// The position of a source within its site, or of a site among all. The first one loses a
/// connection.
///
/// The order is by most unprotected connections, or by most connections if none is unprotected. A
/// tie is decided by the lowest rank of the next connection to be evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    unprotected: Reverse<usize>,
    protected_alone: Reverse<usize>,
    next: Rank,
}

/// The source that a connection is ranked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RankedSource {
    /// All connections of a source rank together.
    Source(Source),
    /// A connection from a shared address ranks by itself.
    Alone(Id),
}

/// The site that a connection is ranked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum RankedSite {
    Site(Site),
    Alone(Id),
}

/// The set of connections where one is evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Connections of one source.
    Source(Source),
    /// Connections of one site.
    Site(Site),
    /// All connections.
    All,
}

/// The set of connections.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    ranks: HashMap<Id, (RankedSource, Rank)>,
    sites: HashMap<RankedSite, OfSite>,
    by_weight: BTreeSet<(Weight, RankedSite)>,
}

#[derive(Debug, Default)]
struct OfSite {
    sources: HashMap<RankedSource, OfSource>,
    by_weight: BTreeSet<(Weight, RankedSource)>,
    unprotected: usize,
    all: usize,
}

#[derive(Debug, Default)]
struct OfSource {
    ranks: BTreeSet<Rank>,
    unprotected: usize,
}

impl RankedSource {
    /// The party of connection `id` from `source`.
    pub(crate) const fn of(id: Id, source: Source, is_shared: bool) -> Self {
        if is_shared { Self::Alone(id) } else { Self::Source(source) }
    }

    fn site(self) -> RankedSite {
        match self {
            Self::Source(source) => RankedSite::Site(source.site()),
            Self::Alone(id) => RankedSite::Alone(id),
        }
    }
}

impl Worth {
    pub(crate) const fn of(is_protected: bool, is_deciding: bool) -> Self {
        match (is_protected, is_deciding) {
            (false, false) => Self::Idle,
            (false, true) => Self::Deciding,
            (true, false) => Self::ProtectedIdle,
            (true, true) => Self::ProtectedDeciding,
        }
    }

    const fn is_protected(self) -> bool {
        match self {
            Self::Idle | Self::Deciding => false,
            Self::ProtectedIdle | Self::ProtectedDeciding => true,
        }
    }
}

impl Weight {
    fn of(unprotected: usize, all: usize, next: Rank) -> Self {
        let protected_alone = if unprotected == 0 { all } else { 0 };
        Self { unprotected: Reverse(unprotected), protected_alone: Reverse(protected_alone), next }
    }
}

impl Roster {
    /// The number of connections in a scope.
    pub(crate) fn len(&self, scope: Scope) -> usize {
        match scope {
            Scope::All => self.ranks.len(),
            Scope::Site(site) => self.of_site(site).map_or(0, |of| of.all),
            Scope::Source(source) => self.of_source(source).map_or(0, |of| of.ranks.len()),
        }
    }

    /// The number of unprotected connections of a source.
    pub(crate) fn unprotected(&self, source: Source) -> usize {
        self.of_source(source).map_or(0, |of| of.unprotected)
    }

    /// The connection that is evicted first.
    pub(crate) fn next_eviction(&self, scope: Scope) -> Option<Id> {
        let rank = match scope {
            Scope::All => self.by_weight.first()?.0.next,
            Scope::Site(site) => self.of_site(site)?.by_weight.first()?.0.next,
            Scope::Source(source) => *self.of_source(source)?.ranks.first()?,
        };
        Some(rank.id)
    }

    /// Adds a connection, or updates its worth and the time of that change.
    pub(crate) fn put(&mut self, id: Id, party: RankedSource, worth: Worth, since: Instant) {
        self.remove(id);
        let rank = Rank { worth, since, id };
        self.ranks.insert(id, (party, rank));
        self.change(party, |of| {
            of.ranks.insert(rank);
            of.unprotected += usize::from(!worth.is_protected());
        });
    }

    /// Removes a connection. Returns false if it was not present.
    pub(crate) fn remove(&mut self, id: Id) -> bool {
        let Some((party, rank)) = self.ranks.remove(&id) else { return false };
        self.change(party, |of| {
            of.ranks.remove(&rank);
            of.unprotected -= usize::from(!rank.worth.is_protected());
        });
        true
    }

    fn of_site(&self, site: Site) -> Option<&OfSite> {
        self.sites.get(&RankedSite::Site(site))
    }

    fn of_source(&self, source: Source) -> Option<&OfSource> {
        self.of_site(source.site())?.sources.get(&RankedSource::Source(source))
    }

    /// Changes a source, and updates the positions of the source and its site.
    fn change(&mut self, party: RankedSource, change: impl FnOnce(&mut OfSource)) {
        let site = party.site();
        let of = self.sites.entry(site).or_default();
        if let Some(weight) = of.weight() {
            self.by_weight.remove(&(weight, site));
        }
        of.change(party, change);
        match of.weight() {
            Some(weight) => drop(self.by_weight.insert((weight, site))),
            None => drop(self.sites.remove(&site)),
        }
    }
}

impl OfSite {
    fn change(&mut self, party: RankedSource, change: impl FnOnce(&mut OfSource)) {
        let of = self.sources.entry(party).or_default();
        if let Some(weight) = of.weight() {
            self.by_weight.remove(&(weight, party));
        }
        self.unprotected -= of.unprotected;
        self.all -= of.ranks.len();
        change(of);
        self.unprotected += of.unprotected;
        self.all += of.ranks.len();
        match of.weight() {
            Some(weight) => drop(self.by_weight.insert((weight, party))),
            None => drop(self.sources.remove(&party)),
        }
    }

    /// `None` if it has no connections.
    fn weight(&self) -> Option<Weight> {
        let next = self.by_weight.first()?.0.next;
        Some(Weight::of(self.unprotected, self.all, next))
    }
}

impl OfSource {
    /// `None` if it has no connections.
    fn weight(&self) -> Option<Weight> {
        let next = *self.ranks.first()?;
        Some(Weight::of(self.unprotected, self.ranks.len(), next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Worth::{Deciding, Idle, ProtectedDeciding, ProtectedIdle};
    use proptest::prelude::*;
    use std::{net::IpAddr, time::Duration};

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    /// The first connection to be evicted. Each has an address, a worth and an idle time in
    /// seconds, and is numbered by its index.
    fn first(scope: Scope, connections: &[(&str, Worth, u64)]) -> Option<Id> {
        let (mut roster, now) = (Roster::default(), Instant::now() + Duration::from_secs(1000));
        for (id, (address, worth, idle_s)) in (0..).zip(connections) {
            let party = RankedSource::of(id, source(address), *address == SHARED);
            roster.put(id, party, *worth, now - Duration::from_secs(*idle_s));
        }
        roster.next_eviction(scope)
    }

    const A: &str = "192.0.2.1";
    const B: &str = "192.0.2.2";
    /// An address that many clients share.
    const SHARED: &str = "192.0.2.3";

    #[test]
    fn the_longest_idle_unprotected_one_of_a_source_goes_first() {
        let of_a = Scope::Source(source(A));
        for (connections, expected) in [
            (&[][..], None),
            (&[(A, Idle, 1), (A, Idle, 3), (A, Idle, 2)], Some(1)),
            (&[(A, Deciding, 9), (A, Idle, 1)], Some(1)),
            (&[(A, ProtectedIdle, 9), (A, Deciding, 1)], Some(1)),
            (&[(A, ProtectedDeciding, 9), (A, ProtectedIdle, 1)], Some(1)),
            (&[(A, ProtectedIdle, 1), (A, ProtectedIdle, 2)], Some(1)),
            (&[(A, ProtectedDeciding, 1)], Some(0)),
            (&[(A, Idle, 1), (B, Idle, 9)], Some(0)),
            (&[(B, Idle, 9)], None),
        ] {
            assert_eq!(first(of_a, connections), expected, "{connections:?}");
        }
    }

    #[test]
    fn the_source_or_site_with_most_unprotected_ones_pays() {
        let (c1, c2, c3) = ("2001:db8:c:100::1", "2001:db8:c:200::1", "2001:db8:c:300::1");
        for (connections, expected) in [
            (&[(A, Idle, 1), (A, Idle, 2), (B, Idle, 9)][..], Some(1)),
            // Protected connections do not count.
            (&[(A, ProtectedIdle, 7), (A, ProtectedIdle, 8), (A, Idle, 1), (B, Idle, 9)], Some(3)),
            (&[(A, Deciding, 5), (A, Deciding, 6), (B, Idle, 9)], Some(1)),
            // A tie: the source with the connection that is worth less.
            (&[(A, Deciding, 9), (B, Idle, 1)], Some(1)),
            (&[(A, Idle, 1), (B, Idle, 2)], Some(1)),
            // A site counts as one, however many sources it has.
            (&[(c1, Idle, 1), (c2, Idle, 2), (c3, Idle, 3), (A, Idle, 8), (A, Idle, 9)], Some(2)),
            // Within a site, the source with most connections pays.
            (&[(c1, Idle, 9), (c2, Idle, 1), (c2, Idle, 2), (A, Idle, 99)], Some(2)),
            // Each connection of a shared address counts as one source.
            (&[(SHARED, Idle, 8), (SHARED, Idle, 9), (A, Idle, 1), (A, Idle, 2)], Some(3)),
            (&[(SHARED, Idle, 1), (SHARED, Idle, 2), (SHARED, Idle, 3), (A, Idle, 9)], Some(3)),
            (&[(SHARED, Idle, 1), (SHARED, Idle, 9), (A, Idle, 2)], Some(1)),
            // Protected connections go only if there are no others.
            (&[(A, ProtectedIdle, 1), (A, ProtectedIdle, 2), (B, ProtectedIdle, 9)], Some(1)),
        ] {
            assert_eq!(first(Scope::All, connections), expected, "{connections:?}");
        }
    }

    #[test]
    fn a_site_loses_only_its_own_connections() {
        let (c1, c2) = ("2001:db8:c:100::1", "2001:db8:c:200::1");
        let site = Scope::Site(source(c1).site());
        let both = [(c1, Idle, 9), (c2, Idle, 1), (c2, Idle, 2), (A, Idle, 99), (A, Idle, 98)];
        assert_eq!(first(site, &both), Some(2));
        assert_eq!(first(site, &[(A, Idle, 9)]), None);
    }

    #[test]
    fn a_removed_connection_leaves_no_state() {
        let (mut roster, now) = (Roster::default(), Instant::now());
        let party = RankedSource::Source(source(A));
        roster.put(1, party, Idle, now);
        roster.put(1, party, ProtectedDeciding, now);
        assert_eq!((roster.len(Scope::All), roster.unprotected(source(A))), (1, 0));
        assert!(roster.remove(1));
        assert!(!roster.remove(1));
        assert!(roster.sites.is_empty() && roster.by_weight.is_empty() && roster.ranks.is_empty());
    }

    /// The expected answer of the ordered sets, found by a full scan.
    fn found_by_scan(roster: &Roster, scope: Scope) -> Option<Id> {
        let of = |keep: &dyn Fn(RankedSource) -> bool| {
            let all = roster.ranks.values().filter(|(party, _)| keep(*party));
            all.copied().collect::<Vec<_>>()
        };
        let weight = |connections: &[(RankedSource, Rank)], next| {
            let unprotected =
                connections.iter().filter(|(_, rank)| !rank.worth.is_protected()).count();
            Weight::of(unprotected, connections.len(), next)
        };
        let in_source =
            |party: RankedSource| of(&|other| other == party).into_iter().map(|c| c.1).min();
        let in_site = |site: RankedSite| {
            let sources = of(&|other| other.site() == site).into_iter().map(|c| c.0);
            let weights = sources.filter_map(|s| Some(weight(&of(&|o| o == s), in_source(s)?)));
            weights.min().map(|weight| weight.next)
        };
        let rank = match scope {
            Scope::Source(source) => in_source(RankedSource::Source(source)),
            Scope::Site(site) => in_site(RankedSite::Site(site)),
            Scope::All => {
                let sites = roster.ranks.values().map(|(party, _)| party.site());
                let weights =
                    sites.filter_map(|s| Some(weight(&of(&|o| o.site() == s), in_site(s)?)));
                weights.min().map(|weight| weight.next)
            }
        };
        rank.map(|rank| rank.id)
    }

    proptest! {
        #[test]
        fn the_ordered_sets_agree_with_a_full_scan(
            steps in prop::collection::vec((0_u64..12, 0_usize..6, 0_usize..5, 0_u64..20), 1..60)
        ) {
            let sources = [A, B, "2001:db8:c:100::1", "2001:db8:c:200::1", "2001:db8:c:300::1",
                "2001:db8:d::1"].map(source);
            let (mut roster, start) = (Roster::default(), Instant::now());
            for (id, slot, worth, second) in steps {
                match [Idle, Deciding, ProtectedIdle, ProtectedDeciding].get(worth) {
                    Some(worth) => {
                        let since = start + Duration::from_secs(second);
                        // The last one is shared.
                        let party = RankedSource::of(id, sources[slot], slot == 5);
                        roster.put(id, party, *worth, since);
                    }
                    None => drop(roster.remove(id)),
                }
                let scopes = sources.into_iter().flat_map(|s| [Scope::Source(s), Scope::Site(s.site())]);
                for scope in scopes.chain([Scope::All]) {
                    prop_assert_eq!(roster.next_eviction(scope), found_by_scan(&roster, scope));
                }
                let all: usize = sources.iter().map(|s| roster.len(Scope::Source(*s))).sum();
                let alone = roster.ranks.values().filter(|(p, _)| matches!(p, RankedSource::Alone(_)));
                prop_assert_eq!(all + alone.count(), roster.len(Scope::All));
            }
        }
    }
}
