//! How much a peer is told.

use crate::device::Claim;
use fourauth_protocol::device::Binding;
use serde::{Deserialize, Serialize};

/// A set of answers to the question of how much security may cost in convenience.
///
/// `docs/THREATS.md` tables what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A client written from 4Auth's documents works unchanged.
    #[default]
    Secure,
    /// One text whichever factor failed; no decision without trusted time.
    Strict,
}

impl Profile {
    /// Whether such a claim about a device is looked at. Whoever has the certificate's key could
    /// pass on one that is tied to the certificate.
    pub(crate) const fn takes(self, claim: &Claim) -> bool {
        match (self, claim.binding) {
            (Self::Secure, _) | (Self::Strict, Binding::TlsExporter) => true,
            (Self::Strict, Binding::Certificate) => false,
        }
    }
}
