//! What a peer offered, whatever the command was called.
//!
//! Each command asks for its own set of factors. Here the sets become one shape, so that they are
//! examined by one piece of code: `None` is a factor that the command does not ask for, `Some` of
//! nothing is one that it asks for and did not get.

use crate::limits::Asked;
use fourauth_protocol::{
    command::{
        BindDevice, ConfirmTotp, Login, RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp,
        RevokeDevice,
    },
    device::DeviceKey,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::Picture,
    recovery_code::RecoveryCode,
    secret::Secret,
    time::UnixMillis,
};

/// What a peer offered.
#[derive(Debug, Default)]
pub struct Evidence {
    /// In clear text.
    pub password: Option<Secret<String>>,
    /// Taken now.
    pub faces: Option<Vec<Picture>>,
    /// From an authenticator.
    pub totp: Option<Option<OneTimeCode>>,
    /// What the device calls itself.
    pub mac: Option<Option<MacAddress>>,
    /// What the client takes for the time.
    pub clock: Option<Option<UnixMillis>>,
    /// A device key to be trusted from the first login on.
    pub new_key: Option<DeviceKey>,
    /// Makes up for a device that is not known. Always checked, and spent with a success.
    pub recovery_code: Option<RecoveryCode>,
    /// Whether the one-time code is shown to confirm its generator, which has a watermark of its own.
    pub is_confirmation: bool,
}

impl Evidence {
    /// What has limits of its own.
    pub(crate) const fn asked(&self) -> Asked {
        Asked { totp: self.totp.is_some(), face: self.faces.is_some() }
    }
}

impl From<&Login> for Evidence {
    fn from(login: &Login) -> Self {
        Self {
            password: Some(login.password.clone()),
            faces: Some(login.faces().cloned().collect()),
            totp: Some(login.totp),
            mac: Some(login.mac),
            clock: Some(login.client_ts_utc),
            new_key: login.device_pubkey,
            recovery_code: login.recovery_code.clone(),
            is_confirmation: false,
        }
    }
}

impl From<&ConfirmTotp> for Evidence {
    fn from(confirm: &ConfirmTotp) -> Self {
        Self {
            password: Some(confirm.password.clone()),
            totp: Some(confirm.totp),
            is_confirmation: true,
            ..Self::default()
        }
    }
}

impl From<&RecoverTotp> for Evidence {
    fn from(recover: &RecoverTotp) -> Self {
        Self {
            password: Some(recover.password.clone()),
            faces: Some(recover.faces().cloned().collect()),
            mac: Some(recover.mac),
            clock: Some(recover.client_ts_utc),
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverPassword> for Evidence {
    fn from(recover: &RecoverPassword) -> Self {
        Self {
            faces: Some(recover.faces().cloned().collect()),
            totp: Some(recover.totp),
            mac: Some(recover.mac),
            clock: Some(recover.client_ts_utc),
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverFace> for Evidence {
    fn from(recover: &RecoverFace) -> Self {
        Self {
            password: Some(recover.password.clone()),
            totp: Some(recover.totp),
            mac: Some(recover.mac),
            clock: Some(recover.client_ts_utc),
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverDevice> for Evidence {
    fn from(recover: &RecoverDevice) -> Self {
        Self {
            password: Some(recover.password.clone()),
            faces: Some(recover.faces().cloned().collect()),
            totp: Some(recover.totp),
            clock: Some(recover.client_ts_utc),
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&BindDevice> for Evidence {
    fn from(bind: &BindDevice) -> Self {
        Self {
            password: Some(bind.password.clone()),
            totp: Some(bind.totp),
            mac: Some(bind.mac),
            clock: Some(bind.client_ts_utc),
            ..Self::default()
        }
    }
}

impl From<&RevokeDevice> for Evidence {
    fn from(revoke: &RevokeDevice) -> Self {
        Self {
            password: Some(revoke.password.clone()),
            totp: Some(revoke.totp),
            mac: Some(revoke.mac),
            clock: Some(revoke.client_ts_utc),
            ..Self::default()
        }
    }
}
