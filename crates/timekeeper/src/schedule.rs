//! Schedules the queries of the servers. No client request causes a query.

use crate::wall::BootMillis;

/// Number of rounds in the burst after the start.
const BURST: u32 = 4;
/// Interval between the rounds of the burst, in milliseconds (RFC 5905 §7.2, BTIME).
const BURST_SPACING_MS: i64 = 2_000;
/// Shortest interval after the burst, in milliseconds. Longer than the minute that must pass before
/// a second round can confirm a step.
const MIN_INTERVAL_MS: i64 = 64_000;
/// Longest interval, in milliseconds (RFC 5905 §7.2, `MAXPOLL` of a default client: 2^10 s).
const MAX_INTERVAL_MS: i64 = 1_024_000;

/// The result of a round, as far as it affects the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// A quorum confirmed our time.
    pub(crate) agreed: bool,
    /// An answer asked for fewer requests. It may be forged.
    pub(crate) rate_limited: bool,
}

/// The plan for the next round.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// `None` if no server is configured.
    due: Option<BootMillis>,
    interval_ms: i64,
    burst_left: u32,
    jitter: Jitter,
}

impl Schedule {
    /// Plans the first round at `boot`. `seed` spreads processes that start together.
    pub(crate) const fn starting_at(boot: BootMillis, seed: u64) -> Self {
        Self {
            due: Some(boot),
            interval_ms: MIN_INTERVAL_MS,
            burst_left: BURST,
            jitter: Jitter(seed),
        }
    }

    /// A schedule without rounds.
    pub(crate) const fn never() -> Self {
        Self { due: None, interval_ms: MIN_INTERVAL_MS, burst_left: 0, jitter: Jitter(0) }
    }

    /// Milliseconds from `boot` to the next round, at least 0; `None` if no round is planned.
    pub(crate) fn wait_ms(&self, boot: BootMillis) -> Option<i64> {
        self.due.map(|due| due.millis_since(boot).max(0))
    }

    /// Plans the round after one that ended at `boot`.
    ///
    /// A round that agreed doubles the interval, and one that did not resets it. A request to slow
    /// down doubles it too, up to the same bound, because such a request can be forged.
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

/// `SplitMix64` (Steele, Lea, Flood 2014). Spreads load; not cryptographic.
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    /// `interval` plus up to an eighth.
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
    fn a_burst_is_followed_by_growing_intervals() {
        let waits = waits(&[AGREED; 10]);
        assert_eq!(waits[..3], [2, 2, 2]);
        for (wait, seconds) in waits[3..].iter().zip([64, 128, 256, 512, 1024, 1024, 1024]) {
            assert_about(*wait, seconds);
        }
    }

    #[test]
    fn a_round_that_disagrees_resets_the_interval() {
        let waits = waits(&[AGREED, AGREED, AGREED, AGREED, AGREED, DOUBTED, AGREED]);
        assert_about(waits[5], 64);
        assert_about(waits[6], 64);
    }

    #[test]
    fn a_rate_limit_ends_the_burst_and_is_obeyed_up_to_a_bound() {
        let waits = waits(&[RATE; 8]);
        assert_about(waits[0], 128);
        assert_about(waits[7], 1024);
    }

    #[test]
    fn processes_started_together_do_not_query_together() {
        let first_wait = |seed| {
            let mut schedule = Schedule::starting_at(BootMillis(0), seed);
            schedule.plan(BootMillis(0), RATE);
            schedule.wait_ms(BootMillis(0))
        };
        assert_ne!(first_wait(1), first_wait(2));
    }
}
