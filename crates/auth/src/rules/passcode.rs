//! How many passcodes an account gets, how long they hold, and when one is right.
//!
//! At most five wrong passcodes are examined in a window of 15 minutes, however many passcodes it has,
//! and so at most ten around the end of a window. Guessing succeeds with a probability of 5/36⁶, or
//! 2.3·10⁻⁹, in a window, and wrong passcodes count as failed attempts too.

use crate::{decision::Denial, limits::Limited};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{PasscodeMac, PasscodeWindow, StoredPasscode};

/// How long a passcode is valid, in milliseconds.
pub(crate) const LIFETIME_MS: i64 = 180_000;

/// Most wrong passcodes in a window. A new passcode does not reset the count.
pub(crate) const MOST_TRIES: u32 = 5;

/// Most passcodes in a window.
const MOST_ISSUED: u32 = 3;

/// Length of a window, in milliseconds. It starts with the first passcode after the last window.
pub(crate) const WINDOW_MS: i64 = 900_000;

/// The wait of a request that comes too late for its window.
pub(crate) const WHOLE_WINDOW: Limited = Limited::Wait(WINDOW_MS.unsigned_abs());

/// A window that starts this much later than now is of a clock that was set back. The clocks of two
/// servers may differ a little.
const MARGIN_MS: i64 = 60_000;

/// True if this is the passcode that was stored, and it may still be used.
pub(crate) fn is_right(stored: &StoredPasscode, offered: &PasscodeMac, at: UnixMillis) -> bool {
    let is_same = stored
        .mac
        .as_ref()
        .is_some_and(|mac| verify_slices_are_equal(mac.as_bytes(), offered.as_bytes()).is_ok());
    // A clock that was set back does not prolong it.
    let from = stored.expires.saturating_add_ms(-LIFETIME_MS - MARGIN_MS);
    is_same && from <= at && at < stored.expires && stored.tries < MOST_TRIES
}

/// The counts that allow a new passcode now.
pub(crate) const fn window(at: UnixMillis) -> PasscodeWindow {
    PasscodeWindow {
        over: at.saturating_add_ms(-WINDOW_MS),
        latest: at.saturating_add_ms(MARGIN_MS),
        issued: MOST_ISSUED,
        tries: MOST_TRIES,
    }
}

/// Checks that an account may get another passcode.
pub(crate) fn may_issue(stored: Option<&StoredPasscode>, at: UnixMillis) -> Result<(), Denial> {
    let window = window(at);
    let Some(stored) = stored else { return Ok(()) };
    let is_over = stored.since <= window.over || stored.since > window.latest;
    if is_over || (stored.issued < window.issued && stored.tries < window.tries) {
        return Ok(());
    }
    let end = stored.since.saturating_add_ms(WINDOW_MS).0;
    Err(Denial::Limited(Limited::Wait(end.saturating_sub(at.0).max(1).unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_store::Channel;

    const NOW: UnixMillis = UnixMillis(1_740_830_400_000);

    fn stored(mac: &str) -> StoredPasscode {
        StoredPasscode {
            mac: Some(PasscodeMac::from_text(mac)),
            channel: Channel::Mail,
            expires: NOW.saturating_add_ms(1),
            since: NOW,
            issued: 1,
            tries: 0,
        }
    }

    #[test]
    fn a_passcode_is_right_until_it_expires_or_five_were_wrong() {
        let offered = PasscodeMac::from_text("mac");
        let right = |stored: StoredPasscode| is_right(&stored, &offered, NOW);
        assert!(right(stored("mac")));
        assert!(right(StoredPasscode { tries: 4, ..stored("mac") }));
        for wrong in [
            stored("mac2"),
            stored(""),
            StoredPasscode { mac: None, ..stored("mac") },
            StoredPasscode { expires: NOW, ..stored("mac") },
            StoredPasscode { expires: NOW.saturating_add_ms(240_001), ..stored("mac") },
            StoredPasscode { tries: 5, ..stored("mac") },
        ] {
            assert!(!right(wrong.clone()), "{wrong:?}");
        }
    }

    #[test]
    fn a_window_allows_three_passcodes_and_five_wrong_ones() {
        let ago = |ms: i64| NOW.saturating_add_ms(-ms);
        let wait = |ms| Err(Denial::Limited(Limited::Wait(ms)));
        for (since, issued, tries, expected) in [
            (ago(0), 2, 4, Ok(())),
            (ago(0), 3, 0, wait(900_000)),
            (ago(0), 1, 5, wait(900_000)),
            (ago(899_999), 3, 5, wait(1)),
            (ago(900_000), 3, 5, Ok(())),
            // Another server's clock is a little ahead.
            (ago(-60_000), 3, 0, wait(960_000)),
            // This machine's clock was set back.
            (ago(-60_001), 3, 5, Ok(())),
        ] {
            let stored = StoredPasscode { since, issued, tries, ..stored("mac") };
            assert_eq!(may_issue(Some(&stored), NOW), expected, "{stored:?}");
        }
        assert_eq!(may_issue(None, NOW), Ok(()));
    }
}
