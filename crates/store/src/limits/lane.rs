//! Keys that failures are counted by: the target account and the origin of the attempt.
//!
//! An attacker fills only its own lane. Each device that proves its key has a lane, so that a lost
//! device locks out only itself.

use crate::account::login_location::LoginLocation;
use fourauth_protocol::{
    command::Identifier, device::DeviceId, time::UnixMillis, username::Username,
};
use sha2::{Digest as _, Sha256};

/// Length in milliseconds of the minute by which refusals and wrong one-time codes are counted.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// The target of attempts, as a hash, so that names of any length take the same room and cannot be
/// read. The hash has no key: a reader of the database can check a guessed name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target([u8; 32]);

impl Target {
    /// Attempts that claim this name.
    #[must_use]
    pub fn account(name: &Username) -> Self {
        Self::hash("account", name.as_str())
    }

    /// Attempts that claimed this spelling of a name, when names were counted as they were spelled.
    pub(crate) fn spelled(name: &str) -> Self {
        Self::hash("account", name)
    }

    /// Attempts that claim an address that no account has. No name has the same target, so that a
    /// wait does not tell an address of an account from another one.
    #[must_use]
    pub fn address(text: &str) -> Self {
        Self::hash("address", text)
    }

    /// Attempts from this source that claim to be an administrator.
    #[must_use]
    pub fn admin(source: &str) -> Self {
        Self::hash("admin", source)
    }

    /// Requests for a code that resets a password, by the name or address that they are made with. An
    /// address of an account has another target than its name, so that a wait does not tell that they
    /// belong together.
    #[must_use]
    pub fn reset(account: &Identifier) -> Self {
        let named = account.email().map(|email| ("reset-email", email.as_str()));
        let named = named.or_else(|| account.phone().map(|it| ("reset-phone", it.as_str())));
        let named = named.or_else(|| account.username().map(|it| ("reset-name", it.as_str())));
        let (kind, text) = named.unwrap_or_default();
        Self::hash(kind, text)
    }

    /// Requests for such codes from this source.
    #[must_use]
    pub fn resets_from(source: &str) -> Self {
        Self::hash("reset-source", source)
    }

    /// Registrations of accounts by themselves from this source.
    #[must_use]
    pub fn registrations_from(source: &str) -> Self {
        Self::hash("registration-source", source)
    }

    fn hash(kind: &str, text: &str) -> Self {
        let hash = Sha256::new().chain_update(kind).chain_update([0]).chain_update(text);
        Self(hash.finalize().into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A group of attempts on one target that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Attempts without a place, device key or recovery code that the account knows.
    Unknown,
    /// Attempts from a MAC address and source that the account was used from before. Only for
    /// accounts without device keys.
    Place(LoginLocation),
    /// Attempts from a device that proved this key.
    Device(DeviceId),
    /// Attempts with a valid recovery code.
    RecoveryCode,
    /// Guesses at administrators' secrets.
    Admin,
}

impl Lane {
    /// The name in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Place(_) => "place",
            Self::Device(_) => "device",
            Self::RecoveryCode => "recovery_code",
            Self::Admin => "admin",
        }
    }

    /// True if the lane belongs to one device or place that the account knows.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self, Self::Place(_) | Self::Device(_))
    }

    /// The text in the database: the name, then the place or device if there is one.
    pub(crate) fn to_column(self) -> String {
        match self {
            Self::Unknown | Self::RecoveryCode | Self::Admin => self.as_str().to_owned(),
            Self::Place(place) => format!("place:{place}"),
            Self::Device(id) => format!("device:{id}"),
        }
    }

    pub(crate) fn from_column(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => [Self::Unknown, Self::RecoveryCode, Self::Admin]
                .into_iter()
                .find(|lane| lane.as_str() == text),
            Some(("place", place)) => LoginLocation::parse(place).map(Self::Place),
            Some(("device", id)) => DeviceId::parse(id).ok().map(Self::Device),
            Some(_) => None,
        }
    }
}

/// Numbers of consecutive failures in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All failures.
    pub failures: i64,
    /// Of these, wrong one-time codes.
    pub totp: i64,
    /// Of these, wrong faces.
    pub face: i64,
    /// Wrong one-time codes within the minute of `totp_minute`.
    pub totp_recent: i64,
    /// The minute of Unix time that `totp_recent` refers to.
    pub totp_minute: i64,
    /// Time of the newest failure.
    pub last: UnixMillis,
}

impl Tally {
    /// Wrong one-time codes within the minute of `at`.
    #[must_use]
    pub const fn totp_within_the_minute(&self, at: UnixMillis) -> i64 {
        if self.totp_minute == minute(at) { self.totp_recent } else { 0 }
    }
}

/// The tallies of a target, one for each lane with a failure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tallies(Vec<(Lane, Tally)>);

impl Tallies {
    /// The tally of one lane.
    #[must_use]
    pub fn of(&self, lane: Lane) -> Tally {
        self.iter()
            .find(|(other, _)| *other == lane)
            .map_or_else(Tally::default, |(_, tally)| tally)
    }

    /// Every lane with a tally.
    pub fn iter(&self) -> impl Iterator<Item = (Lane, Tally)> {
        self.0.iter().copied()
    }
}

impl FromIterator<(Lane, Tally)> for Tallies {
    fn from_iter<T: IntoIterator<Item = (Lane, Tally)>>(tallies: T) -> Self {
        Self(tallies.into_iter().collect())
    }
}

/// The minute of Unix time that `at` is in.
pub(crate) const fn minute(at: UnixMillis) -> i64 {
    at.0.div_euclid(MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_survives_a_round_trip() {
        for lane in [
            Lane::Unknown,
            Lane::Place(LoginLocation::new(None, "192.0.2.1")),
            Lane::Device(DeviceId::from_bytes([7; 16])),
            Lane::RecoveryCode,
            Lane::Admin,
        ] {
            assert_eq!(Lane::from_column(&lane.to_column()), Some(lane));
        }
    }

    #[test]
    fn a_text_that_names_no_lane_is_refused() {
        for text in ["", "known", "device", "device:", "device:07", "place:07", "elsewhere:07"] {
            assert_eq!(Lane::from_column(text), None, "{text}");
        }
    }
}
