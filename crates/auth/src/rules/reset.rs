//! Which accounts may reset a password by a code, and when a code is right. `pace` has the rule about
//! requests.
//!
//! At most five wrong codes are examined in a window of 15 minutes, however many codes an account gets,
//! and so at most ten around the end of a window. Guessing succeeds with a probability of 5/10⁶ in a
//! window. Wrong codes count as failed attempts too, and those bound all windows together: a hundred
//! failures close an account to guesses, which is a probability of 10⁻⁴.

use crate::rules::{pace, passcode::WINDOW_MS};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{
    Channel, Enrolled, Factor, ResetCodeMac, Standing, StoredResetCode, Subject, Window,
};
use std::fmt;

/// How long a code is valid, in milliseconds.
pub(crate) const LIFETIME_MS: i64 = 600_000;

/// Most wrong codes in a window. A new code does not reset the count.
pub(crate) const MOST_TRIES: u32 = 5;

/// What comes of a request for a code. The peer does not learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A code is sent this way.
    Sent(Channel),
    /// None is sent.
    NotSent(Obstacle),
}

/// The reason why no code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// There is no such account.
    Unknown,
    /// An administrator has disabled the account.
    Disabled,
    /// The account has a face, which has recoveries of its own.
    Face,
    /// The account has no address that the courier serves.
    NoAddress,
    /// Too many codes of the window were wrong.
    Tries,
    /// The account has got too many messages.
    Quota,
}

/// The facts that decide whether a code is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) standing: Standing,
    pub(crate) enrolled: Enrolled,
    pub(crate) channel: Option<Channel>,
    pub(crate) has_tries: bool,
    pub(crate) has_room: bool,
}

impl Facts {
    /// What comes of the request.
    pub(crate) const fn outcome(self) -> Outcome {
        let obstacle = match (obstacle(self.standing, self.enrolled), self.channel) {
            (Some(obstacle), _) => obstacle,
            (None, None) => Obstacle::NoAddress,
            (None, Some(_)) if !self.has_tries => Obstacle::Tries,
            (None, Some(_)) if !self.has_room => Obstacle::Quota,
            (None, Some(channel)) => return Outcome::Sent(channel),
        };
        Outcome::NotSent(obstacle)
    }
}

/// True if the password of an account may be reset.
pub(crate) const fn may_reset(subject: &Subject) -> bool {
    obstacle(subject.standing, subject.enrolled).is_none()
}

/// What about an account prevents a reset. A mailbox must not replace a factor of an account that a
/// face protects.
const fn obstacle(standing: Standing, enrolled: Enrolled) -> Option<Obstacle> {
    match standing {
        Standing::Unknown => Some(Obstacle::Unknown),
        Standing::Disabled(_) => Some(Obstacle::Disabled),
        Standing::Active(_) if enrolled.face => Some(Obstacle::Face),
        Standing::Active(_) => None,
    }
}

/// Until when the new password settles. If it is all that the account has, there is nothing that it
/// could change.
pub(crate) fn settles(
    enrolled: Enrolled,
    at: UnixMillis,
    cooldown_ms: i64,
) -> Option<(Factor, UnixMillis)> {
    let has_more = enrolled != Enrolled::PASSWORD;
    has_more.then(|| (Factor::Password, at.saturating_add_ms(cooldown_ms)))
}

/// True if this is the code that was stored for this version of the account, and it may still be used.
pub(crate) fn is_right(
    stored: &StoredResetCode,
    offered: &ResetCodeMac,
    version: i64,
    at: UnixMillis,
) -> bool {
    let is_same = stored
        .mac
        .as_ref()
        .is_some_and(|mac| verify_slices_are_equal(mac.as_bytes(), offered.as_bytes()).is_ok());
    // A clock that was set back does not prolong it.
    let from = stored.expires.saturating_add_ms(-LIFETIME_MS - pace::MARGIN_MS);
    let is_now = from <= at && at < stored.expires;
    is_same && is_now && stored.version == version && stored.tries < MOST_TRIES
}

/// The window of wrong codes that has not ended at `at`.
pub(crate) const fn tries_window(at: UnixMillis) -> Window {
    pace::window(at, WINDOW_MS)
}

/// True if a new code could be used: not all tries of the window are used up.
pub(crate) fn has_tries(stored: &StoredResetCode, at: UnixMillis) -> bool {
    let window = tries_window(at);
    let is_over = stored.since <= window.over || stored.since > window.latest;
    is_over || stored.tries < MOST_TRIES
}

/// For the audit log: `code=sent(mail)`, or `code=none(unknown)`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(channel) => write!(f, "code=sent({})", channel.as_str()),
            Self::NotSent(obstacle) => write!(f, "code=none({})", obstacle.as_str()),
        }
    }
}

impl Obstacle {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
            Self::Face => "face",
            Self::NoAddress => "no_address",
            Self::Tries => "tries",
            Self::Quota => "quota",
        }
    }
}

#[cfg(test)]
mod tests;
