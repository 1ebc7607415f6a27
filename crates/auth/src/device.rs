//! Which device speaks: what it claims of itself, and what it has proved.
//!
//! A MAC address is a label that anybody can copy. A device that has a key signs the TLS connection
//! it speaks over; a signature from another connection, or for another name, is worth nothing.

use crate::rules::identification::ClaimFacts;
use fourauth_factors::{Finding, device};
use fourauth_protocol::{
    device::{Binding, DeviceId, DeviceKey, DeviceSignature, message},
    mac_address::MacAddress,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{KnownDevice, Place, Subject};

/// What a peer said of its device on this connection.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The account that it speaks for.
    pub username: Username,
    /// What the device calls itself.
    pub mac: Option<MacAddress>,
    /// Which key.
    pub id: DeviceId,
    /// Over the connection, the name and the address.
    pub signature: DeviceSignature,
    /// How the connection is named in what was signed.
    pub binding: Binding,
    /// That name, as this end of the connection sees it; empty if there is none.
    pub channel: Vec<u8>,
}

/// What has been proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing was claimed.
    Unclaimed,
    /// A device of the account speaks.
    Proven { id: DeviceId, mac: MacAddress, binding: Binding, trusted_from: UnixMillis },
    /// The claim does not hold, or is about a device that the account does not trust.
    Unproven,
}

/// The device, as far as an attempt is concerned.
#[derive(Debug, Clone)]
pub(crate) struct Speaker {
    pub(crate) proof: Proof,
    /// Where it speaks from, if that tells one peer from another.
    pub(crate) place: Option<Place>,
    claim: Option<Claim>,
}

/// What claims about devices that are not known are checked against, so that they cost what others
/// cost: the base point of the curve (RFC 8032 §5.1). What is found is of no consequence.
fn nobodys() -> DeviceKey {
    let mut point = [0x66; 32];
    point[0] = 0x58;
    DeviceKey::from_bytes(point).expect("the base point is of the curve's prime order")
}

impl Claim {
    fn is_signed_by(&self, key: &DeviceKey) -> bool {
        let Some(mac) = self.mac else { return false };
        let message = message(&self.channel, &self.username, mac);
        device::is_signed(key, &message, &self.signature)
    }

    /// What it is worth against `device`, which is bound to the account `name`. The signature is
    /// checked in any case, so that an unknown device takes as long as a known one.
    fn facts(&self, device: Option<&KnownDevice>, name: &Username) -> ClaimFacts {
        let key = device.map_or_else(nobodys, |device| device.key);
        ClaimFacts {
            is_signed: self.is_signed_by(&key),
            is_bound: device.is_some(),
            is_for_this_account: self.username == *name,
            is_for_this_connection: !self.channel.is_empty(),
            has_bound_address: device.is_some_and(|device| self.mac == Some(device.mac)),
        }
    }
}

impl Speaker {
    /// Checks a claim about the account of `subject`.
    pub(crate) fn identify(subject: &Subject, claim: Option<Claim>, place: Option<Place>) -> Self {
        let proof = match &claim {
            None => Proof::Unclaimed,
            Some(claim) => {
                let facts = claim.facts(subject.device.as_ref(), &subject.username);
                match subject.device {
                    Some(KnownDevice { mac, trusted_from, .. }) if facts.proves_the_device() => {
                        Proof::Proven { id: claim.id, mac, binding: claim.binding, trusted_from }
                    }
                    Some(_) | None => Proof::Unproven,
                }
            }
        };
        Self { proof, place, claim }
    }

    /// Whether a device of the account speaks.
    pub(crate) const fn is_proven(&self) -> bool {
        matches!(self.proof, Proof::Proven { .. })
    }

    /// What is known of it, if it is the account's: its address, and the key it has proved to hold.
    pub(crate) const fn device(&self, subject: &Subject) -> (MacAddress, Option<DeviceId>) {
        match self.proof {
            Proof::Proven { id, mac, .. } => (mac, Some(id)),
            Proof::Unclaimed | Proof::Unproven => (subject.mac, None),
        }
    }

    /// The key that it has proved to hold.
    pub(crate) const fn key(&self) -> Option<DeviceId> {
        match self.proof {
            Proof::Proven { id, .. } => Some(id),
            Proof::Unclaimed | Proof::Unproven => None,
        }
    }

    /// From when on that key is trusted.
    pub(crate) const fn key_trusted_from(&self) -> Option<UnixMillis> {
        match self.proof {
            Proof::Proven { trusted_from, .. } => Some(trusted_from),
            Proof::Unclaimed | Proof::Unproven => None,
        }
    }

    /// Where an answer goes that only it may have: to its key, wherever it is, or to its place.
    pub(crate) fn addressee(&self) -> Option<Place> {
        self.key().map(Place::of_device).or(self.place)
    }

    /// Whether it holds the key `offered`, which the account does not know yet.
    pub(crate) fn holds(&self, offered: &DeviceKey, name: &Username) -> bool {
        self.claim.as_ref().is_some_and(|claim| {
            let is_here = !claim.channel.is_empty() && claim.username == *name;
            claim.id == offered.id() && claim.is_signed_by(offered) && is_here
        })
    }

    /// Whether this is the device of `subject`, if it calls itself `mac`.
    pub(crate) fn check(
        &self,
        subject: &Subject,
        mac: Option<MacAddress>,
        needs_key: bool,
    ) -> Finding {
        match self.proof {
            Proof::Proven { mac: bound, .. } => device::check(mac, bound),
            Proof::Unclaimed | Proof::Unproven => match device::check(mac, subject.mac) {
                Finding::Match if needs_key => Finding::Missing,
                finding => finding,
            },
        }
    }

    /// For the audit log: what the finding rests on.
    pub(crate) const fn rests_on(&self) -> &'static str {
        match self.proof {
            Proof::Proven { binding: Binding::TlsExporter, .. } => "key,tls-exporter",
            Proof::Proven { binding: Binding::Certificate, .. } => "key,certificate",
            Proof::Unclaimed => "address",
            Proof::Unproven => "address,unproven",
        }
    }
}
