//! A number that only grows.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts events since the start of the server. Prometheus notices a restart by the lower number.
///
/// Only the number itself is shared, so no order with other memory is needed.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one event.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts several events.
    pub fn add(&self, events: u64) {
        self.0.fetch_add(events, Ordering::Relaxed);
    }

    /// The number of events so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
