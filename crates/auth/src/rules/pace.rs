//! How often commands may come that anybody may send: three in a minute, for a name and for a source.

use crate::limits::Limited;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::Window;

/// The span in which a name or address, and a source, may make three requests, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// The wait of a request that lost the last place to another one.
pub(crate) const WHOLE_MINUTE: Limited = Limited::Wait(MINUTE_MS.unsigned_abs());

/// What was recorded this much later than now is of a clock that was set back. The clocks of two
/// servers may differ a little.
pub(crate) const MARGIN_MS: i64 = 60_000;

/// The minute before `at`.
pub(crate) const fn minute(at: UnixMillis) -> Window {
    window(at, MINUTE_MS)
}

/// The span of this length before `at`, in milliseconds.
pub(crate) const fn window(at: UnixMillis, length: i64) -> Window {
    Window { over: at.saturating_add_ms(-length), latest: at.saturating_add_ms(MARGIN_MS) }
}

/// Checks that one more request is allowed at `at`, after the third last was at `third_last`.
pub(crate) fn may_request(third_last: Option<UnixMillis>, at: UnixMillis) -> Result<(), Limited> {
    let Some(third_last) = third_last else { return Ok(()) };
    let end = third_last.saturating_add_ms(MINUTE_MS);
    Err(Limited::Wait(end.0.saturating_sub(at.0).max(1).unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_262_400_000);

    #[test]
    fn a_fourth_request_waits_for_the_end_of_a_minute() {
        let ago = |ms: i64| Some(NOW.saturating_add_ms(-ms));
        for (third_last, expected) in [
            (None, Ok(())),
            (ago(0), Err(Limited::Wait(60_000))),
            (ago(59_999), Err(Limited::Wait(1))),
            (ago(-1), Err(Limited::Wait(60_001))),
        ] {
            assert_eq!(may_request(third_last, NOW), expected);
        }
    }
}
