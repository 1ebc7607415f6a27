//! Commands, one file for each family. The fields of 4Auth's six commands are unchanged.
//!
//! Decoding validates: every [`Command`] is well-formed. Six kinds of field are read leniently on
//! purpose. A one-time code, a passcode, a recovery code, a reset code, a MAC address or a timestamp
//! that cannot be parsed becomes `None` and gets the same answer as a wrong value. People mistype
//! these fields, and the answer must not tell an attacker whether a value was invalid or wrong.

mod administer;
mod audit;
mod bound_session;
mod challenge;
mod confirm;
mod console;
mod device;
mod device_request;
mod enrol;
mod gateway;
mod hello;
mod invite;
mod login;
mod passcode;
mod raise;
mod recover;
mod register;
mod reset;
mod session;
mod setters;
mod sign_in;

pub use administer::{
    ChangeMessage, EraseAccount, InviteAgain, InvitePerson, ListMessages, MessageChange, SetGroups,
};
pub use audit::ReadAudit;
pub use bound_session::{BindSession, RenewSession};
pub use challenge::BeginFaceChallenge;
pub use confirm::ConfirmTotp;
pub use console::{
    AccountChange, ChangeAccount, ConsoleSession, EndAccess, FollowAudit, ListAccounts, NotAReason,
    ProveAgain, Reason, ShowAccount, ShowState, ViewAudit,
};
pub use device::{BindDevice, ListDevices, ProveDevice, RevokeDevice};
pub use device_request::{AskForDevice, DecideDevice};
pub use enrol::EnrolFace;
pub use gateway::ProveGateway;
pub use hello::{GetKeys, Hello};
pub use invite::{AcceptInvitation, Invite};
pub use login::Login;
pub use passcode::{Identifier, RedeemPasscode, RequestPasscode, Unnamed};
pub use raise::RaiseSession;
pub use recover::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp};
pub use register::{NewTotp, Register};
pub use reset::{RequestReset, ResetPassword, ValidateReset};
pub use session::{Authorise, EndSession, ExchangeToken, ListSessions, ProveSignIn};
pub use sign_in::{CodeStep, FaceStep, PasswordStep, SelfRegister};

use crate::{
    frame::MAX_PAYLOAD_WITHOUT_PICTURE,
    mac_address::MacAddress,
    secret::Secret,
    shape::{self, ShapeError},
    username::Username,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Display;

/// Registers the commands: each with its number, its struct, `with pictures` if it may fill a frame,
/// and `of a device` if it names an account and the device that sends it. The number selects the
/// struct when a payload is read.
macro_rules! commands {
    ($(
        $(#[$doc:meta])* $code:literal $name:ident $(with $pictures:ident)? $(of a $device:ident)?;
    )*) => {
        /// A request.
        ///
        /// It is exhaustive on purpose: a server must not compile until it handles a new command.
        /// The structs of the commands may grow, so each has a `new` and methods for its optional
        /// fields.
        #[derive(Debug, Clone, Serialize)]
        #[serde(tag = "cmd")]
        pub enum Command {
            $($(#[$doc])* #[serde(rename = $code)] $name($name),)*
        }

        impl Command {
            /// The number of the command, as `cmd` carries it.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $code,)*
                }
            }

            /// The account and the device that the command claims to come from. `None` if the
            /// command names no account or no device.
            #[must_use]
            pub const fn sender(&self) -> Option<(&Username, Option<MacAddress>)> {
                match self {
                    $(Self::$name(_command) => commands!(@sender _command $($device)?),)*
                }
            }

            fn read_body(code: &str, payload: &[u8]) -> Result<Self, Refused> {
                match code {
                    $($code => commands!(@size $($pictures)?)(payload).map(Self::$name),)*
                    _ => Err(Refused::Unknown),
                }
            }
        }

        /// The number and the body's schema of every command.
        #[cfg(feature = "schema")]
        pub(crate) fn schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($code, schemars::schema_for!($name)),)*]
        }
    };
    (@size pictures) => { body };
    (@size) => { small };
    (@sender $command:ident device) => { Some((&$command.username, $command.mac)) };
    (@sender $command:ident) => { None };
}

commands! {
    /// 100: log in.
    "100" Login with pictures of a device;
    /// 110: request a passcode by mail or text message.
    "110" RequestPasscode;
    /// 120: redeem a passcode for a token.
    "120" RedeemPasscode;
    /// 130: authorise a request with a token, or renew the token.
    "130" Authorise;
    /// 132: exchange a token for one that a single service can check.
    "132" ExchangeToken;
    /// 140: end a session, or all.
    "140" EndSession;
    /// 142: list the sessions.
    "142" ListSessions;
    /// 144: get the proof of a sign-in.
    "144" ProveSignIn;
    /// 150: prove that this connection comes from a device of the account.
    "150" ProveDevice;
    /// 152: prove that this connection comes from a gateway.
    "152" ProveGateway;
    /// 154: begin a face challenge.
    "154" BeginFaceChallenge;
    /// 160: register an account without an administrator.
    "160" SelfRegister;
    /// 162: accept an invitation.
    "162" AcceptInvitation;
    /// 170: prove a password, the first of two steps.
    "170" PasswordStep;
    /// 180: prove a one-time code, the second step.
    "180" CodeStep;
    /// 182: prove a face after these, in a browser.
    "182" FaceStep with pictures;
    /// 184: enrol the first face, in a browser.
    "184" EnrolFace with pictures;
    /// 186: prove a one-time code again, before a change in the console.
    "186" ProveAgain;
    /// 188: bind a session to a key of its browser.
    "188" BindSession;
    /// 189: renew the token of such a session.
    "189" RenewSession;
    /// 190: get the server's version, limits and requirements.
    "190" Hello;
    /// 192: get the public keys that verify tokens.
    "192" GetKeys;
    /// 200: register an account, as an administrator.
    "200" Register with pictures;
    /// 202: invite a person, as an administrator.
    "202" Invite;
    /// 210: confirm that the new authenticator works.
    "210" ConfirmTotp;
    /// 220: add a device.
    "220" BindDevice of a device;
    /// 222: list the devices.
    "222" ListDevices;
    /// 224: revoke a device.
    "224" RevokeDevice of a device;
    /// 230: list accounts, in the console.
    "230" ListAccounts;
    /// 232: show one account, in the console.
    "232" ShowAccount;
    /// 234: change an account, in the console.
    "234" ChangeAccount;
    /// 236: erase an account, in the console.
    "236" EraseAccount;
    /// 238: end sessions or a device of an account, in the console.
    "238" EndAccess;
    /// 240: read the audit log, as an administrator.
    "240" ReadAudit;
    /// 242: read the audit log, in the console.
    "242" ViewAudit;
    /// 244: show the state of the server, in the console.
    "244" ShowState;
    /// 246: list the messages to people, in the console.
    "246" ListMessages;
    /// 248: read new rows of the audit log, in the console.
    "248" FollowAudit;
    /// 250: invite a person, in the console.
    "250" InvitePerson;
    /// 252: set the groups of an account, in the console.
    "252" SetGroups;
    /// 254: send a message again or delete it, in the console.
    "254" ChangeMessage;
    /// 256: ask for a browser to become a device.
    "256" AskForDevice with pictures;
    /// 257: add or refuse such a browser, from a device.
    "257" DecideDevice;
    /// 258: invite a person again, in the console.
    "258" InviteAgain;
    /// 259: raise the level of a session.
    "259" RaiseSession with pictures;
    /// 300: replace the secret for one-time codes.
    "300" RecoverTotp with pictures of a device;
    /// 310: replace the password.
    "310" RecoverPassword with pictures of a device;
    /// 320: replace the face.
    "320" RecoverFace with pictures of a device;
    /// 330: replace a device.
    "330" RecoverDevice with pictures of a device;
    /// 340: request a code that resets a forgotten password.
    "340" RequestReset;
    /// 350: exchange the code for a grant.
    "350" ValidateReset;
    /// 360: replace a forgotten password with the grant.
    "360" ResetPassword;
}

/// The payload is not a command. The server answers with the reason and keeps the connection open,
/// except after [`Refused::TooLarge`]. It is exhaustive on purpose, like [`Command`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The payload is not JSON of the right shape, or a field has the wrong type.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// The payload is JSON, but not a command that this version knows.
    #[error("unknown command")]
    Unknown,
    /// The payload states a peer, and the connection is not that of a gateway.
    #[error("only a gateway may state the peer of a command")]
    NotAGateway,
    /// A command without a picture exceeds its limit.
    #[error("a command without a picture exceeds {MAX_PAYLOAD_WITHOUT_PICTURE} bytes")]
    TooLarge,
}

impl From<ShapeError> for Refused {
    fn from(error: ShapeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl Command {
    /// Reads one payload.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the payload is not a command. The text names fields and never quotes a value,
    /// so it may be sent and logged.
    pub fn from_json(payload: &[u8]) -> Result<Self, Refused> {
        let code = shape::command_code(payload)?;
        Self::read(code.as_deref(), payload)
    }

    /// Reads a payload of the right shape, with this `cmd`.
    pub(crate) fn read(code: Option<&str>, payload: &[u8]) -> Result<Self, Refused> {
        Self::read_body(code.ok_or(Refused::Unknown)?, payload)
    }

    /// Writes the payload of this command. The payload holds secrets, so it is a [`Secret`].
    ///
    /// # Panics
    ///
    /// Never: every key is a string and no part can fail to serialise.
    #[must_use]
    pub fn to_json(&self) -> Secret<Vec<u8>> {
        Secret::new(
            serde_json::to_vec(self).expect("commands have string keys and no fallible parts"),
        )
    }
}

/// Reads a body that may carry pictures and so may fill a frame.
fn body<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    // Without the path of an error, a payload is read in a fraction of the time.
    if let Ok(read) = serde_json::from_slice(payload) {
        return Ok(read);
    }
    let mut json = serde_json::Deserializer::from_slice(payload);
    serde_path_to_error::deserialize(&mut json).map_err(|error| Refused::Malformed(explain(&error)))
}

/// Reads a body without pictures.
fn small<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    if payload.len() > MAX_PAYLOAD_WITHOUT_PICTURE {
        return Err(Refused::TooLarge);
    }
    body(payload)
}

/// Names the field that is wrong.
///
/// serde quotes the offending value, which may be a secret. Its own message is used only for a
/// missing field, which has no value, and for a message of [`wrong`].
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    let text = text.split_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let is_safe = ["missing field `", "field `"].iter().any(|start| text.starts_with(start));
    if is_safe { text.to_owned() } else { wrong(error.path()) }
}

/// The message about a field with a value that it cannot have.
fn wrong(field: impl Display) -> String {
    format!("field `{field}` has the wrong type or an impossible value")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = r#"{"cmd":"100","username":"alice","password":"Tr0ub4dor&3","totp":"287082",
        "faceID":"/9j/","mac":"00:1b:44:11:3a:b7","client_ts_utc":"2025-03-01T12:00:00Z"}"#;

    fn refused(text: &str) -> Refused {
        Command::from_json(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_login_is_read_as_documented() {
        let Ok(Command::Login(login)) = Command::from_json(LOGIN.as_bytes()) else {
            panic!("not a login")
        };
        assert_eq!(login.username.as_str(), "alice");
        assert_eq!(login.password.expose(), "Tr0ub4dor&3");
        assert_eq!(login.totp.map(|code| code.as_str().to_owned()), Some("287082".into()));
        assert_eq!(login.faces().next().map(|face| face.bytes().len()), Some(3));
        assert!(login.mac.is_some() && login.client_ts_utc.is_some());
    }

    #[test]
    fn a_mistyped_field_is_absent_and_not_malformed() {
        let mistyped = LOGIN.replace("287082", "28708").replace("00:1b", "x").replace("2025-", "");
        let Ok(Command::Login(login)) = Command::from_json(mistyped.as_bytes()) else {
            panic!("not a login")
        };
        assert_eq!((login.totp, login.mac, login.client_ts_utc), (None, None, None));
    }

    #[test]
    fn a_refusal_names_the_field_and_never_quotes_its_value() {
        let wrong_type = refused(&LOGIN.replace("\"Tr0ub4dor&3\"", "12345678"));
        assert!(wrong_type.to_string().contains("`password`"), "{wrong_type}");
        assert!(!wrong_type.to_string().contains("12345678"), "{wrong_type}");
        assert_eq!(
            refused(r#"{"cmd":"100","username":"alice"}"#),
            Refused::Malformed("missing field `password`".into())
        );
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let newer = LOGIN.replace("{\"cmd\"", "{\"liveness\":{\"nonce\":[1,2]},\"cmd\"");
        assert!(Command::from_json(newer.as_bytes()).is_ok());
    }

    #[test]
    fn null_is_an_absent_field() {
        let absent = LOGIN.replace("\"287082\"", "null").replace("\"/9j/\"", "null");
        let absent = absent.replace("{\"cmd\"", "{\"faceIDs\":null,\"cmd\"");
        let Ok(Command::Login(login)) = Command::from_json(absent.as_bytes()) else {
            panic!("not a login")
        };
        assert_eq!((login.totp, login.faces().count()), (None, 0));
    }

    #[test]
    fn unknown_commands_and_malformed_payloads_differ() {
        assert_eq!(refused(r#"{"cmd":"999"}"#), Refused::Unknown);
        assert_eq!(refused("{}"), Refused::Unknown);
        assert!(matches!(refused(r#"["100"]"#), Refused::Malformed(_)));
    }

    #[test]
    fn only_commands_with_pictures_may_be_long() {
        let padding = " ".repeat(MAX_PAYLOAD_WITHOUT_PICTURE);
        assert_eq!(refused(&format!("{{\"cmd\":\"190\"{padding}}}")), Refused::TooLarge);
        assert!(
            Command::from_json(LOGIN.replace("\"cmd\"", &format!("{padding}\"cmd\"")).as_bytes())
                .is_ok()
        );
    }

    #[test]
    fn a_command_survives_the_wire() {
        let command = Command::from_json(LOGIN.as_bytes()).unwrap();
        let again = Command::from_json(command.to_json().expose()).unwrap();
        assert_eq!(command.to_json().expose(), again.to_json().expose());
    }

    #[test]
    fn a_command_in_a_log_shows_no_secret() {
        let shown = format!("{:?}", Command::from_json(LOGIN.as_bytes()).unwrap());
        assert!(
            shown.contains("alice") && !shown.contains("Tr0ub4dor") && !shown.contains("287082")
        );
    }
}
