//! Recent processor time, with a half-life of a minute.

use std::time::Duration;

/// The time after which a sum has decayed to half. It is much longer than a login, so that sources
/// that keep the server busy have more left than a person that logs in again.
pub(super) const HALF_LIFE: Duration = Duration::from_mins(1);

/// A sum of processor time that decays exponentially.
///
/// Time is counted from the start of the pool and arrives as an argument.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    time: Duration,
    at: Duration,
}

impl Used {
    /// The sum that is left at `now`.
    pub(super) fn by(&self, now: Duration) -> Duration {
        let halvings = now.saturating_sub(self.at).div_duration_f64(HALF_LIFE);
        self.time.mul_f64((-halvings).exp2())
    }

    /// Adds `more`, up to a sum of `most`.
    pub(super) fn add(&mut self, more: Duration, most: Duration, now: Duration) {
        *self = Self { time: self.by(now).saturating_add(more).min(most), at: now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn used_time_halves_again_and_again() {
        let mut used = Used::default();
        used.add(SECOND, Duration::MAX, SECOND);
        for (halvings, left_ms) in [(0, 1000), (1, 500), (2, 250), (3, 125)] {
            let left = used.by(SECOND + HALF_LIFE * halvings);
            assert!(left.abs_diff(Duration::from_millis(left_ms)) < Duration::from_micros(1));
        }
    }

    #[test]
    fn used_time_has_an_upper_bound() {
        let mut used = Used::default();
        used.add(SECOND * 3, SECOND * 2, SECOND);
        assert_eq!(used.by(SECOND), SECOND * 2);
    }
}
