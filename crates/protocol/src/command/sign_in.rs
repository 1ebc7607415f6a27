//! 160 and 170 to 182: register oneself, and sign in by password, one-time code and face in steps.

use super::{Identifier, NewTotp, passcode};
use crate::{
    audience::Audience,
    challenge::FaceChallenge,
    device::{DeviceKey, DeviceName},
    grant::GrantToken,
    mac_address::{self, MacAddress},
    one_time_code::{self, OneTimeCode},
    picture::{self, Picture},
    secret::{self, Secret},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// 160: registers an account without an administrator, if the server offers it. The account has a
/// password, and a one-time code once that is confirmed by 210.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SelfRegister {
    /// The name and the addresses of the account. Without a username, the mail address is the name,
    /// or else the telephone number.
    #[serde(flatten, deserialize_with = "passcode::new_account")]
    pub account: Identifier,
    /// The password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// `"new"` for a secret for one-time codes. It is not in use before it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<NewTotp>,
    /// True for a client that keeps nothing: the server lets the peer use the grant without showing it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_grant: bool,
}

/// 170: proves a password. The answer has a token, or a grant for 180 if the account has an
/// authenticator.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PasswordStep {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The device's MAC address. The session is bound to it.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
    /// The service that the signed token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// True for a client that keeps nothing: the server lets the peer use the grant without showing it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_grant: bool,
}

/// 180: proves a one-time code after 170, and opens the session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CodeStep {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// The grant of 170. Without it, the server looks for the open grant of this account and peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantToken>,
    /// The device's MAC address. The session is bound to it.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
    /// The service that the signed token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
}

/// 182: proves a face after 170 or 180, and opens the session of a browser. It is for the web portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct FaceStep {
    /// The account, as the answer with the grant names it.
    pub username: Username,
    /// The grant of the step before.
    pub grant: GrantToken,
    /// Pictures taken now.
    #[serde(
        rename = "faceIDs",
        default,
        deserialize_with = "picture::bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub faces: Vec<Picture>,
    /// The answer to a face challenge. Its frames are used instead of `faceIDs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<FaceChallenge>,
    /// The public key of the browser, to be bound if the account has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_pubkey: Option<DeviceKey>,
    /// The name that the person gives the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
}

impl SelfRegister {
    /// Names the account and its password.
    #[must_use]
    pub fn new(account: impl Into<Identifier>, password: impl Into<Secret<String>>) -> Self {
        Self { account: account.into(), password: password.into(), totp: None, open_grant: false }
    }

    /// Asks for a secret for one-time codes.
    #[must_use]
    pub fn with_totp(self) -> Self {
        Self { totp: Some(NewTotp::New), ..self }
    }
}

impl PasswordStep {
    /// Names the account and its password.
    #[must_use]
    pub fn new(account: impl Into<Identifier>, password: impl Into<Secret<String>>) -> Self {
        let (account, password) = (account.into(), password.into());
        Self { account, password, mac: None, audience: None, open_grant: false }
    }
}

impl CodeStep {
    /// Names the account and the code; `None` for a text that is no code. Without a grant, the server looks for the open grant of this
    /// account and peer.
    #[must_use]
    pub fn new(
        account: impl Into<Identifier>,
        code: impl Into<Option<OneTimeCode>>,
        grant: Option<GrantToken>,
    ) -> Self {
        Self { account: account.into(), totp: code.into(), grant, mac: None, audience: None }
    }
}

impl FaceStep {
    /// Names the account and the grant; the pictures are added with the methods below.
    #[must_use]
    pub const fn new(username: Username, grant: GrantToken) -> Self {
        let (challenge, device_pubkey, device_name) = (None, None, None);
        Self { username, grant, faces: Vec::new(), challenge, device_pubkey, device_name }
    }

    /// The pictures; a second call replaces those of the first.
    #[must_use]
    pub fn pictures(self, pictures: impl IntoIterator<Item = Picture>) -> Self {
        Self { faces: pictures.into_iter().collect(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::{Command, Refused};

    fn read(text: &str) -> Result<Command, Refused> {
        Command::from_json(text.as_bytes())
    }

    #[test]
    fn a_grant_that_cannot_be_one_is_malformed() {
        let grant = "A".repeat(43);
        let step = |grant: &str| {
            read(&format!(r#"{{"cmd":"180","username":"alice","totp":"1","grant":"{grant}"}}"#))
        };
        let Ok(Command::CodeStep(read)) = step(&grant) else { panic!("not 180") };
        assert!(read.grant.is_some() && read.totp.is_none());
        for wrong in ["", "AA", &format!("{grant}="), &"A".repeat(44)] {
            assert!(matches!(step(wrong), Err(Refused::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn a_password_or_a_grant_confirms_an_authenticator() {
        for (field, has) in [
            (r#""password":"x","#, [true, false]),
            (r#""grant":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#, [false, true]),
            ("", [false, false]),
        ] {
            let text = format!(r#"{{"cmd":"210",{field}"email":"a@b.example","totp":"287082"}}"#);
            let Ok(Command::ConfirmTotp(confirm)) = read(&text) else { panic!("{field}") };
            assert_eq!([confirm.password.is_some(), confirm.grant.is_some()], has, "{field}");
        }
    }

    #[test]
    fn registration_asks_for_a_new_secret_or_for_none() {
        let register = |totp: &str| {
            read(&format!(r#"{{"cmd":"160","email":"a@b.example","password":"x"{totp}}}"#))
        };
        for (totp, is_new) in [("", false), (r#","totp":null"#, false), (r#","totp":"new""#, true)]
        {
            let Ok(Command::SelfRegister(register)) = register(totp) else { panic!("{totp}") };
            assert_eq!(register.totp.is_some(), is_new, "{totp}");
        }
        assert!(matches!(register(r#","totp":"old""#), Err(Refused::Malformed(_))));
    }
}
