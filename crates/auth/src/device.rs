//! Which device speaks: what it claims of itself, and what it has proved.
//!
//! A MAC address is a label that anybody can copy. A device that has a key signs the TLS connection
//! it speaks over; a signature from another connection, or for another name, is worth nothing.

use fourauth_factors::{Finding, device};
use fourauth_protocol::{
    device::{Binding, DeviceId, DeviceKey, DeviceSignature, message},
    mac_address::MacAddress,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{KnownDevice, Lane, Place, Subject};

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
    /// Where it speaks from.
    pub(crate) place: Place,
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
    fn is_signed_by(&self, key: &DeviceKey, name: &Username) -> bool {
        let Some(mac) = self.mac else { return false };
        let message = message(&self.channel, &self.username, mac);
        let signed = device::is_signed(key, &message, &self.signature);
        // Last, so that it is not what decides how long this takes.
        signed && !self.channel.is_empty() && self.username == *name
    }
}

impl Speaker {
    /// Checks a claim about the account of `subject`.
    pub(crate) fn identify(subject: &Subject, claim: Option<Claim>, place: Place) -> Self {
        let proof = match &claim {
            None => Proof::Unclaimed,
            Some(claim) => {
                let key = subject.device.map_or_else(nobodys, |device| device.key);
                let signed = claim.is_signed_by(&key, &subject.username);
                match subject.device {
                    Some(device) if signed && claim.mac == Some(device.mac) => {
                        let KnownDevice { mac, trusted_from, .. } = device;
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

    /// Who it is counted together with.
    pub(crate) fn lane(&self, subject: &Subject) -> Lane {
        let known = match self.proof {
            Proof::Proven { .. } => true,
            Proof::Unclaimed | Proof::Unproven => !subject.keyed && subject.been_here.is_some(),
        };
        if known { Lane::Known } else { Lane::Unknown }
    }

    /// From when on it may change factors at once, if it is known: having got in once from somewhere
    /// is not to be a way around waiting.
    pub(crate) fn trusted_from(&self, subject: &Subject) -> Option<UnixMillis> {
        match self.proof {
            Proof::Proven { trusted_from, .. } => Some(trusted_from),
            Proof::Unclaimed | Proof::Unproven => {
                subject.been_here.filter(|_| !subject.keyed).map(|place| place.trusted_from)
            }
        }
    }

    /// Whether it holds the key `offered`, which the account does not know yet.
    pub(crate) fn holds(&self, offered: &DeviceKey, name: &Username) -> bool {
        self.claim
            .as_ref()
            .is_some_and(|claim| claim.id == offered.id() && claim.is_signed_by(offered, name))
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
