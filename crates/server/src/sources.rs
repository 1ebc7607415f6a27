//! Which sources of connections there are, what each may take, and which of them are turned away for
//! now, so that one host cannot take what all need.

use crate::{
    caps::{Caps, Newcomer},
    crowd::{Common, Crowd, Dropped, Full},
    in_flight::Budgets,
    penalties::Penalties,
    place::Place,
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

/// Who has how much, and who has to stay away.
#[derive(Debug)]
pub struct Sources {
    caps: Caps,
    turns: usize,
    budgets: Budgets,
    networks: Networks,
    crowd: Mutex<Crowd>,
    penalties: Mutex<Penalties>,
}

/// What is configured about addresses.
#[derive(Debug)]
struct Networks {
    proxies: Vec<Network>,
    shared: Vec<Network>,
    /// Those that no penalty meets; `None` if there are no penalties.
    exempt: Option<Vec<Network>>,
}

impl Sources {
    /// Nothing is taken yet.
    #[must_use]
    pub fn new(limits: &LimitsConfig) -> Arc<Self> {
        Arc::new(Self {
            caps: Caps::from(limits),
            turns: limits.deciding_per_source,
            budgets: Budgets::from(limits),
            networks: Networks::from(limits),
            crowd: Mutex::default(),
            penalties: Mutex::default(),
        })
    }

    /// A place for one more connection. If there is none left, another connection is told to leave:
    /// the longest idle one that no proven device protects, of the source itself if it has its share, and
    /// otherwise of the source or site that has most.
    ///
    /// # Errors
    ///
    /// [`Full`] if too many have not left yet. The peer is not told: that would cost a handshake.
    pub fn admit(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Place, Full> {
        let source = Source::from(address);
        let is_shared = self.networks.is_shared(address);
        let is_answerable = self.networks.is_answerable(address);
        let is_penalised = is_answerable && self.penalties().remaining(source, now).is_some();
        let newcomer = Newcomer { source, is_shared, is_penalised };
        let mut crowd = self.crowd();
        crowd.make_room(&self.caps, &newcomer)?;
        let common = || Common::new(&self.budgets, self.turns, source, is_shared);
        let entry = crowd.enter(&newcomer, now, common);
        drop(crowd);
        Ok(Place::new(Arc::clone(self), newcomer, is_answerable, entry))
    }

    /// Says that the peer of a connection has proved to be a device.
    pub(crate) fn prove(&self, id: Id, device: DeviceId, now: Instant) {
        self.crowd().prove(&self.caps, id, device, now);
    }

    /// Whether a connection from this address begins with a header of the PROXY protocol.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        contains(&self.networks.proxies, address)
    }

    /// The connections that were dropped since this was asked last.
    pub fn take_dropped(&self) -> Dropped {
        self.crowd().take_dropped()
    }

    pub(crate) fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Whether an address identifies no one. One of a proxy does not: what it passes on has the
    /// client's address, unless the proxy does not tell it.
    fn is_shared(&self, address: IpAddr) -> bool {
        contains(&self.shared, address) || contains(&self.proxies, address)
    }

    /// Whether penalties meet an address.
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
    use crate::conduct::{Conduct, Offence};

    fn limits(connections_per_source: usize) -> LimitsConfig {
        LimitsConfig { connections_per_source, ..LimitsConfig::default() }
    }

    fn admit(sources: &Arc<Sources>, address: &str) -> Place {
        sources.admit(address.parse().unwrap(), Instant::now()).unwrap()
    }

    fn device(number: u8) -> DeviceId {
        DeviceId::from_bytes([number; 16])
    }

    fn is_evicted(place: &Place) -> bool {
        place.evicted().is_cancelled()
    }

    /// Which of the places have to be left.
    fn evicted(places: &[Place]) -> Vec<usize> {
        (0..).zip(places).filter(|(_, place)| is_evicted(place)).map(|(index, _)| index).collect()
    }

    #[test]
    fn a_source_that_has_its_share_pays_for_its_own_newcomers() {
        let sources = Sources::new(&limits(2));
        let other = admit(&sources, "192.0.2.2");
        let own = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"].map(|from| admit(&sources, from));
        assert_eq!(evicted(&own), [0]);
        assert!(!is_evicted(&other));
    }

    #[test]
    fn an_ipv6_48_has_a_share_however_many_sources_it_has() {
        let sources = Sources::new(&LimitsConfig { connections_per_site: 3, ..limits(64) });
        let other = admit(&sources, "2001:db8:8::1");
        let site = ["0", "100", "200", "300"];
        let site = site.map(|subnet| admit(&sources, &format!("2001:db8:7:{subnet}::1")));
        assert_eq!(evicted(&site), [0]);
        assert!(!is_evicted(&other));
    }

    #[test]
    fn when_all_places_are_taken_the_site_with_most_pays() {
        let sources = Sources::new(&LimitsConfig { connections: 4, ..limits(64) });
        let first_of_all = admit(&sources, "192.0.2.1");
        let site = ["0", "100", "200"];
        let site = site.map(|subnet| admit(&sources, &format!("2001:db8:7:{subnet}::1")));
        let newcomer = admit(&sources, "192.0.2.2");
        assert_eq!(evicted(&site), [0]);
        assert!(!is_evicted(&first_of_all) && !is_evicted(&newcomer));
    }

    #[test]
    fn a_proven_device_and_a_command_in_flight_keep_their_places() {
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

    /// Many places taken by connections on which one key was proved, and two newcomers.
    fn one_key_everywhere(limits: &LimitsConfig, of_guesser: usize) {
        let sources = Sources::new(limits);
        let held: Vec<_> = (0..of_guesser).map(|_| admit(&sources, "2001:db8::1")).collect();
        for place in &held {
            place.prove_device(device(1));
        }
        let newcomers = [(); 2].map(|()| admit(&sources, "2001:db8::1"));
        assert_eq!((evicted(&held), evicted(&newcomers)), (vec![0, 1], vec![]));
        // Those that are protected are not the first to go even then.
        let more = of_guesser - 4;
        let _more: Vec<_> = (0..more).map(|_| admit(&sources, "2001:db8::1")).collect();
        assert_eq!(evicted(&held), (0..of_guesser - 2).collect::<Vec<_>>());
        assert!(evicted(&newcomers).is_empty());
    }

    #[test]
    fn one_device_key_keeps_no_newcomer_out() {
        one_key_everywhere(&limits(8), 8);
        one_key_everywhere(&LimitsConfig { connections_per_site: 8, ..limits(64) }, 8);
        one_key_everywhere(&LimitsConfig { connections: 8, ..limits(64) }, 8);
    }

    #[test]
    fn many_device_keys_keep_at_most_half_of_the_places() {
        let sources = Sources::new(&limits(8));
        let held: Vec<_> = (0..8).map(|_| admit(&sources, "192.0.2.1")).collect();
        (0..).zip(&held).for_each(|(number, place)| place.prove_device(device(number)));
        let newcomers: Vec<_> = (0..4).map(|_| admit(&sources, "192.0.2.1")).collect();
        assert_eq!((evicted(&held), evicted(&newcomers)), (vec![0, 1, 2, 3], vec![]));
    }

    #[test]
    fn a_login_that_still_arrives_is_not_the_longest_idle() {
        let sources = Sources::new(&limits(3));
        let arriving = admit(&sources, "192.0.2.1");
        let idle = [(); 2].map(|()| admit(&sources, "192.0.2.1"));
        arriving.begin();
        let _newcomers = [(); 2].map(|()| admit(&sources, "192.0.2.1"));
        assert!(!is_evicted(&arriving));
        assert_eq!(evicted(&idle), [0, 1]);
    }

    #[test]
    fn a_connection_that_has_to_leave_is_counted_no_more() {
        let sources = Sources::new(&limits(1));
        let places = [(); 3].map(|()| admit(&sources, "192.0.2.1"));
        assert_eq!(evicted(&places), [0, 1]);
        let command = places[0].decide();
        drop(command);
        let _newcomer = admit(&sources, "192.0.2.1");
        assert_eq!(evicted(&places), [0, 1, 2]);
        assert_eq!(sources.take_dropped(), Dropped { evicted: 3, refused: 0 });
        assert_eq!(sources.take_dropped(), Dropped::default());
    }

    #[test]
    fn there_is_no_place_while_too_many_have_not_left() {
        let sources = Sources::new(&LimitsConfig { connections: 8, ..limits(64) });
        let mut places: Vec<_> = (0..73).map(|_| admit(&sources, "192.0.2.1")).collect();
        let address = IpAddr::from([192, 0, 2, 2]);
        assert_eq!(sources.admit(address, Instant::now()).unwrap_err(), Full);
        assert_eq!(sources.take_dropped(), Dropped { evicted: 65, refused: 1 });
        places.remove(0);
        assert!(sources.admit(address, Instant::now()).is_ok());
    }

    #[test]
    fn a_place_that_was_left_leaves_nothing_behind() {
        let sources = Sources::new(&limits(1));
        let place = admit(&sources, "192.0.2.1");
        place.settle();
        place.settle();
        place.prove_device(device(1));
        drop((place.decide(), admit(&sources, "192.0.2.1"), place));
        assert!(sources.crowd().is_empty());
    }

    #[test]
    fn of_those_that_say_nothing_one_of_the_site_with_most_goes() {
        let sources = Sources::new(&LimitsConfig { startups: 4, ..limits(64) });
        let spoken = admit(&sources, "192.0.2.9");
        spoken.settle();
        let silent = [(); 3].map(|()| admit(&sources, "192.0.2.1"));
        let few = admit(&sources, "192.0.2.2");
        let newcomer = admit(&sources, "192.0.2.3");
        assert_eq!(evicted(&silent), [0]);
        assert!([&spoken, &few, &newcomer].into_iter().all(|place| !is_evicted(place)));
    }

    #[test]
    fn a_guesser_has_to_stay_away_and_its_neighbours_need_not() {
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
    fn behind_a_guesser_a_colleague_with_a_key_always_gets_a_place() {
        let sources = Sources::new(&limits(64));
        let mut held: Vec<_> = (0..16).map(|_| admit(&sources, "192.0.2.1")).collect();
        held[0].penalise(Offence::Crash);
        for number in 0..32 {
            let colleague = admit(&sources, "192.0.2.1");
            assert!(!is_evicted(&colleague));
            colleague.prove_device(device(number));
            held.push(colleague);
        }
        // The first took the place of a stranger; those who have proved themselves take none.
        assert_eq!(evicted(&held), [0]);
        let strangers = [(); 3].map(|()| admit(&sources, "192.0.2.1"));
        assert_eq!((evicted(&held), evicted(&strangers)), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn a_proof_forgives() {
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
    fn no_penalty_comes_to_an_exempt_address_or_if_there_are_none() {
        let networks = || vec!["192.0.2.0/24".parse().unwrap()];
        let off = LimitsConfig { penalties: false, ..limits(64) };
        let exempt = LimitsConfig { penalty_exempt: networks(), ..limits(64) };
        let shared = LimitsConfig { shared_addresses: networks(), ..limits(64) };
        let proxy = LimitsConfig { proxies: networks(), ..limits(64) };
        for limits in [off, exempt, shared, proxy] {
            let place = admit(&Sources::new(&limits), "::ffff:192.0.2.1");
            place.penalise(Offence::Crash);
            assert_eq!(place.penalty(), None);
        }
    }

    #[test]
    fn of_all_those_behind_a_shared_address_do_not_go_first() {
        let shared_addresses = vec!["192.0.2.0/24".parse().unwrap()];
        let limits = LimitsConfig { shared_addresses, connections: 6, startups: 6, ..limits(64) };
        let sources = Sources::new(&limits);
        let shared = [(); 4].map(|()| admit(&sources, "192.0.2.1"));
        let guesser = [(); 2].map(|()| admit(&sources, "198.51.100.1"));
        let _newcomer = admit(&sources, "198.51.100.2");
        assert_eq!((evicted(&shared), evicted(&guesser)), (vec![], vec![0]));
    }

    #[tokio::test]
    async fn a_shared_address_has_no_share_of_its_own() {
        let shared_addresses = vec!["192.0.2.0/24".parse().unwrap()];
        let limits = LimitsConfig {
            shared_addresses,
            deciding_per_source: 1,
            in_flight_mib_per_source: 8,
            ..limits(1)
        };
        let sources = Sources::new(&limits);
        let places: Vec<_> = (0..100).map(|_| admit(&sources, "192.0.2.1")).collect();
        assert!(evicted(&places).is_empty());
        assert!(places.iter().all(Place::is_shared));
        let mut turns = Vec::new();
        for place in &places[..2] {
            turns.push(place.turn().await);
        }
        // Together they hold more than one source may.
        let frames = [0, 1].map(|index: usize| places[index].frame(Instant::now()));
        for frame in &frames {
            assert!(frame.hold(5 << 20).await.is_ok());
        }
        assert!(!admit(&sources, "198.51.100.1").is_shared());
    }

    #[tokio::test]
    async fn a_conversation_that_crashes_is_held_against_its_source() {
        let sources = Sources::new(&limits(64));
        let place = admit(&sources, "192.0.2.1");
        let crashing = tokio::spawn(async move {
            let _place = place;
            panic!("a parser stumbled")
        });
        assert!(crashing.await.unwrap_err().is_panic());
        assert!(admit(&sources, "192.0.2.1").penalty().is_some());
    }
}
