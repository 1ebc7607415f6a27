//! The byte budget: memory for frames that have arrived and are not answered yet, per source and in
//! total.
//!
//! An incomplete frame can be dropped at any time. When another frame finds no room, the slowest
//! incomplete frame of the source that holds most is dropped.

mod ledger;
mod rules;

use fourauth_auth::source::Source;
use fourauth_config::LimitsConfig;
use ledger::{Answer, FrameId, Ledger};
use rules::Rules;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{sync::Notify, time::Instant};

/// The byte budget of all sources, and of each one.
#[derive(Debug)]
pub(crate) struct Budgets(Arc<Pool>);

/// The byte budget of one source.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pool: Arc<Pool>,
    source: Option<Source>,
    /// True if its frames are never dropped.
    is_protected: bool,
}

/// One frame, from its first byte until it is answered. Dropping it releases its bytes.
#[derive(Debug)]
pub(crate) struct Frame {
    pool: Arc<Pool>,
    id: FrameId,
    dropped: Arc<Notify>,
}

/// The frame was dropped to make room for others. Its connection must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame was dropped to make room for others")]
pub(crate) struct Dropped;

#[derive(Debug)]
struct Pool {
    ledger: Mutex<Ledger>,
    /// Notified when a frame releases bytes.
    freed: Notify,
}

impl From<&LimitsConfig> for Budgets {
    fn from(limits: &LimitsConfig) -> Self {
        let ledger = Mutex::new(Ledger::new(Rules::from(limits)));
        Self(Arc::new(Pool { ledger, freed: Notify::new() }))
    }
}

impl Budgets {
    /// The budget for all connections of `source` together.
    #[must_use]
    pub(crate) fn of(&self, source: Source) -> Budget {
        Budget { pool: Arc::clone(&self.0), source: Some(source), is_protected: false }
    }

    /// The budget for an address that many clients share. Each frame counts as if it came from its
    /// own source.
    #[must_use]
    pub(crate) fn unshared(&self) -> Budget {
        Budget { pool: Arc::clone(&self.0), source: None, is_protected: false }
    }

    /// The budget of a gateway's connection. Each frame counts as if it came from its own source,
    /// and none is dropped to make room, because that would end the connection for all visitors.
    /// The session bounds the bytes.
    #[must_use]
    pub(crate) fn of_gateway(&self) -> Budget {
        Budget { pool: Arc::clone(&self.0), source: None, is_protected: true }
    }
}

impl Budget {
    /// Begins a frame, which holds no bytes yet.
    #[must_use]
    pub(crate) fn frame(&self, now: Instant) -> Frame {
        let (id, dropped) = if self.is_protected {
            self.pool.ledger().begin_protected(now)
        } else {
            self.pool.ledger().begin(self.source, now)
        };
        Frame { pool: Arc::clone(&self.pool), id, dropped }
    }

    /// How full the budget of all sources is, in percent.
    #[must_use]
    pub(crate) fn fullness(&self) -> u32 {
        self.pool.ledger().fullness()
    }
}

impl Frame {
    /// Adds `bytes` to the bytes that the frame holds. Waits for room if frames that are being
    /// decided fill the budget, and for no other reason.
    ///
    /// The caller sets a timeout and drops the frame when it expires.
    ///
    /// # Errors
    ///
    /// [`Dropped`] if the frame was dropped to make room, now or earlier.
    pub(crate) async fn hold(&self, bytes: usize) -> Result<(), Dropped> {
        loop {
            // Created before the ledger is asked, so that no release in between is missed.
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

    /// Records that the frame is complete. From now on it is not dropped.
    ///
    /// # Errors
    ///
    /// [`Dropped`] if it was dropped before.
    pub(crate) fn finish(&self) -> Result<(), Dropped> {
        if self.pool.ledger().finish(self.id) { Ok(()) } else { Err(Dropped) }
    }

    /// Waits until the frame is dropped to make room. Completes only once.
    pub(crate) async fn dropped(&self) {
        self.dropped.notified().await;
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
    async fn bytes_in_flight_are_bounded_per_source_and_released() {
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
    async fn a_waiting_frame_continues_after_others_are_decided() {
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
    async fn a_frame_of_a_gateway_is_never_dropped() {
        let budgets = budgets();
        let stalled = budgets.of_gateway().frame(Instant::now());
        stalled.hold(4 * MIB).await.unwrap();
        for last in 1..4 {
            let newcomer = frame(&budgets, last);
            let _waits = timeout(SOON, newcomer.hold(8 * MIB)).await;
        }
        assert!(timeout(SOON, stalled.dropped()).await.is_err());
        assert_eq!(stalled.finish(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_incomplete_frame_is_dropped_and_its_connection_notified() {
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
