//! Answers. All commands share one type of answer, and fields are only ever added to it.

mod console;

pub use console::{
    AccountRow, AttemptCount, AuditState, BackupState, ConsentRow, Erasure, HealthCheck,
    InvitationState, KeyRow, MessageRow, OutboxState, ServerState,
};

use crate::{
    code::Code,
    contact::Email,
    device_request::RequestNumber,
    envelope::Reference,
    frame::{self, FrameError, HEADER},
    grant::GrantToken,
    group::Group,
    jwt,
    level::Level,
    receipt::Method,
    request_id::RequestId,
    secret::{self, Secret},
    time::UnixMillis,
    username::Username,
    words::{Action, BoundBy, ChallengeStep, ChallengeUse, Requirement, TimeState},
};
use serde::{Deserialize, Serialize};

/// An answer: 4Auth's `status` and `message`, and the fields that fourauth adds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// Outcome of the command.
    pub status: Status,
    /// Text for people.
    pub message: String,
    /// Outcome for programs.
    pub code: Code,
    /// Identifies the request in the log and in its audit row, if it has one. Quote it to the
    /// operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// The text that a gateway gave to the command.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// Time to wait before a retry, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Results of the command, if it succeeded. In a box, because it has room for those of every command.
    #[serde(flatten)]
    pub body: Box<AnswerBody>,
}

/// Outcome of a command, in 4Auth's two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The command succeeded.
    Ok,
    /// The command failed.
    Error,
}

/// Results of a command that succeeded. Each field names the commands that return it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct AnswerBody {
    /// The QR code to scan: a PNG as base64. Commands 160, 162, 200 and 300.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub qr_png_b64: Option<Secret<String>>,
    /// The content of the QR code, an `otpauth://` URI. Commands 160, 162, 200 and 300.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub provisioning_uri: Option<Secret<String>>,
    /// Identifies the session to this server. Commands 100, 120, 132, 170, 180, 182, 189, and 130 if the
    /// token was renewed.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub token: Option<Secret<String>>,
    /// Signed statement about this login, for services that verify it without asking the server.
    /// Command 100.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub receipt: Option<Secret<String>>,
    /// When `token` or, if there is none, `grant` or a challenge expires. With 188, that of the token that
    /// was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// Until when what was replaced may change nothing else and does not count towards a level. Absent if
    /// it counts at once. Commands 300, 310, 320 and 330.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settles_at: Option<UnixMillis>,
    /// The level that the login reached. Commands 100, 120, 130, 170 and 180.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// With `more_needed`: methods that were not proved and can raise the level, in the words of
    /// receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<Method>>,
    /// True if an administrator chose the password, so that it should be replaced. Commands 100
    /// and 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must_change: Option<bool>,
    /// True if the server has seen a code of the current secret for one-time codes. Commands 200,
    /// 210 and 300.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_confirmed: Option<bool>,
    /// Recovery codes. Each works once, and only this answer shows them. Commands 184 and 200.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::list_on_the_wire_if_any"
    )]
    pub recovery_codes: Option<Vec<Secret<String>>>,
    /// Authorises the next command, once, or those of five minutes (186). Commands 160, 162, 170, 180, 186,
    /// 202, 210, 250, 256 and 350.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantToken>,
    /// The page of the portal that takes an invitation: a URL with the `grant`. Commands 202 and 250, if the
    /// server knows its portal.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub invitation_url: Option<Secret<String>>,
    /// The face challenge, to be sent back with its frames. Command 154.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<GrantToken>,
    /// What a browser signs to bind its session to a key or to renew the token of such a session, once.
    /// Commands 170, 180 and 182 at the door of browsers, and 189.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_challenge: Option<GrantToken>,
    /// The id of the session that was bound. Command 188.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What the face challenge asks for, in order. Command 154.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<ChallengeStep>>,
    /// A token that other software verifies with the server's published keys. Commands 170 and 180.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::on_the_wire_if_any"
    )]
    pub jwt: Option<Secret<String>>,
    /// The public keys that verify such tokens. Command 192.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<jwt::PublicKey>>,
    /// The name of the account. Command 130.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
    /// The mail address of the account, if it has one. That mail arrives there was not checked. Command
    /// 130.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The groups of the account, if it has any. Command 130.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// The methods that the login of the session proved, in the words of receipts. Command 130.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<Method>>,
    /// The account's sessions. Commands 142 and 232.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionRow>>,
    /// The proof of a sign-in: the text of a file, which no client should change. Command 144, and
    /// 242 for one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// The account's devices. Commands 222 and 232.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<DeviceRow>>,
    /// The browsers that ask to become a device of the account. Command 222, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<DeviceRequestRow>,
    /// The number of such a request, which the person compares. Command 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<RequestNumber>,
    /// Quality of the enrolled face. Commands 184, 200 and 320.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_quality: Option<FaceQuality>,
    /// The server's version, limits and requirements. Command 190.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerInfo>,
    /// Rows of the audit log, newest first. Commands 240, 242 and 248.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<AuditRow>>,
    /// Accounts, ordered by name. Command 230; one account in 232.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<AccountRow>>,
    /// Messages to people, newest first. Command 246.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<MessageRow>>,
    /// What was erased from the audit log. Command 236.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Erasure>,
    /// The state of the server. Command 244.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<ServerState>>,
}

/// Quality of an enrolled face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FaceQuality {
    /// Number of pictures that the template was made from.
    pub pictures: u32,
    /// Recommended number of pictures.
    pub recommended: u32,
}

/// A server's version, limits and requirements.
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
    /// Largest accepted difference between the client's clock and the server's, in seconds.
    pub max_skew_seconds: u32,
    /// The server's time.
    pub server_ts_utc: UnixMillis,
    /// How well the server knows the time: `synced`, `holdover`, `local` or `denied`.
    pub time: TimeState,
    /// 32 bytes as base64, for one device proof with the `certificate` binding within ten minutes.
    /// Each 190 returns new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_nonce: Option<String>,
    /// The public key that verifies this server's receipts, written like a device key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_key: Option<String>,
    /// Requirements of this server beyond those of the protocol: `recovery_code` (300 to 330),
    /// `device_key`.
    #[serde(default)]
    pub requires: Vec<Requirement>,
    /// Which commands need a face challenge: `off`, `recovery` or `always`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_challenge: Option<ChallengeUse>,
    /// True if a person may register without an administrator.
    #[serde(default)]
    pub self_registration: bool,
}

/// One device of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceRow {
    /// The name that the person gave it.
    pub name: String,
    /// The id of its key.
    pub device_id: String,
    /// Its MAC address.
    pub mac: String,
    /// When its key was bound.
    pub bound_at: UnixMillis,
    /// How its key was bound: `registration`, `first_login`, `device` or `recovery`.
    pub bound_by: BoundBy,
    /// When it last proved its key.
    pub last_seen: UnixMillis,
}

/// A browser that asks to become a device of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceRequestRow {
    /// The number that the browser shows.
    pub number: RequestNumber,
    /// The name that the browser gives itself.
    pub name: String,
    /// The address that it asked from.
    pub peer: String,
    /// When it asked.
    pub asked_at: UnixMillis,
    /// When the request expires.
    pub expires_at: UnixMillis,
}

/// One session of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionRow {
    /// Identifies it for 140: 32 hexadecimal digits. It stays the same when its token is renewed.
    pub id: String,
    /// The address of the login.
    pub peer: String,
    /// The MAC address that the login named, if it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The name of its device, if the session is bound to a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The level of the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The methods that the login proved.
    pub amr: Vec<Method>,
    /// When the login was.
    pub opened_at: UnixMillis,
    /// When it was last used, exact to a minute or so.
    pub last_seen: UnixMillis,
    /// When its token expires and has to be renewed.
    pub expires_at: UnixMillis,
    /// When it ends, also if it is renewed.
    pub ends_at: UnixMillis,
    /// True for the session of the token that asked.
    pub current: bool,
    /// True if only the browser that it was begun in can renew its token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
}

/// One row of the audit log, as documented for 4Auth's log viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditRow {
    /// Number of the row.
    pub id: i64,
    /// When it was written.
    pub ts_utc: UnixMillis,
    /// The username in the command, if there was one.
    pub username: Option<String>,
    /// The action that was attempted.
    pub action: Action,
    /// True if the action succeeded.
    pub success: bool,
    /// The reason, and the finding of each factor. Control characters are escaped.
    pub detail: String,
}

impl Answer {
    /// Answers a command that succeeded.
    #[must_use]
    pub fn ok(message: impl Into<String>, body: AnswerBody) -> Self {
        Self {
            status: Status::Ok,
            message: message.into(),
            code: Code::Ok,
            request_id: None,
            reference: None,
            retry_after_ms: None,
            body: Box::new(body),
        }
    }

    /// Answers a command that failed.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            status: Status::Error,
            message: message.into(),
            code,
            request_id: None,
            reference: None,
            retry_after_ms: None,
            body: Box::default(),
        }
    }

    /// The same answer with the id of its request.
    #[must_use]
    pub fn to_request(self, id: RequestId) -> Self {
        Self { request_id: Some(id), ..self }
    }

    /// The same answer with the reference of its command.
    #[must_use]
    pub fn with_reference(self, reference: Option<Reference>) -> Self {
        Self { reference, ..self }
    }

    /// True if the command succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// Reads one payload.
    ///
    /// # Errors
    ///
    /// [`NotAnAnswer`] if the payload is not an answer: the peer is not a fourauth server.
    pub fn from_json(payload: &[u8]) -> Result<Self, NotAnAnswer> {
        // Read twice, because `flatten` makes a copy of every field first, which takes longer.
        let head: Head = serde_json::from_slice(payload).map_err(|_| NotAnAnswer)?;
        let body = serde_json::from_slice(payload).map_err(|_| NotAnAnswer)?;
        let Head { status, message, code, request_id, reference, retry_after_ms } = head;
        Ok(Self { status, message, code, request_id, reference, retry_after_ms, body })
    }

    /// Writes the payload of this answer. The payload may hold secrets, so it is a [`Secret`].
    ///
    /// # Panics
    ///
    /// Never: every key is a string and no part can fail to serialise.
    #[must_use]
    pub fn to_json(&self) -> Secret<Vec<u8>> {
        Secret::new(
            serde_json::to_vec(self).expect("answers have string keys and no fallible parts"),
        )
    }

    /// Writes this answer as one frame, its length included. It may hold secrets, so it is a
    /// [`Secret`].
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLarge`] if the answer does not fit a frame.
    ///
    /// # Panics
    ///
    /// As [`Self::to_json`].
    pub fn to_frame(&self) -> Result<Secret<Vec<u8>>, FrameError> {
        let mut frame = Vec::with_capacity(USUAL_FRAME);
        frame.extend_from_slice(&[0; HEADER]);
        serde_json::to_writer(&mut frame, self)
            .expect("answers have string keys and no fallible parts");
        let announced = frame::announce(&mut frame);
        let frame = Secret::new(frame);
        announced.map(|()| frame)
    }
}

/// The fields of every answer.
#[derive(Deserialize)]
struct Head {
    status: Status,
    message: String,
    code: Code,
    request_id: Option<RequestId>,
    #[serde(rename = "ref")]
    reference: Option<Reference>,
    retry_after_ms: Option<u64>,
}

/// Room for a frame with a usual answer, in bytes.
const USUAL_FRAME: usize = 512;

/// The payload is not an answer. It is not quoted, because it may hold a secret.
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
    fn an_answer_survives_the_wire() {
        let body = AnswerBody {
            token: Some(Secret::new("t".into())),
            expires_at: Some(UnixMillis(1_740_830_400_000)),
            ..AnswerBody::default()
        };
        let answer = Answer::ok("Login successful.", body);
        let read = Answer::from_json(answer.to_json().expose()).unwrap();
        assert!(read.is_ok());
        assert_eq!(read.body.token.unwrap().expose(), "t");
        assert_eq!(read.body.expires_at, Some(UnixMillis(1_740_830_400_000)));
    }

    #[test]
    fn a_frame_is_the_payload_after_its_length() {
        let answer = Answer::ok("Hello.", AnswerBody::default());
        let mut frame = bytes::BytesMut::new();
        frame::encode(answer.to_json().expose(), &mut frame).unwrap();
        assert_eq!(answer.to_frame().unwrap().expose(), &frame.to_vec());

        let huge = Answer::ok("x".repeat(frame::MAX_PAYLOAD), AnswerBody::default());
        assert!(matches!(huge.to_frame(), Err(FrameError::TooLarge { .. })));
    }

    #[test]
    fn recovery_codes_and_devices_survive_the_wire() {
        let row = DeviceRow {
            name: "laptop".into(),
            device_id: "21fe31dfa154a261626bf854046fd227".into(),
            mac: "00:1b:44:11:3a:b7".into(),
            bound_at: UnixMillis(1_740_830_400_000),
            bound_by: BoundBy::FirstLogin,
            last_seen: UnixMillis(1_740_830_460_000),
        };
        let body = AnswerBody {
            recovery_codes: Some(vec![Secret::new("7K3M-9QXT-0B5H-WZ2D".into())]),
            devices: Some(vec![row.clone()]),
            ..AnswerBody::default()
        };
        assert!(!format!("{body:?}").contains("7K3M"));
        let read = Answer::from_json(Answer::ok("", body).to_json().expose()).unwrap();
        assert_eq!(read.body.recovery_codes.unwrap()[0].expose(), "7K3M-9QXT-0B5H-WZ2D");
        assert_eq!(read.body.devices, Some(vec![row]));
    }

    #[test]
    fn fields_that_an_older_server_does_not_send_are_empty() {
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
