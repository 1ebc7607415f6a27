//! The clock that the rest of the server reads, and the start of its background task.

use crate::{
    clock::{Clock, Reading},
    event::{Event, NotAccepted},
    sample::Round,
    schedule::Schedule,
    settings::Settings,
    source::NtpServers,
    status::Status,
    task::Task,
    trust::Trust,
    wall::{Clocks, Moment, SystemClocks},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{sync::broadcast, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Number of events that are kept for a slow subscriber. Older events are lost.
const EVENTS_KEPT: usize = 64;

/// Trusted time.
///
/// A reading takes a short lock and reads each of the machine's clocks once; see [`Clock`].
#[derive(Debug)]
pub struct Timekeeper {
    clocks: Arc<dyn Clocks>,
    trust: Mutex<Trust>,
    events: broadcast::Sender<Event>,
}

impl Timekeeper {
    /// Starts a timekeeper and its background task.
    ///
    /// The time comes from the system clock at first, and from the servers after the first quorum.
    /// `seed` spreads the queries of processes that start together; it is not a secret.
    ///
    /// The task ends when `shutdown` is cancelled. The caller awaits it. A name lookup in progress
    /// stays in the runtime's blocking pool and cannot be cancelled, so end the runtime with
    /// `shutdown_timeout`.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn start(
        settings: Settings,
        seed: u64,
        shutdown: CancellationToken,
    ) -> (Arc<Self>, JoinHandle<()>) {
        let clocks = Arc::new(SystemClocks);
        let servers = NtpServers::new(&settings.servers, clocks.clone());
        let schedule = if settings.servers.is_empty() {
            Schedule::never()
        } else {
            Schedule::starting_at(clocks.moment().boot, seed)
        };
        let keeper = Arc::new(Self::new(settings, clocks));
        let task = Task::new(keeper.clone(), servers, schedule);
        (keeper, tokio::spawn(task.run(shutdown)))
    }

    pub(crate) fn new(settings: Settings, clocks: Arc<dyn Clocks>) -> Self {
        let trust = Mutex::new(Trust::new(settings, clocks.moment()));
        Self { clocks, trust, events: broadcast::Sender::new(EVENTS_KEPT) }
    }

    /// The status of the time and of every server.
    #[must_use]
    pub fn status(&self) -> Status {
        let trust = self.trust();
        trust.status(self.clocks.moment())
    }

    /// Subscribes to events. They are logged as well.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Accepts the time that [`Status::offer_ms`] offers, in the name of an operator.
    ///
    /// Moves the floor to that time and ends the wait of `strict`. `offer_ms` is the offer that the
    /// operator saw. Returns the new reading.
    ///
    /// # Errors
    ///
    /// [`NotAccepted`] if the offer has changed or is gone. Nothing is changed then; read the
    /// status again.
    pub fn accept(&self, offer_ms: i64) -> Result<Reading, NotAccepted> {
        let accepted = {
            let mut trust = self.trust();
            trust.accept(offer_ms, self.clocks.moment())?
        };
        self.tell(accepted);
        Ok(self.read())
    }

    /// Evaluates a round of answers. Returns true if it confirmed the time.
    pub(crate) fn observe(&self, round: &Round) -> bool {
        self.change(|trust, now| trust.observe(round, now));
        self.trust().agreed()
    }

    /// Reports changes that follow from elapsed time.
    pub(crate) fn tick(&self) {
        self.change(Trust::tick);
    }

    pub(crate) fn clocks(&self) -> &dyn Clocks {
        &*self.clocks
    }

    fn change(&self, how: impl FnOnce(&mut Trust, Moment) -> Vec<Event>) {
        let events = {
            let mut trust = self.trust();
            how(&mut trust, self.clocks.moment())
        };
        self.tell(events);
    }

    fn tell(&self, events: Vec<Event>) {
        for event in events {
            event.log();
            // Fails only without subscribers; the event is in the log.
            let _no_subscriber = self.events.send(event);
        }
    }

    /// Ignores poisoning: no code panics under this lock, and every state in it is valid.
    fn trust(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Timekeeper {
    fn read(&self) -> Reading {
        let trust = self.trust();
        trust.reading(self.clocks.moment())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Past, State};
    use fourauth_protocol::time::UnixMillis;

    #[tokio::test]
    async fn without_servers_the_time_is_local_at_once() {
        let shutdown = CancellationToken::new();
        let past = Past::none(UnixMillis(1_700_000_000_000));
        let (keeper, task) = Timekeeper::start(Settings::offline(past), 0, shutdown.clone());

        assert_eq!(keeper.read().state, State::Local);
        assert_eq!(keeper.read().error_ms, Reading::UNBOUNDED);

        shutdown.cancel();
        task.await.unwrap();
    }
}
