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
}

impl Origin {
    /// A peer that has connected itself.
    #[must_use]
    pub const fn connected(address: IpAddr) -> Self {
        Self { peer: address.to_canonical(), via: None }
    }

    /// A peer that a gateway states.
    #[must_use]
    pub const fn stated(address: IpAddr, via: GatewayName) -> Self {
        Self { peer: address.to_canonical(), via: Some(via) }
    }

    /// The source that limits count it under.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::from(self.peer)
    }
}

/// As in audit rows: `peer=192.0.2.1`, or `peer=192.0.2.1 via=NAME`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer={}", self.peer)?;
        match &self.via {
            Some(gateway) => write!(f, " via={gateway}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_the_peer_and_its_gateway() {
        let address = "::ffff:192.0.2.1".parse().unwrap();
        let gateway = GatewayName::parse("portal").unwrap();
        for (origin, text) in [
            (Origin::connected(address), "peer=192.0.2.1"),
            (Origin::stated(address, gateway), "peer=192.0.2.1 via=portal"),
        ] {
            assert_eq!(origin.to_string(), text);
        }
    }
}
