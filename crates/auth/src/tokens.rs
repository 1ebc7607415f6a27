//! Tokens of sessions, and the master tokens that the store knows them by.
//!
//! A master token is HMAC-SHA-256 over the token and everything that its session is bound to: a MAC
//! address, the address of the peer, and the key of a device. A token that is shown from elsewhere
//! has another master token, so no session is found. The key is derived from the pepper of the
//! keyring, because a token cannot be hashed again when keys rotate.

use crate::mac_key::MacKey;
use fourauth_protocol::{
    device::DeviceId,
    mac_address::MacAddress,
    secret::Secret,
    token::{self, BaseToken},
};
use fourauth_store::MasterToken;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the address of a session is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressBinding {
    /// The whole address.
    Exact,
    /// The first 24 bits of an IPv4 address, or the first 56 of an IPv6 address.
    Prefix,
    /// Nothing: a session may move between networks.
    Off,
}

/// How long sessions last, and what they are bound to.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Time from a login or a renewal to the next renewal, in milliseconds.
    pub lifetime_ms: i64,
    /// Time from a login to the end of its session, in milliseconds, however often it is renewed.
    pub session_ms: i64,
    /// What the address of the peer is compared by.
    pub address: AddressBinding,
    /// The prefix of tokens.
    pub prefix: String,
}

/// Makes tokens and master tokens.
#[derive(Debug)]
pub struct Tokens {
    key: MacKey,
    /// Makes and verifies check tokens.
    checks: MacKey,
    settings: TokenSettings,
}

/// What a session is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) mac: Option<MacAddress>,
    pub(crate) peer: IpAddr,
    pub(crate) device: Option<DeviceId>,
}

/// First parts of the messages, so that no MAC is taken for one of the other kind.
const MASTER: &[u8] = b"fourauth-master-token-v1";
const SUCCESSOR: &[u8] = b"fourauth-successor-v1";

impl Tokens {
    /// Derives the keys from the pepper.
    #[must_use]
    pub fn new(pepper: &Secret<[u8; 32]>, settings: TokenSettings) -> Self {
        let pepper = MacKey::new(pepper.expose());
        let key = pepper.derive(b"fourauth-session-key-v1");
        let checks = pepper.derive(b"fourauth-check-key-v1");
        Self { key, checks, settings }
    }

    /// The key of check tokens.
    pub(crate) const fn check_key(&self) -> &MacKey {
        &self.checks
    }

    /// The settings.
    pub(crate) const fn settings(&self) -> &TokenSettings {
        &self.settings
    }

    /// The text of a token, with the configured prefix.
    pub(crate) fn text(&self, token: &BaseToken) -> Secret<String> {
        token.text(&self.settings.prefix)
    }

    /// The master token of a token that is shown under these circumstances.
    pub(crate) fn master(&self, token: &BaseToken, bound: &Bound) -> MasterToken {
        let mac = bound.mac.map(|mac| mac.to_string()).unwrap_or_default();
        let peer = self.settings.address.part(bound.peer);
        let device = bound.device.map(|id| id.to_string()).unwrap_or_default();
        let token = &token.as_bytes().expose()[..];
        self.key.code([MASTER, token, mac.as_bytes(), peer.as_bytes(), device.as_bytes()])
    }

    /// True if a session that was opened at one of two addresses may be used at the other one.
    pub(crate) fn is_same_place(&self, one: IpAddr, other: IpAddr) -> bool {
        let part = |address| self.settings.address.part(address);
        part(one) == part(other)
    }

    /// The token that takes over from `token`. It is always the same, so that a lost answer can be
    /// sent again although the server keeps no token.
    pub(crate) fn successor(&self, token: &BaseToken) -> BaseToken {
        BaseToken::from_bytes(self.key.code([SUCCESSOR, &token.as_bytes().expose()[..]]))
    }
}

impl AddressBinding {
    /// The part of an address that sessions are bound to.
    fn part(self, address: IpAddr) -> String {
        let address = address.to_canonical();
        match (self, address) {
            (Self::Exact, address) => address.to_string(),
            (Self::Prefix, IpAddr::V4(address)) => {
                Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8)).to_string()
            }
            (Self::Prefix, IpAddr::V6(address)) => {
                Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 72)).to_string()
            }
            (Self::Off, _) => String::new(),
        }
    }
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            lifetime_ms: 3_600_000,
            session_ms: 86_400_000,
            address: AddressBinding::Exact,
            prefix: token::PREFIX.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(address: AddressBinding) -> Tokens {
        let settings = TokenSettings { address, ..TokenSettings::default() };
        Tokens::new(&Secret::new([1; 32]), settings)
    }

    fn bound(peer: &str) -> Bound {
        Bound {
            mac: MacAddress::parse("00:1b:44:11:3a:b7").ok(),
            peer: peer.parse().unwrap(),
            device: None,
        }
    }

    #[test]
    fn a_session_is_bound_to_all_that_it_was_opened_with() {
        let tokens = tokens(AddressBinding::Exact);
        let (token, here) = (BaseToken::from_bytes([7; 32]), bound("192.0.2.1"));
        let master = tokens.master(&token, &here);
        assert_eq!(master, tokens.master(&token, &here));
        for other in [
            tokens.master(&BaseToken::from_bytes([8; 32]), &here),
            tokens.master(&token, &bound("192.0.2.2")),
            tokens.master(&token, &Bound { mac: None, ..here }),
            tokens.master(&token, &Bound { device: Some(DeviceId::from_bytes([1; 16])), ..here }),
            Tokens::new(&Secret::new([2; 32]), TokenSettings::default()).master(&token, &here),
        ] {
            assert_ne!(master, other);
        }
    }

    #[test]
    fn the_address_is_compared_as_an_operator_chose() {
        let token = BaseToken::from_bytes([7; 32]);
        for (binding, one, other, is_same) in [
            (AddressBinding::Exact, "192.0.2.1", "192.0.2.2", false),
            (AddressBinding::Exact, "192.0.2.1", "::ffff:192.0.2.1", true),
            (AddressBinding::Prefix, "192.0.2.1", "192.0.2.254", true),
            (AddressBinding::Prefix, "192.0.2.1", "192.0.3.1", false),
            (AddressBinding::Prefix, "2001:db8:0:1ff::1", "2001:db8:0:100::2", true),
            (AddressBinding::Prefix, "2001:db8:0:1ff::1", "2001:db8:0:200::1", false),
            (AddressBinding::Off, "192.0.2.1", "2001:db8::1", true),
        ] {
            let tokens = tokens(binding);
            let master = |peer| tokens.master(&token, &bound(peer));
            assert_eq!(master(one) == master(other), is_same, "{binding:?} {one} {other}");
        }
    }

    #[test]
    fn a_successor_is_repeatable_and_another_token() {
        let tokens = tokens(AddressBinding::Exact);
        let (one, other) = (BaseToken::from_bytes([7; 32]), BaseToken::from_bytes([8; 32]));
        let successor = |token| *tokens.successor(token).as_bytes().expose();
        assert_eq!(successor(&one), successor(&one));
        assert_ne!(successor(&one), successor(&other));
        assert_ne!(successor(&one), [7; 32]);
        assert_ne!(successor(&one), tokens.master(&one, &bound("192.0.2.1")));
    }
}
