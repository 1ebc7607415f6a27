//! The wait between two attempts: it doubles, up to a limit, and is spread, so that notices that
//! failed together are not retried together.

use std::time::Duration;

/// Wait after the first failure.
const FIRST: Duration = Duration::from_secs(30);

/// Longest wait before the jitter. The default number of attempts lasts 28 to 35 hours.
const LONGEST: Duration = Duration::from_hours(4);

/// Longest pause of a sender that cannot be reached, so that the rest of the notices is sent soon
/// after it is back.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The jitter is at most a quarter of the wait.
const JITTER_SHARE: u32 = 4;

/// The wait after `failures` failed attempts, at least one. `random` chooses the jitter.
pub(crate) fn wait(failures: u32, random: u16) -> Duration {
    spread(doubled(failures, LONGEST), random)
}

/// The pause of a sender after `failures` failures to reach it in a row, at least one.
pub(crate) fn pause(failures: u32, random: u16) -> Duration {
    spread(doubled(failures, LONGEST_PAUSE), random)
}

fn doubled(failures: u32, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST.saturating_mul(factor).min(longest)
}

fn spread(wait: Duration, random: u16) -> Duration {
    wait + wait / JITTER_SHARE * u32::from(random) / u32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        for (failures, seconds) in
            [(1, 30), (2, 60), (3, 120), (9, 7680), (10, 14_400), (40, 14_400), (u32::MAX, 14_400)]
        {
            assert_eq!(wait(failures, 0).as_secs(), seconds, "{failures}");
        }
        assert_eq!(pause(2, 0).as_secs(), 60);
        assert_eq!(pause(9, 0).as_secs(), 60);
    }

    proptest! {
        #[test]
        fn jitter_adds_at_most_a_quarter(failures in any::<u32>(), random in any::<u16>()) {
            let (least, most) = (wait(failures, 0), wait(failures, u16::MAX));
            prop_assert!((least..=most).contains(&wait(failures, random)));
            prop_assert!(most <= least + least / 4);
        }
    }
}
