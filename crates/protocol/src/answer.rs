//! The one shape of answer. Fields are only ever added.

use crate::{
    code::Code,
    request_id::RequestId,
    secret::{self, Secret},
    time::UnixMillis,
};
use serde::{Deserialize, Serialize};

/// An answer: 4Auth's `status` and `message`, and what has been added since.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// Whether what was asked has been done.
    pub status: Status,
    /// For a person.
    pub message: String,
    /// For a program.
    pub code: Code,
    /// Quote this to the operator: it stands in the log, and in the audit row if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// How long to wait before asking again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// What the command brought, if it succeeded.
    #[serde(flatten)]
    pub gains: Gains,
}

/// 4Auth's two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Done.
    Ok,
    /// Not done.
    Error,
}

/// What a command brought.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Gains {
    /// The QR code to scan, a PNG as base64. 200 and 300.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub qr_png_b64: Option<Secret<String>>,
    /// The same as an `otpauth://` URI. 200 and 300.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub provisioning_uri: Option<Secret<String>>,
    /// Proves this login to other services. 100.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub token: Option<Secret<String>>,
    /// What the server says of this login, signed: for services that verify it by themselves. 100.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub receipt: Option<Secret<String>>,
    /// When `token` ends. 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// Whether somebody else chose the password, so that it should be replaced. 100 and 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must_change: Option<bool>,
    /// Whether a code of the present one-time code secret has been seen. 200, 210 and 300.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_confirmed: Option<bool>,
    /// Codes for recovery, each good for once. Shown now and never again. 200.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::list_on_the_wire_if_any"
    )]
    pub recovery_codes: Option<Vec<Secret<String>>>,
    /// The account's devices. 222.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<DeviceRow>>,
    /// How well the face is enrolled. 200 and 320.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_quality: Option<FaceQuality>,
    /// What the server speaks and wants. 190.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerInfo>,
    /// Rows of the audit log, newest first. 240.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<AuditRow>>,
}

/// How well a face is enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FaceQuality {
    /// Pictures that the template was made of.
    pub pictures: u32,
    /// Pictures that would serve the person best.
    pub recommended: u32,
}

/// What a server speaks and wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerInfo {
    /// Version of this protocol. Additions do not change it.
    pub protocol: u32,
    /// Name and version of the software.
    pub software: String,
    /// Largest frame, in bytes.
    pub max_frame: u64,
    /// Largest frame of a command that carries no picture, in bytes.
    pub max_frame_without_picture: u64,
    /// Pictures that a client should send at enrolment.
    pub pictures_at_enrolment: u32,
    /// Pictures that a client should send at login.
    pub pictures_at_login: u32,
    /// Farthest that a client's clock may be off, in seconds.
    pub max_skew_seconds: u32,
    /// The server's clock.
    pub server_ts_utc: UnixMillis,
    /// How well the server knows the time: `synced`, `holdover`, `local` or `denied`.
    pub time: String,
    /// 32 fresh bytes as base64, for device proofs that are bound to the certificate. The last
    /// one that the connection was told counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_nonce: Option<String>,
    /// The public key of this server's receipts, in the form of a device's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_key: Option<String>,
    /// What this server insists on although the protocol does not: `recovery_code` (300 to 330),
    /// `device_key`.
    #[serde(default)]
    pub requires: Vec<String>,
}

/// One device of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceRow {
    /// What the person calls it.
    pub name: String,
    /// Its key, for short.
    pub device_id: String,
    /// Its address.
    pub mac: String,
    /// When its key was bound.
    pub bound_at: UnixMillis,
    /// How its key was bound: `registration`, `first_login`, `device` or `recovery`.
    pub bound_by: String,
    /// When it last proved itself.
    pub last_seen: UnixMillis,
}

/// One row of the audit log, as documented for 4Auth's log viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When it was written.
    pub ts_utc: UnixMillis,
    /// The name that was claimed, if one was.
    pub username: Option<String>,
    /// What was tried.
    pub action: String,
    /// Whether it succeeded.
    pub success: bool,
    /// Why, and what each factor said. Control characters are escaped.
    pub detail: String,
}

impl Answer {
    /// Says yes.
    #[must_use]
    pub fn ok(message: impl Into<String>, gains: Gains) -> Self {
        Self {
            status: Status::Ok,
            message: message.into(),
            code: Code::Ok,
            request_id: None,
            retry_after_ms: None,
            gains,
        }
    }

    /// Says no.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            status: Status::Error,
            message: message.into(),
            code,
            request_id: None,
            retry_after_ms: None,
            gains: Gains::default(),
        }
    }

    /// The same answer, naming the request it belongs to.
    #[must_use]
    pub fn to_request(self, id: RequestId) -> Self {
        Self { request_id: Some(id), ..self }
    }

    /// Whether what was asked has been done.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// Reads one payload.
    ///
    /// # Errors
    ///
    /// [`NotAnAnswer`] if the peer is not a fourauth server.
    pub fn from_json(payload: &[u8]) -> Result<Self, NotAnAnswer> {
        serde_json::from_slice(payload).map_err(|_| NotAnAnswer)
    }

    /// Writes the payload of this answer. It may hold secrets, and so is one.
    ///
    /// # Panics
    ///
    /// Never: every key is a text and no part can fail to serialise.
    #[must_use]
    pub fn to_json(&self) -> Secret<Vec<u8>> {
        Secret::new(serde_json::to_vec(self).expect("answers have text keys and no fallible parts"))
    }
}

/// The payload is not an answer. Does not quote it: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an answer of this protocol")]
pub struct NotAnAnswer;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_has_the_documented_fields_and_no_empty_ones() {
        let answer = Answer::error(Code::Denied, "Invalid username or password.");
        assert_eq!(
            answer.to_json().expose(),
            br#"{"status":"error","message":"Invalid username or password.","code":"denied"}"#
        );
    }

    #[test]
    fn what_a_server_writes_a_client_reads() {
        let gains = Gains {
            token: Some(Secret::new("t".into())),
            expires_at: Some(UnixMillis(1_740_830_400_000)),
            ..Gains::default()
        };
        let answer = Answer::ok("Login successful.", gains);
        let read = Answer::from_json(answer.to_json().expose()).unwrap();
        assert!(read.is_ok());
        assert_eq!(read.gains.token.unwrap().expose(), "t");
        assert_eq!(read.gains.expires_at, Some(UnixMillis(1_740_830_400_000)));
    }

    #[test]
    fn recovery_codes_and_devices_survive_the_wire() {
        let row = DeviceRow {
            name: "laptop".into(),
            device_id: "21fe31dfa154a261626bf854046fd227".into(),
            mac: "00:1b:44:11:3a:b7".into(),
            bound_at: UnixMillis(1_740_830_400_000),
            bound_by: "first_login".into(),
            last_seen: UnixMillis(1_740_830_460_000),
        };
        let gains = Gains {
            recovery_codes: Some(vec![Secret::new("7K3M-9QXT-0B5H-WZ2D".into())]),
            devices: Some(vec![row.clone()]),
            ..Gains::default()
        };
        assert!(!format!("{gains:?}").contains("7K3M"));
        let read = Answer::from_json(Answer::ok("", gains).to_json().expose()).unwrap();
        assert_eq!(read.gains.recovery_codes.unwrap()[0].expose(), "7K3M-9QXT-0B5H-WZ2D");
        assert_eq!(read.gains.devices, Some(vec![row]));
    }

    #[test]
    fn a_server_of_the_first_version_requires_nothing_more() {
        let text = br#"{"protocol":1,"software":"s","max_frame":1,"max_frame_without_picture":1,
            "pictures_at_enrolment":5,"pictures_at_login":3,"max_skew_seconds":120,
            "server_ts_utc":"2025-03-01T12:00:00Z","time":"synced"}"#;
        let server: ServerInfo = serde_json::from_slice(text).unwrap();
        assert_eq!((server.device_nonce, server.requires), (None, Vec::new()));
        assert_eq!(server.receipt_key, None);
    }

    #[test]
    fn a_code_from_a_newer_server_does_not_break_an_older_client() {
        let text = br#"{"status":"error","message":"Later.","code":"quantum_flux","new":1}"#;
        assert_eq!(Answer::from_json(text).unwrap().code, Code::Unrecognised);
    }
}
