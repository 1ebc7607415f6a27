//! 340, 350 and 360: replace a forgotten password, with a code that the server sends.

use super::Identifier;
use crate::{
    grant::GrantToken,
    mac_address::{self, MacAddress},
    reset_code::{self, ResetCode},
    secret::{self, Secret},
};
use serde::{Deserialize, Serialize};

/// 340: requests a code. It is sent to the account's mail address, or to its telephone if it has no
/// mail address. The answer does not tell whether one was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RequestReset {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// The device's MAC address.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
}

impl RequestReset {
    /// Names the account.
    #[must_use]
    pub fn new(account: impl Into<Identifier>) -> Self {
        Self { account: account.into(), mac: None }
    }
}

/// 350: exchanges a code for a grant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ValidateReset {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// The code.
    #[serde(default, deserialize_with = "reset_code::offered")]
    pub otp: Option<ResetCode>,
    /// The device's MAC address.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
    /// True for a client that keeps nothing: the server lets the peer use the grant without showing it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_grant: bool,
}

impl ValidateReset {
    /// Names the account and the code; `None` for a text that is no code.
    #[must_use]
    pub fn new(account: impl Into<Identifier>, otp: impl Into<Option<ResetCode>>) -> Self {
        Self { account: account.into(), otp: otp.into(), mac: None, open_grant: false }
    }
}

/// 360: replaces the password, with the grant of a 350.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ResetPassword {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// The grant of 350. Without it, the server looks for the open grant of this account and peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantToken>,
    /// The password to use from now on.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub new_password: Secret<String>,
}

impl ResetPassword {
    /// Names the account and its new password.
    #[must_use]
    pub fn new(account: impl Into<Identifier>, new_password: impl Into<Secret<String>>) -> Self {
        Self { account: account.into(), grant: None, new_password: new_password.into() }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        command::{Command, Refused},
        grant::GrantToken,
    };

    fn read(text: &str) -> Result<Command, Refused> {
        Command::from_json(text.as_bytes())
    }

    #[test]
    fn the_account_must_be_named() {
        for text in [
            r#"{"cmd":"340"}"#,
            r#"{"cmd":"350","otp":"005924"}"#,
            r#"{"cmd":"360","new_password":"x"}"#,
        ] {
            let expected = "missing field `username`, `email` or `phone`";
            assert_eq!(read(text).unwrap_err(), Refused::Malformed(expected.into()));
        }
    }

    #[test]
    fn a_mistyped_code_is_absent() {
        let Ok(Command::ValidateReset(validate)) =
            read(r#"{"cmd":"350","username":"alice","otp":"12"}"#)
        else {
            panic!("not 350")
        };
        assert_eq!(validate.otp, None);
    }

    #[test]
    fn a_reset_survives_the_wire_and_shows_no_secret() {
        let grant = GrantToken::from_bytes([7; 32]);
        let text = format!(
            r#"{{"cmd":"360","username":"alice","grant":"{}","new_password":"violet-Ox-42"}}"#,
            grant.text().expose()
        );
        let command = read(&text).unwrap();
        assert_eq!(command.to_json().expose(), text.as_bytes());
        let shown = format!("{command:?}");
        assert!(!shown.contains("violet") && !shown.contains(grant.text().expose().as_str()));
    }
}
