//! How many connections there may be, of one source, of one site and in all; and which of these bounds
//! a newcomer meets. Counts in, a verdict out.
//!
//! No bound turns a newcomer away: a peer that came first could then keep what all need. Room is made
//! among the connections that the bound is about, so a source or a site pays for its own newcomers.

use crate::roster::Scope;
use fourauth_auth::source::Source;
use fourauth_config::LimitsConfig;

/// Unprotected connections that a source may have although it has to stay away: on them
/// a device may prove itself. A further one takes the place of the longest idle, so a neighbour who
/// goes on connecting leaves each newcomer the time in which he makes as many connections.
const HEARD_OUT: usize = 16;

/// While evicted connections are being answered and closed there is room for one eighth more, and for
/// so many besides: a burst of newcomers must not have to wait for tasks to be scheduled.
const LEAVING_SHARE: usize = 8;
const LEAVING_AT_LEAST: usize = 64;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    all: usize,
    of_site: usize,
    of_source: usize,
    startups: usize,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) all: usize,
    pub(crate) of_site: usize,
    pub(crate) of_source: usize,
    /// Those of the source that no proven device protects.
    pub(crate) unprotected_of_source: usize,
}

/// A connection that has not been given a place yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newcomer {
    pub(crate) source: Source,
    /// Whether its address identifies no one, so that it has no share.
    pub(crate) is_shared: bool,
    /// Whether its source has to stay away.
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
    /// Among which connections one has to go before the newcomer gets its place; `None` if there is
    /// room. The narrowest bound decides, which makes room in the wider ones as well.
    pub(crate) fn met_by(&self, newcomer: &Newcomer, counts: Counts) -> Option<Scope> {
        let Newcomer { source, is_shared, is_penalised } = *newcomer;
        let has_share = !is_shared;
        if is_penalised && counts.unprotected_of_source >= HEARD_OUT {
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

    /// Of each bound, how many connections may be protected by a proven device: half. So the other
    /// half always goes to newcomers, however many devices one person has.
    pub(crate) const fn protected(&self) -> Self {
        let Self { all, of_site, of_source, startups } = *self;
        Self { all: all / 2, of_site: of_site / 2, of_source: of_source / 2, startups }
    }

    /// Whether one of so many connections without a first command has to go.
    pub(crate) const fn are_met_by_startups(&self, startups: usize) -> bool {
        startups >= self.startups
    }

    /// How many there may be together with those that are being closed. Beyond it there is no place
    /// for anyone: each takes an open file.
    pub(crate) const fn with_leaving(&self) -> usize {
        files_of(self.all)
    }
}

/// The open files of so many connections, with those that are being closed.
pub(crate) const fn files_of(connections: usize) -> usize {
    connections + connections.div_ceil(LEAVING_SHARE) + LEAVING_AT_LEAST
}

/// The connections that fit into so many open files.
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
    fn the_narrowest_bound_that_is_met_decides() {
        let (v4, v6) = (source("192.0.2.1"), source("2001:db8::1"));
        let (own, site) = (Some(Scope::Source(v6)), Some(Scope::Site(v6.site())));
        let (full_source, full_site) =
            (Counts { of_source: 50, ..FEW }, Counts { of_site: 100, ..FEW });
        let full = Counts { all: 1000, ..FEW };
        let everything = Counts { of_source: 50, of_site: 100, ..full };
        let many_strangers = Counts { unprotected_of_source: 16, ..FEW };
        let plain = Newcomer { source: v6, is_shared: false, is_penalised: false };
        let v4_plain = Newcomer { source: v4, ..plain };
        let shared = Newcomer { is_shared: true, ..plain };
        let penalised = Newcomer { is_penalised: true, ..plain };
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
            // Protected colleagues take no place from the next one.
            (penalised, Counts { unprotected_of_source: 15, of_source: 49, ..FEW }, None),
        ] {
            assert_eq!(CAPS.met_by(&newcomer, counts), expected, "{newcomer:?} {counts:?}");
        }
    }

    proptest! {
        #[test]
        fn what_fits_into_so_many_files_takes_no_more(files in 66_usize..2_000_000) {
            prop_assert!(files_of(fitting(files)) <= files);
            prop_assert!(files_of(fitting(files) + 2) > files);
        }
    }
}
