//! The optional fields of commands, as methods that can be chained.
//!
//! ```
//! use fourauth_protocol::{
//!     command::Login, mac_address::MacAddress, one_time_code::OneTimeCode, picture::Picture,
//!     username::Username,
//! };
//!
//! let login = Login::new(Username::parse("alice")?, "violet-Ox-42".to_owned())
//!     .code(OneTimeCode::parse("287082")?)
//!     .pictures([Picture::new(b"a JPEG".to_vec())])
//!     .device(MacAddress::parse("00:1b:44:11:3a:b7")?);
//! assert!(login.audience.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::{
    AskForDevice, Authorise, BindDevice, CodeStep, ConfirmTotp, ConsoleSession, DecideDevice,
    EndAccess, EndSession, EnrolFace, ExchangeToken, FaceStep, FollowAudit, Invite, InvitePerson,
    ListAccounts, ListDevices, ListMessages, ListSessions, Login, PasswordStep, ProveDevice,
    ProveSignIn, RaiseSession, ReadAudit, RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp,
    RedeemPasscode, Register, RenewSession, RequestPasscode, RequestReset, ResetPassword,
    RevokeDevice, ValidateReset, ViewAudit,
};
use crate::{
    audience::Audience,
    challenge::FaceChallenge,
    consent::Consent,
    contact::{Email, Phone},
    device::{Binding, DeviceKey, DeviceName, DeviceNonce},
    grant::GrantToken,
    level::Level,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::Picture,
    recovery_code::RecoveryCode,
    session_proof::SessionProof,
    time::UnixMillis,
};

/// Implements one method for each line: its name, the field that it sets and the field's type.
macro_rules! setters {
    ($($command:ident {
        $($(#[$doc:meta])* $method:ident => $field:ident: $type:ty,)*
    })*) => {$(
        impl $command {$(
            $(#[$doc])*
            #[must_use]
            pub fn $method(mut self, $field: impl Into<$type>) -> Self {
                self.$field = Some($field.into());
                self
            }
        )*}
    )*};
}

/// Implements `pictures`: one picture fills the field of 4Auth, several the list.
macro_rules! pictures {
    ($($command:ident: $one:ident, $several:ident;)*) => {$(
        impl $command {
            /// The pictures; a second call replaces those of the first.
            #[must_use]
            pub fn pictures(mut self, pictures: impl IntoIterator<Item = Picture>) -> Self {
                let mut pictures: Vec<_> = pictures.into_iter().collect();
                self.$one = if pictures.len() == 1 { pictures.pop() } else { None };
                self.$several = pictures;
                self
            }
        }
    )*};
}

pictures! {
    Login: face, faces;
    Register: face, faces;
    RecoverTotp: face, faces;
    RecoverPassword: face, faces;
    RecoverFace: new_face, new_faces;
    RecoverDevice: face, faces;
}

setters! {
    Login {
        /// The answer to a face challenge, instead of pictures.
        face_challenge => challenge: FaceChallenge,
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
        /// The client's clock.
        sent_at => client_ts_utc: UnixMillis,
        /// The public key of the device.
        device_key => device_pubkey: DeviceKey,
        /// The name that the person gives the device.
        device_name => device_name: DeviceName,
        /// One of the recovery codes shown at registration.
        recovery_code => recovery_code: RecoveryCode,
        /// The service that the receipt is issued for.
        audience => audience: Audience,
        /// The level that the login must reach.
        level => level: Level,
    }
    RequestPasscode {
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
    }
    RedeemPasscode {
        /// The MAC address of the device that sends the command. The session is bound to it.
        device => mac: MacAddress,
    }
    PasswordStep {
        /// The MAC address of the device that sends the command. The session is bound to it.
        device => mac: MacAddress,
        /// The service that the signed token is for.
        audience => audience: Audience,
    }
    CodeStep {
        /// The MAC address of the device that sends the command. The session is bound to it.
        device => mac: MacAddress,
        /// The service that the signed token is for.
        audience => audience: Audience,
    }
    FaceStep {
        /// The answer to a face challenge, instead of pictures.
        face_challenge => challenge: FaceChallenge,
        /// The public key of the browser.
        device_key => device_pubkey: DeviceKey,
        /// The name that the person gives the browser.
        device_name => device_name: DeviceName,
    }
    AskForDevice {
        /// The answer to a face challenge, instead of pictures.
        face_challenge => challenge: FaceChallenge,
        /// The name that the browser gives itself.
        device_name => device_name: DeviceName,
    }
    RaiseSession {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
        /// The level to reach.
        level => level: Level,
        /// The answer to a face challenge, instead of pictures.
        face_challenge => challenge: FaceChallenge,
    }
    DecideDevice {
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
        /// The name that the person gives the browser.
        device_name => device_name: DeviceName,
    }
    EnrolFace {
        /// The notice that the person agreed to before the pictures were taken.
        consent => consent: Consent,
        /// The public key of the browser.
        device_key => device_pubkey: DeviceKey,
        /// The name that the person gives the browser.
        device_name => device_name: DeviceName,
    }
    Invite {
        /// The person's mail address.
        email => email: Email,
        /// The person's telephone number.
        phone => phone: Phone,
    }
    Authorise {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
        /// The level that the session must have.
        level => level: Level,
        /// The service that asks.
        audience => audience: Audience,
    }
    ExchangeToken {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
    }
    EndSession {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
        /// The id of the session to end, as 142 lists it.
        session => session: String,
    }
    ListSessions {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
    }
    ProveSignIn {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
        /// The id of the session, as 142 lists it.
        session => session: String,
    }
    RenewSession {
        /// The signature of the browser over a challenge.
        proof => proof: SessionProof,
    }
    ListDevices {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
    }
    ProveDevice {
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
        /// The nonce that was signed, for the binding `certificate`.
        nonce => device_nonce: DeviceNonce,
    }
    Register {
        /// The MAC address of the person's device.
        device => mac: MacAddress,
        /// The person's mail address.
        email => email: Email,
        /// The person's telephone number, for text messages.
        phone => phone: Phone,
        /// The public key of the device.
        device_key => device_pubkey: DeviceKey,
        /// The name that the person gives the device.
        device_name => device_name: DeviceName,
        /// The notice that the person agreed to before the pictures were taken.
        consent => consent: Consent,
    }
    ConfirmTotp {
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
    }
    BindDevice {
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
        /// The client's clock.
        sent_at => client_ts_utc: UnixMillis,
        /// The MAC address of the new device.
        new_device => new_mac: MacAddress,
        /// The name that the person gives the device.
        device_name => device_name: DeviceName,
    }
    RevokeDevice {
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
        /// The client's clock.
        sent_at => client_ts_utc: UnixMillis,
    }
    ReadAudit {
        /// Rows with this username, which need not be an account.
        username => username: String,
        /// Rows of this action.
        action => action: String,
        /// Successes only, or failures only.
        success => success: bool,
        /// The one row with this number.
        id => id: i64,
        /// Rows older than the one with this number: the next page.
        before_id => before_id: i64,
        /// Maximum number of rows; 50 if not set, never more than 500.
        limit => limit: u32,
    }
    ConsoleSession {
        /// The MAC address that the session was opened with.
        device => mac: MacAddress,
        /// The grant of 186.
        grant => grant: GrantToken,
    }
    ListAccounts {
        /// A part of the name, mail address or telephone number.
        search => search: String,
        /// Accounts with a name after this one: the next page.
        after => after: String,
        /// Maximum number of accounts; 50 if not set, never more than 100.
        limit => limit: u32,
    }
    EndAccess {
        /// The id of the one session that ends.
        session => ends: String,
        /// The device that is revoked.
        device_name => device_name: DeviceName,
    }
    ViewAudit {
        /// Rows with this username, which need not be an account.
        username => username: String,
        /// Rows of this action.
        action => action: String,
        /// Successes only, or failures only.
        success => success: bool,
        /// The one row with this number.
        id => id: i64,
        /// Rows older than the one with this number: the next page.
        before_id => before_id: i64,
        /// Maximum number of rows; 50 if not set, never more than 500.
        limit => limit: u32,
    }
    ListMessages {
        /// Maximum number of messages; 50 if not set, never more than 200.
        limit => limit: u32,
    }
    InvitePerson {
        /// The person's mail address.
        email => email: Email,
        /// The person's telephone number.
        phone => phone: Phone,
    }
    FollowAudit {
        /// Rows newer than the one with this number.
        after_id => after_id: i64,
    }
    RecoverTotp {
        /// The answer to a face challenge, instead of pictures.
        face_challenge => challenge: FaceChallenge,
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
        /// The client's clock.
        sent_at => client_ts_utc: UnixMillis,
        /// One of the recovery codes shown at registration.
        recovery_code => recovery_code: RecoveryCode,
    }
    RecoverPassword {
        /// The answer to a face challenge, instead of pictures.
        face_challenge => challenge: FaceChallenge,
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
        /// The client's clock.
        sent_at => client_ts_utc: UnixMillis,
        /// One of the recovery codes shown at registration.
        recovery_code => recovery_code: RecoveryCode,
    }
    RecoverFace {
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
        /// The client's clock.
        sent_at => client_ts_utc: UnixMillis,
        /// One of the recovery codes shown at registration.
        recovery_code => recovery_code: RecoveryCode,
        /// The notice that the person agreed to before the pictures were taken.
        consent => consent: Consent,
    }
    RecoverDevice {
        /// The answer to a face challenge, instead of pictures.
        face_challenge => challenge: FaceChallenge,
        /// The code that the authenticator shows.
        code => totp: OneTimeCode,
        /// The MAC address of the new device.
        new_device => new_mac: MacAddress,
        /// The client's clock.
        sent_at => client_ts_utc: UnixMillis,
        /// One of the recovery codes shown at registration.
        recovery_code => recovery_code: RecoveryCode,
        /// The MAC address to replace. If not set: the account's first, or else its only device.
        replaces => mac: MacAddress,
        /// The public key of the new device.
        new_device_key => new_device_pubkey: DeviceKey,
        /// The name that the person gives the device.
        device_name => device_name: DeviceName,
    }
    RequestReset {
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
    }
    ValidateReset {
        /// The MAC address of the device that sends the command.
        device => mac: MacAddress,
    }
    ResetPassword {
        /// The grant of the 350.
        grant => grant: GrantToken,
    }
}

impl ProveDevice {
    /// The channel binding of the signature; the TLS exporter if not set.
    #[must_use]
    pub fn binding(self, binding: Binding) -> Self {
        Self { binding, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{command::Command, username::Username};
    use serde_json::{Value, json};

    fn login() -> Login {
        Login::new(Username::parse("alice").unwrap(), "p".to_owned())
    }

    fn written(login: Login) -> Value {
        serde_json::from_slice(Command::Login(login).to_json().expose()).unwrap()
    }

    #[test]
    fn a_built_login_has_the_fields_of_4auth() {
        let login = login()
            .code(OneTimeCode::parse("287082").unwrap())
            .pictures([Picture::new(vec![0xff, 0xd8, 0xff])])
            .device(MacAddress::parse("00:1b:44:11:3a:b7").unwrap())
            .sent_at(UnixMillis(1_740_830_400_000));
        let expected = json!({
            "cmd": "100", "username": "alice", "password": "p", "totp": "287082", "faceID": "/9j/",
            "mac": "00:1b:44:11:3a:b7", "client_ts_utc": "2025-03-01T12:00:00.000Z",
        });
        assert_eq!(written(login), expected);
    }

    #[test]
    fn several_pictures_become_a_list_and_replace_earlier_ones() {
        let picture = || Picture::new(vec![0xff, 0xd8, 0xff]);
        let one = login().pictures([picture()]);
        let two = one.pictures([picture(), picture()]);
        let login = written(two.clone());
        assert_eq!((&login["faceID"], &login["faceIDs"]), (&Value::Null, &json!(["/9j/", "/9j/"])));
        assert_eq!(written(two.pictures([]))["faceIDs"], Value::Null);
    }
}
