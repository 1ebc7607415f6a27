//! 300–330: replace one factor by proving the others.

use crate::{
    challenge::FaceChallenge,
    consent::Consent,
    device::{DeviceKey, DeviceName},
    mac_address::{self, MacAddress},
    one_time_code::{self, OneTimeCode},
    picture::{self, Picture},
    recovery_code::{self, RecoveryCode},
    secret::{self, Secret},
    time::{self, UnixMillis},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// 300: replaces the secret for one-time codes. Needs the password, face, device and clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RecoverTotp {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// A picture taken now.
    #[serde(rename = "faceID", default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Picture>,
    /// Several pictures taken now; used instead of `faceID` if there are any.
    #[serde(
        rename = "faceIDs",
        default,
        deserialize_with = "picture::bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub faces: Vec<Picture>,
    /// The answer to a face challenge. Its frames are used instead of `faceID` and `faceIDs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<FaceChallenge>,
    /// The device's MAC address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// One of the recovery codes shown at registration. Needed if the server requires it.
    #[serde(
        default,
        deserialize_with = "recovery_code::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub recovery_code: Option<RecoveryCode>,
}

impl RecoverTotp {
    /// Names the account and its password; the other factors are added with the methods below.
    #[must_use]
    pub fn new(username: Username, password: impl Into<Secret<String>>) -> Self {
        Self {
            username,
            password: password.into(),
            face: None,
            faces: Vec::new(),
            challenge: None,
            mac: None,
            client_ts_utc: None,
            recovery_code: None,
        }
    }

    /// The pictures to check: `faceIDs` if there are any, otherwise `faceID`.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}

/// 310: replaces the password. Needs the one-time code, face, device and clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RecoverPassword {
    /// The account.
    pub username: Username,
    /// The new password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub new_password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// A picture taken now.
    #[serde(rename = "faceID", default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Picture>,
    /// Several pictures taken now; used instead of `faceID` if there are any.
    #[serde(
        rename = "faceIDs",
        default,
        deserialize_with = "picture::bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub faces: Vec<Picture>,
    /// The answer to a face challenge. Its frames are used instead of `faceID` and `faceIDs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<FaceChallenge>,
    /// The device's MAC address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// One of the recovery codes shown at registration. Needed if the server requires it.
    #[serde(
        default,
        deserialize_with = "recovery_code::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub recovery_code: Option<RecoveryCode>,
}

impl RecoverPassword {
    /// Names the account and the new password; the factors are added with the methods below.
    #[must_use]
    pub fn new(username: Username, new_password: impl Into<Secret<String>>) -> Self {
        Self {
            username,
            new_password: new_password.into(),
            totp: None,
            face: None,
            faces: Vec::new(),
            challenge: None,
            mac: None,
            client_ts_utc: None,
            recovery_code: None,
        }
    }

    /// The pictures to check: `faceIDs` if there are any, otherwise `faceID`.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}

/// 320: replaces the face. Needs the password, one-time code, device and clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RecoverFace {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// A picture of the person.
    #[serde(rename = "new_faceID", default, skip_serializing_if = "Option::is_none")]
    pub new_face: Option<Picture>,
    /// Several pictures of the person; used instead of `new_faceID` if there are any.
    #[serde(
        rename = "new_faceIDs",
        default,
        deserialize_with = "picture::bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub new_faces: Vec<Picture>,
    /// The device's MAC address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// One of the recovery codes shown at registration. Needed if the server requires it.
    #[serde(
        default,
        deserialize_with = "recovery_code::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub recovery_code: Option<RecoveryCode>,
    /// The notice that the person agreed to before the pictures were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

impl RecoverFace {
    /// Names the account and its password; the other factors and the new pictures are added with
    /// the methods below.
    #[must_use]
    pub fn new(username: Username, password: impl Into<Secret<String>>) -> Self {
        Self {
            username,
            password: password.into(),
            totp: None,
            new_face: None,
            new_faces: Vec::new(),
            mac: None,
            client_ts_utc: None,
            recovery_code: None,
            consent: None,
        }
    }

    /// The pictures to enrol: `new_faceIDs` if there are any, otherwise `new_faceID`.
    pub fn new_faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.new_face.as_ref(), &self.new_faces)
    }
}

/// 330: replaces a device. Needs the password, one-time code, face and clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RecoverDevice {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// A picture taken now.
    #[serde(rename = "faceID", default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Picture>,
    /// Several pictures taken now; used instead of `faceID` if there are any.
    #[serde(
        rename = "faceIDs",
        default,
        deserialize_with = "picture::bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub faces: Vec<Picture>,
    /// The answer to a face challenge. Its frames are used instead of `faceID` and `faceIDs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<FaceChallenge>,
    /// The MAC address of the new device.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub new_mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// One of the recovery codes shown at registration. Needed if the server requires it.
    #[serde(
        default,
        deserialize_with = "recovery_code::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub recovery_code: Option<RecoveryCode>,
    /// The MAC address to replace. If absent: the account's first, or else its only device.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
    /// The public key of the new device. Needed if the account has device keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_device_pubkey: Option<DeviceKey>,
    /// The name that the person gives the new device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
}

impl RecoverDevice {
    /// Names the account and its password; the other factors and the new device are added with the
    /// methods below.
    #[must_use]
    pub fn new(username: Username, password: impl Into<Secret<String>>) -> Self {
        Self {
            username,
            password: password.into(),
            totp: None,
            face: None,
            faces: Vec::new(),
            challenge: None,
            new_mac: None,
            client_ts_utc: None,
            recovery_code: None,
            mac: None,
            new_device_pubkey: None,
            device_name: None,
        }
    }

    /// The pictures to check: `faceIDs` if there are any, otherwise `faceID`.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Refused};
    use serde_json::{Value, json};

    fn device(more: Value) -> Result<RecoverDevice, Refused> {
        let mut payload = json!({
            "cmd": "330", "username": "alice", "password": "p", "totp": "287082",
            "new_mac": "00:1b:44:11:3a:b8", "client_ts_utc": "2025-03-01T12:00:00Z",
        });
        let Value::Object(more) = more else { panic!("not an object") };
        payload.as_object_mut().unwrap().extend(more);
        match Command::from_json(payload.to_string().as_bytes())? {
            Command::RecoverDevice(recover) => Ok(recover),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_fields_of_4auth_are_enough_and_none_is_added() {
        let written = Command::RecoverDevice(device(json!({})).unwrap()).to_json();
        let written: Value = serde_json::from_slice(written.expose()).unwrap();
        let fields: Vec<_> = written.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["client_ts_utc", "cmd", "new_mac", "password", "totp", "username"]);
    }

    #[test]
    fn a_mistyped_recovery_code_is_absent() {
        let right = device(json!({ "recovery_code": "7k3m 9qxt 0b5h wz2d" })).unwrap();
        assert!(right.recovery_code.is_some());
        let wrong = device(json!({ "recovery_code": "7k3m", "mac": "laptop" })).unwrap();
        assert!(wrong.recovery_code.is_none() && wrong.mac.is_none());
    }

    #[test]
    fn an_invalid_key_is_malformed() {
        let refused = device(json!({ "new_device_pubkey": "ed25519:AAAA" })).unwrap_err();
        assert!(refused.to_string().contains("`new_device_pubkey`"), "{refused}");
    }
}
