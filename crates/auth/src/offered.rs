//! The factors that a peer sent, in one form for all commands.
//!
//! Each command asks for its own set of factors. [`Offered`] holds any of these sets, so that one
//! function examines them all. `None` is a factor that the command does not ask for; `Some(None)`
//! is one that it asks for and that the peer did not send.

use crate::limits::LimitedFactors;
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

/// Factors that a peer sent.
#[derive(Debug, Default)]
pub struct Offered {
    /// The password, in clear text.
    pub password: Option<Secret<String>>,
    /// Pictures of the face, taken for this command.
    pub faces: Option<Vec<Picture>>,
    /// The one-time code from the user's authenticator.
    pub totp: Option<Option<OneTimeCode>>,
    /// The MAC address that the device reports.
    pub mac: Option<Option<MacAddress>>,
    /// The time according to the client's clock.
    pub clock: Option<Option<UnixMillis>>,
    /// A device key to be trusted on first use.
    pub new_key: Option<DeviceKey>,
    /// Gives trust to an attempt from an unknown device. Always checked, and spent on success.
    pub recovery_code: Option<RecoveryCode>,
    /// True if the one-time code is sent to confirm its generator. Confirmation keeps its own
    /// watermark of spent codes.
    pub is_confirmation: bool,
}

impl Offered {
    /// The factors that have separate limits.
    pub(crate) const fn limited_factors(&self) -> LimitedFactors {
        LimitedFactors { totp: self.totp.is_some(), face: self.faces.is_some() }
    }
}

impl From<&Login> for Offered {
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

impl From<&ConfirmTotp> for Offered {
    fn from(confirm: &ConfirmTotp) -> Self {
        Self {
            password: Some(confirm.password.clone()),
            totp: Some(confirm.totp),
            is_confirmation: true,
            ..Self::default()
        }
    }
}

impl From<&RecoverTotp> for Offered {
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

impl From<&RecoverPassword> for Offered {
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

impl From<&RecoverFace> for Offered {
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

impl From<&RecoverDevice> for Offered {
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

impl From<&BindDevice> for Offered {
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

impl From<&RevokeDevice> for Offered {
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
