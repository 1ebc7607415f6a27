//! `[auth]`

use fourauth_auth::{profile::Profile, tokens::AddressBinding};
use fourauth_factors::password::Cost;
use fourauth_protocol::token::PREFIX;
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
    /// Time after which the token of a session has to be renewed, in seconds.
    pub session_s: u32,
    /// Time after which a session ends, however often its token was renewed, in seconds.
    pub session_max_s: u32,
    /// What a session is bound to besides its device: `exact` the address of the login, `prefix` its
    /// network (/24 or /56), or `off`.
    pub session_address: AddressBinding,
    /// The prefix of tokens, by which scanners find leaked ones. It ends in `_`.
    pub token_prefix: String,
    /// True if a password and a passcode, which the courier sends, open a session of level 1. Services
    /// must then ask for the level that they need.
    pub passcodes: bool,
    /// True if a code that the courier sends resets the forgotten password of an account without a face.
    pub password_reset: bool,
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
            session_max_s: 86_400,
            session_address: AddressBinding::Exact,
            token_prefix: PREFIX.to_owned(),
            passcodes: false,
            password_reset: false,
            argon2_memory_kib: memory_kib,
            argon2_passes: passes,
            device_trust_on_first_use: true,
        }
    }
}
