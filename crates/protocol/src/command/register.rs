//! 200: an administrator adds an account.

use crate::{
    consent::Consent,
    contact::{Email, Phone},
    device::{DeviceKey, DeviceName},
    mac_address::{self, MacAddress},
    picture::{self, Picture},
    secret::{self, Secret},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// A new account, and the administrator who vouches for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Register {
    /// An administrator's secret.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub admin_secret: Secret<String>,
    /// The name to take.
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
    /// The address of the person's device.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// Where to write to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Where to text the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// The public key of the person's device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_pubkey: Option<DeviceKey>,
    /// What the person calls that device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
    /// The notice that the person agreed to before the pictures were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

impl Register {
    /// The pictures that count.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}

/// The word `"new"`. A client cannot bring a one-time code secret of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NewTotp {
    /// Make one.
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
    fn a_notice_is_kept_as_it_was_said_and_one_that_deceives_is_malformed() {
        let Command::Register(read) = register(json!("v3")).unwrap() else { panic!("no 200") };
        assert_eq!(read.consent.unwrap().as_str(), "v3");
        let Command::Register(read) = register(Value::Null).unwrap() else { panic!("no 200") };
        assert!(read.consent.is_none());
        for text in ["", "v3\u{202e}", &"x".repeat(201)] {
            let refused = register(json!(text)).unwrap_err();
            assert!(refused.to_string().contains("`consent`"), "{refused}");
        }
    }
}
