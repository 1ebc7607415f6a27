//! The time when a connection was used last, which its session sets without a lock.
//!
//! The order of eviction is brought up to date only when a connection is to be evicted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The last use of one connection. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct LastUse {
    opened: Instant,
    /// Microseconds from `opened` to the last use.
    micros: Arc<AtomicU64>,
}

impl LastUse {
    /// A connection that opens now counts as used.
    pub(crate) fn opened(now: Instant) -> Self {
        Self { opened: now, micros: Arc::default() }
    }

    /// Records a use.
    pub(crate) fn now(&self) {
        let micros = Instant::now().saturating_duration_since(self.opened).as_micros();
        self.micros.store(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The time of the last use.
    pub(crate) fn at(&self) -> Instant {
        self.opened + Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}
