//! Device proofs of the peers behind one gateway: each holds for later commands of the same peer
//! and account.

use fourauth_auth::device::Claim;
use fourauth_protocol::{
    command::{Command, ProveDevice},
    device::Binding,
};
use std::{collections::VecDeque, net::IpAddr};

/// Proofs that one connection keeps. Each is less than a KiB.
const MAX_CLAIMS: usize = 1024;

/// The proofs of one connection, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Claims(VecDeque<(IpAddr, Claim)>);

impl Claims {
    /// Keeps a proof, in the place of an earlier one of the same peer and account. Beyond the bound
    /// the oldest is dropped.
    pub(super) fn keep(&mut self, peer: IpAddr, claim: Claim) {
        self.0.retain(|(other, kept)| *other != peer || kept.username != claim.username);
        if self.0.len() >= MAX_CLAIMS {
            self.0.pop_front();
        }
        self.0.push_back((peer, claim));
    }

    /// The proof that holds for a command of this peer.
    pub(super) fn of(&self, peer: IpAddr, command: &Command) -> Option<Claim> {
        let (account, _) = command.sender()?;
        let is_for =
            |(other, claim): &&(IpAddr, Claim)| *other == peer && claim.username == *account;
        self.0.iter().find(is_for).map(|(_, claim)| claim.clone())
    }
}

/// The claim of a peer behind a gateway, or `None` if its binding names the connection of the
/// gateway. The peer has not signed that connection, so such a proof says nothing about its device.
pub(super) const fn of_stated_peer(proof: &ProveDevice) -> Option<Claim> {
    match proof.binding {
        Binding::TlsExporter | Binding::Certificate => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::{
        command::Login,
        device::{DeviceId, DeviceSignature},
        username::Username,
    };

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn claim(name: &str, key: u8) -> Claim {
        Claim {
            username: Username::parse(name).unwrap(),
            mac: None,
            id: DeviceId::from_bytes([key; 16]),
            signature: DeviceSignature::from_bytes([0; 64]),
            binding: Binding::TlsExporter,
            channel: Vec::new(),
            nonce: None,
        }
    }

    fn key(claims: &Claims, peer: IpAddr, name: &str) -> Option<DeviceId> {
        let login = Login::new(Username::parse(name).unwrap(), "p".to_owned());
        claims.of(peer, &Command::Login(login)).map(|claim| claim.id)
    }

    #[test]
    fn a_proof_holds_for_its_peer_and_account_only() {
        let mut claims = Claims::default();
        claims.keep(ONE, claim("alice", 1));
        claims.keep(OTHER, claim("bob", 2));
        assert_eq!(key(&claims, ONE, "alice"), Some(DeviceId::from_bytes([1; 16])));
        assert_eq!(key(&claims, OTHER, "bob"), Some(DeviceId::from_bytes([2; 16])));
        assert_eq!((key(&claims, OTHER, "alice"), key(&claims, ONE, "bob")), (None, None));
    }

    #[test]
    fn the_last_proof_of_a_peer_and_account_counts() {
        let mut claims = Claims::default();
        claims.keep(ONE, claim("alice", 1));
        claims.keep(ONE, claim("alice", 2));
        assert_eq!(key(&claims, ONE, "alice"), Some(DeviceId::from_bytes([2; 16])));
        assert_eq!(claims.0.len(), 1);
    }

    #[test]
    fn beyond_the_bound_the_oldest_proof_is_dropped() {
        let mut claims = Claims::default();
        for number in 0..=MAX_CLAIMS {
            claims.keep(ONE, claim(&format!("u{number}"), 1));
        }
        assert_eq!(claims.0.len(), MAX_CLAIMS);
        assert_eq!(key(&claims, ONE, "u0"), None);
        assert!(key(&claims, ONE, "u1").is_some());
    }
}
