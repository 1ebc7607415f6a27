//! 184: a person enrols a face, after the authenticator.

use crate::{
    consent::Consent,
    device::{DeviceKey, DeviceName},
    grant::GrantToken,
    picture::{self, Picture},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// Enrols the first face of an account. It is for the web portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EnrolFace {
    /// The account, as the answer with the grant names it.
    pub username: Username,
    /// The grant of 210, which stands for the password and the one-time code.
    pub grant: GrantToken,
    /// Pictures of the person.
    #[serde(rename = "faceIDs", default, deserialize_with = "picture::bounded_list")]
    pub faces: Vec<Picture>,
    /// The notice that the person agreed to before the pictures were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The public key of the browser, which becomes the first device of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_pubkey: Option<DeviceKey>,
    /// The name that the person gives the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
}

impl EnrolFace {
    /// Names the account, the grant and the pictures.
    #[must_use]
    pub fn new(
        username: Username,
        grant: GrantToken,
        pictures: impl IntoIterator<Item = Picture>,
    ) -> Self {
        let faces = pictures.into_iter().collect();
        Self { username, grant, faces, consent: None, device_pubkey: None, device_name: None }
    }
}
