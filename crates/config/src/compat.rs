//! `[compat]`

use serde::{Deserialize, Serialize};

/// What older systems did and this one does only if it is told to. Each switch gives something away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompatConfig {
    /// Whether a MAC address is enough for an account that has a device key. Whoever copies the
    /// address is then the device.
    pub mac_only: bool,
}
