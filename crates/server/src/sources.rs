//! What each source of connections may take: places and bytes in flight, a source at a time and in
//! total, so that one host cannot take what all need.
//!
//! A source is an IPv4 address, or an IPv6 /56: what one customer is usually given (RFC 6177 §2).

use crate::config::LimitsConfig;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit of a budget stands for.
const UNIT: usize = 1024;

/// Who has how much.
#[derive(Debug)]
pub struct Sources {
    connections: usize,
    bytes_per_source: usize,
    total: Arc<Semaphore>,
    open: Mutex<HashMap<Source, Share>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source(u64);

#[derive(Debug)]
struct Share {
    connections: usize,
    bytes: Arc<Semaphore>,
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub struct Place {
    sources: Arc<Sources>,
    source: Source,
    bytes: Arc<Semaphore>,
}

/// Bytes in flight, given back when dropped.
#[derive(Debug, Default)]
pub struct Held {
    bytes: usize,
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            // The upper 56 bits; what remains of the upper half tells them from IPv4.
            IpAddr::V6(address) => Self((address.to_bits() >> 64) as u64 | 0xff),
        }
    }
}

impl Sources {
    /// Nobody has anything yet.
    #[must_use]
    pub fn new(limits: &LimitsConfig) -> Arc<Self> {
        let units = |mib: u32| (mib as usize * 1024 * 1024 / UNIT).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            connections: limits.connections_per_source,
            bytes_per_source: units(limits.in_flight_mib_per_source),
            total: Arc::new(Semaphore::new(units(limits.in_flight_mib))),
            open: Mutex::default(),
        })
    }

    /// A place for one more connection of a source, if it has not taken its share.
    #[must_use]
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let source = Source::from(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let share = open.entry(source).or_insert_with(|| Share {
            connections: 0,
            bytes: Arc::new(Semaphore::new(self.bytes_per_source)),
        });
        if share.connections >= self.connections {
            return None;
        }
        share.connections += 1;
        let bytes = Arc::clone(&share.bytes);
        Some(Place { sources: Arc::clone(self), source, bytes })
    }
}

impl Place {
    /// Waits until `held` may hold `bytes` more, first of the source's share, then of everybody's.
    ///
    /// Each caller waits with a deadline of its own and gives up what it holds when that passes.
    pub async fn hold(&self, held: &mut Held, bytes: usize) {
        let before = held.bytes.div_ceil(UNIT);
        held.bytes += bytes;
        let more = held.bytes.div_ceil(UNIT) - before;
        let units = u32::try_from(more).unwrap_or(u32::MAX);
        let ours = Arc::clone(&self.bytes).acquire_many_owned(units).await;
        let everybodys = Arc::clone(&self.sources.total).acquire_many_owned(units).await;
        // Neither semaphore is ever closed.
        let (Ok(ours), Ok(everybodys)) = (ours, everybodys) else { return };
        match &mut held.permits {
            Some((mine, all)) => {
                mine.merge(ours);
                all.merge(everybodys);
            }
            none => *none = Some((ours, everybodys)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.sources.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = open.get_mut(&self.source) {
            share.connections -= 1;
            if share.connections == 0 {
                open.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn sources(connections_per_source: usize) -> Arc<Sources> {
        Sources::new(&LimitsConfig {
            connections_per_source,
            in_flight_mib: 2,
            in_flight_mib_per_source: 1,
            ..LimitsConfig::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_that_has_its_share_gets_no_more_and_others_do() {
        let sources = sources(2);
        let first = sources.admit(address("192.0.2.1")).unwrap();
        let _second = sources.admit(address("::ffff:192.0.2.1")).unwrap();
        assert!(sources.admit(address("192.0.2.1")).is_none());
        assert!(sources.admit(address("192.0.2.2")).is_some());
        drop(first);
        assert!(sources.admit(address("192.0.2.1")).is_some());
    }

    #[test]
    fn neighbours_in_one_ipv6_prefix_are_one_source() {
        let sources = sources(1);
        let _first = sources.admit(address("2001:db8:0:100::1")).unwrap();
        assert!(sources.admit(address("2001:db8:0:1ff::2")).is_none());
        assert!(sources.admit(address("2001:db8:0:200::1")).is_some());
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let sources = sources(2);
        drop(sources.admit(address("192.0.2.1")));
        assert!(sources.open.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_in_flight_are_bounded_a_source_and_come_back() {
        const MIB: usize = 1024 * 1024;
        let sources = sources(2);
        let (greedy, other) = (
            sources.admit(address("192.0.2.1")).unwrap(),
            sources.admit(address("192.0.2.2")).unwrap(),
        );
        let (mut full, mut more) = (Held::default(), Held::default());
        greedy.hold(&mut full, MIB).await;
        let soon = Duration::from_secs(1);
        assert!(timeout(soon, greedy.hold(&mut more, 1)).await.is_err());
        assert!(timeout(soon, other.hold(&mut more, MIB)).await.is_ok());
        drop(full);
        let mut again = Held::default();
        assert!(timeout(soon, greedy.hold(&mut again, MIB)).await.is_ok());
    }
}
