//! 300–330: replace one factor by proving the others.

use crate::{
    mac_address::{self, MacAddress},
    one_time_code::{self, OneTimeCode},
    picture::{self, Picture},
    secret::{self, Secret},
    time::{self, UnixMillis},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// 300: a new secret for one-time codes, for who has password, face, device and an honest clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The device's address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
}

impl RecoverTotp {
    /// The pictures that count.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}

/// 310: a new password, for who has one-time code, face, device and an honest clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoverPassword {
    /// The account.
    pub username: Username,
    /// The password to take, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub new_password: Secret<String>,
    /// What the authenticator shows.
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
    /// The device's address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
}

impl RecoverPassword {
    /// The pictures that count.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}

/// 320: a new face, for who has password, one-time code, device and an honest clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoverFace {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// What the authenticator shows.
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
    /// The device's address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
}

impl RecoverFace {
    /// The pictures that count.
    pub fn new_faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.new_face.as_ref(), &self.new_faces)
    }
}

/// 330: a new device, for who has password, one-time code, face and an honest clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoverDevice {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// What the authenticator shows.
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
    /// The address of the device to take.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub new_mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
}

impl RecoverDevice {
    /// The pictures that count.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}
