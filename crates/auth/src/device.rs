//! Device identification: the claim that a peer makes, and what it has proved.
//!
//! A MAC address is a label that any peer can copy. A device with a key signs the channel binding
//! of its TLS connection; a signature for another connection or another account name is not valid. Once
//! the key is proved, the address is only checked where the operator wants that (`AddressRule`).

pub mod nonce;

use crate::{
    grant::NotValid,
    rules::identification::{AddressRule, ClaimFacts},
};
use fourauth_factors::{Finding, device};
use fourauth_protocol::{
    device::{Binding, DeviceId, DeviceKey, DeviceSignature, message},
    mac_address::MacAddress,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{GrantHolder, GrantId, KnownDevice, LoginLocation, Subject};
use nonce::{NonceCheck, QuotedNonce};
use std::fmt;

/// The claim that a peer made about its device on this connection.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The account that the device claims to belong to.
    pub username: Username,
    /// The MAC address that the device reports.
    pub mac: Option<MacAddress>,
    /// The id of the device's key.
    pub id: DeviceId,
    /// The signature over the channel binding, the account name and the MAC address.
    pub signature: DeviceSignature,
    /// The kind of channel binding that was signed.
    pub binding: Binding,
    /// The value of that channel binding on the server's side; empty if the connection has none.
    pub channel: Vec<u8>,
    /// The nonce that is part of that value, if the binding has one.
    pub nonce: Option<QuotedNonce>,
}

/// A claim with a nonce that has been checked.
#[derive(Debug, Clone)]
pub(crate) struct CheckedClaim {
    pub(crate) claim: Claim,
    /// The account that the signed name stands for: the same name, or that of the account with a signed
    /// address.
    pub(crate) account: Username,
    pub(crate) nonce: NonceCheck,
}

/// The result of checking a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The peer made no claim.
    Unclaimed,
    /// The claim proves a device of the account, with the address that the device claims now and the
    /// one that it was bound with.
    Proven {
        id: DeviceId,
        mac: MacAddress,
        bound: MacAddress,
        binding: Binding,
        trusted_from: UnixMillis,
    },
    /// The claim is not valid, or its device is not bound to the account.
    Unproven,
}

/// The device of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct DeviceContext {
    pub(crate) proof: Proof,
    /// The place of the device, if its address is not shared.
    pub(crate) place: Option<LoginLocation>,
    claim: Option<CheckedClaim>,
}

/// The key that claims about unknown devices are checked with, so that they cost as much as others:
/// the base point of the curve (RFC 8032 §5.1). The result is ignored.
pub(crate) fn decoy_key() -> DeviceKey {
    let mut point = [0x66; 32];
    point[0] = 0x58;
    DeviceKey::from_bytes(point).expect("the base point has the curve's prime order")
}

impl Claim {
    fn is_signed_by(&self, key: &DeviceKey) -> bool {
        let Some(mac) = self.mac else { return false };
        let message = message(&self.channel, &self.username, mac);
        device::is_signed(key, &message, &self.signature)
    }
}

impl CheckedClaim {
    /// Compares the claim with `device`, which is bound to the account `name`. The signature is
    /// always checked, so that an unknown device takes as long as a known one.
    fn facts(
        &self,
        device: Option<&KnownDevice>,
        name: &Username,
        rule: AddressRule,
    ) -> ClaimFacts {
        let Self { claim, account, nonce } = self;
        let key = device.map_or_else(decoy_key, |device| device.key);
        ClaimFacts {
            is_signed: claim.is_signed_by(&key),
            is_bound: device.is_some(),
            is_for_this_account: account == name,
            is_for_this_connection: !claim.channel.is_empty(),
            has_valid_nonce: nonce.allows_the_proof(),
            has_allowed_address: device.is_some_and(|device| match claim.binding {
                Binding::Web => claim.mac == Some(device.key.label()),
                _ => rule.allows(claim.mac, device.mac),
            }),
        }
    }
}

/// True if a claim proves `device`, which belongs to the account `name`.
pub(crate) fn proves(
    claim: &CheckedClaim,
    device: &KnownDevice,
    name: &Username,
    rule: AddressRule,
) -> bool {
    claim.facts(Some(device), name, rule).proves_the_device()
}

/// Another MAC address of a device that has proved its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The address that the device was bound with, or had at its last use.
    pub(crate) from: MacAddress,
    /// The address that it has proved with its key.
    pub(crate) to: MacAddress,
}

/// For the audit log: ` address=02:11:22:33:44:55(was 00:1b:44:11:3a:b7)`.
impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, " address={to}(was {from})")
    }
}

/// Compares a claim with the device that the account of `subject` has under its key.
fn proof(subject: &Subject, checked: &CheckedClaim, rule: AddressRule) -> Proof {
    let facts = checked.facts(subject.device.as_ref(), &subject.username, rule);
    let Claim { id, binding, mac, .. } = checked.claim;
    match (&subject.device, mac) {
        (Some(known), Some(mac)) if facts.proves_the_device() => {
            let KnownDevice { mac: bound, trusted_from, .. } = *known;
            Proof::Proven { id, mac, bound, binding, trusted_from }
        }
        _ => Proof::Unproven,
    }
}

impl DeviceContext {
    /// Checks a claim about the account of `subject`.
    pub(crate) fn identify(
        subject: &Subject,
        claim: Option<CheckedClaim>,
        place: Option<LoginLocation>,
        rule: AddressRule,
    ) -> Self {
        let proof = claim.as_ref().map_or(Proof::Unclaimed, |claim| proof(subject, claim, rule));
        Self { proof, place, claim }
    }

    /// True if a device of the account has proved its key.
    pub(crate) const fn is_proven(&self) -> bool {
        matches!(self.proof, Proof::Proven { .. })
    }

    /// The address that the proven device has now and the one that it was bound with, if they differ.
    pub(crate) fn moved(&self) -> Option<Moved> {
        match self.proof {
            Proof::Proven { mac, bound, .. } if mac != bound => {
                Some(Moved { from: bound, to: mac })
            }
            Proof::Proven { .. } | Proof::Unclaimed | Proof::Unproven => None,
        }
    }

    /// The MAC address of the proven device and the id of its key; without one, the registered
    /// address.
    pub(crate) const fn address_and_key(
        &self,
        subject: &Subject,
    ) -> (MacAddress, Option<DeviceId>) {
        match self.proof {
            Proof::Proven { id, mac, .. } => (mac, Some(id)),
            Proof::Unclaimed | Proof::Unproven => (subject.mac, None),
        }
    }

    /// The id of the proven key.
    pub(crate) const fn key(&self) -> Option<DeviceId> {
        match self.proof {
            Proof::Proven { id, .. } => Some(id),
            Proof::Unclaimed | Proof::Unproven => None,
        }
    }

    /// The time from which the proven key is trusted.
    pub(crate) const fn key_trusted_from(&self) -> Option<UnixMillis> {
        match self.proof {
            Proof::Proven { trusted_from, .. } => Some(trusted_from),
            Proof::Unclaimed | Proof::Unproven => None,
        }
    }

    /// The addressee of a confidential answer: the proven key, or else the place.
    pub(crate) fn addressee(&self) -> Option<LoginLocation> {
        self.key().map(LoginLocation::of_device).or(self.place)
    }

    /// True if the device proves that it holds the key `offered`, which is not bound yet.
    pub(crate) fn holds(&self, offered: &DeviceKey, name: &Username) -> bool {
        self.claim.as_ref().is_some_and(|CheckedClaim { claim, account, nonce }| {
            let is_here = !claim.channel.is_empty() && account == name;
            let is_labelled = claim.binding != Binding::Web || claim.mac == Some(offered.label());
            let is_valid = is_here && is_labelled && nonce.allows_the_proof();
            claim.id == offered.id() && claim.is_signed_by(offered) && is_valid
        })
    }

    /// The nonce to spend if the command is granted. A command relies on the claim if the device is
    /// proven, or if the command binds the claimed key.
    pub(crate) fn nonce_to_spend(&self, binds_the_key: bool) -> Option<(GrantId, GrantHolder)> {
        let checked = self.claim.as_ref().filter(|_| self.is_proven() || binds_the_key)?;
        match checked.nonce {
            NonceCheck::Valid(grant, holder) => Some((grant, holder)),
            NonceCheck::NotNeeded | NonceCheck::Absent | NonceCheck::Refused(_) => None,
        }
    }

    /// Checks that this is a device of `subject`, if it reports the address `mac`.
    pub(crate) fn check(&self, subject: &Subject, mac: MacAddress, needs_key: bool) -> Finding {
        match self.proof {
            Proof::Proven { mac: proved, .. } => device::check(Some(mac), proved),
            Proof::Unclaimed | Proof::Unproven if !subject.enrolled.device => Finding::Mismatch,
            Proof::Unclaimed | Proof::Unproven => match device::check(Some(mac), subject.mac) {
                Finding::Match if needs_key => Finding::Missing,
                finding => finding,
            },
        }
    }

    /// Checks that the device has proved a key of the account.
    pub(crate) const fn check_key(&self) -> Finding {
        match self.proof {
            Proof::Proven { .. } => Finding::Match,
            Proof::Unproven => Finding::Mismatch,
            Proof::Unclaimed => Finding::Missing,
        }
    }

    /// For the audit log: the proof that the finding is based on.
    pub(crate) fn rests_on(&self) -> &'static str {
        let nonce = self.claim.as_ref().map(|checked| checked.nonce);
        match self.proof {
            Proof::Proven { binding: Binding::TlsExporter, .. } => "key,tls-exporter",
            Proof::Proven { binding: Binding::Certificate, .. } => "key,certificate",
            Proof::Proven { binding: Binding::Web, .. } => "key,web",
            Proof::Unclaimed => "address",
            Proof::Unproven => match nonce {
                Some(NonceCheck::Refused(NotValid::Expired)) => "address,nonce-expired",
                Some(NonceCheck::Refused(NotValid::Foreign)) => "address,nonce-foreign",
                _ => "address,unproven",
            },
        }
    }
}
