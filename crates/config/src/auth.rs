//! `[auth]`

use fourauth_auth::profile::Profile;
use fourauth_factors::password::Cost;
use serde::{Deserialize, Serialize};

/// Requirements of a login, and the answers to peers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// `secure` supports clients written from 4Auth's documents. `strict` uses one text for every
    /// failed factor and makes no decision without trusted time.
    pub profile: Profile,
    /// The name that authenticator apps show with the code. The default is documented for 4Auth.
    pub issuer: String,
    /// Lifetime of a session, in seconds.
    pub session_s: u32,
    /// Memory of one Argon2id hash, in KiB.
    pub argon2_memory_kib: u32,
    /// Passes of one Argon2id hash.
    pub argon2_passes: u32,
    /// True if a fully successful login may register the first device key of an account.
    pub device_trust_on_first_use: bool,
}

impl Default for AuthConfig {
    fn default() -> Self {
        let Cost { memory_kib, passes } = Cost::default();
        Self {
            profile: Profile::Secure,
            issuer: "4Auth-Authentication".into(),
            session_s: 3600,
            argon2_memory_kib: memory_kib,
            argon2_passes: passes,
            device_trust_on_first_use: true,
        }
    }
}
