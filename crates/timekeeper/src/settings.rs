//! The settings of a timekeeper.

use fourauth_protocol::time::UnixMillis;

/// The public pool, under four names so that different servers answer.
const POOL: [&str; 4] = ["0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"];

/// How far the time may be behind a recorded instant, in milliseconds.
///
/// This is the bound for clients' clocks, and more than the error of an intact system clock.
pub(crate) const TOLERANCE_MS: i64 = 120_000;

/// Sources of the time, and the rules for refusing it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// NTP servers, each `host`, `host:port` or `[v6]:port`; the port is 123 unless given.
    ///
    /// Four or more servers outvote a liar. Without servers nothing is sent, and the time comes
    /// from the system clock, in [`State::Local`](crate::State::Local).
    pub servers: Vec<String>,
    /// Behaviour without a trusted time.
    pub profile: Profile,
    /// Knowledge from earlier runs.
    pub past: Past,
}

impl Settings {
    /// The public pool and the default profile.
    #[must_use]
    pub fn new(past: Past) -> Self {
        Self { servers: POOL.map(str::to_owned).to_vec(), profile: Profile::Secure, past }
    }

    /// The system clock without network, not earlier than `past` allows.
    #[must_use]
    pub const fn offline(past: Past) -> Self {
        Self { servers: Vec::new(), profile: Profile::Secure, past }
    }
}

/// Behaviour without a trusted time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The system clock is used and marked as [`State::Local`](crate::State::Local).
    #[default]
    Secure,
    /// Every operation that depends on the time is refused.
    Strict,
}

impl Profile {
    /// How far the first quorum may be from the system clock, in milliseconds.
    ///
    /// At the first start, only the system clock can contradict servers that all lie. A day covers
    /// a system clock that shows local time. `Strict` has the documented bound for clients.
    pub(crate) const fn first_reach_ms(self) -> i64 {
        match self {
            Self::Secure => 86_400_000,
            Self::Strict => 120_000,
        }
    }
}

/// Knowledge from earlier runs, before any clock is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The newest instant that was recorded from [`Status::vouched`](crate::Status::vouched).
    pub vouched: Option<UnixMillis>,
    /// When this program was built.
    pub built: UnixMillis,
    /// True if `strict` was [waiting for an operator](crate::Status::barred). A restart does not
    /// end the wait.
    pub barred: bool,
}

impl Past {
    /// The state at a first start.
    #[must_use]
    pub const fn none(built: UnixMillis) -> Self {
        Self { vouched: None, built, barred: false }
    }

    /// The earliest possible current time.
    pub(crate) fn earliest(self) -> UnixMillis {
        let vouched = self.vouched.map(|instant| instant.saturating_add_ms(-TOLERANCE_MS));
        vouched.map_or(self.built, |vouched| vouched.max(self.built))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_later_of_build_date_and_recorded_time() {
        let built = UnixMillis(1_000_000);
        let with = |vouched| Past { vouched, ..Past::none(built) }.earliest();

        assert_eq!(with(None), built);
        assert_eq!(with(Some(UnixMillis(1_000_001))), built);
        assert_eq!(with(Some(UnixMillis(2_000_000))), UnixMillis(1_880_000));
    }
}
