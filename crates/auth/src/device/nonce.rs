//! Nonces of device proofs that do not sign the TLS exporter. A nonce is a grant, and the first
//! connection with a granted command that relies on it spends it. The proof of a browser is good for one
//! command, which takes the place of the connection.

use super::{CheckedClaim, Claim};
use crate::{
    authenticator::Authenticator,
    entropy,
    grant::{Grant, NotValid, Purpose},
};
use fourauth_protocol::{
    device::{Binding, DeviceNonce},
    time::UnixMillis,
};
use fourauth_store::{GrantHolder, GrantId};

/// Lifetime of a nonce, in milliseconds: 10 minutes, in which a person can type a password and take
/// pictures.
pub const NONCE_LIFETIME_MS: i64 = 600_000;

/// The nonce of a claim, and the connection that the claim was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotedNonce {
    /// The nonce that the device signed.
    pub nonce: DeviceNonce,
    /// The connection, which spends the nonce.
    pub holder: GrantHolder,
}

/// The result of checking the nonce of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NonceCheck {
    /// The channel binding has no nonce.
    NotNeeded,
    /// The channel binding needs a nonce, and the claim has none.
    Absent,
    /// The nonce is valid, unless another connection has spent it.
    Valid(GrantId, GrantHolder),
    /// The nonce is not valid.
    Refused(NotValid),
}

impl NonceCheck {
    /// True if the nonce does not prevent a proof.
    pub(crate) const fn allows_the_proof(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Valid(..))
    }
}

impl Authenticator {
    /// A nonce for one device proof within [`NONCE_LIFETIME_MS`], on any connection.
    #[must_use]
    pub fn device_nonce(&self, now: UnixMillis) -> DeviceNonce {
        let (purpose, random) = (Purpose::DeviceProof, entropy::public_bytes());
        let grant = self.grants().issue(&purpose, now, NONCE_LIFETIME_MS, random);
        DeviceNonce::from_bytes(*grant.as_bytes())
    }

    /// Checks the nonce of a claim at the time `at`. This does not depend on the account.
    pub(crate) fn check_nonce(&self, claim: Claim, at: UnixMillis) -> CheckedClaim {
        let nonce = match (claim.binding, claim.nonce) {
            (Binding::TlsExporter, _) => NonceCheck::NotNeeded,
            (Binding::Certificate | Binding::Web, None) => NonceCheck::Absent,
            (Binding::Certificate | Binding::Web, Some(QuotedNonce { nonce, holder })) => {
                let grant = Grant::from_bytes(*nonce.as_bytes());
                match self.check_grant(&grant, &Purpose::DeviceProof, at) {
                    Ok(id) => NonceCheck::Valid(id, holder),
                    Err(not_valid) => NonceCheck::Refused(not_valid),
                }
            }
        };
        CheckedClaim { account: claim.username.clone(), claim, nonce }
    }
}
