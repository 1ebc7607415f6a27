//! The clock that the rest of the server reads, and the handle on the task that keeps it right.

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

/// Events a slow subscriber may fall behind before it loses the oldest.
const EVENTS_KEPT: usize = 64;

/// Trusted time.
///
/// Reading it takes a short lock and one look at each of the machine's clocks; see [`Clock`].
#[derive(Debug)]
pub struct Timekeeper {
    clocks: Arc<dyn Clocks>,
    trust: Mutex<Trust>,
    events: broadcast::Sender<Event>,
}

impl Timekeeper {
    /// Starts to keep time, at once on the system clock, and from the first quorum on by the
    /// servers. `seed` spreads the queries of processes that start together; it protects nothing.
    ///
    /// The task ends when `shutdown` is cancelled, whatever it waits for; the caller awaits it. A
    /// name look-up under way is left to the runtime's blocking pool, which cannot abandon it: end
    /// the runtime with `shutdown_timeout`.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
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

    /// The time and every server's part in it.
    #[must_use]
    pub fn status(&self) -> Status {
        let trust = self.trust();
        trust.status(self.clocks.moment())
    }

    /// Changes from here on. They have been logged already.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// An operator vouches for a time that was refused, or lifts the bar of `strict`: whatever
    /// [`Status::offer_ms`] stands for. The floor yields to it.
    ///
    /// `offer_ms` is the offer that the operator saw. Returns what readers are told from here on.
    ///
    /// # Errors
    ///
    /// [`NotAccepted`] if that is not offered any more. Nothing has changed then; look again.
    pub fn accept(&self, offer_ms: i64) -> Result<Reading, NotAccepted> {
        let accepted = {
            let mut trust = self.trust();
            trust.accept(offer_ms, self.clocks.moment())?
        };
        self.tell(accepted);
        Ok(self.read())
    }

    /// Takes in a round of answers; whether it confirmed our time.
    pub(crate) fn observe(&self, round: &Round) -> bool {
        self.change(|trust, now| trust.observe(round, now));
        self.trust().agreed()
    }

    /// Notices what time alone has changed.
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
            // Fails only if nobody subscribes, and then the log is all there is to tell.
            let _nobody = self.events.send(event);
        }
    }

    /// Nothing panics under this lock, and every state in it is a valid one.
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
