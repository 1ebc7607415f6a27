//! Hardware addresses of devices.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A 48-bit hardware address (IEEE 802 EUI-48).
///
/// It names a device and proves nothing, because a client can send any address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// Reads twelve hexadecimal digits in any case, alone or in groups separated by `:`, `-` or
    /// `.`.
    ///
    /// # Errors
    ///
    /// [`NotAMacAddress`] for anything else, and for the two addresses that no device has: all
    /// zeros, which software reports if it finds no address, and the broadcast address.
    pub fn parse(text: &str) -> Result<Self, NotAMacAddress> {
        let digits = digits(text.trim().as_bytes()).ok_or(NotAMacAddress)?;
        let mut octets = [0; 6];
        HEXLOWER_PERMISSIVE.decode_mut(&digits, &mut octets).map_err(|_| NotAMacAddress)?;
        Self::from_octets(octets)
    }

    /// Takes the six octets in transmission order.
    ///
    /// # Errors
    ///
    /// [`NotAMacAddress`] for all zeros and for the broadcast address.
    pub fn from_octets(address: [u8; 6]) -> Result<Self, NotAMacAddress> {
        if address == [0; 6] || address == [0xff; 6] {
            return Err(NotAMacAddress);
        }
        Ok(Self(address))
    }

    /// An address that no maker gave: the bit for local use is set (IEEE 802 §8.4).
    /// The others are bytes of what it stands for.
    pub(crate) fn local(others: [u8; 5]) -> Self {
        let mut octets = [2; 6];
        octets[1..].copy_from_slice(&others);
        Self(octets)
    }

    /// The six octets in transmission order.
    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

/// The twelve characters that should be digits. They are alone, or in six groups of two or three
/// groups of four, as printed by Windows, Unix and Cisco.
fn digits(text: &[u8]) -> Option<[u8; 12]> {
    let separator = text.iter().find(|byte| matches!(byte, b':' | b'-' | b'.'));
    let group = match (separator, text.len()) {
        (None, 12) => 12,
        (Some(_), 17) => 2,
        (Some(_), 14) => 4,
        _ => return None,
    };
    let (mut digits, mut rest) = ([0; 12], text);
    for into in digits.chunks_mut(group) {
        let (digits, after) = rest.split_at_checked(group)?;
        into.copy_from_slice(digits);
        rest = match after.split_first() {
            None => after,
            Some((between, after)) if Some(between) == separator => after,
            Some(_) => return None,
        };
    }
    Some(digits)
}

/// Lower case, separated by colons: the form that is stored and compared.
impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut text, mut digits) = ([b':'; 17], [0; 2]);
        for (octet, group) in self.0.iter().zip(text.chunks_mut(3)) {
            HEXLOWER.encode_mut(&[*octet], &mut digits);
            group[..2].copy_from_slice(&digits);
        }
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for MacAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is not the address of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the hardware address of a device")]
pub struct NotAMacAddress;

/// Reads an address that may be absent. `None` if the text is not an address.
///
/// An invalid address gets the same answer as a wrong one: after the first secret, not before.
pub(crate) fn offered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<MacAddress>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| MacAddress::parse(&text).ok()))
}

/// Reads an address that must be present and valid.
pub(crate) fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MacAddress, D::Error> {
    MacAddress::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_separators_do_not_matter() {
        let canonical = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
        for text in ["00-1B-44-11-3A-B7", "001b44113ab7", "001b.4411.3AB7", " 00:1B:44:11:3a:b7\n"]
        {
            assert_eq!(MacAddress::parse(text), Ok(canonical), "{text:?}");
        }
        assert_eq!(canonical.to_string(), "00:1b:44:11:3a:b7");
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in [
            "",
            "00:00:00:00:00:00",
            "FF-FF-FF-FF-FF-FF",
            "00:1b:44:11:3a",
            "00:1b:44:11:3a:b7:ff",
            "00:1b-44:11:3a:b7",
            "0:1b:44:11:3a:b7",
            "zz:1b:44:11:3a:b7",
        ] {
            assert_eq!(MacAddress::parse(text), Err(NotAMacAddress), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_text_form_survives_a_round_trip(octets in any::<[u8; 6]>()) {
            prop_assume!(octets != [0; 6] && octets != [0xff; 6]);
            prop_assert_eq!(MacAddress::parse(&MacAddress(octets).to_string()), Ok(MacAddress(octets)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
            let _parsed = MacAddress::parse(&text);
        }
    }
}
