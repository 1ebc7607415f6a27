//! `store.url`, which may hold the password of the database.

use fourauth_protocol::secret::Secret;
use fourauth_store::{Location, NotALocation};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// The URL of a database. `Debug` and `Serialize` show a PostgreSQL URL without its contents.
#[derive(Clone)]
pub struct StoreUrl(Location);

impl StoreUrl {
    /// The location of the database.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.0
    }

    /// The full URL, including secrets, in the form that is parsed.
    pub(crate) fn whole(&self) -> Secret<String> {
        match &self.0 {
            Location::Sqlite(path) => Secret::new(format!("sqlite:{}", path.display())),
            Location::Postgres(url) => url.clone(),
        }
    }
}

impl From<Location> for StoreUrl {
    fn from(location: Location) -> Self {
        Self(location)
    }
}

impl FromStr for StoreUrl {
    type Err = NotALocation;

    fn from_str(text: &str) -> Result<Self, NotALocation> {
        Location::parse(text).map(Self)
    }
}

impl PartialEq for StoreUrl {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Location::Sqlite(one), Location::Sqlite(other)) => one == other,
            (Location::Postgres(one), Location::Postgres(other)) => one.expose() == other.expose(),
            (Location::Sqlite(_), Location::Postgres(_))
            | (Location::Postgres(_), Location::Sqlite(_)) => false,
        }
    }
}

impl Eq for StoreUrl {}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Serialises the URL without its secrets.
impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
