//! Protection from eviction for connections where a device has proved itself.
//!
//! A proof is cheap to repeat: one key can be proved on any number of connections. So a key
//! protects only the connections where it was proved last, and at most half of each bound is
//! protected. Beyond that, a new proof takes the protection of another connection, which then
//! counts like one without a device.
//!
//! This module handles plain values. The caller has the clock, the lock and the sockets.

use crate::limits::{
    caps::{Caps, Counts, NewConnection},
    roster::{Id, RankedSource, Roster, Scope, Worth},
};
use fourauth_auth::source::Source;
use fourauth_protocol::device::DeviceId;
use std::collections::HashMap;
use tokio::time::Instant;

/// Connections that one device key protects: the current one and the one that it replaces.
const PER_KEY: usize = 2;

/// The connections that are protected.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    devices: HashMap<Id, DeviceId>,
    /// The connections of each key, the longest protected first.
    of_key: HashMap<DeviceId, Vec<Id>>,
    /// Ranks the protected connections. The first to lose its protection is the longest protected
    /// one of the source or site with most protected connections.
    roster: Roster,
}

/// A connection where a device has proved itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) id: Id,
    pub(crate) source: Source,
    /// True if many clients share its address, so that the per-source bounds do not apply.
    pub(crate) is_shared: bool,
    pub(crate) device: DeviceId,
}

impl Protection {
    /// True if a connection is protected.
    pub(crate) fn covers(&self, id: Id) -> bool {
        self.devices.contains_key(&id)
    }

    /// Protects a connection. Returns all connections with a changed protection: this one and those
    /// that lost theirs.
    pub(crate) fn protect(&mut self, caps: &Caps, candidate: &Candidate, now: Instant) -> Vec<Id> {
        let Candidate { id, source, is_shared, device } = *candidate;
        self.remove(id);
        let mut changed = vec![id];
        if let Some(oldest) = self.of_key.get(&device).filter(|of| of.len() >= PER_KEY) {
            let oldest = oldest[0];
            self.remove(oldest);
            changed.push(oldest);
        }
        let newcomer = NewConnection { source, is_shared, is_penalised: false };
        if let Some(scope) = caps.protected().met_by(&newcomer, self.counts(source)) {
            // Half of a bound of one is zero.
            let Some(first) = self.roster.next_eviction(scope) else { return changed };
            self.remove(first);
            changed.push(first);
        }
        self.devices.insert(id, device);
        self.of_key.entry(device).or_default().push(id);
        self.roster.put(id, RankedSource::of(id, source, is_shared), Worth::Idle, now);
        changed
    }

    /// Ends the protection of a connection, if it has one.
    pub(crate) fn remove(&mut self, id: Id) {
        let Some(device) = self.devices.remove(&id) else { return };
        self.roster.remove(id);
        if let Some(of) = self.of_key.get_mut(&device) {
            of.retain(|other| *other != id);
            if of.is_empty() {
                self.of_key.remove(&device);
            }
        }
    }

    /// True if nothing is protected.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.of_key.is_empty() && self.roster.len(Scope::All) == 0
    }

    fn counts(&self, source: Source) -> Counts {
        Counts {
            all: self.roster.len(Scope::All),
            of_site: self.roster.len(Scope::Site(source.site())),
            of_source: self.roster.len(Scope::Source(source)),
            unprotected_of_source: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_config::LimitsConfig;
    use std::net::IpAddr;

    const A: &str = "192.0.2.1";
    const B: &str = "192.0.2.2";
    const C1: &str = "2001:db8:c:100::1";
    const C2: &str = "2001:db8:c:200::1";
    const C3: &str = "2001:db8:c:300::1";

    /// The connections that are protected after these proofs in order. Each proof is an address and
    /// a key. Connections are numbered by their index.
    fn protected(caps: &Caps, proofs: &[(&str, u8)]) -> Vec<Id> {
        let mut protection = Protection::default();
        for (id, (address, key)) in (0..).zip(proofs) {
            let source = address.parse::<IpAddr>().unwrap().into();
            let device = DeviceId::from_bytes([*key; 16]);
            let candidate = Candidate { id, source, is_shared: false, device };
            protection.protect(caps, &candidate, Instant::now());
        }
        (0..).take(proofs.len()).filter(|id| protection.covers(*id)).collect()
    }

    #[test]
    fn a_key_protects_two_connections_and_all_keys_half() {
        let caps = Caps::from(&LimitsConfig {
            connections: 12,
            connections_per_site: 6,
            connections_per_source: 9,
            ..LimitsConfig::default()
        });
        for (proofs, expected) in [
            (&[(A, 1)][..], &[0][..]),
            (&[(A, 1), (A, 1)], &[0, 1]),
            (&[(A, 1), (A, 1), (A, 1), (A, 1)], &[2, 3]),
            // The address makes no difference to the limit of a key.
            (&[(A, 1), (A, 1), (B, 1)], &[1, 2]),
            (&[(A, 1), (A, 1), (A, 2), (A, 3)], &[0, 1, 2, 3]),
            // Half of a source.
            (&[(A, 1), (A, 2), (A, 3), (A, 4), (A, 5), (B, 6)], &[1, 2, 3, 4, 5]),
            // Half of a site, where the site itself pays.
            (&[(B, 1), (C1, 2), (C1, 3), (C2, 4), (C3, 5)], &[0, 2, 3, 4]),
            // Half of all: the source or site with most pays.
            (
                &[(B, 1), (A, 2), (A, 3), (A, 4), (C1, 5), (C2, 6), ("192.0.2.3", 7)],
                &[0, 2, 3, 4, 5, 6],
            ),
        ] {
            assert_eq!(protected(&caps, proofs), expected, "{proofs:?}");
        }
    }

    #[test]
    fn a_bound_of_one_leaves_nothing_protected() {
        let limits = LimitsConfig { connections_per_source: 1, ..LimitsConfig::default() };
        assert!(protected(&Caps::from(&limits), &[(A, 1), (A, 2)]).is_empty());
    }

    #[test]
    fn a_repeated_proof_protects_its_connection_only_once() {
        let (caps, now) = (Caps::from(&LimitsConfig::default()), Instant::now());
        let mut protection = Protection::default();
        let candidate = |id, key| {
            let source = A.parse::<IpAddr>().unwrap().into();
            Candidate { id, source, is_shared: false, device: DeviceId::from_bytes([key; 16]) }
        };
        for (id, key) in [(1, 1), (2, 1), (1, 1), (1, 1), (1, 2)] {
            assert_eq!(protection.protect(&caps, &candidate(id, key), now), [id]);
        }
        // The first has another key now.
        assert_eq!(protection.protect(&caps, &candidate(3, 1), now), [3]);
        assert_eq!(protection.protect(&caps, &candidate(4, 1), now), [4, 2]);
        (1..=4).for_each(|id| protection.remove(id));
        assert!(protection.is_empty());
    }
}
