//! A known instant, from which time is counted until the next quorum.

use crate::wall::BootMillis;
use fourauth_protocol::time::UnixMillis;

/// Milliseconds after which the error grows by one millisecond: 200 ppm.
///
/// Quartz in servers is specified at 20–100 ppm, and RFC 5905 §7.2 assumes 15 ppm for a disciplined
/// clock. 200 ppm leaves room for virtual machines, and reaches 20 s after 27 hours.
const MILLIS_PER_MILLI_OF_DRIFT: i64 = 5_000;

/// Step that a quorum may always make, in milliseconds (RFC 5905 §11.3, STEPT).
pub(crate) const STEP_MS: i64 = 128;

/// When the boot clock showed `at`, UTC was `utc` ± `error_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    at: BootMillis,
    utc: UnixMillis,
    error_ms: i64,
}

impl Anchor {
    pub(crate) const fn new(at: BootMillis, utc: UnixMillis, error_ms: i64) -> Self {
        Self { at, utc, error_ms }
    }

    /// UTC at `boot`.
    pub(crate) const fn utc_at(&self, boot: BootMillis) -> UnixMillis {
        self.utc.saturating_add_ms(boot.millis_since(self.at))
    }

    /// Upper bound for the error of [`Self::utc_at`], in milliseconds.
    pub(crate) const fn error_at(&self, boot: BootMillis) -> i64 {
        let counted = boot.millis_since(self.at).saturating_abs();
        let drift =
            counted.saturating_add(MILLIS_PER_MILLI_OF_DRIFT - 1) / MILLIS_PER_MILLI_OF_DRIFT;
        self.error_ms.saturating_add(drift)
    }

    /// Earliest possible UTC at `boot`.
    pub(crate) const fn earliest_at(&self, boot: BootMillis) -> UnixMillis {
        self.utc_at(boot).saturating_add_ms(self.error_at(boot).saturating_neg())
    }

    /// The anchor with the later earliest instant at `boot`.
    pub(crate) fn max_at(self, other: Self, boot: BootMillis) -> Self {
        if self.earliest_at(boot) < other.earliest_at(boot) { other } else { self }
    }

    /// How far `other` is ahead of this anchor at `boot`, in milliseconds.
    pub(crate) const fn step_to(&self, other: &Self, boot: BootMillis) -> i64 {
        other.utc_at(boot).millis_since(self.utc_at(boot))
    }

    /// Largest distance at `boot` at which both anchors can be right, in milliseconds.
    pub(crate) const fn joint_error_at(&self, other: &Self, boot: BootMillis) -> i64 {
        self.error_at(boot).saturating_add(other.error_at(boot))
    }

    /// The anchor to use after `fresh` was accepted.
    ///
    /// If both can be right, this is the one with the smaller error, so that a slow round does not
    /// replace a precise anchor. If they contradict each other, it is `fresh`.
    pub(crate) const fn refreshed_by(self, fresh: Self, boot: BootMillis) -> Self {
        let compatible =
            self.step_to(&fresh, boot).saturating_abs() <= self.joint_error_at(&fresh, boot);
        if compatible && self.error_at(boot) < fresh.error_at(boot) { self } else { fresh }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Anchor = Anchor::new(BootMillis(1_000), UnixMillis(43_200_000), 25);
    const HOUR: i64 = 3_600_000;

    #[test]
    fn time_is_counted_by_the_boot_clock() {
        assert_eq!(NOON.utc_at(BootMillis(1_000 + HOUR)), UnixMillis(43_200_000 + HOUR));
    }

    #[test]
    fn the_error_grows_by_200_ppm() {
        assert_eq!(NOON.error_at(BootMillis(1_000)), 25);
        assert_eq!(NOON.error_at(BootMillis(1_000 + HOUR)), 25 + 720);
    }

    #[test]
    fn a_slow_round_does_not_replace_a_precise_anchor() {
        let boot = BootMillis(6_000);
        let slow = Anchor::new(boot, UnixMillis(43_205_040), 260);
        assert_eq!(NOON.refreshed_by(slow, boot), NOON);
    }

    #[test]
    fn an_old_anchor_is_replaced() {
        let boot = BootMillis(1_000 + 2 * HOUR);
        let slow = Anchor::new(boot, UnixMillis(43_200_040 + 2 * HOUR), 260);
        assert_eq!(NOON.refreshed_by(slow, boot), slow);
    }

    #[test]
    fn a_contradicted_anchor_is_replaced() {
        let boot = BootMillis(6_000);
        let elsewhere = Anchor::new(boot, UnixMillis(43_205_100), 30);
        assert_eq!(NOON.refreshed_by(elsewhere, boot), elsewhere);
    }
}
