//! What the console shows: accounts, and the state of the server.

use crate::{group::Group, receipt::Method, time::UnixMillis};
use serde::{Deserialize, Serialize};

/// One account. It has no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub struct AccountRow {
    /// The name.
    pub username: String,
    /// The mail address, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The telephone number, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The factors that it has, in the words of receipts.
    pub factors: Vec<Method>,
    /// True if it may use the console.
    pub administrator: bool,
    /// True if an administrator disabled it.
    pub disabled: bool,
    /// True if its password must be changed, because another person chose it.
    pub must_change: bool,
    /// True if a code of its present secret was used.
    pub totp_confirmed: bool,
    /// Its groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Its invitation, if the person has not accepted it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationState>,
    /// Failed attempts that are counted for it now, which may have locked it. Only in 232.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// The consent to its face data. Only in 232.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<ConsentRow>,
}

/// An invitation that was not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationState {
    /// When its link expires.
    pub expires_at: UnixMillis,
    /// False if it has expired, or if the account changed since the link was made. Then the link opens
    /// nothing.
    pub valid: bool,
}

/// Consent to one kind of face data that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConsentRow {
    /// `template` or `picture`.
    pub what: String,
    /// The notice that the person agreed to, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// When.
    pub given_at: UnixMillis,
    /// `self`, `import`, or `admin=` and a name.
    pub given_by: String,
}

/// The state of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerState {
    /// Name and version of the software.
    pub software: String,
    /// The server's time.
    pub now: UnixMillis,
    /// How well it knows the time, and the largest error, if that has a bound: `synced(12ms)`.
    pub time: String,
    /// What the server depends on.
    pub checks: Vec<HealthCheck>,
    /// The last second in which its certificate is valid, if that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_until: Option<UnixMillis>,
    /// The keys that seal secrets.
    pub keys: Vec<KeyRow>,
    /// The tree of the audit log.
    pub audit: AuditState,
    /// The messages to people.
    pub outbox: OutboxState,
    /// Sessions that have not ended, at most 100 000.
    pub sessions: u64,
    /// Size of the data in bytes.
    pub bytes: u64,
    /// Attempts of the last 24 hours.
    pub attempts: Vec<AttemptCount>,
    /// The backups that were made and verified. Absent from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<BackupState>,
    /// The database: `sqlite` or `postgresql`. Absent from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// What the configuration leaves out: `time_servers`, `checkpoint_sinks`, `senders` (of messages).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_configured: Vec<String>,
    /// Accounts with a face of another model pack than the one in use. Absent if none was found, and from
    /// older servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outdated_faces: Option<u64>,
}

/// The newest backups, as far as local commands have written them down here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BackupState {
    /// When one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<UnixMillis>,
    /// When one was verified without a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<UnixMillis>,
    /// The file that was verified, without its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_file: Option<String>,
}

/// One message to a person. It has no code and no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageRow {
    /// Its number.
    pub message: i64,
    /// The account.
    pub username: String,
    /// What it is about: `password_replaced`, `passcode` and so on.
    pub event: String,
    /// When that happened.
    pub at: UnixMillis,
    /// `waiting`, `sent` or `given_up`.
    pub state: String,
    /// When it was sent, or when it is tried next. Absent if it was given up, or waits for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_at: Option<UnixMillis>,
    /// How often sending it was tried.
    pub attempts: u32,
    /// What went wrong last: `refused`, `unreachable` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// What was erased from the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Erasure {
    /// Rows without name and detail now.
    pub rows: u64,
    /// The rows that record it, which an auditor has to accept.
    pub recorded_by: Vec<i64>,
}

/// One thing that the server depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthCheck {
    /// What was checked: `database`, `disk`, `clock` and so on.
    pub subject: String,
    /// `ok`, `warning` or `failing`.
    pub condition: String,
    /// What is wrong, for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// One key that seals secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRow {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// `waits`, `seals`, `opens` or `retired`.
    pub state: String,
}

/// The tree of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditState {
    /// Rows in the tree.
    pub rows: u64,
    /// Rows that the newest checkpoint covers, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_rows: Option<u64>,
    /// The time of that checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<UnixMillis>,
    /// Places that checkpoints are copied to.
    pub sinks: u64,
    /// Those that lack the newest one.
    pub sinks_behind: Vec<String>,
}

/// Numbers of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutboxState {
    /// Messages that wait for an attempt.
    pub waiting: u64,
    /// Messages that were given up.
    pub dead: u64,
    /// Messages to accounts without an address.
    pub without_address: u64,
    /// Messages that were sent and not deleted yet.
    pub sent: u64,
}

/// Number of attempts with one outcome, at one door, in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptCount {
    /// The begin of the hour, in UTC: `2026-11-21T12`.
    pub hour: String,
    /// `native`, `web`, `http` or `text`.
    pub door: String,
    /// True for attempts that succeeded.
    pub success: bool,
    /// How many.
    pub count: u64,
}
