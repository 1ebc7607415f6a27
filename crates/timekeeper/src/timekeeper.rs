//! The clock that the rest of the server reads.

use crate::{
    clock::{Clock, Reading},
    event::{Event, NotAccepted},
    sample::Round,
    settings::Settings,
    status::Status,
    trust::Trust,
    wall::{Clocks, Moment},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

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
    use crate::{Past, Settings, State};
    use fourauth_protocol::time::UnixMillis;
    use tokio_util::sync::CancellationToken;

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
