//! What a peer can ask. One file a family; the fields of 4Auth's six commands are kept to the
//! letter.
//!
//! Decoding is validation: a [`Command`] that exists is well-formed. Four kinds of value are read
//! leniently, and on purpose: a one-time code, a recovery code, an address or a timestamp that
//! cannot be one is `None`, and is answered like the wrong one. A person mistypes them, and what a
//! stranger learns must not depend on how.

mod audit;
mod confirm;
mod device;
mod hello;
mod login;
mod recover;
mod register;

pub use audit::ReadAudit;
pub use confirm::ConfirmTotp;
pub use device::{BindDevice, ListDevices, ProveDevice, RevokeDevice};
pub use hello::Hello;
pub use login::Login;
pub use recover::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp};
pub use register::{NewTotp, Register};

use crate::{
    frame::MAX_PAYLOAD_WITHOUT_PICTURE,
    secret::Secret,
    shape::{self, ShapeError},
};
use serde::{Serialize, de::DeserializeOwned};

/// A request.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "cmd")]
pub enum Command {
    /// 100: prove who you are.
    #[serde(rename = "100")]
    Login(Login),
    /// 150: this connection comes from a device of the account.
    #[serde(rename = "150")]
    ProveDevice(ProveDevice),
    /// 190: what does this server speak and want?
    #[serde(rename = "190")]
    Hello(Hello),
    /// 200: an administrator adds an account.
    #[serde(rename = "200")]
    Register(Register),
    /// 210: prove that the new one-time code generator works.
    #[serde(rename = "210")]
    ConfirmTotp(ConfirmTotp),
    /// 220: one more device.
    #[serde(rename = "220")]
    BindDevice(BindDevice),
    /// 222: which devices are there?
    #[serde(rename = "222")]
    ListDevices(ListDevices),
    /// 224: one device less.
    #[serde(rename = "224")]
    RevokeDevice(RevokeDevice),
    /// 240: an administrator reads the audit log.
    #[serde(rename = "240")]
    ReadAudit(ReadAudit),
    /// 300: a new secret for one-time codes.
    #[serde(rename = "300")]
    RecoverTotp(RecoverTotp),
    /// 310: a new password.
    #[serde(rename = "310")]
    RecoverPassword(RecoverPassword),
    /// 320: a new face.
    #[serde(rename = "320")]
    RecoverFace(RecoverFace),
    /// 330: a new device.
    #[serde(rename = "330")]
    RecoverDevice(RecoverDevice),
}

/// Why a payload is not a command. Each has its answer, and the connection lives on, except after
/// [`Refused::TooLarge`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not JSON of the right shape, or a field of the wrong type.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// JSON, but no command that this version knows.
    #[error("unknown command")]
    Unknown,
    /// Longer than a command without a picture may be.
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
    /// [`Refused`]. Its text names fields and never quotes a value, so it may be sent and logged.
    pub fn from_json(payload: &[u8]) -> Result<Self, Refused> {
        let code = shape::command_code(payload)?.ok_or(Refused::Unknown)?;
        match code.as_str() {
            "100" => body(payload).map(Self::Login),
            "150" => small(payload).map(Self::ProveDevice),
            "190" => small(payload).map(Self::Hello),
            "200" => body(payload).map(Self::Register),
            "210" => small(payload).map(Self::ConfirmTotp),
            "220" => small(payload).map(Self::BindDevice),
            "222" => small(payload).map(Self::ListDevices),
            "224" => small(payload).map(Self::RevokeDevice),
            "240" => small(payload).map(Self::ReadAudit),
            "300" => body(payload).map(Self::RecoverTotp),
            "310" => body(payload).map(Self::RecoverPassword),
            "320" => body(payload).map(Self::RecoverFace),
            "330" => body(payload).map(Self::RecoverDevice),
            _ => Err(Refused::Unknown),
        }
    }

    /// Writes the payload of this command. It holds secrets, and so is one.
    ///
    /// # Panics
    ///
    /// Never: every key is a text and no part can fail to serialise.
    #[must_use]
    pub fn to_json(&self) -> Secret<Vec<u8>> {
        Secret::new(
            serde_json::to_vec(self).expect("commands have text keys and no fallible parts"),
        )
    }
}

/// A body that may carry pictures, and so may fill a frame.
fn body<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    let mut json = serde_json::Deserializer::from_slice(payload);
    serde_path_to_error::deserialize(&mut json).map_err(|error| Refused::Malformed(explain(&error)))
}

/// A body without pictures.
fn small<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    if payload.len() > MAX_PAYLOAD_WITHOUT_PICTURE {
        return Err(Refused::TooLarge);
    }
    body(payload)
}

/// Says which field was wrong.
///
/// serde quotes offending values, which may be secrets, so its own words are used only for a
/// missing field, where there is no value.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    match text.split_once(" at line ") {
        Some((missing, _)) if missing.starts_with("missing field") => missing.to_owned(),
        _ => format!("field `{}` has the wrong type or an impossible value", error.path()),
    }
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
    fn what_a_person_mistypes_is_absent_and_not_malformed() {
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
    fn fields_from_the_future_are_ignored() {
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
    fn commands_that_do_not_exist_are_told_apart_from_nonsense() {
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
    fn what_a_client_writes_a_server_reads() {
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
