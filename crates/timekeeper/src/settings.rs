//! What a timekeeper is told when it starts.

use fourauth_protocol::time::UnixMillis;

/// The public pool, under four names so that four different servers answer.
const POOL: [&str; 4] = ["0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"];

/// How far the system clock may lie behind the newest audit row, in milliseconds: rows are stamped
/// with trusted time, which may have been ahead of the system clock by what a client may be.
const AUDIT_TOLERANCE_MS: i64 = 120_000;

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
    /// The instant before which it cannot be.
    pub floor: Floor,
}

impl Settings {
    /// The public pool and the default profile.
    #[must_use]
    pub fn new(floor: Floor) -> Self {
        Self { servers: POOL.map(str::to_owned).to_vec(), profile: Profile::Secure, floor }
    }

    /// No network at all: the system clock, above `floor`.
    #[must_use]
    pub const fn offline(floor: Floor) -> Self {
        Self { servers: Vec::new(), profile: Profile::Secure, floor }
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

/// What is known about the past before any clock is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// When the newest row of the audit log was written, if there is one. Newest by number: after
    /// an operator has accepted an earlier time, the latest timestamp is not the newest row.
    pub last_audit: Option<UnixMillis>,
    /// When this program was built.
    pub built: UnixMillis,
}

impl Floor {
    /// The earliest instant that can be now.
    pub(crate) fn earliest(self) -> UnixMillis {
        let audited = self.last_audit.map(|row| row.saturating_add_ms(-AUDIT_TOLERANCE_MS));
        audited.map_or(self.built, |audited| audited.max(self.built))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_later_of_build_date_and_audit_log() {
        let built = UnixMillis(1_000_000);
        let with = |row| Floor { last_audit: row, built }.earliest();

        assert_eq!(with(None), built);
        assert_eq!(with(Some(UnixMillis(1_000_001))), built);
        assert_eq!(with(Some(UnixMillis(2_000_000))), UnixMillis(1_880_000));
    }
}
