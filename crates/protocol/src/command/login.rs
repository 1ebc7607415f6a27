//! 100: log in.

use crate::{
    audience::Audience,
    challenge::FaceChallenge,
    device::{DeviceKey, DeviceName},
    level::Level,
    mac_address::{self, MacAddress},
    one_time_code::{self, OneTimeCode},
    picture::{self, Picture},
    recovery_code::{self, RecoveryCode},
    secret::{self, Secret},
    time::{self, UnixMillis},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// Logs in with four factors and the client's clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Login {
    /// The account.
    pub username: Username,
    /// Its password, in clear text; wiped from memory when the attempt ends.
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
    /// The device's MAC address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// The public key of this device, to be bound if the login succeeds and the account has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_pubkey: Option<DeviceKey>,
    /// The name that the person gives this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
    /// One of the recovery codes shown at registration. The attempt is then rate-limited apart from
    /// those of unknown clients. A successful login uses the code up. It replaces no factor.
    #[serde(
        default,
        deserialize_with = "recovery_code::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub recovery_code: Option<RecoveryCode>,
    /// The service that the receipt is issued for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// The level that the login must reach. If it does not, nothing is spent or counted, and the
    /// answer is `more_needed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

impl Login {
    /// Names the account and its password; the other factors are added with the methods below.
    #[must_use]
    pub fn new(username: Username, password: impl Into<Secret<String>>) -> Self {
        Self {
            username,
            password: password.into(),
            totp: None,
            face: None,
            faces: Vec::new(),
            challenge: None,
            mac: None,
            client_ts_utc: None,
            device_pubkey: None,
            device_name: None,
            recovery_code: None,
            audience: None,
            level: None,
        }
    }

    /// The pictures to check: `faceIDs` if there are any, otherwise `faceID`.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}
