//! 259: raises the level of a session.

use crate::{
    challenge::FaceChallenge,
    level::Level,
    mac_address::{self, MacAddress},
    one_time_code::{self, OneTimeCode},
    picture::{self, Picture},
    secret::{self, Secret},
};
use serde::{Deserialize, Serialize};

/// 259: proves what the login of a session did not, and gets a token of a higher level in the place of the
/// one that is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RaiseSession {
    /// The token of the session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
    /// The level to reach. Without it, any level above that of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The password, in clear text, if the session lacks it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub password: Option<Secret<String>>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// Pictures taken now, if the session lacks the face.
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
}

impl RaiseSession {
    /// Names the token and the code, `None` for a text that is no code; the rest is added with the methods
    /// below.
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>, code: impl Into<Option<OneTimeCode>>) -> Self {
        Self {
            token: token.into(),
            mac: None,
            level: None,
            password: None,
            totp: code.into(),
            faces: Vec::new(),
            challenge: None,
        }
    }

    /// The pictures; a second call replaces those of the first.
    #[must_use]
    pub fn pictures(self, pictures: impl IntoIterator<Item = Picture>) -> Self {
        Self { faces: pictures.into_iter().collect(), ..self }
    }
}
