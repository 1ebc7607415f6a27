//! `[compat]`

use crate::Network;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Behaviour of older systems, off by default. All but `env_names` reduce security.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that stands alone")]
pub struct CompatConfig {
    /// True if a MAC address is enough for an account with a device key. Any device with a copy of
    /// the address is then accepted, and a device with a key only at its own address.
    pub mac_only: bool,
    /// True if the recoveries 300, 310 and 330 take still pictures from clients that know no face
    /// challenge, as 4Auth's client. A print then passes there as a face.
    pub still_faces: bool,
    /// True if the listeners of the text protocol speak plain TCP instead of TLS. Passwords and tokens
    /// then cross the network in clear text.
    pub legacy_tcp: bool,
    /// The networks that may connect to them without TLS. The default is this machine.
    pub legacy_networks: Vec<Network>,
    /// True if each answer of the text protocol is a pickled string, as the client of the passcode
    /// systems expects. The server never reads a pickle.
    pub pickle_replies: bool,
    /// True if the variables of the HTTP OTP system (`EMAIL_USER`, `TWILIO_SID` and others) fill
    /// settings of the courier that are not set.
    pub env_names: bool,
    /// A file with such variables, in the form `NAME=value`. The environment overrides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dotenv: Option<PathBuf>,
}

impl Default for CompatConfig {
    fn default() -> Self {
        Self {
            mac_only: false,
            still_faces: false,
            legacy_tcp: false,
            legacy_networks: Network::LOOPBACK.into(),
            pickle_replies: false,
            env_names: false,
            dotenv: None,
        }
    }
}
