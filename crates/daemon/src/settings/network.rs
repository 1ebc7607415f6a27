//! Networks in settings: `192.0.2.0/24`, `2001:db8::/32`, or a single address.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address and the length of its prefix in bits (RFC 4632 §3.1, RFC 4291 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Network(IpNet);

/// Why a text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// Neither an address nor an address and a number.
    #[error("a network is written as ADDRESS or ADDRESS/BITS")]
    Syntax,
    /// The prefix is longer than the address, or bits after the prefix are set. This is a typing
    /// error; guessing the intended network could exempt very many addresses.
    #[error("a network must have no bits set after its prefix, as in 192.0.2.0/24")]
    Bits,
    /// An IPv4-mapped IPv6 address. Peers are compared by their IPv4 address.
    #[error("write an IPv4 address in IPv4 notation")]
    Mapped,
}

impl Network {
    /// The machine itself (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    pub const LOOPBACK: [Self; 2] = [
        Self(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8))),
        Self(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128))),
    ];

    /// True if the networks have an address in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.contains(&other.0.network()) || other.0.contains(&self.0.network())
    }

    /// True if the network contains the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| NotANetwork::Syntax)?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NotANetwork::Syntax)?,
            None => IpNet::from(first).max_prefix_len(),
        };
        if first != first.to_canonical() {
            return Err(NotANetwork::Mapped);
        }
        let network = IpNet::new(first, prefix).map_err(|_| NotANetwork::Bits)?;
        if network.network() != first {
            return Err(NotANetwork::Bits);
        }
        Ok(Self(network))
    }
}

impl From<Network> for IpNet {
    fn from(network: Network) -> Self {
        network.0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Network {
    type Error = NotANetwork;

    fn try_from(text: String) -> Result<Self, NotANetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_contains_addresses_with_its_prefix() {
        let office = network("192.0.2.128/25");
        assert!(office.contains(address("192.0.2.128")));
        assert!(office.contains(address("::ffff:192.0.2.255")));
        assert!(!office.contains(address("192.0.2.127")));
        let office = network("2001:db8::/33");
        assert!(office.contains(address("2001:db8:7fff::1")));
        assert!(!office.contains(address("2001:db8:8000::1")));
    }

    #[test]
    fn an_address_alone_is_a_network_of_one() {
        assert_eq!(network("192.0.2.1").to_string(), "192.0.2.1/32");
        assert!(!network("::1").contains(address("::2")));
    }

    #[test]
    fn an_empty_prefix_contains_one_address_family() {
        assert!(network("0.0.0.0/0").contains(address("255.255.255.255")));
        assert!(!network("0.0.0.0/0").contains(address("::1")));
        assert!(network("::/0").contains(address("ffff::")));
        assert!(!network("::/0").contains(address("192.0.2.1")));
    }

    #[test]
    fn an_invalid_network_is_refused() {
        for (text, why) in [
            ("", NotANetwork::Syntax),
            ("localhost", NotANetwork::Syntax),
            ("192.0.2.0/", NotANetwork::Syntax),
            ("192.0.2.0/-1", NotANetwork::Syntax),
            ("192.0.2.0/24/8", NotANetwork::Syntax),
            ("192.0.2.0/33", NotANetwork::Bits),
            ("192.0.2.1/24", NotANetwork::Bits),
            ("::1/0", NotANetwork::Bits),
            ("::ffff:192.0.2.0/120", NotANetwork::Mapped),
        ] {
            assert_eq!(text.parse::<Network>(), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_survives_writing_and_reading(
            address: u32, prefix in 0_u8..=32
        ) {
            let first = Ipv4Net::new(address.into(), prefix).unwrap().network();
            let network: Network = format!("{first}/{prefix}").parse().unwrap();
            prop_assert!(network.contains(IpAddr::from(address.to_be_bytes())));
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
    }
}
