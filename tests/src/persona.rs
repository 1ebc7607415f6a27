//! A user with an account: password, device, authenticator and face.

use crate::models;
use data_encoding::BASE32_NOPAD;
use fourauth_factors::totp::{self, Key, Step};
use fourauth_protocol::{
    command::{
        BindDevice, ConfirmTotp, Login, RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp,
        RevokeDevice,
    },
    device::{DeviceKey, DeviceName},
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::Picture,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};

/// One user. Every command they build succeeds; a test changes one thing.
#[derive(Debug, Clone)]
pub struct Persona {
    /// Their name.
    pub username: Username,
    /// Their password.
    pub password: Secret<String>,
    /// Their device.
    pub mac: MacAddress,
    /// The key in their authenticator.
    pub key: Key,
    /// The picture that they send.
    pub face: Picture,
}

impl Persona {
    /// A newly registered user. Sends another photograph of the person on `obama.jpg`.
    ///
    /// # Panics
    ///
    /// If the URI holds no secret.
    #[must_use]
    pub fn new(
        username: &str,
        password: Secret<String>,
        mac: MacAddress,
        uri: &Secret<String>,
    ) -> Self {
        Self {
            username: Username::parse(username).expect("a username"),
            password,
            mac,
            key: key_of(uri),
            face: models::picture("obama2.jpg"),
        }
    }

    /// The code that their authenticator shows at `now`.
    ///
    /// # Panics
    ///
    /// Never: a generator produces six digits.
    #[must_use]
    pub fn code(&self, now: UnixMillis) -> OneTimeCode {
        totp::code_at(&self.key, totp::step_at(now)).expect("six digits")
    }

    /// A code that is wrong at `now` and was also wrong one step earlier.
    ///
    /// # Panics
    ///
    /// Never: at most two of the three candidates are right.
    #[must_use]
    pub fn wrong_code(&self, now: UnixMillis) -> OneTimeCode {
        let Step(step) = totp::step_at(now);
        let right = [step - 1, step].map(|step| totp::code_at(&self.key, Step(step)));
        ["000000", "111111", "222222"]
            .map(OneTimeCode::parse)
            .into_iter()
            .find(|code| !right.contains(&code.map_err(|_| totp::NotAKey)))
            .and_then(Result::ok)
            .expect("one of three candidates is wrong")
    }

    /// Command 100: log in.
    #[must_use]
    pub fn login(&self, now: UnixMillis) -> Login {
        Login {
            username: self.username.clone(),
            password: self.password.clone(),
            totp: Some(self.code(now)),
            face: Some(self.face.clone()),
            faces: Vec::new(),
            mac: Some(self.mac),
            client_ts_utc: Some(now),
            device_pubkey: None,
            device_name: None,
            recovery_code: None,
            audience: None,
        }
    }

    /// Command 210: confirm the one-time code.
    #[must_use]
    pub fn confirm(&self, now: UnixMillis) -> ConfirmTotp {
        ConfirmTotp {
            username: self.username.clone(),
            password: self.password.clone(),
            totp: Some(self.code(now)),
        }
    }

    /// Command 220: bind another device, authorised by the device of this user.
    #[must_use]
    pub fn bind_device(&self, new: MacAddress, key: DeviceKey, now: UnixMillis) -> BindDevice {
        BindDevice {
            username: self.username.clone(),
            password: self.password.clone(),
            totp: Some(self.code(now)),
            mac: Some(self.mac),
            client_ts_utc: Some(now),
            new_mac: Some(new),
            device_pubkey: key,
            device_name: None,
        }
    }

    /// Command 224: revoke a device by name, authorised by the device of this user.
    #[must_use]
    pub fn revoke_device(&self, name: DeviceName, now: UnixMillis) -> RevokeDevice {
        RevokeDevice {
            username: self.username.clone(),
            password: self.password.clone(),
            totp: Some(self.code(now)),
            mac: Some(self.mac),
            client_ts_utc: Some(now),
            device_name: name,
        }
    }

    /// Command 300: replace the authenticator.
    #[must_use]
    pub fn recover_totp(&self, now: UnixMillis) -> RecoverTotp {
        RecoverTotp {
            username: self.username.clone(),
            password: self.password.clone(),
            face: Some(self.face.clone()),
            faces: Vec::new(),
            mac: Some(self.mac),
            client_ts_utc: Some(now),
            recovery_code: None,
        }
    }

    /// Command 310: replace the password.
    #[must_use]
    pub fn recover_password(&self, new: &str, now: UnixMillis) -> RecoverPassword {
        RecoverPassword {
            username: self.username.clone(),
            new_password: Secret::new(new.into()),
            totp: Some(self.code(now)),
            face: Some(self.face.clone()),
            faces: Vec::new(),
            mac: Some(self.mac),
            client_ts_utc: Some(now),
            recovery_code: None,
        }
    }

    /// Command 320: replace the face.
    #[must_use]
    pub fn recover_face(&self, new: Picture, now: UnixMillis) -> RecoverFace {
        RecoverFace {
            username: self.username.clone(),
            password: self.password.clone(),
            totp: Some(self.code(now)),
            new_face: Some(new),
            new_faces: Vec::new(),
            mac: Some(self.mac),
            client_ts_utc: Some(now),
            recovery_code: None,
            consent: None,
        }
    }

    /// Command 330: replace the device.
    #[must_use]
    pub fn recover_device(&self, new: MacAddress, now: UnixMillis) -> RecoverDevice {
        RecoverDevice {
            username: self.username.clone(),
            password: self.password.clone(),
            totp: Some(self.code(now)),
            face: Some(self.face.clone()),
            faces: Vec::new(),
            new_mac: Some(new),
            mac: None,
            new_device_pubkey: None,
            device_name: None,
            client_ts_utc: Some(now),
            recovery_code: None,
        }
    }
}

/// The key that a provisioning URI carries.
///
/// # Panics
///
/// If it has no secret.
#[must_use]
pub fn key_of(uri: &Secret<String>) -> Key {
    let secret = uri
        .expose()
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("secret="))
        .expect("a secret in the URI");
    let bytes = BASE32_NOPAD.decode(secret.as_bytes()).expect("base32");
    Key::from_bytes(bytes).expect("a key")
}
