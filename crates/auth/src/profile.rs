//! Security profiles: how much an answer reveals, and which proofs are required.

use fourauth_protocol::device::Binding;
use serde::{Deserialize, Serialize};

/// A trade-off between security and convenience.
///
/// `docs/THREATS.md` has a table of the differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A client written from 4Auth's documents logs in unchanged.
    #[default]
    Secure,
    /// One text for every failed factor; no decision without trusted time.
    Strict,
}

impl Profile {
    /// True if the profile accepts device claims with this channel binding. A claim that is bound to
    /// the server certificate can be relayed by a holder of the certificate's key. Only a proved gateway
    /// states a claim of a browser.
    pub(crate) const fn accepts(self, binding: Binding) -> bool {
        match (self, binding) {
            (Self::Secure, _) | (Self::Strict, Binding::TlsExporter | Binding::Web) => true,
            (Self::Strict, Binding::Certificate) => false,
        }
    }
}
