//! Bytes that have arrived and are not answered yet: of a source, and of all of them.
//!
//! A frame that has not arrived whole proves nothing, so it holds what it holds on sufferance: when
//! another one finds no room, the slowest unfinished frame of the greediest source is dropped.

mod ledger;
mod rules;

use fourauth_auth::source::Source;
use fourauth_config::LimitsConfig;
use ledger::{Answer, FrameId, Ledger};
use rules::Rules;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{sync::Notify, time::Instant};

/// What all sources may hold together, and each alone.
#[derive(Debug)]
pub struct Budgets(Arc<Pool>);

/// What the frames of one source may hold.
#[derive(Debug, Clone)]
pub struct Budget {
    pool: Arc<Pool>,
    source: Option<Source>,
}

/// One frame, from its first byte until it is answered. It gives back what it holds when dropped.
#[derive(Debug)]
pub struct Frame {
    pool: Arc<Pool>,
    id: FrameId,
    dropped: Arc<Notify>,
}

/// The frame made room for others. Its connection has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame made room for others")]
pub struct Dropped;

#[derive(Debug)]
struct Pool {
    ledger: Mutex<Ledger>,
    /// Told whenever a frame gives something back.
    freed: Notify,
}

impl From<&LimitsConfig> for Budgets {
    fn from(limits: &LimitsConfig) -> Self {
        let ledger = Mutex::new(Ledger::new(Rules::from(limits)));
        Self(Arc::new(Pool { ledger, freed: Notify::new() }))
    }
}

impl Budgets {
    /// For the frames of `source`, however many connections it has.
    #[must_use]
    pub fn of(&self, source: Source) -> Budget {
        Budget { pool: Arc::clone(&self.0), source: Some(source) }
    }

    /// For the frames of an address that many share and that identifies no one: each counts as if it
    /// came from a source of its own.
    #[must_use]
    pub fn unshared(&self) -> Budget {
        Budget { pool: Arc::clone(&self.0), source: None }
    }
}

impl Budget {
    /// A frame that begins now and holds nothing yet.
    #[must_use]
    pub fn frame(&self, now: Instant) -> Frame {
        let (id, dropped) = self.pool.ledger().begin(self.source, now);
        Frame { pool: Arc::clone(&self.pool), id, dropped }
    }
}

impl Frame {
    /// Waits until the frame may hold `bytes` more, which it does then. It waits for frames that are
    /// being decided, and for no others.
    ///
    /// The caller gives it a deadline, and drops the frame when that passes.
    ///
    /// # Errors
    ///
    /// [`Dropped`] if the frame had to make room, now or earlier.
    pub async fn hold(&self, bytes: usize) -> Result<(), Dropped> {
        loop {
            // Made before the ledger is asked, so that nothing freed in between is missed.
            let freed = self.pool.freed.notified();
            let answer = self.pool.ledger().hold(self.id, bytes, Instant::now());
            match answer {
                Answer::Held => return Ok(()),
                Answer::Dropped => return Err(Dropped),
                Answer::Wait => {}
            }
            tokio::select! {
                () = freed => {}
                () = self.dropped() => return Err(Dropped),
            }
        }
    }

    /// Says that the frame has arrived whole: it is not dropped from now on.
    ///
    /// # Errors
    ///
    /// [`Dropped`] if that is too late.
    pub fn finish(&self) -> Result<(), Dropped> {
        if self.pool.ledger().finish(self.id) { Ok(()) } else { Err(Dropped) }
    }

    /// Waits until the frame is dropped to make room. Told once.
    pub async fn dropped(&self) {
        self.dropped.notified().await;
    }

    /// How full the budget of all sources is, in percent.
    #[must_use]
    pub fn fullness(&self) -> u32 {
        self.pool.ledger().fullness()
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.pool.ledger().release(self.id);
        self.pool.freed.notify_waiters();
    }
}

impl Pool {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::IpAddr, time::Duration};
    use tokio::time::timeout;

    const MIB: usize = 1024 * 1024;
    const SOON: Duration = Duration::from_secs(1);

    fn budgets() -> Budgets {
        Budgets::from(&LimitsConfig {
            in_flight_mib: 16,
            in_flight_mib_per_source: 8,
            ..LimitsConfig::default()
        })
    }

    fn frame(budgets: &Budgets, last: u8) -> Frame {
        budgets.of(IpAddr::from([192, 0, 2, last]).into()).frame(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_in_flight_are_bounded_a_source_and_come_back() {
        let budgets = budgets();
        let (full, more, other) = (frame(&budgets, 1), frame(&budgets, 1), frame(&budgets, 2));
        full.hold(8 * MIB).await.unwrap();
        full.finish().unwrap();
        assert!(timeout(SOON, more.hold(1)).await.is_err());
        assert!(timeout(SOON, other.hold(MIB)).await.unwrap().is_ok());
        drop(full);
        assert!(timeout(SOON, more.hold(MIB)).await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_frames_that_are_decided_goes_on_after_them() {
        let budgets = budgets();
        let (first, second) = (frame(&budgets, 1), frame(&budgets, 2));
        for whole in [&first, &second] {
            whole.hold(6 * MIB).await.unwrap();
            whole.finish().unwrap();
        }
        let third = frame(&budgets, 3);
        assert!(timeout(SOON, third.hold(MIB)).await.is_err());
        let (held, ()) = tokio::join!(third.hold(MIB), async { drop(first) });
        assert_eq!(held, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unfinished_frame_makes_room_and_its_connection_hears_it() {
        let budgets = budgets();
        let stalled = frame(&budgets, 1);
        stalled.hold(8 * MIB).await.unwrap();
        let newcomer = frame(&budgets, 1);
        newcomer.hold(MIB).await.unwrap();
        assert!(timeout(SOON, stalled.dropped()).await.is_ok());
        assert_eq!(stalled.finish(), Err(Dropped));
        assert!(timeout(SOON, newcomer.dropped()).await.is_err());
    }
}
