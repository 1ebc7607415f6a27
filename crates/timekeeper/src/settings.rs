//! What a timekeeper is told when it starts.

use fourauth_protocol::time::UnixMillis;

/// The public pool, under four names so that four different servers answer.
const POOL: [&str; 4] = ["0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"];

/// How far behind an instant that was vouched for the time may be, in milliseconds: what a client
/// may be off, and more than a system clock is that nobody has tampered with.
pub(crate) const TOLERANCE_MS: i64 = 120_000;

/// Where the time comes from and what is refused.
#[derive(Debug, Clone)]
pub struct Settings {
    /// NTP servers, each `host`, `host:port` or `[v6]:port`; the port is 123 unless given.
    ///
    /// Four or more outvote a liar. With none, nothing is ever sent: the time is the system
    /// clock's, in [`State::Local`](crate::State::Local).
    pub servers: Vec<String>,
    /// What to do when the servers cannot be believed.
    pub profile: Profile,
    /// What is known from before.
    pub past: Past,
}

impl Settings {
    /// The public pool and the default profile.
    #[must_use]
    pub fn new(past: Past) -> Self {
        Self { servers: POOL.map(str::to_owned).to_vec(), profile: Profile::Secure, past }
    }

    /// No network at all: the system clock, above what `past` allows.
    #[must_use]
    pub const fn offline(past: Past) -> Self {
        Self { servers: Vec::new(), profile: Profile::Secure, past }
    }
}

/// What happens without servers to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The system clock serves, marked as [`State::Local`](crate::State::Local).
    #[default]
    Secure,
    /// Nothing that depends on the time is allowed.
    Strict,
}

impl Profile {
    /// How far the first agreement of servers may be from the system clock, in milliseconds.
    ///
    /// Nothing else can contradict servers that all lie at the first start. A day covers a machine
    /// whose clock was set in local time; `Strict` allows what the documents allow a client.
    pub(crate) const fn first_reach_ms(self) -> i64 {
        match self {
            Self::Secure => 86_400_000,
            Self::Strict => 120_000,
        }
    }
}

/// What is known before any clock is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The newest instant that a timekeeper has [vouched](crate::Status::vouched) for, if one has.
    pub vouched: Option<UnixMillis>,
    /// When this program was built.
    pub built: UnixMillis,
    /// Whether `strict` was [waiting for its operator](crate::Status::barred): ending the process
    /// is no way around one.
    pub barred: bool,
}

impl Past {
    /// A first start.
    #[must_use]
    pub const fn none(built: UnixMillis) -> Self {
        Self { vouched: None, built, barred: false }
    }

    /// The earliest instant that can be now.
    pub(crate) fn earliest(self) -> UnixMillis {
        let vouched = self.vouched.map(|instant| instant.saturating_add_ms(-TOLERANCE_MS));
        vouched.map_or(self.built, |vouched| vouched.max(self.built))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_later_of_build_date_and_what_was_vouched_for() {
        let built = UnixMillis(1_000_000);
        let with = |vouched| Past { vouched, ..Past::none(built) }.earliest();

        assert_eq!(with(None), built);
        assert_eq!(with(Some(UnixMillis(1_000_001))), built);
        assert_eq!(with(Some(UnixMillis(2_000_000))), UnixMillis(1_880_000));
    }
}
