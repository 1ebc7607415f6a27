//! The factors that a peer sent, in one form for all commands.
//!
//! Each command asks for its own set of factors. [`Offered`] holds any of these sets, so that one
//! function examines them all.

use crate::limits::LimitedFactors;
use fourauth_factors::Finding;
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

/// A factor that the protocol lets a peer leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Asked<T> {
    /// The command does not ask for it.
    #[default]
    No,
    /// The command asks for it, and the peer did not send it.
    Missing,
    /// The peer sent it.
    Offered(T),
}

impl<T> Asked<T> {
    /// A factor that the command asks for.
    fn of(sent: Option<T>) -> Self {
        sent.map_or(Self::Missing, Self::Offered)
    }

    /// The factor, if the peer sent it.
    pub(crate) fn offered(self) -> Option<T> {
        match self {
            Self::No | Self::Missing => None,
            Self::Offered(factor) => Some(factor),
        }
    }

    /// The finding about it; `None` if the command does not ask for it.
    pub(crate) fn finding(self, check: impl FnOnce(T) -> Finding) -> Option<Finding> {
        match self {
            Self::No => None,
            Self::Missing => Some(Finding::Missing),
            Self::Offered(factor) => Some(check(factor)),
        }
    }
}

/// Factors that a peer sent. `None` is a factor that the command does not ask for.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    /// The password, in clear text.
    pub(crate) password: Option<Secret<String>>,
    /// Pictures of the face, taken for this command.
    pub(crate) faces: Option<Vec<Picture>>,
    /// The one-time code from the user's authenticator.
    pub(crate) totp: Asked<OneTimeCode>,
    /// The MAC address that the device reports.
    pub(crate) mac: Asked<MacAddress>,
    /// The time according to the client's clock.
    pub(crate) clock: Asked<UnixMillis>,
    /// A device key to be trusted on first use.
    pub(crate) new_key: Option<DeviceKey>,
    /// Gives trust to an attempt from an unknown device. Always checked, and spent on success.
    pub(crate) recovery_code: Option<RecoveryCode>,
    /// True if the one-time code is sent to confirm its generator. Confirmation keeps its own
    /// watermark of spent codes.
    pub(crate) is_confirmation: bool,
}

impl Offered {
    /// The factors that have separate limits.
    pub(crate) const fn limited_factors(&self) -> LimitedFactors {
        LimitedFactors { totp: !matches!(self.totp, Asked::No), face: self.faces.is_some() }
    }
}

impl From<&Login> for Offered {
    fn from(login: &Login) -> Self {
        Self {
            password: Some(login.password.clone()),
            faces: Some(login.faces().cloned().collect()),
            totp: Asked::of(login.totp),
            mac: Asked::of(login.mac),
            clock: Asked::of(login.client_ts_utc),
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
            totp: Asked::of(confirm.totp),
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
            mac: Asked::of(recover.mac),
            clock: Asked::of(recover.client_ts_utc),
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverPassword> for Offered {
    fn from(recover: &RecoverPassword) -> Self {
        Self {
            faces: Some(recover.faces().cloned().collect()),
            totp: Asked::of(recover.totp),
            mac: Asked::of(recover.mac),
            clock: Asked::of(recover.client_ts_utc),
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverFace> for Offered {
    fn from(recover: &RecoverFace) -> Self {
        Self {
            password: Some(recover.password.clone()),
            totp: Asked::of(recover.totp),
            mac: Asked::of(recover.mac),
            clock: Asked::of(recover.client_ts_utc),
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
            totp: Asked::of(recover.totp),
            clock: Asked::of(recover.client_ts_utc),
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&BindDevice> for Offered {
    fn from(bind: &BindDevice) -> Self {
        Self {
            password: Some(bind.password.clone()),
            totp: Asked::of(bind.totp),
            mac: Asked::of(bind.mac),
            clock: Asked::of(bind.client_ts_utc),
            ..Self::default()
        }
    }
}

impl From<&RevokeDevice> for Offered {
    fn from(revoke: &RevokeDevice) -> Self {
        Self {
            password: Some(revoke.password.clone()),
            totp: Asked::of(revoke.totp),
            mac: Asked::of(revoke.mac),
            clock: Asked::of(revoke.client_ts_utc),
            ..Self::default()
        }
    }
}
