//! Check of the client's clock.
//!
//! It finds broken clocks but not attackers, because a client can send any time. Freshness comes
//! from the one-time code, which is valid once.

use crate::Finding;
use fourauth_protocol::time::UnixMillis;

/// Largest accepted difference between the client's clock and the server's, in seconds, as
/// documented for 4Auth.
pub const MAX_SKEW_SECONDS: u32 = 120;

/// Compares the client's clock with the server's, in whole milliseconds.
#[must_use]
pub fn check(client: Option<UnixMillis>, now: UnixMillis) -> Finding {
    client.map_or(Finding::Missing, |client| {
        let skew = now.millis_since(client).unsigned_abs();
        Finding::from_match(skew <= u64::from(MAX_SKEW_SECONDS) * 1000)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_740_830_400_000);

    #[test]
    fn a_clock_may_be_two_minutes_off_and_not_a_millisecond_more() {
        for (offset, finding) in [
            (0, Finding::Match),
            (120_000, Finding::Match),
            (-120_000, Finding::Match),
            (120_001, Finding::Mismatch),
            (-120_001, Finding::Mismatch),
        ] {
            assert_eq!(check(Some(NOW.saturating_add_ms(offset)), NOW), finding, "{offset} ms");
        }
    }

    #[test]
    fn an_extreme_time_is_a_mismatch_and_no_time_is_missing() {
        for instant in [UnixMillis(i64::MIN), UnixMillis(i64::MAX), UnixMillis(0)] {
            assert_eq!(check(Some(instant), NOW), Finding::Mismatch);
        }
        assert_eq!(check(None, NOW), Finding::Missing);
    }
}
