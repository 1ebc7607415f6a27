//! A text setting that is never shown.

use fourauth_protocol::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What is shown in place of the value.
const HIDDEN: &str = "…";

/// A name or a password. `Debug` and `Serialize` show that it is set, and not its value.
#[derive(Clone)]
pub struct Hidden(Secret<String>);

impl Hidden {
    /// The value.
    #[must_use]
    pub const fn secret(&self) -> &Secret<String> {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(value: String) -> Self {
        Self(Secret::new(value))
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for Hidden {}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::deserialize(deserializer)?))
    }
}
