//! `[auth]`

use fourauth_auth::profile::Profile;
use fourauth_factors::password::Cost;
use serde::{Deserialize, Serialize};

/// What logins need and what peers are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// `secure`: a client written from 4Auth's documents works. `strict`: one text whichever factor failed,
    /// no decision without trusted time.
    pub profile: Profile,
    /// The name that authenticators show beside the code. This one is documented for 4Auth.
    pub issuer: String,
    /// How long a login lasts, in seconds.
    pub session_s: u32,
    /// Memory of one Argon2id hash, in KiB.
    pub argon2_memory_kib: u32,
    /// Passes of one Argon2id hash.
    pub argon2_passes: u32,
    /// Whether a fully successful login may bring the first device key of an account that has none.
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
