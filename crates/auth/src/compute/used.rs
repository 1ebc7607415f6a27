//! Recent processor time, with a half-life.

use std::time::Duration;

/// A sum of processor time that decays exponentially: after `HALF_LIFE_S` seconds half is left.
///
/// Time is counted from the start of the pool and arrives as an argument.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used<const HALF_LIFE_S: u64> {
    time: Duration,
    at: Duration,
}

impl<const HALF_LIFE_S: u64> Used<HALF_LIFE_S> {
    /// The sum that is left at `now`.
    pub(super) fn by(&self, now: Duration) -> Duration {
        let halvings =
            now.saturating_sub(self.at).div_duration_f64(Duration::from_secs(HALF_LIFE_S));
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
        let mut used = Used::<10>::default();
        used.add(SECOND, Duration::MAX, SECOND);
        for (halvings, left_ms) in [(0, 1000), (1, 500), (2, 250), (3, 125)] {
            let left = used.by(SECOND + SECOND * 10 * halvings);
            assert!(left.abs_diff(Duration::from_millis(left_ms)) < Duration::from_micros(1));
        }
    }

    #[test]
    fn used_time_has_an_upper_bound() {
        let mut used = Used::<10>::default();
        used.add(SECOND * 3, SECOND * 2, SECOND);
        assert_eq!(used.by(SECOND), SECOND * 2);
    }
}
