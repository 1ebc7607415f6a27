//! `[text]`

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The text protocol of the passcode systems, off by default. Both listeners serve the same messages,
/// so either is enough for a new client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextConfig {
    /// The address of the listener for passcodes. The documented port is 7158.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen_passcodes: Option<SocketAddr>,
    /// The address of the listener for tokens. The documented port is 7159.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen_identity: Option<SocketAddr>,
}
