//! The device proof of a browser.

use super::{DeviceId, DeviceNonce, DeviceSignature};
use crate::{
    mac_address::{self, MacAddress},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// A device proof with the binding [`Web`](super::Binding::Web). It is part of the
/// [envelope](crate::envelope) of the command that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BrowserProof {
    /// The account that the device belongs to.
    pub username: Username,
    /// A label, since a browser sees no MAC address: `02:` and the first five bytes of the SHA-256 of the
    /// public key.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The id of the key that made the signature.
    pub device_id: DeviceId,
    /// A signature of [`message`](super::message) over the [channel of the origin](super::origin_channel).
    pub device_sig: DeviceSignature,
    /// The nonce that was signed.
    pub device_nonce: DeviceNonce,
}
