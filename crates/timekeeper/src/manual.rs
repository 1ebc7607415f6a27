//! A clock that is set by hand, for tests.

use crate::clock::{Clock, Reading, State};
use fourauth_protocol::time::UnixMillis;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A [`Clock`] that is set by hand. It starts synced and exact.
#[derive(Debug)]
pub struct ManualClock(Mutex<Reading>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn at(now: UnixMillis) -> Self {
        Self(Mutex::new(Reading { now, error_ms: 0, state: State::Synced }))
    }

    /// Sets the time.
    pub fn set(&self, now: UnixMillis) {
        self.reading().now = now;
    }

    /// Moves the time by `millis`, back if negative.
    pub fn advance_ms(&self, millis: i64) {
        let mut reading = self.reading();
        reading.now = reading.now.saturating_add_ms(millis);
    }

    /// Sets the state of the readings.
    pub fn set_state(&self, state: State) {
        self.reading().state = state;
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn read(&self) -> Reading {
        *self.reading()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_it_is_set() {
        let clock = ManualClock::at(UnixMillis(59_000));
        assert_eq!(clock.read(), clock.read());

        clock.advance_ms(1_500);
        clock.set_state(State::Local);

        assert_eq!(clock.read().now, UnixMillis(60_500));
        assert_eq!(clock.read().state, State::Local);
    }
}
