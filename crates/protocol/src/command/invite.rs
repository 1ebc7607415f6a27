//! 202 and 162: an administrator invites a person, and the person accepts.

use super::NewTotp;
use crate::{
    contact::{Email, Phone},
    grant::GrantToken,
    secret::{self, Secret},
    username::{self, Username},
};
use serde::{Deserialize, Serialize};

/// 202: adds an account without factors, with the secret of an administrator. The person chooses the
/// password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Invite {
    /// An administrator's secret.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub admin_secret: Secret<String>,
    /// The name of the account.
    #[serde(deserialize_with = "username::new_account")]
    pub username: Username,
    /// The person's mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The person's telephone number, for text messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// 162: accepts an invitation: chooses the password, and gets a secret for one-time codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AcceptInvitation {
    /// The account.
    pub username: Username,
    /// The grant of 202.
    pub grant: GrantToken,
    /// The password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// Always `"new"`: the server makes the secret.
    #[serde(default)]
    pub totp: NewTotp,
}

impl Invite {
    /// Names an administrator's secret and the new account.
    #[must_use]
    pub fn new(admin_secret: impl Into<Secret<String>>, username: Username) -> Self {
        Self { admin_secret: admin_secret.into(), username, email: None, phone: None }
    }
}

impl AcceptInvitation {
    /// Names the account, the invitation and the password.
    #[must_use]
    pub fn new(username: Username, grant: GrantToken, password: impl Into<Secret<String>>) -> Self {
        Self { username, grant, password: password.into(), totp: NewTotp::New }
    }
}
