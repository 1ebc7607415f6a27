//! 256 and 257: a browser asks to become a device of an account, and a device of the account decides.

use crate::{
    challenge::FaceChallenge,
    device::{DeviceKey, DeviceName},
    device_request::{DeviceDecision, RequestNumber},
    grant::GrantToken,
    one_time_code::{self, OneTimeCode},
    picture::{self, Picture},
    secret::{self, Secret},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// 256: asks for a browser to become a device, after 170 or 180. It is for the web portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AskForDevice {
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
    /// The public key of the browser, which the proof of the command was made with.
    pub device_pubkey: DeviceKey,
    /// The name that the browser gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
}

/// 257: adds or refuses a browser that asks, from a device of the account. It is for the web portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DecideDevice {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// The number that the browser shows.
    pub number: RequestNumber,
    /// What becomes of it.
    pub decision: DeviceDecision,
    /// The name that the person gives the browser, instead of its own one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
}

impl AskForDevice {
    /// Names the account, the grant and the key; the pictures are added with the methods below.
    #[must_use]
    pub const fn new(username: Username, grant: GrantToken, device_pubkey: DeviceKey) -> Self {
        let (challenge, device_name) = (None, None);
        Self { username, grant, faces: Vec::new(), challenge, device_pubkey, device_name }
    }

    /// The pictures; a second call replaces those of the first.
    #[must_use]
    pub fn pictures(self, pictures: impl IntoIterator<Item = Picture>) -> Self {
        Self { faces: pictures.into_iter().collect(), ..self }
    }
}

impl DecideDevice {
    /// Names the account, its password and the request; the code is added with [`code`](Self::code).
    #[must_use]
    pub fn new(
        username: Username,
        password: impl Into<Secret<String>>,
        number: RequestNumber,
        decision: DeviceDecision,
    ) -> Self {
        let password = password.into();
        Self { username, password, totp: None, number, decision, device_name: None }
    }
}
