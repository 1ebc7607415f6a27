//! 210: confirm that a new authenticator works.

use super::Identifier;
use crate::{
    grant::GrantToken,
    one_time_code::{self, OneTimeCode},
    secret::{self, Secret},
};
use serde::{Deserialize, Serialize};

/// Confirms that the person scanned the QR code. Enrolment is not a login: the same code is still
/// valid for one login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ConfirmTotp {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// Its password, in clear text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub password: Option<Secret<String>>,
    /// The grant of 160 or 170, which stands for the password. Without either, the server looks for
    /// the open grant of this account and peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantToken>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
}

impl ConfirmTotp {
    /// Names the account and its password; add the code with [`code`](Self::code).
    #[must_use]
    pub fn new(account: impl Into<Identifier>, password: impl Into<Secret<String>>) -> Self {
        let (account, password) = (account.into(), Some(password.into()));
        Self { account, password, grant: None, totp: None }
    }

    /// Names the account and what stands for its password. `None`: the open grant of this account
    /// and peer.
    #[must_use]
    pub fn by_grant(account: impl Into<Identifier>, grant: Option<GrantToken>) -> Self {
        Self { account: account.into(), password: None, grant, totp: None }
    }
}
