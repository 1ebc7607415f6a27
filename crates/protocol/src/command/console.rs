//! 186 and 230–248: commands of the console, for administrators that have signed in with four factors.

use crate::{
    device::DeviceName,
    grant::GrantToken,
    mac_address::{self, MacAddress},
    one_time_code::{self, OneTimeCode},
    secret::{self, Secret},
    username::Username,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 200;

/// What an administrator does to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountChange {
    /// Prevent it from signing in, and end its sessions.
    Disable,
    /// Let it sign in again.
    Enable,
    /// Delete the failures counted for it, which may have locked it.
    Unlock,
    /// Remove its authenticator. The next sign-in with the password sets up another one.
    ResetAuthenticator,
    /// Remove its face. The person can enrol another one after a sign-in.
    ResetFace,
    /// Send it the code of 340, with which the person sets a new password.
    SendPasswordCode,
}

/// Why an administrator changes something: 1 to 200 characters, not only white space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

/// The text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to {LONGEST_REASON} characters")]
pub struct NotAReason;

/// The session of an administrator, which every command of the console has.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ConsoleSession {
    /// The token of the session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
    /// The grant of 186, at most five minutes old. Commands that change something need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantToken>,
}

/// 186: proves a one-time code again. The answer has a grant, which commands of the console that change
/// something need.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProveAgain {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
}

/// 230: lists accounts, ordered by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ListAccounts {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// A part of the name, mail address or telephone number. Without it, all accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Accounts with a name after this one: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// True for the accounts alone with an invitation that was not accepted yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invited: bool,
    /// Maximum number of accounts; 50 if absent, never more than 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(max = u32::MAX)))]
    pub limit: Option<u32>,
}

/// 232: shows one account with its devices and sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ShowAccount {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The account.
    pub username: Username,
}

/// 234: changes an account. It needs the grant of 186.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ChangeAccount {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The account.
    pub username: Username,
    /// What to do: `disable`, `enable`, `unlock`, `reset_authenticator`, `reset_face` or `send_password_code`.
    pub change: AccountChange,
    /// Why. It is in the audit row.
    pub reason: Reason,
}

/// 238: ends one session, all sessions or a device of an account. It needs the grant of 186.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EndAccess {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The account.
    pub username: Username,
    /// The id of the one session that ends, as 232 lists it.
    #[serde(default, rename = "session", skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// The device that is revoked. All sessions end as well. Without this field and `session`, only all
    /// sessions end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
    /// Why. It is in the audit row.
    pub reason: Reason,
}

/// 242: reads rows of the audit log, newest first. A row must match every filter that is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ViewAudit {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// Rows with this username, which need not be an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Rows of this action: `login`, `register`, `recover_totp` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Successes only, or failures only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// The one row with this number. The answer has its proof as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = i64::MIN, max = i64::MAX)))]
    pub id: Option<i64>,
    /// Rows older than the one with this number: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = i64::MIN, max = i64::MAX)))]
    pub before_id: Option<i64>,
    /// Maximum number of rows; 50 if absent, never more than 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(max = u32::MAX)))]
    pub limit: Option<u32>,
}

/// 244: shows the state of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ShowState {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
}

/// 248: reads rows that were written after another one, newest first. It is for a page that shows new rows
/// as they come: it writes no row, and it does not count as a use that keeps the console open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct FollowAudit {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// Rows newer than the one with this number. Without it, the newest one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = i64::MIN, max = i64::MAX)))]
    pub after_id: Option<i64>,
}

impl Reason {
    /// Takes a text, without white space around it.
    ///
    /// # Errors
    ///
    /// [`NotAReason`] if it is empty or too long.
    pub fn parse(text: &str) -> Result<Self, NotAReason> {
        let text = text.trim();
        let is_one = !text.is_empty() && text.chars().count() <= LONGEST_REASON;
        if is_one { Ok(Self(text.to_owned())) } else { Err(NotAReason) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = NotAReason;

    fn try_from(text: String) -> Result<Self, NotAReason> {
        Self::parse(&text)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

impl AccountChange {
    /// The word on the wire and in audit rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Unlock => "unlock",
            Self::ResetAuthenticator => "reset_authenticator",
            Self::ResetFace => "reset_face",
            Self::SendPasswordCode => "send_password_code",
        }
    }
}

impl fmt::Display for AccountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ConsoleSession {
    /// Names the token; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>) -> Self {
        Self { token: token.into(), mac: None, grant: None }
    }
}

impl ProveAgain {
    /// Names the session and the code; `None` for a text that is no code.
    #[must_use]
    pub fn new(session: ConsoleSession, code: impl Into<Option<OneTimeCode>>) -> Self {
        Self { session, totp: code.into() }
    }
}

impl ListAccounts {
    /// The first accounts.
    #[must_use]
    pub const fn new(session: ConsoleSession) -> Self {
        Self { session, search: None, after: None, invited: false, limit: None }
    }
}

impl ShowAccount {
    /// Names the account.
    #[must_use]
    pub const fn new(session: ConsoleSession, username: Username) -> Self {
        Self { session, username }
    }
}

impl ChangeAccount {
    /// Names the account, the change and the reason.
    #[must_use]
    pub const fn new(
        session: ConsoleSession,
        username: Username,
        change: AccountChange,
        reason: Reason,
    ) -> Self {
        Self { session, username, change, reason }
    }
}

impl EndAccess {
    /// Ends every session of the account.
    #[must_use]
    pub const fn new(session: ConsoleSession, username: Username, reason: Reason) -> Self {
        Self { session, username, ends: None, device_name: None, reason }
    }
}

impl ViewAudit {
    /// The newest rows, unfiltered.
    #[must_use]
    pub const fn newest(session: ConsoleSession) -> Self {
        Self {
            session,
            username: None,
            action: None,
            success: None,
            id: None,
            before_id: None,
            limit: None,
        }
    }
}

impl ShowState {
    /// Names the session.
    #[must_use]
    pub const fn new(session: ConsoleSession) -> Self {
        Self { session }
    }
}

impl FollowAudit {
    /// The newest row.
    #[must_use]
    pub const fn new(session: ConsoleSession) -> Self {
        Self { session, after_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_neither_empty_nor_long() {
        for (text, is_one) in
            [("lost telephone", true), ("", false), (" \n", false), (&*"x".repeat(201), false)]
        {
            assert_eq!(Reason::parse(text).is_ok(), is_one, "{text}");
        }
        assert_eq!(Reason::parse(" left ").map(String::from), Ok("left".into()));
    }
}
