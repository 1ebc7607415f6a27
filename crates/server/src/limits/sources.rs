//! Sources of connections: limits per source, and penalties. They keep one host from taking the
//! resources that all need.

use crate::limits::{
    caps::{Caps, NewConnection},
    in_flight::{Budget, Budgets},
    open_connections::{Common, ConnectionCounts, Dropped, Entry, Full, OpenConnections, ShareKey},
    penalties::Penalties,
    roster::Id,
};
use fourauth_auth::source::Source;
use fourauth_config::{LimitsConfig, Network};
use fourauth_protocol::device::DeviceId;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;

/// The state of all sources: their connections, limits and penalties.
#[derive(Debug)]
pub(crate) struct Sources {
    caps: Caps,
    turns: usize,
    budgets: Budgets,
    networks: Networks,
    connections: Mutex<OpenConnections>,
    penalties: Mutex<Penalties>,
}

/// The configured networks.
#[derive(Debug)]
struct Networks {
    proxies: Vec<Network>,
    shared: Vec<Network>,
    /// Networks without penalties, or `None` if penalties are disabled.
    exempt: Option<Vec<Network>>,
}

impl Sources {
    /// Creates the state without any connections.
    #[must_use]
    pub(crate) fn new(limits: &LimitsConfig) -> Arc<Self> {
        Arc::new(Self {
            caps: Caps::from(limits),
            turns: limits.deciding_per_source,
            budgets: Budgets::from(limits),
            networks: Networks::from(limits),
            connections: Mutex::default(),
            penalties: Mutex::default(),
        })
    }

    /// Enters a new connection, and evicts one if there is no room.
    pub(super) fn enter(&self, newcomer: &NewConnection, now: Instant) -> Result<Entry, Full> {
        let mut connections = self.connections();
        connections.make_room(&self.caps, newcomer)?;
        let NewConnection { source, is_shared, .. } = *newcomer;
        let common = || Common::new(&self.budgets, self.turns, source, is_shared);
        Ok(connections.enter(newcomer, now, common))
    }

    /// Enters a command of a peer that a gateway states. `None` if its source has too many.
    pub(super) fn enter_visit(&self, key: ShareKey) -> Option<Common> {
        let ShareKey { source, is_shared } = key;
        let common = || Common::new(&self.budgets, self.turns, source, is_shared);
        self.connections().enter_visit(&self.caps, key, common)
    }

    /// The byte budget of a gateway's connection.
    pub(super) fn gateway_budget(&self) -> Budget {
        self.budgets.of_gateway()
    }

    /// A connection from this address, and true if penalties apply to it.
    pub(super) fn newcomer(&self, address: IpAddr, now: Instant) -> (NewConnection, bool) {
        let source = Source::from(address);
        let is_shared = self.networks.is_shared(address);
        let is_answerable = self.networks.is_answerable(address);
        let is_penalised = is_answerable && self.penalties().remaining(source, now).is_some();
        (NewConnection { source, is_shared, is_penalised }, is_answerable)
    }

    /// Records that the peer of a connection has proved to be a device.
    pub(crate) fn prove(&self, id: Id, device: DeviceId, now: Instant) {
        self.connections().prove(&self.caps, id, device, now);
    }

    /// True if a connection from this address must begin with a PROXY protocol header.
    #[must_use]
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        contains(&self.networks.proxies, address)
    }

    /// The numbers of dropped connections since the last call.
    pub(crate) fn take_dropped(&self) -> Dropped {
        self.connections().take_dropped()
    }

    /// The numbers of connections, for metrics.
    pub(crate) fn counts(&self) -> ConnectionCounts {
        self.connections().census()
    }

    pub(crate) fn connections(&self) -> MutexGuard<'_, OpenConnections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn penalties(&self) -> MutexGuard<'_, Penalties> {
        self.penalties.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&LimitsConfig> for Networks {
    fn from(limits: &LimitsConfig) -> Self {
        Self {
            proxies: limits.proxies.clone(),
            shared: limits.shared_addresses.clone(),
            exempt: limits.penalties.then(|| limits.penalty_exempt.clone()),
        }
    }
}

impl Networks {
    /// True if many clients share an address. That includes proxies: a proxied connection keeps the
    /// address of its proxy if the header names no client.
    fn is_shared(&self, address: IpAddr) -> bool {
        contains(&self.shared, address) || contains(&self.proxies, address)
    }

    /// True if penalties apply to an address.
    fn is_answerable(&self, address: IpAddr) -> bool {
        let exempt = self.exempt.as_ref();
        let is_exempt = exempt.is_none_or(|exempt| contains(exempt, address));
        !is_exempt && !self.is_shared(address)
    }
}

fn contains(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::conduct::{Conduct, Offence};
    use crate::limits::slot::ConnectionSlot;
    use std::{
        future::{pending, ready},
        pin::pin,
        time::Duration,
    };

    fn limits(connections_per_source: usize) -> LimitsConfig {
        LimitsConfig { connections_per_source, ..LimitsConfig::default() }
    }

    fn admit(sources: &Arc<Sources>, address: &str) -> ConnectionSlot {
        sources.admit(address.parse().unwrap(), Instant::now()).unwrap()
    }

    fn device(number: u8) -> DeviceId {
        DeviceId::from_bytes([number; 16])
    }

    fn is_evicted(slot: &ConnectionSlot) -> bool {
        slot.evicted().is_cancelled()
    }

    /// The indexes of the evicted connections.
    fn evicted(slots: &[ConnectionSlot]) -> Vec<usize> {
        (0..).zip(slots).filter(|(_, slot)| is_evicted(slot)).map(|(index, _)| index).collect()
    }

    #[test]
    fn a_source_at_its_bound_pays_for_its_own_newcomers() {
        let sources = Sources::new(&limits(2));
        let other = admit(&sources, "192.0.2.2");
        let own = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"].map(|from| admit(&sources, from));
        assert_eq!(evicted(&own), [0]);
        assert!(!is_evicted(&other));
    }

    #[test]
    fn an_ipv6_48_has_one_bound_for_all_its_sources() {
        let sources = Sources::new(&LimitsConfig { connections_per_site: 3, ..limits(64) });
        let other = admit(&sources, "2001:db8:8::1");
        let site = ["0", "100", "200", "300"];
        let site = site.map(|subnet| admit(&sources, &format!("2001:db8:7:{subnet}::1")));
        assert_eq!(evicted(&site), [0]);
        assert!(!is_evicted(&other));
    }

    #[test]
    fn when_all_slots_are_taken_the_site_with_most_pays() {
        let sources = Sources::new(&LimitsConfig { connections: 4, ..limits(64) });
        let first_of_all = admit(&sources, "192.0.2.1");
        let site = ["0", "100", "200"];
        let site = site.map(|subnet| admit(&sources, &format!("2001:db8:7:{subnet}::1")));
        let newcomer = admit(&sources, "192.0.2.2");
        assert_eq!(evicted(&site), [0]);
        assert!(!is_evicted(&first_of_all) && !is_evicted(&newcomer));
    }

    #[test]
    fn a_proven_device_and_a_running_command_keep_their_slots() {
        let sources = Sources::new(&limits(3));
        let proven = admit(&sources, "192.0.2.1");
        proven.prove_device(device(1));
        let deciding = admit(&sources, "192.0.2.1");
        let command = deciding.decide();
        let idle = admit(&sources, "192.0.2.1");
        let newcomer = admit(&sources, "192.0.2.1");
        assert!(is_evicted(&idle) && !is_evicted(&deciding) && !is_evicted(&proven));
        drop(newcomer);
        drop(idle);
        drop(command);
        let idle_since_later = admit(&sources, "192.0.2.1");
        let _newcomer = admit(&sources, "192.0.2.1");
        assert!(is_evicted(&deciding) && !is_evicted(&idle_since_later) && !is_evicted(&proven));
    }

    /// Fills the slots with connections where one key was proved, then admits two more connections.
    fn one_key_everywhere(limits: &LimitsConfig, of_guesser: usize) {
        let sources = Sources::new(limits);
        let held: Vec<_> = (0..of_guesser).map(|_| admit(&sources, "2001:db8::1")).collect();
        for slot in &held {
            slot.prove_device(device(1));
        }
        let newcomers = [(); 2].map(|()| admit(&sources, "2001:db8::1"));
        assert_eq!((evicted(&held), evicted(&newcomers)), (vec![0, 1], vec![]));
        // Protected connections are not evicted first even then.
        let more = of_guesser - 4;
        let _more: Vec<_> = (0..more).map(|_| admit(&sources, "2001:db8::1")).collect();
        assert_eq!(evicted(&held), (0..of_guesser - 2).collect::<Vec<_>>());
        assert!(evicted(&newcomers).is_empty());
    }

    #[test]
    fn one_device_key_does_not_block_new_connections() {
        one_key_everywhere(&limits(8), 8);
        one_key_everywhere(&LimitsConfig { connections_per_site: 8, ..limits(64) }, 8);
        one_key_everywhere(&LimitsConfig { connections: 8, ..limits(64) }, 8);
    }

    #[test]
    fn many_device_keys_keep_at_most_half_of_the_slots() {
        let sources = Sources::new(&limits(8));
        let held: Vec<_> = (0..8).map(|_| admit(&sources, "192.0.2.1")).collect();
        (0..).zip(&held).for_each(|(number, slot)| slot.prove_device(device(number)));
        let newcomers: Vec<_> = (0..4).map(|_| admit(&sources, "192.0.2.1")).collect();
        assert_eq!((evicted(&held), evicted(&newcomers)), (vec![0, 1, 2, 3], vec![]));
    }

    #[test]
    fn a_connection_that_receives_a_frame_is_not_idle() {
        let sources = Sources::new(&limits(3));
        let arriving = admit(&sources, "192.0.2.1");
        let idle = [(); 2].map(|()| admit(&sources, "192.0.2.1"));
        arriving.begin();
        let _newcomers = [(); 2].map(|()| admit(&sources, "192.0.2.1"));
        assert!(!is_evicted(&arriving));
        assert_eq!(evicted(&idle), [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_used_is_not_evicted_first() {
        let sources = Sources::new(&limits(3));
        let mut slots = Vec::new();
        for _ in 0..3 {
            slots.push(admit(&sources, "192.0.2.1"));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        slots[0].activity().busy_while(pin!(ready(()))).await;
        let _newcomers = [(); 2].map(|()| admit(&sources, "192.0.2.1"));
        assert_eq!(evicted(&slots), [1, 2]);
        assert_eq!(sources.take_dropped(), Dropped { evicted: 2, refused: 0 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_waits_keeps_the_slot_of_its_connection() {
        let sources = Sources::new(&limits(2));
        let deciding = admit(&sources, "192.0.2.1");
        tokio::time::advance(Duration::from_millis(1)).await;
        let idle = admit(&sources, "192.0.2.1");
        let waits = pin!(pending::<()>());
        let mut command = pin!(deciding.activity().busy_while(waits));
        tokio::select! {
            biased;
            () = &mut command => unreachable!("it waits"),
            () = ready(()) => {}
        }
        let _newcomer = admit(&sources, "192.0.2.1");
        assert!(is_evicted(&idle) && !is_evicted(&deciding));
    }

    #[test]
    fn an_evicted_connection_is_no_longer_counted() {
        let sources = Sources::new(&limits(1));
        let slots = [(); 3].map(|()| admit(&sources, "192.0.2.1"));
        assert_eq!(evicted(&slots), [0, 1]);
        let command = slots[0].decide();
        drop(command);
        let _newcomer = admit(&sources, "192.0.2.1");
        assert_eq!(evicted(&slots), [0, 1, 2]);
        assert_eq!(sources.take_dropped(), Dropped { evicted: 3, refused: 0 });
        assert_eq!(sources.take_dropped(), Dropped::default());
        assert_eq!(sources.counts().dropped, Dropped { evicted: 3, refused: 0 });
    }

    #[test]
    fn too_many_closing_connections_refuse_new_ones() {
        let sources = Sources::new(&LimitsConfig { connections: 8, ..limits(64) });
        let mut slots: Vec<_> = (0..73).map(|_| admit(&sources, "192.0.2.1")).collect();
        let address = IpAddr::from([192, 0, 2, 2]);
        assert_eq!(sources.admit(address, Instant::now()).unwrap_err(), Full);
        assert_eq!(sources.take_dropped(), Dropped { evicted: 65, refused: 1 });
        slots.remove(0);
        assert!(sources.admit(address, Instant::now()).is_ok());
    }

    #[test]
    fn a_closed_connection_leaves_no_state() {
        let sources = Sources::new(&limits(1));
        let slot = admit(&sources, "192.0.2.1");
        slot.settle();
        slot.settle();
        slot.prove_device(device(1));
        drop((slot.decide(), admit(&sources, "192.0.2.1"), slot));
        assert!(sources.connections().is_empty());
    }

    #[test]
    fn the_site_with_most_silent_connections_loses_one() {
        let sources = Sources::new(&LimitsConfig { startups: 4, ..limits(64) });
        let spoken = admit(&sources, "192.0.2.9");
        spoken.settle();
        let silent = [(); 3].map(|()| admit(&sources, "192.0.2.1"));
        let few = admit(&sources, "192.0.2.2");
        let newcomer = admit(&sources, "192.0.2.3");
        assert_eq!(evicted(&silent), [0]);
        assert!([&spoken, &few, &newcomer].into_iter().all(|slot| !is_evicted(slot)));
    }

    #[test]
    fn a_guesser_is_blocked_and_its_neighbours_are_not() {
        let sources = Sources::new(&limits(64));
        let guesser = admit(&sources, "2001:db8::1");
        for _ in 0..3 {
            assert_eq!(guesser.penalty(), None);
            guesser.note(Conduct::Offence(Offence::Denied));
        }
        assert!(guesser.penalty().is_some());
        assert!(admit(&sources, "2001:db8::2").penalty().is_some());
        assert_eq!(admit(&sources, "2001:db8:0:100::1").penalty(), None);
    }

    #[test]
    fn a_device_key_gets_a_slot_at_a_blocked_source() {
        let sources = Sources::new(&limits(64));
        let mut held: Vec<_> = (0..16).map(|_| admit(&sources, "192.0.2.1")).collect();
        held[0].penalise(Offence::Crash);
        for number in 0..32 {
            let colleague = admit(&sources, "192.0.2.1");
            assert!(!is_evicted(&colleague));
            colleague.prove_device(device(number));
            held.push(colleague);
        }
        // Only the first evicted an unprotected connection. Proven ones do not count towards the
        // bound.
        assert_eq!(evicted(&held), [0]);
        let strangers = [(); 3].map(|()| admit(&sources, "192.0.2.1"));
        assert_eq!((evicted(&held), evicted(&strangers)), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn a_spent_code_clears_the_penalty_of_a_source() {
        let sources = Sources::new(&limits(64));
        let office = admit(&sources, "192.0.2.1");
        for conduct in [Conduct::Offence(Offence::Denied), Conduct::Proof].repeat(9) {
            office.note(conduct);
        }
        office.note(Conduct::Offence(Offence::Denied));
        office.note(Conduct::Offence(Offence::Denied));
        assert_eq!(office.penalty(), None);
    }

    #[test]
    fn exempt_addresses_get_no_penalty() {
        let networks = || vec!["192.0.2.0/24".parse().unwrap()];
        let off = LimitsConfig { penalties: false, ..limits(64) };
        let exempt = LimitsConfig { penalty_exempt: networks(), ..limits(64) };
        let shared = LimitsConfig { shared_addresses: networks(), ..limits(64) };
        let proxy = LimitsConfig { proxies: networks(), ..limits(64) };
        for limits in [off, exempt, shared, proxy] {
            let slot = admit(&Sources::new(&limits), "::ffff:192.0.2.1");
            slot.penalise(Offence::Crash);
            assert_eq!(slot.penalty(), None);
        }
    }

    #[test]
    fn connections_of_a_shared_address_are_not_evicted_first() {
        let shared_addresses = vec!["192.0.2.0/24".parse().unwrap()];
        let limits = LimitsConfig { shared_addresses, connections: 6, startups: 6, ..limits(64) };
        let sources = Sources::new(&limits);
        let shared = [(); 4].map(|()| admit(&sources, "192.0.2.1"));
        let guesser = [(); 2].map(|()| admit(&sources, "198.51.100.1"));
        let _newcomer = admit(&sources, "198.51.100.2");
        assert_eq!((evicted(&shared), evicted(&guesser)), (vec![], vec![0]));
    }

    #[tokio::test]
    async fn a_shared_address_has_no_bounds_per_source() {
        let shared_addresses = vec!["192.0.2.0/24".parse().unwrap()];
        let limits = LimitsConfig {
            shared_addresses,
            deciding_per_source: 1,
            in_flight_mib_per_source: 8,
            ..limits(1)
        };
        let sources = Sources::new(&limits);
        let slots: Vec<_> = (0..100).map(|_| admit(&sources, "192.0.2.1")).collect();
        assert!(evicted(&slots).is_empty());
        assert!(slots.iter().all(|slot| slot.is_shared()));
        let mut turns = Vec::new();
        for slot in &slots[..2] {
            turns.push(slot.turn().await);
        }
        // Together they hold more than the budget of one source.
        let frames = [0, 1].map(|index: usize| slots[index].frame(Instant::now()));
        for frame in &frames {
            assert!(frame.hold(5 << 20).await.is_ok());
        }
        assert!(!admit(&sources, "198.51.100.1").is_shared());
    }

    #[tokio::test]
    async fn a_panic_in_a_session_is_an_offence_of_its_source() {
        let sources = Sources::new(&limits(64));
        let slot = admit(&sources, "192.0.2.1");
        let crashing = tokio::spawn(async move {
            let _place = slot;
            panic!("a parser failed")
        });
        assert!(crashing.await.unwrap_err().is_panic());
        assert!(admit(&sources, "192.0.2.1").penalty().is_some());
    }
}
