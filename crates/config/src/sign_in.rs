//! `[sign_in]`

use serde::{Deserialize, Serialize};

/// Logins without a face, as the HTTP systems have them. All of them are off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInConfig {
    /// True if a password opens a session, with a one-time code if the account has one (170, 180). Not
    /// for accounts with a face. Services must then ask for the level that they need.
    pub two_steps: bool,
    /// True if a person may register without an administrator (160). Such accounts sign in by the two
    /// steps.
    pub self_registration: bool,
    /// True if a code that the courier sends resets the forgotten password of an account without a face
    /// (340, 350, 360).
    pub password_reset: bool,
}
