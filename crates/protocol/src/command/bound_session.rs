//! 188 and 189: bind a session to a key of its browser, and renew the token of such a session.

use crate::{
    secret::{self, Secret},
    session_proof::SessionProof,
};
use serde::{Deserialize, Serialize};

/// 188: binds the session of a browser to a key that only the browser holds. From then on its token lives
/// for ten minutes, and 189 renews it. It is for the web portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BindSession {
    /// The token of the session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The browser's signature over the `session_challenge` of the sign-in, with its public key.
    #[serde(rename = "session_proof")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub proof: SessionProof,
}

/// 189: renews the token of a session that is bound to a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RenewSession {
    /// The id of the session, as 188 returns it.
    pub session: String,
    /// The browser's signature over a challenge. Without it, the answer has a challenge.
    #[serde(default, rename = "session_proof", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub proof: Option<SessionProof>,
}

impl BindSession {
    /// Names the token and the proof.
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>, proof: SessionProof) -> Self {
        Self { token: token.into(), proof }
    }
}

impl RenewSession {
    /// Names the session, to ask for a challenge; add the proof with [`proof`](Self::proof).
    #[must_use]
    pub fn new(session: impl Into<String>) -> Self {
        Self { session: session.into(), proof: None }
    }
}
