//! Whether the device is the one the account is bound to, by the name it gives.
//!
//! A MAC address is a label that anybody can copy; what proves a device is a key.

use crate::Finding;
use fourauth_protocol::mac_address::MacAddress;
use subtle::ConstantTimeEq as _;

/// Compares the offered address with the bound one.
#[must_use]
pub fn check(offered: Option<MacAddress>, bound: MacAddress) -> Finding {
    offered.map_or(Finding::Missing, |offered| {
        Finding::from_match(offered.octets().ct_eq(&bound.octets()).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bound_address_matches() {
        let bound = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
        let other = MacAddress::parse("00:1b:44:11:3a:b8").unwrap();
        assert_eq!(check(Some(bound), bound), Finding::Match);
        assert_eq!(check(Some(other), bound), Finding::Mismatch);
        assert_eq!(check(None, bound), Finding::Missing);
    }
}
