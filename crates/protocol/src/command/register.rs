//! 200: register an account, as an administrator.

use crate::{
    consent::Consent,
    contact::{Email, Phone},
    device::{DeviceKey, DeviceName},
    mac_address::{self, MacAddress},
    picture::{self, Picture},
    secret::{self, Secret},
    username::{self, Username},
};
use serde::{Deserialize, Serialize};

/// Registers an account, with the secret of an administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Register {
    /// An administrator's secret.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub admin_secret: Secret<String>,
    /// The name of the account.
    #[serde(deserialize_with = "username::new_account")]
    pub username: Username,
    /// The first password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// Always `"new"`: the server makes the secret.
    #[serde(default)]
    pub totp: NewTotp,
    /// A picture of the person.
    #[serde(rename = "faceID", default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Picture>,
    /// Several pictures of the person; used instead of `faceID` if there are any.
    #[serde(
        rename = "faceIDs",
        default,
        deserialize_with = "picture::bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub faces: Vec<Picture>,
    /// The MAC address of the person's device.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The person's mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The person's telephone number, for text messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// The public key of the person's device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_pubkey: Option<DeviceKey>,
    /// The name that the person gives that device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
    /// The notice that the person agreed to before the pictures were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

impl Register {
    /// Names an administrator's secret, the new account and its password.
    #[must_use]
    pub fn new(
        admin_secret: impl Into<Secret<String>>,
        username: Username,
        password: impl Into<Secret<String>>,
    ) -> Self {
        Self {
            admin_secret: admin_secret.into(),
            username,
            password: password.into(),
            totp: NewTotp::New,
            face: None,
            faces: Vec::new(),
            mac: None,
            email: None,
            phone: None,
            device_pubkey: None,
            device_name: None,
            consent: None,
        }
    }

    /// The pictures to enrol: `faceIDs` if there are any, otherwise `faceID`.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}

/// The word `"new"`. A client cannot choose the secret for one-time codes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NewTotp {
    /// The server makes a new secret.
    #[default]
    #[serde(rename = "new")]
    New,
}

#[cfg(test)]
mod tests {
    use crate::command::{Command, Refused};
    use serde_json::{Value, json};

    fn register(consent: Value) -> Result<Command, Refused> {
        let mut payload = json!({
            "cmd": "200", "admin_secret": "s", "username": "alice", "password": "p", "totp": "new",
        });
        payload["consent"] = consent;
        Command::from_json(payload.to_string().as_bytes())
    }

    #[test]
    fn a_new_name_of_several_scripts_is_malformed() {
        // The first letter is Cyrillic. A login takes the name, because an account may have it.
        let name = "\u{430}lice";
        let payload = |command: &str| json!({ "cmd": command, "admin_secret": "s", "username": name, "password": "p" });
        for (command, is_refused) in [("200", true), ("160", true), ("100", false), ("170", false)]
        {
            let read = Command::from_json(payload(command).to_string().as_bytes());
            let sentence = "field `username` has the wrong type or an impossible value";
            let expected = is_refused.then(|| Refused::Malformed(sentence.into()));
            assert_eq!(read.err(), expected, "{command}");
        }
    }

    #[test]
    fn a_notice_is_kept_verbatim_and_a_misleading_one_is_malformed() {
        let Command::Register(read) = register(json!("v3")).unwrap() else { panic!("not a 200") };
        assert_eq!(read.consent.unwrap().as_str(), "v3");
        let Command::Register(read) = register(Value::Null).unwrap() else { panic!("not a 200") };
        assert!(read.consent.is_none());
        for text in ["", "v3\u{202e}", &"x".repeat(201)] {
            let refused = register(json!(text)).unwrap_err();
            assert!(refused.to_string().contains("`consent`"), "{refused}");
        }
    }
}
