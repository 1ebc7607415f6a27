//! Sources and sites: the network prefixes that limits count connections by.
//!
//! A source is an IPv4 address, or an IPv6 /56, which is what one customer usually has (RFC 6177
//! §2): its 2^72 addresses count as one. A site is an IPv4 address, or an IPv6 /48, which is what
//! one organisation usually has: 256 sources. Neither decides anything, and neither is an identity:
//! many users may share one, and one user may connect from many.
//!
//! An IPv6 address that embeds the IPv4 address of a client counts as that IPv4 address. Otherwise
//! all IPv4 clients behind one translator would be one source, or one IPv4 host would be many.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Prefix length of an IPv6 source, in bits.
const SOURCE_PREFIX: u32 = 56;

/// Prefix length of an IPv6 site, in bits.
const SITE_PREFIX: u32 = 48;

/// An IPv4 address, or the first 56 bits of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(IpAddr);

/// An IPv4 address, or the first 48 bits of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(IpAddr);

impl Source {
    /// The site that the source belongs to. For IPv4, both are the address.
    #[must_use]
    pub fn site(self) -> Site {
        match self.0 {
            IpAddr::V4(_) => Site(self.0),
            IpAddr::V6(address) => Site(network(address, SITE_PREFIX)),
        }
    }

    /// True for an IPv6 network, which is one of several sources of its site.
    #[must_use]
    pub const fn is_network(self) -> bool {
        self.0.is_ipv6()
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self(address),
            IpAddr::V6(address) => match carried_ipv4(address) {
                Some(carried) => Self(carried.into()),
                None => Self(network(address, SOURCE_PREFIX)),
            },
        }
    }
}

/// The first `prefix` bits of an address. `prefix` is at least one.
fn network(address: Ipv6Addr, prefix: u32) -> IpAddr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - prefix))).into()
}

/// The IPv4 address of the client, if an IPv6 address embeds one: mapped (RFC 4291 §2.5.5.2), NAT64
/// with the well-known prefix (RFC 6052 §2.1), 6to4 (RFC 3056 §2) or Teredo (RFC 4380 §4).
fn carried_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [first, second, third, _, _, _, high, low] = address.segments();
    let carried = match (first, second) {
        (0x64, 0xff9b) if address.segments()[2..6] == [0; 4] => [high, low],
        (0x2002, _) => [second, third],
        // All bits of the client's address are inverted.
        (0x2001, 0) => [!high, !low],
        _ => return None,
    };
    let [high, low] = carried.map(u16::to_be_bytes);
    Some(Ipv4Addr::new(high[0], high[1], low[0], low[1])).filter(|address| is_public(*address))
}

/// True if a translator may embed the address: these formats are for global addresses (RFC 6052
/// §3.1, RFC 3056 §2). A local one must not be taken for this machine or a neighbour.
fn is_public(address: Ipv4Addr) -> bool {
    let is_shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64; // RFC 6598 §7
    !(address.octets()[0] == 0
        || address.is_private()
        || is_shared
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, SOURCE_PREFIX, f)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, SITE_PREFIX, f)
    }
}

fn show(network: IpAddr, prefix: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match network {
        IpAddr::V4(address) => write!(f, "{address}"),
        IpAddr::V6(network) => write!(f, "{network}/{prefix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn every_ipv4_address_is_its_own_source() {
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_ne!(source("0.0.0.0"), source("::"));
    }

    #[test]
    fn addresses_in_one_ipv6_prefix_are_one_source() {
        assert_eq!(source("2001:db8:0:100::1"), source("2001:db8:0:1ff:ffff:ffff:ffff:ffff"));
        assert_ne!(source("2001:db8:0:100::1"), source("2001:db8:0:200::1"));
    }

    #[test]
    fn a_source_is_shown_as_address_or_prefix() {
        assert_eq!(source("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(source("2001:db8:0:1ff::7").to_string(), "2001:db8:0:100::/56");
    }

    #[test]
    fn a_site_is_an_ipv4_address_or_an_ipv6_48() {
        assert_eq!(source("2001:db8:7:100::1").site(), source("2001:db8:7:ff00::1").site());
        assert_ne!(source("2001:db8:7::1").site(), source("2001:db8:8::1").site());
        assert_ne!(source("192.0.2.1").site(), source("192.0.2.2").site());
        assert_eq!(source("2001:db8:7:100::1").site().to_string(), "2001:db8:7::/48");
    }

    #[test]
    fn an_address_that_embeds_an_ipv4_client_counts_as_ipv4() {
        for (carrying, client) in [
            ("::ffff:192.0.2.33", "192.0.2.33"),
            // RFC 6052 §2.4
            ("64:ff9b::192.0.2.33", "192.0.2.33"),
            ("2002:c000:0221:7::1", "192.0.2.33"),
            ("2002:c000:0221:ffff::2", "192.0.2.33"),
            // RFC 4380 §4: the last 32 bits are the client's, inverted.
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
        ] {
            assert_eq!(source(carrying), source(client), "{carrying}");
        }
    }

    #[test]
    fn an_address_that_embeds_no_public_ipv4_stays_ipv6() {
        for address in [
            "64:ff9b:1::192.0.2.33",
            "64:ff9b::1:192.0.2.33",
            "2001:1::3fff:fdd2",
            "2003:c000:221::1",
            // These formats do not embed local addresses.
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "2002:6440:1::1",
            "2001:0:4136:e378:8000:63bf:80ff:fffe",
        ] {
            assert!(source(address).is_network(), "{address}");
        }
    }
}
