//! Assurance levels: how much a login has proved, as one number.

use crate::receipt::Method;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// How much a login has proved. On the wire it is a number from 1 to 4.
///
/// Only factors that an attacker would have to steal count: the password, the one-time code, the
/// face and the key of a device. A MAC address, a clock and a recovery code raise no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// One factor.
    One = 1,
    /// Two factors.
    Two = 2,
    /// Two factors or more, and one of them is the key of a device.
    Three = 3,
    /// All four factors.
    Four = 4,
}

/// The methods that count, in the order in which a client is asked for them.
pub const COUNTED: [Method; 4] =
    [Method::Password, Method::OneTimeCode, Method::Face, Method::DeviceKey];

impl Level {
    /// The level of a login that proved these methods. `None` if none of them counts.
    #[must_use]
    pub fn of(methods: &[Method]) -> Option<Self> {
        let proved = COUNTED.iter().filter(|method| methods.contains(method)).count();
        match (proved, methods.contains(&Method::DeviceKey)) {
            (0, _) => None,
            (1, _) => Some(Self::One),
            (4, _) => Some(Self::Four),
            (_, true) => Some(Self::Three),
            (_, false) => Some(Self::Two),
        }
    }

    /// The level with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            3 => Some(Self::Three),
            4 => Some(Self::Four),
            _ => None,
        }
    }

    /// The number of the level.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| D::Error::custom("not a level from 1 to 4"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Method::{DeviceKey, Face, OneTimeCode, Password, Several};

    #[test]
    fn the_level_counts_factors_and_asks_for_a_device_key() {
        for (methods, level) in [
            (&[][..], None),
            (&[Several], None),
            (&[Password], Some(Level::One)),
            (&[DeviceKey], Some(Level::One)),
            (&[Password, OneTimeCode, Several], Some(Level::Two)),
            (&[Password, OneTimeCode, Face, Several], Some(Level::Two)),
            (&[Password, DeviceKey, Several], Some(Level::Three)),
            (&[Password, OneTimeCode, DeviceKey, Several], Some(Level::Three)),
            (&[Password, Password], Some(Level::One)),
            (&[Password, OneTimeCode, Face, DeviceKey, Several], Some(Level::Four)),
        ] {
            assert_eq!(Level::of(methods), level, "{methods:?}");
        }
    }

    #[test]
    fn a_level_is_a_number_from_one_to_four() {
        for number in 1..=4 {
            let level: Level = serde_json::from_str(&number.to_string()).unwrap();
            assert_eq!(serde_json::to_string(&level).unwrap(), number.to_string());
        }
        for wrong in ["0", "5", "256", "-1", "\"3\"", "3.0", "null"] {
            assert!(serde_json::from_str::<Level>(wrong).is_err(), "{wrong}");
        }
    }
}
