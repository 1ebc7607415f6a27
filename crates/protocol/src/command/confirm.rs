//! 210: confirm that a new authenticator works.

use crate::{
    one_time_code::{self, OneTimeCode},
    secret::{self, Secret},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// Confirms that the person scanned the QR code. Enrolment is not a login: the same code is still
/// valid for one login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ConfirmTotp {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
}

impl ConfirmTotp {
    /// Names the account and its password; add the code with [`code`](Self::code).
    #[must_use]
    pub fn new(username: Username, password: impl Into<Secret<String>>) -> Self {
        Self { username, password: password.into(), totp: None }
    }
}
