//! When to ask the servers next. Never because a client asked us.

use crate::wall::BootMillis;

/// Rounds at the start that follow each other quickly.
const BURST: u32 = 4;
/// Between the rounds of the burst, in milliseconds (RFC 5905 §7.2, BTIME).
const BURST_SPACING_MS: i64 = 2_000;
/// Shortest interval afterwards, in milliseconds. More than the minute that must lie between the
/// two agreements which move the clock by a step.
const MIN_INTERVAL_MS: i64 = 64_000;
/// Longest interval, in milliseconds (RFC 5905 §7.2, `MAXPOLL` of a default client: 2^10 s).
const MAX_INTERVAL_MS: i64 = 1_024_000;

/// How a round went, as far as the next one is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// A quorum confirmed our time.
    pub(crate) agreed: bool,
    /// A server asked us to slow down, or someone did in its name.
    pub(crate) rate_limited: bool,
}

/// The plan for the next round.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// `None`: there is nobody to ask.
    due: Option<BootMillis>,
    interval_ms: i64,
    burst_left: u32,
    jitter: Jitter,
}

impl Schedule {
    /// First round at `boot`. `seed` spreads servers that were started together.
    pub(crate) const fn starting_at(boot: BootMillis, seed: u64) -> Self {
        Self {
            due: Some(boot),
            interval_ms: MIN_INTERVAL_MS,
            burst_left: BURST,
            jitter: Jitter(seed),
        }
    }

    /// No round, ever.
    pub(crate) const fn never() -> Self {
        Self { due: None, interval_ms: MIN_INTERVAL_MS, burst_left: 0, jitter: Jitter(0) }
    }

    /// Milliseconds from `boot` to the next round, at least 0; `None` if there is none.
    pub(crate) fn wait_ms(&self, boot: BootMillis) -> Option<i64> {
        self.due.map(|due| due.millis_since(boot).max(0))
    }

    /// Plans the round after one that ended at `boot`.
    ///
    /// Trust lengthens the interval, doubt restores it, and a plea to slow down doubles it; but a
    /// plea can be forged, so it never lengthens it past what trust would.
    pub(crate) fn plan(&mut self, boot: BootMillis, outcome: Outcome) {
        self.burst_left = self.burst_left.saturating_sub(1);
        let doubled = (self.interval_ms * 2).min(MAX_INTERVAL_MS);
        let wait = match outcome {
            Outcome { rate_limited: true, .. } => {
                self.burst_left = 0;
                self.interval_ms = doubled;
                self.jitter.lengthen(doubled)
            }
            Outcome { .. } if self.burst_left > 0 => BURST_SPACING_MS,
            Outcome { agreed: true, .. } => {
                let interval = std::mem::replace(&mut self.interval_ms, doubled);
                self.jitter.lengthen(interval)
            }
            Outcome { agreed: false, .. } => {
                self.interval_ms = MIN_INTERVAL_MS;
                self.jitter.lengthen(MIN_INTERVAL_MS)
            }
        };
        self.due = Some(boot.saturating_add_ms(wait));
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): spreads load, protects nothing.
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    /// `interval` and up to an eighth more.
    fn lengthen(&mut self, interval: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let spread = i64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX));
        interval + spread % (interval / 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREED: Outcome = Outcome { agreed: true, rate_limited: false };
    const DOUBTED: Outcome = Outcome { agreed: false, rate_limited: false };
    const RATE: Outcome = Outcome { agreed: false, rate_limited: true };

    /// The waits after each of `outcomes`, in whole seconds.
    fn waits(outcomes: &[Outcome]) -> Vec<i64> {
        let mut boot = BootMillis(0);
        let mut schedule = Schedule::starting_at(boot, 7);
        let plan = |outcome: &Outcome| {
            schedule.plan(boot, *outcome);
            let wait = schedule.wait_ms(boot).unwrap();
            boot = boot.saturating_add_ms(wait);
            wait / 1_000
        };
        outcomes.iter().map(plan).collect()
    }

    fn assert_about(wait: i64, seconds: i64) {
        assert!((seconds..=seconds * 9 / 8).contains(&wait), "{wait} s is not about {seconds} s");
    }

    #[test]
    fn a_burst_is_followed_by_longer_and_longer_intervals() {
        let waits = waits(&[AGREED; 10]);
        assert_eq!(waits[..3], [2, 2, 2]);
        for (wait, seconds) in waits[3..].iter().zip([64, 128, 256, 512, 1024, 1024, 1024]) {
            assert_about(*wait, seconds);
        }
    }

    #[test]
    fn doubt_restores_the_short_interval() {
        let waits = waits(&[AGREED, AGREED, AGREED, AGREED, AGREED, DOUBTED, AGREED]);
        assert_about(waits[5], 64);
        assert_about(waits[6], 64);
    }

    #[test]
    fn a_plea_to_slow_down_ends_the_burst_and_is_obeyed_only_so_far() {
        let waits = waits(&[RATE; 8]);
        assert_about(waits[0], 128);
        assert_about(waits[7], 1024);
    }

    #[test]
    fn servers_started_together_do_not_ask_together() {
        let first_wait = |seed| {
            let mut schedule = Schedule::starting_at(BootMillis(0), seed);
            schedule.plan(BootMillis(0), RATE);
            schedule.wait_ms(BootMillis(0))
        };
        assert_ne!(first_wait(1), first_wait(2));
    }
}
