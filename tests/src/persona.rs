//! A user with an account: password, device, authenticator and face.

use crate::{models, with::With as _};
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

    /// A code that is wrong at `now`, and one step earlier and later.
    ///
    /// # Panics
    ///
    /// Never: at most three of the four candidates are right.
    #[must_use]
    pub fn wrong_code(&self, now: UnixMillis) -> OneTimeCode {
        let Step(step) = totp::step_at(now);
        let right = [step - 1, step, step + 1].map(|step| totp::code_at(&self.key, Step(step)));
        ["000000", "111111", "222222", "333333"]
            .map(OneTimeCode::parse)
            .into_iter()
            .find(|code| !right.contains(&code.map_err(|_| totp::NotAKey)))
            .and_then(Result::ok)
            .expect("one of four candidates is wrong")
    }

    /// Command 100: log in.
    #[must_use]
    pub fn login(&self, now: UnixMillis) -> Login {
        Login::new(self.username.clone(), self.password.clone()).with(|login| {
            login.totp = Some(self.code(now));
            login.face = Some(self.face.clone());
            login.mac = Some(self.mac);
            login.client_ts_utc = Some(now);
        })
    }

    /// Command 210: confirm the one-time code.
    #[must_use]
    pub fn confirm(&self, now: UnixMillis) -> ConfirmTotp {
        ConfirmTotp::new(self.username.clone(), self.password.clone())
            .with(|confirm| confirm.totp = Some(self.code(now)))
    }

    /// Command 220: bind another device, authorised by the device of this user.
    #[must_use]
    pub fn bind_device(&self, new: MacAddress, key: DeviceKey, now: UnixMillis) -> BindDevice {
        BindDevice::new(self.username.clone(), self.password.clone(), key).with(|bind| {
            bind.totp = Some(self.code(now));
            bind.mac = Some(self.mac);
            bind.client_ts_utc = Some(now);
            bind.new_mac = Some(new);
        })
    }

    /// Command 224: revoke a device by name, authorised by the device of this user.
    #[must_use]
    pub fn revoke_device(&self, name: DeviceName, now: UnixMillis) -> RevokeDevice {
        RevokeDevice::new(self.username.clone(), self.password.clone(), name).with(|revoke| {
            revoke.totp = Some(self.code(now));
            revoke.mac = Some(self.mac);
            revoke.client_ts_utc = Some(now);
        })
    }

    /// Command 300: replace the authenticator.
    #[must_use]
    pub fn recover_totp(&self, now: UnixMillis) -> RecoverTotp {
        RecoverTotp::new(self.username.clone(), self.password.clone()).with(|recover| {
            recover.face = Some(self.face.clone());
            recover.mac = Some(self.mac);
            recover.client_ts_utc = Some(now);
        })
    }

    /// Command 310: replace the password.
    #[must_use]
    pub fn recover_password(&self, new: &str, now: UnixMillis) -> RecoverPassword {
        RecoverPassword::new(self.username.clone(), new.to_owned()).with(|recover| {
            recover.totp = Some(self.code(now));
            recover.face = Some(self.face.clone());
            recover.mac = Some(self.mac);
            recover.client_ts_utc = Some(now);
        })
    }

    /// Command 320: replace the face.
    #[must_use]
    pub fn recover_face(&self, new: Picture, now: UnixMillis) -> RecoverFace {
        RecoverFace::new(self.username.clone(), self.password.clone()).with(|recover| {
            recover.totp = Some(self.code(now));
            recover.new_face = Some(new);
            recover.mac = Some(self.mac);
            recover.client_ts_utc = Some(now);
        })
    }

    /// Command 330: replace the device.
    #[must_use]
    pub fn recover_device(&self, new: MacAddress, now: UnixMillis) -> RecoverDevice {
        RecoverDevice::new(self.username.clone(), self.password.clone()).with(|recover| {
            recover.totp = Some(self.code(now));
            recover.face = Some(self.face.clone());
            recover.new_mac = Some(new);
            recover.client_ts_utc = Some(now);
        })
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
