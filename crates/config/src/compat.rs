//! `[compat]`

use serde::{Deserialize, Serialize};

/// Behaviour of older systems, off by default. Each switch reduces security.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompatConfig {
    /// True if a MAC address is enough for an account with a device key. Any device with a copy of
    /// the address is then accepted.
    pub mac_only: bool,
}
