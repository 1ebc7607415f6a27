//! What a peer offered, whatever the command was called.
//!
//! Each command asks for its own set of factors. Here the sets become one shape, so that they are
//! examined by one piece of code: `None` is a factor that the command does not ask for, `Some` of
//! nothing is one that it asks for and did not get.

use fourauth_protocol::{
    command::{ConfirmTotp, Login, RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::Picture,
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
}

impl From<&Login> for Evidence {
    fn from(login: &Login) -> Self {
        Self {
            password: Some(login.password.clone()),
            faces: Some(login.faces().cloned().collect()),
            totp: Some(login.totp),
            mac: Some(login.mac),
            clock: Some(login.client_ts_utc),
        }
    }
}

impl From<&ConfirmTotp> for Evidence {
    fn from(confirm: &ConfirmTotp) -> Self {
        Self {
            password: Some(confirm.password.clone()),
            totp: Some(confirm.totp),
            ..Self::default()
        }
    }
}

impl From<&RecoverTotp> for Evidence {
    fn from(recover: &RecoverTotp) -> Self {
        Self {
            password: Some(recover.password.clone()),
            faces: Some(recover.faces().cloned().collect()),
            totp: None,
            mac: Some(recover.mac),
            clock: Some(recover.client_ts_utc),
        }
    }
}

impl From<&RecoverPassword> for Evidence {
    fn from(recover: &RecoverPassword) -> Self {
        Self {
            password: None,
            faces: Some(recover.faces().cloned().collect()),
            totp: Some(recover.totp),
            mac: Some(recover.mac),
            clock: Some(recover.client_ts_utc),
        }
    }
}

impl From<&RecoverFace> for Evidence {
    fn from(recover: &RecoverFace) -> Self {
        Self {
            password: Some(recover.password.clone()),
            faces: None,
            totp: Some(recover.totp),
            mac: Some(recover.mac),
            clock: Some(recover.client_ts_utc),
        }
    }
}

impl From<&RecoverDevice> for Evidence {
    fn from(recover: &RecoverDevice) -> Self {
        Self {
            password: Some(recover.password.clone()),
            faces: Some(recover.faces().cloned().collect()),
            totp: Some(recover.totp),
            mac: None,
            clock: Some(recover.client_ts_utc),
        }
    }
}
