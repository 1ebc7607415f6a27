//! Upper bounds on connections: per source, per site and in total. Given the current counts, this
//! module decides which bound a new connection reaches.
//!
//! A new connection is not refused when a bound is reached, because early peers could then keep
//! every slot. Instead a connection in the scope of that bound is evicted, so a source or a site
//! pays for its own new connections.

use crate::limits::roster::Scope;
use fourauth_auth::source::Source;
use fourauth_config::LimitsConfig;

/// Unprotected connections that a penalised source may have, so that devices can prove themselves
/// on them. Each further one evicts the longest idle. A neighbour that keeps connecting therefore
/// leaves each new connection as much time as it takes to open this many.
const MAX_WHILE_PENALISED: usize = 16;

/// Extra room for evicted connections that are being answered and closed: one eighth of the bound
/// plus a fixed number. A burst of new connections then need not wait for tasks to be scheduled.
const LEAVING_SHARE: usize = 8;
const LEAVING_AT_LEAST: usize = 64;

/// Upper bounds on the number of connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    all: usize,
    of_site: usize,
    of_source: usize,
    startups: usize,
}

/// Current numbers of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) all: usize,
    pub(crate) of_site: usize,
    pub(crate) of_source: usize,
    /// Connections of the source that no proven device protects.
    pub(crate) unprotected_of_source: usize,
}

/// A connection that has no slot yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewConnection {
    pub(crate) source: Source,
    /// True if many clients share its address, so that the per-source bounds do not apply.
    pub(crate) is_shared: bool,
    /// True if its source is blocked by a penalty.
    pub(crate) is_penalised: bool,
}

impl From<&LimitsConfig> for Caps {
    fn from(limits: &LimitsConfig) -> Self {
        Self {
            all: limits.connections,
            of_site: limits.connections_per_site,
            of_source: limits.connections_per_source,
            startups: limits.startups,
        }
    }
}

impl Caps {
    /// The scope where one connection must be evicted before the new one gets its slot, or `None`
    /// if there is room. The narrowest bound decides. That makes room in the wider ones as well.
    pub(crate) fn met_by(&self, newcomer: &NewConnection, counts: Counts) -> Option<Scope> {
        let NewConnection { source, is_shared, is_penalised } = *newcomer;
        let has_share = !is_shared;
        if is_penalised && counts.unprotected_of_source >= MAX_WHILE_PENALISED {
            return Some(Scope::Source(source));
        }
        if has_share && counts.of_source >= self.of_source {
            return Some(Scope::Source(source));
        }
        // The site of an IPv4 address is the address.
        if has_share && source.is_network() && counts.of_site >= self.of_site {
            return Some(Scope::Site(source.site()));
        }
        (counts.all >= self.all).then_some(Scope::All)
    }

    /// The number of connections that proven devices may protect: half of each bound. The other
    /// half stays open to new connections, however many devices one person has.
    pub(crate) const fn protected(&self) -> Self {
        let Self { all, of_site, of_source, startups } = *self;
        Self { all: all / 2, of_site: of_site / 2, of_source: of_source / 2, startups }
    }

    /// True if a source has as many commands in progress through gateways as it may have
    /// connections.
    pub(crate) const fn are_met_by_visits(&self, visits: usize) -> bool {
        visits >= self.of_source
    }

    /// True if the number of connections without a first command has reached its bound.
    pub(crate) const fn are_met_by_startups(&self, startups: usize) -> bool {
        startups >= self.startups
    }

    /// The bound on all connections, including those that are being closed. Above it a new
    /// connection is refused, because each one takes an open file.
    pub(crate) const fn with_leaving(&self) -> usize {
        files_of(self.all)
    }
}

/// The open files that this many connections need, including those that are being closed.
pub(crate) const fn files_of(connections: usize) -> usize {
    connections + connections.div_ceil(LEAVING_SHARE) + LEAVING_AT_LEAST
}

/// The number of connections that fit into this many open files.
pub(crate) const fn fitting(files: usize) -> usize {
    files.saturating_sub(LEAVING_AT_LEAST) * LEAVING_SHARE / (LEAVING_SHARE + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::IpAddr;

    const CAPS: Caps = Caps { all: 1000, of_site: 100, of_source: 50, startups: 500 };
    const FEW: Counts = Counts { all: 999, of_site: 99, of_source: 49, unprotected_of_source: 15 };

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn the_narrowest_bound_that_is_reached_decides() {
        let (v4, v6) = (source("192.0.2.1"), source("2001:db8::1"));
        let (own, site) = (Some(Scope::Source(v6)), Some(Scope::Site(v6.site())));
        let (full_source, full_site) =
            (Counts { of_source: 50, ..FEW }, Counts { of_site: 100, ..FEW });
        let full = Counts { all: 1000, ..FEW };
        let everything = Counts { of_source: 50, of_site: 100, ..full };
        let many_strangers = Counts { unprotected_of_source: 16, ..FEW };
        let plain = NewConnection { source: v6, is_shared: false, is_penalised: false };
        let v4_plain = NewConnection { source: v4, ..plain };
        let shared = NewConnection { is_shared: true, ..plain };
        let penalised = NewConnection { is_penalised: true, ..plain };
        for (newcomer, counts, expected) in [
            (plain, FEW, None),
            (plain, full_source, own),
            (plain, full_site, site),
            (plain, full, Some(Scope::All)),
            (plain, everything, own),
            (plain, many_strangers, None),
            (v4_plain, full_site, None),
            (v4_plain, full_source, Some(Scope::Source(v4))),
            (shared, full_source, None),
            (shared, full_site, None),
            (shared, everything, Some(Scope::All)),
            (penalised, FEW, None),
            (penalised, many_strangers, own),
            // Protected connections do not count against the next one.
            (penalised, Counts { unprotected_of_source: 15, of_source: 49, ..FEW }, None),
        ] {
            assert_eq!(CAPS.met_by(&newcomer, counts), expected, "{newcomer:?} {counts:?}");
        }
    }

    proptest! {
        #[test]
        fn fitting_connections_need_no_more_files(files in 66_usize..2_000_000) {
            prop_assert!(files_of(fitting(files)) <= files);
            prop_assert!(files_of(fitting(files) + 2) > files);
        }
    }
}
