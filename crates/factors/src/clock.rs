//! Whether the client's clock is honest enough.
//!
//! It catches broken clocks and no attackers, who say what they like: freshness comes from the
//! one-time code, which is spent.

use crate::Finding;
use fourauth_protocol::time::UnixMillis;

/// Farthest that a client's clock may be off, in seconds, as documented for 4Auth.
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
    fn two_minutes_either_way_are_forgiven_and_not_a_millisecond_more() {
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
    fn a_clock_at_the_end_of_time_is_wrong_and_no_clock_is_missing() {
        for instant in [UnixMillis(i64::MIN), UnixMillis(i64::MAX), UnixMillis(0)] {
            assert_eq!(check(Some(instant), NOW), Finding::Mismatch);
        }
        assert_eq!(check(None, NOW), Finding::Missing);
    }
}
