//! 100: prove who you are.

use crate::{
    audience::Audience,
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

/// What a peer presents to log in: four factors and a clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Login {
    /// The account it claims.
    pub username: Username,
    /// Clear text; wiped when the attempt ends.
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
    /// The device's address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// The public key of this device, to be bound if the login succeeds and the account has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_pubkey: Option<DeviceKey>,
    /// What the person calls this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
    /// One of the codes shown at registration: has the attempt counted apart from those of strangers,
    /// and is spent by a success. It replaces no factor.
    #[serde(
        default,
        deserialize_with = "recovery_code::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub recovery_code: Option<RecoveryCode>,
    /// The service that the receipt is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
}

impl Login {
    /// The pictures that count.
    pub fn faces(&self) -> impl Iterator<Item = &Picture> {
        picture::that_count(self.face.as_ref(), &self.faces)
    }
}
