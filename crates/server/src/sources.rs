//! What each source of connections may take: places and bytes in flight, a source at a time and in
//! total, so that one host cannot take what all need; and which sources are turned away for now.

use crate::{
    conduct::{Conduct, Offence},
    config::{LimitsConfig, Network},
    in_flight::{Budget, Budgets, Frame},
    penalties::Penalties,
    startups::Startups,
};
use fourauth_auth::source::Source;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// Connections that a source may have although it has to stay away: on them devices that prove
/// themselves are heard, and nobody else is. One guesser in an office does not shut out the rest.
const HEARD_OUT: usize = 4;

/// Who has how much, and who has to stay away.
#[derive(Debug)]
pub struct Sources {
    connections: usize,
    turns: usize,
    lots: Startups,
    budgets: Budgets,
    /// Whom penalties meet: nobody if there is no list.
    exempt: Option<Vec<Network>>,
    open: Mutex<Open>,
    penalties: Mutex<Penalties>,
}

#[derive(Debug, Default)]
struct Open {
    startups: usize,
    shares: HashMap<Source, Share>,
}

#[derive(Debug)]
struct Share {
    connections: usize,
    startups: usize,
    budget: Budget,
    turns: Arc<Semaphore>,
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub struct Place {
    sources: Arc<Sources>,
    source: Source,
    /// Whether penalties meet it.
    is_answerable: bool,
    /// Whether nothing well-formed has come yet.
    is_startup: AtomicBool,
    budget: Budget,
    turns: Arc<Semaphore>,
}

/// Why a connection gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// Its source misbehaved.
    #[error("its source has to stay away")]
    Penalised,
    /// Its source has as many as it may have.
    #[error("its source has enough connections")]
    Enough,
    /// Too many connections have said nothing yet.
    #[error("it drew the wrong lot")]
    Lot,
}

impl Sources {
    /// Nobody has anything yet.
    #[must_use]
    pub fn new(limits: &LimitsConfig) -> Arc<Self> {
        Arc::new(Self {
            connections: limits.connections_per_source,
            turns: limits.deciding_per_source,
            lots: Startups::from(limits),
            budgets: Budgets::from(limits),
            exempt: limits.penalties.then(|| limits.penalty_exempt.clone()),
            open: Mutex::default(),
            penalties: Mutex::default(),
        })
    }

    /// A place for one more connection. `draw` is any number with equal probability.
    ///
    /// # Errors
    ///
    /// Why there is none. The peer is better not told: that would cost a handshake.
    pub fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        draw: u32,
        now: Instant,
    ) -> Result<Place, TurnedAway> {
        let source = Source::from(address);
        let is_answerable = self.is_answerable(address);
        let is_penalised = is_answerable && self.penalties().remaining(source, now).is_some();
        let mut open = self.open();
        let (connections, startups) =
            open.shares.get(&source).map_or((0, 0), |share| (share.connections, share.startups));
        if is_penalised && connections >= HEARD_OUT {
            return Err(TurnedAway::Penalised);
        }
        if connections >= self.connections {
            return Err(TurnedAway::Enough);
        }
        if self.lots.drops(open.startups, startups, draw) {
            return Err(TurnedAway::Lot);
        }
        let (budget, turns) = open.enter(source, &self.budgets, self.turns);
        let (sources, is_startup) = (Arc::clone(self), AtomicBool::new(true));
        Ok(Place { sources, source, is_answerable, is_startup, budget, turns })
    }

    fn is_answerable(&self, address: IpAddr) -> bool {
        let exempt = self.exempt.as_ref();
        exempt.is_some_and(|exempt| !exempt.iter().any(|network| network.contains(address)))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn penalties(&self) -> MutexGuard<'_, Penalties> {
        self.penalties.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// One more connection, a startup at first.
    fn enter(
        &mut self,
        source: Source,
        budgets: &Budgets,
        turns: usize,
    ) -> (Budget, Arc<Semaphore>) {
        self.startups += 1;
        let new = || Share {
            connections: 0,
            startups: 0,
            budget: budgets.of(source),
            turns: Arc::new(Semaphore::new(turns.min(Semaphore::MAX_PERMITS))),
        };
        let share = self.shares.entry(source).or_insert_with(new);
        share.connections += 1;
        share.startups += 1;
        (share.budget.clone(), Arc::clone(&share.turns))
    }

    fn settle(&mut self, source: Source) {
        self.startups -= 1;
        if let Some(share) = self.shares.get_mut(&source) {
            share.startups -= 1;
        }
    }

    fn leave(&mut self, source: Source) {
        if let Some(share) = self.shares.get_mut(&source) {
            share.connections -= 1;
            if share.connections == 0 {
                self.shares.remove(&source);
            }
        }
    }
}

impl Place {
    /// A frame that begins now, to count what it holds.
    #[must_use]
    pub fn frame(&self, now: Instant) -> Frame {
        self.budget.frame(now)
    }

    /// Waits until it is this connection's turn to have a command decided: of one source only so
    /// many are at the same time, so that it cannot keep the server busy for everybody.
    ///
    /// `None` is as good: nobody closes the queue.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Says that something well-formed has come. Once is enough.
    pub fn settle(&self) {
        if self.is_startup.swap(false, Ordering::Relaxed) {
            self.sources.open().settle(self.source);
        }
    }

    /// Whether nothing well-formed has come yet.
    #[must_use]
    pub fn is_startup(&self) -> bool {
        self.is_startup.load(Ordering::Relaxed)
    }

    /// Remembers how its source behaved.
    pub fn note(&self, conduct: Conduct) {
        match conduct {
            Conduct::Neutral => {}
            Conduct::Offence(offence) => self.penalise(offence),
            Conduct::Proof => self.forgive(),
        }
    }

    /// Holds an offence against its source.
    pub fn penalise(&self, offence: Offence) {
        if self.is_answerable
            && self.sources.penalties().penalise(self.source, offence, Instant::now())
        {
            tracing::warn!(source = %self.source, ?offence, "a source has to stay away");
        }
    }

    /// Forgives its source what has not led to a penalty yet.
    pub fn forgive(&self) {
        if self.is_answerable {
            self.sources.penalties().forgive(self.source, Instant::now());
        }
    }

    /// How long its source has to stay away, if it has to.
    #[must_use]
    pub fn penalty(&self) -> Option<Duration> {
        let remaining = || self.sources.penalties().remaining(self.source, Instant::now());
        self.is_answerable.then(remaining).flatten()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whoever holds it is being torn down by what its peer sent.
        if std::thread::panicking() {
            self.penalise(Offence::Crash);
        }
        self.settle();
        self.sources.open().leave(self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections_per_source: usize) -> LimitsConfig {
        LimitsConfig { connections_per_source, ..LimitsConfig::default() }
    }

    /// Admits with the draw that loses whenever one can lose.
    fn admit(sources: &Arc<Sources>, address: &str) -> Result<Place, TurnedAway> {
        sources.admit(address.parse().unwrap(), 0, Instant::now())
    }

    #[test]
    fn a_source_that_has_its_share_gets_no_more_and_others_do() {
        let sources = Sources::new(&limits(2));
        let first = admit(&sources, "192.0.2.1").unwrap();
        let _second = admit(&sources, "::ffff:192.0.2.1").unwrap();
        assert_eq!(admit(&sources, "192.0.2.1").unwrap_err(), TurnedAway::Enough);
        assert!(admit(&sources, "192.0.2.2").is_ok());
        drop(first);
        assert!(admit(&sources, "192.0.2.1").is_ok());
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let sources = Sources::new(&limits(2));
        let place = admit(&sources, "192.0.2.1").unwrap();
        place.settle();
        place.settle();
        drop(place);
        drop(admit(&sources, "192.0.2.1"));
        let open = sources.open();
        assert!(open.shares.is_empty() && open.startups == 0);
    }

    #[test]
    fn newcomers_draw_lots_once_many_say_nothing_but_for_their_first_few() {
        let crowded = LimitsConfig { startups_begin: 6, startups_full: 8, ..limits(64) };
        let sources = Sources::new(&crowded);
        let silent: Vec<_> = (0..6).map(|_| admit(&sources, "192.0.2.1").unwrap()).collect();
        assert_eq!(admit(&sources, "192.0.2.1").unwrap_err(), TurnedAway::Lot);
        assert!(admit(&sources, "192.0.2.2").is_ok(), "the first few draw no lot");
        silent[0].settle();
        assert!(admit(&sources, "192.0.2.1").is_ok(), "one of them has spoken");
    }

    #[test]
    fn who_guesses_has_to_stay_away_and_its_neighbours_need_not() {
        let sources = Sources::new(&limits(64));
        let guesser = admit(&sources, "2001:db8::1").unwrap();
        for _ in 0..3 {
            assert_eq!(guesser.penalty(), None);
            guesser.note(Conduct::Offence(Offence::Denied));
        }
        assert!(guesser.penalty().is_some());
        let heard = [(); HEARD_OUT - 1].map(|()| admit(&sources, "2001:db8::2").unwrap());
        assert!(heard.iter().all(|place| place.penalty().is_some()));
        assert_eq!(admit(&sources, "2001:db8::2").unwrap_err(), TurnedAway::Penalised);
        let neighbour = admit(&sources, "2001:db8:0:100::1").unwrap();
        assert_eq!(neighbour.penalty(), None);
    }

    #[test]
    fn a_proof_forgives() {
        let sources = Sources::new(&limits(64));
        let office = admit(&sources, "192.0.2.1").unwrap();
        for conduct in [Conduct::Offence(Offence::Denied), Conduct::Proof].repeat(9) {
            office.note(conduct);
        }
        office.note(Conduct::Offence(Offence::Denied));
        office.note(Conduct::Offence(Offence::Denied));
        assert_eq!(office.penalty(), None);
    }

    #[test]
    fn no_penalty_meets_who_is_exempt_or_anybody_if_there_are_none() {
        let off = LimitsConfig { penalties: false, ..limits(64) };
        let proxies = vec!["192.0.2.0/24".parse().unwrap()];
        let exempt = LimitsConfig { penalty_exempt: proxies, ..limits(64) };
        for limits in [off, exempt] {
            let sources = Sources::new(&limits);
            let place = admit(&sources, "::ffff:192.0.2.1").unwrap();
            place.penalise(Offence::Crash);
            assert_eq!(place.penalty(), None);
            assert!(admit(&sources, "192.0.2.1").is_ok());
        }
    }

    #[tokio::test]
    async fn a_conversation_that_crashes_is_held_against_its_source() {
        let sources = Sources::new(&limits(64));
        let place = admit(&sources, "192.0.2.1").unwrap();
        let crashing = tokio::spawn(async move {
            let _place = place;
            panic!("a parser stumbled")
        });
        assert!(crashing.await.unwrap_err().is_panic());
        assert!(admit(&sources, "192.0.2.1").unwrap().penalty().is_some());
    }
}
