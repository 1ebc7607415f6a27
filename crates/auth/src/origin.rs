//! The origin of a command: the peer that sent it, and the gateway that states this peer, if there
//! is one.
//!
//! Limits, penalties, places and rows use the address here. The address of a gateway's connection
//! is not part of it, so no code can take that one for the peer's.

use crate::source::Source;
use fourauth_protocol::gateway::GatewayName;
use std::{fmt, net::IpAddr};

/// The origin of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The address of the peer, without the IPv6 form of an IPv4 address.
    pub peer: IpAddr,
    /// The gateway that states the address. `None` if the peer has connected itself.
    pub via: Option<GatewayName>,
    /// True if the command arrived without TLS. Anyone on the path can read and change it.
    pub is_plain: bool,
}

impl Origin {
    /// A peer that has connected itself.
    #[must_use]
    pub const fn connected(address: IpAddr) -> Self {
        Self { peer: address.to_canonical(), via: None, is_plain: false }
    }

    /// A peer that a gateway states.
    #[must_use]
    pub const fn stated(address: IpAddr, via: GatewayName) -> Self {
        Self { peer: address.to_canonical(), via: Some(via), is_plain: false }
    }

    /// The same origin, without TLS.
    #[must_use]
    pub fn without_tls(self) -> Self {
        Self { is_plain: true, ..self }
    }

    /// The source that limits count it under.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::from(self.peer)
    }
}

/// As in audit rows: `peer=192.0.2.1`, `peer=192.0.2.1 via=NAME`, or `peer=192.0.2.1 tls=off`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer={}", self.peer)?;
        if let Some(gateway) = &self.via {
            write!(f, " via={gateway}")?;
        }
        f.write_str(if self.is_plain { " tls=off" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_the_peer_its_gateway_and_a_lack_of_tls() {
        let address = "::ffff:192.0.2.1".parse().unwrap();
        let gateway = GatewayName::parse("portal").unwrap();
        for (origin, text) in [
            (Origin::connected(address), "peer=192.0.2.1"),
            (Origin::connected(address).without_tls(), "peer=192.0.2.1 tls=off"),
            (Origin::stated(address, gateway), "peer=192.0.2.1 via=portal"),
        ] {
            assert_eq!(origin.to_string(), text);
        }
    }
}
