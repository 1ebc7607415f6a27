//! How long a browser's request to become a device waits, and how often browsers may ask.
//!
//! Each request has proved the password, the code and the face, and the owner is told of each by mail. The
//! limit is for the owner: a peer with all three factors cannot fill the mailbox, or wait until a person
//! confirms one of many requests by mistake.

use crate::{limits::Limited, rules::pace};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::RequestPace;

/// How long a request waits for a decision, in milliseconds: 10 minutes. The person walks to another
/// device, signs in there and compares the numbers.
pub(crate) const LIFETIME_MS: i64 = 600_000;

/// Most requests of an account in a window.
const MOST_ASKED: i64 = 5;

/// Length of a window, in milliseconds: 1 h.
const WINDOW_MS: i64 = 3_600_000;

/// The wait of a request that comes too late for its window.
pub(crate) const WHOLE_WINDOW: Limited = Limited::Wait(WINDOW_MS.unsigned_abs());

/// How many requests an account may have at `at`.
pub(crate) const fn pace(at: UnixMillis) -> RequestPace {
    RequestPace { window: pace::window(at, WINDOW_MS), most: MOST_ASKED }
}
