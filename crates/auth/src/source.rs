//! Where connections come from, as far as limits tell places apart.
//!
//! A source is an IPv4 address, or an IPv6 /56: what one customer is usually given (RFC 6177 §2), so
//! that 2^72 addresses do not make as many newcomers. It decides nothing, and it is no identity: many
//! people may stand behind one, and one person may come from many.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// Bits of an IPv6 address that tell sources apart.
const V6_PREFIX: u32 = 56;

/// An IPv4 address, or the first 56 bits of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    /// An IPv4 address that was mapped into IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address.
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << (u128::BITS - V6_PREFIX));
                Self(Ipv6Addr::from_bits(network).into())
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/{V6_PREFIX}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn every_ipv4_address_is_its_own_source_however_it_is_written() {
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_ne!(source("0.0.0.0"), source("::"));
    }

    #[test]
    fn neighbours_in_one_ipv6_prefix_are_one_source() {
        assert_eq!(source("2001:db8:0:100::1"), source("2001:db8:0:1ff:ffff:ffff:ffff:ffff"));
        assert_ne!(source("2001:db8:0:100::1"), source("2001:db8:0:200::1"));
    }

    #[test]
    fn a_source_is_shown_as_address_or_prefix() {
        assert_eq!(source("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(source("2001:db8:0:1ff::7").to_string(), "2001:db8:0:100::/56");
    }
}
