//! A number of things that all peers share: connections, or bytes of bodies. One source may hold only
//! a part of them, and the last quarter is for sources that hold little: a few sources cannot hold
//! all of them.

use crate::source::Source;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is shared, and what each source holds of it.
#[derive(Debug)]
pub(crate) struct Shares {
    total: usize,
    per_source: usize,
    /// A source that holds more uses nothing of the last quarter.
    little: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_source: HashMap<Source, usize>,
}

/// The part that one holder has. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    /// `None` if only the total is limited.
    source: Option<Source>,
    size: usize,
}

impl Shares {
    /// Shares `total`. One source may hold `per_source`, and up to `little` if less than a quarter is
    /// left.
    pub(crate) fn new(total: usize, per_source: usize, little: usize) -> Arc<Self> {
        Arc::new(Self { total, per_source, little, held: Mutex::default() })
    }

    /// An empty share. With `None`, only the total is limited.
    pub(crate) fn open(self: &Arc<Self>, source: Option<IpAddr>) -> Share {
        Share { shares: Arc::clone(self), source: source.map(Source::from), size: 0 }
    }

    /// How much all sources may hold together for this one to hold `of_source`.
    const fn room(&self, source: Option<Source>, of_source: usize) -> usize {
        match source {
            Some(_) if of_source > self.per_source => 0,
            Some(_) if of_source > self.little => self.total - self.total / 4,
            Some(_) | None => self.total,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes `size` more. False if there is not so much left, and then nothing is taken.
    pub(crate) fn grow(&mut self, size: usize) -> bool {
        let mut held = self.shares.held();
        let of_source = self.source.map_or(0, |it| held.by_source.get(&it).copied().unwrap_or(0));
        let of_source = of_source.saturating_add(size);
        let fits = held.total.saturating_add(size) <= self.shares.room(self.source, of_source);
        if !fits {
            return false;
        }
        held.total += size;
        if let Some(source) = self.source {
            held.by_source.insert(source, of_source);
        }
        self.size += size;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        held.total -= self.size;
        let Some(source) = self.source else { return };
        if let Some(of_source) = held.by_source.get_mut(&source) {
            *of_source -= self.size;
            if *of_source == 0 {
                held.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_source_may_hold_only_a_part() {
        let shares = Shares::new(10, 3, 3);
        let mut one = shares.open(Some(at("192.0.2.1")));
        assert!(one.grow(2) && !one.grow(2) && one.grow(1));
        assert!(!shares.open(Some(at("::ffff:192.0.2.1"))).grow(1), "the same address");
        assert!(shares.open(Some(at("192.0.2.2"))).grow(3));
        drop(one);
        assert!(shares.open(Some(at("192.0.2.1"))).grow(3), "it was given back");
        assert_eq!(shares.held().by_source.len(), 0);
    }

    #[test]
    fn all_sources_together_hold_the_total_at_most() {
        let shares = Shares::new(4, 3, 3);
        let (mut one, mut other) =
            (shares.open(Some(at("192.0.2.1"))), shares.open(Some(at("192.0.2.2"))));
        assert!(one.grow(3) && !other.grow(2) && other.grow(1));
        assert!(!shares.open(None).grow(1), "the total holds for proxies too");
        drop(other);
        assert!(shares.open(None).grow(1));
    }

    #[test]
    fn the_last_quarter_is_for_sources_that_hold_little() {
        let shares = Shares::new(8, 6, 1);
        let mut greedy = shares.open(Some(at("192.0.2.1")));
        assert!(greedy.grow(6) && !greedy.grow(1));
        let mut other = shares.open(Some(at("192.0.2.2")));
        assert!(!other.grow(2) && other.grow(1) && !other.grow(1));
        assert!(shares.open(Some(at("192.0.2.3"))).grow(1));
        assert!(shares.open(None).grow(1), "a proxy is many sources");
    }

    #[test]
    fn the_addresses_of_one_network_are_one_source() {
        let shares = Shares::new(10, 1, 1);
        let mut one = shares.open(Some(at("2001:db8::1")));
        assert!(one.grow(1));
        assert!(!shares.open(Some(at("2001:db8::ffff:0:0:2"))).grow(1));
        assert!(shares.open(Some(at("2001:db8:0:1::1"))).grow(1));
    }
}
