//! Request ids, which link an answer to the log and to its audit row.

use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};
use std::fmt;
use ulid::Ulid;

/// Identifies one received command: a ULID, 26 characters that sort by time.
///
/// <https://github.com/ulid/spec>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Ulid);

impl RequestId {
    /// Makes an id from the time of receipt and 80 random bits.
    #[must_use]
    pub fn new(received: UnixMillis, random: [u8; 10]) -> Self {
        let mut wide = [0; 16];
        wide[6..].copy_from_slice(&random);
        let millis = u64::try_from(received.0).unwrap_or(0);
        Self(Ulid::from_parts(millis, u128::from_be_bytes(wide)))
    }

    /// The 16 bytes of the id.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_bytes()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every answer has one, so it is written without a formatter.
impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]))
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ulid::from_string(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_survive_the_wire() {
        let earlier = RequestId::new(UnixMillis(1_740_830_400_000), [0xff; 10]);
        let later = RequestId::new(UnixMillis(1_740_830_400_001), [0; 10]);
        assert!(earlier.to_string() < later.to_string());

        let json = serde_json::to_string(&later).unwrap();
        assert_eq!(json.len(), 28);
        assert_eq!(serde_json::from_str::<RequestId>(&json).unwrap(), later);
    }
}
