//! Which newcomers are dropped while many connections have said nothing yet, after `MaxStartups` of
//! OpenSSH (`sshd_config(5)`).
//!
//! A connection is a startup until its first well-formed command. From `begin` startups on, a new
//! connection is dropped with a probability that grows evenly from `rate` percent to certainty at
//! `full`: those who mean well try again and get through, while whoever opens connections only to
//! hold them loses most.
//!
//! Beyond OpenSSH, a source with fewer startups than `per_source` draws no lot. One source may hold
//! dozens of connections, so a few dozen sources could hold the server at `full`, and all newcomers
//! would lose; so they lose only against themselves. The cap on all connections holds for everybody.

use crate::config::LimitsConfig;

/// How many lots there are. A draw is one of them, from 0 on.
const LOTS: u128 = 1 << u32::BITS;

/// When newcomers draw lots.
#[derive(Debug, Clone, Copy)]
pub struct Startups {
    begin: usize,
    rate: u8,
    full: usize,
    per_source: usize,
}

impl From<&LimitsConfig> for Startups {
    fn from(limits: &LimitsConfig) -> Self {
        Self {
            begin: limits.startups_begin,
            rate: limits.startups_rate.min(100),
            full: limits.startups_full,
            per_source: limits.startups_per_source,
        }
    }
}

impl Startups {
    /// Whether a newcomer is dropped while there are `all` startups, `own` of them of its source.
    /// `draw` is any number with equal probability.
    #[must_use]
    pub fn drops(&self, all: usize, own: usize, draw: u32) -> bool {
        own >= self.per_source && u128::from(draw) < self.losing_lots(all)
    }

    /// How many of the lots lose.
    fn losing_lots(&self, all: usize) -> u128 {
        if all >= self.full {
            return LOTS;
        }
        let Some(above) = all.checked_sub(self.begin) else { return 0 };
        // `begin` ≤ `all` < `full`. Numbers of connections have 64 bits, so nothing overflows.
        let (above, span) = (above as u128, (self.full - self.begin) as u128);
        let rate = u128::from(self.rate);
        LOTS * (rate * span + (100 - rate) * above) / (100 * span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn startups() -> Startups {
        Startups::from(&LimitsConfig::default())
    }

    /// Percent of newcomers that are dropped.
    fn percent(startups: Startups, all: usize) -> u128 {
        (100 * startups.losing_lots(all)).div_ceil(LOTS)
    }

    #[test]
    fn below_the_beginning_nobody_is_dropped_and_at_the_end_everybody() {
        assert!(!startups().drops(255, 64, 0));
        assert!(startups().drops(4096, 64, u32::MAX));
        assert!(!startups().drops(4095, 64, u32::MAX));
    }

    #[test]
    fn the_chance_grows_evenly_from_the_rate_to_certainty() {
        assert_eq!(percent(startups(), 256), 30);
        assert_eq!(percent(startups(), usize::midpoint(256, 4096)), 65);
        assert_eq!(percent(startups(), 4096), 100);
    }

    #[test]
    fn who_has_few_startups_never_loses() {
        assert!(!startups().drops(1_000_000, 3, 0));
        assert!(startups().drops(1_000_000, 4, u32::MAX));
    }

    #[test]
    fn beginning_and_end_may_be_one() {
        let cliff = Startups { begin: 9, full: 9, ..startups() };
        assert!(!cliff.drops(8, 64, 0));
        assert!(cliff.drops(9, 64, u32::MAX));
    }

    prop_compose! {
        fn any_startups()(begin in 1_usize..1000, more in 0_usize..5000, rate in 0_u8..=100)
            -> Startups {
            Startups { begin, rate, full: begin + more, per_source: 4 }
        }
    }

    proptest! {
        #[test]
        fn more_startups_never_make_it_likelier_to_get_in(
            startups in any_startups(), fewer in 0_usize..7000, more in 0_usize..7000
        ) {
            let (fewer, more) = (fewer.min(more), fewer.max(more));
            prop_assert!(startups.losing_lots(fewer) <= startups.losing_lots(more));
        }

        #[test]
        fn the_chance_is_on_the_line_between_rate_and_certainty(
            startups in any_startups(), all in 0_usize..7000
        ) {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let expected = if all < startups.begin {
                0.0
            } else if all >= startups.full {
                1.0
            } else {
                let way = (all - startups.begin) as f64 / (startups.full - startups.begin) as f64;
                f64::from(startups.rate) / 100.0 * (1.0 - way) + way
            };
            #[expect(clippy::cast_precision_loss, reason = "2^32 fits")]
            let chance = startups.losing_lots(all) as f64 / LOTS as f64;
            prop_assert!((chance - expected).abs() < 1e-6, "{chance} {expected}");
        }

        #[test]
        fn whoever_is_dropped_with_a_draw_is_dropped_with_every_smaller_one(
            startups in any_startups(), all in 0_usize..7000, draw: u32, smaller: u32
        ) {
            let smaller = smaller.min(draw);
            prop_assert!(!startups.drops(all, 4, draw) || startups.drops(all, 4, smaller));
        }
    }
}
