//! 236, 246, 250–254 and 258: commands of the console that invite and erase people, set groups, and list
//! and change the messages to people.

use super::{ConsoleSession, Reason};
use crate::{
    contact::{Email, Phone},
    group::{Group, MAX_GROUPS},
    username::{self, Username},
};
use serde::{Deserialize, Deserializer, Serialize};
use std::{collections::BTreeSet, fmt};

/// 236: erases an account with all its data, and its name from the audit log. It needs the grant of 186.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EraseAccount {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The account.
    pub username: Username,
    /// Why. It is in an audit row that stays, so it should not name the person.
    pub reason: Reason,
}

/// 246: lists the messages to people, newest first. It shows no code and no address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ListMessages {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// True for all messages. Otherwise only those that wait or were given up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Maximum number of messages; 50 if absent, never more than 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(max = u32::MAX)))]
    pub limit: Option<u32>,
}

/// 250: invites a person, as 202 does, with the session of an administrator. It needs the grant of 186.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct InvitePerson {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The name of the account.
    #[serde(deserialize_with = "username::new_account")]
    pub username: Username,
    /// The person's mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The person's telephone number, for text messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// 252: puts an account into groups, which replace its earlier ones. It needs the grant of 186.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SetGroups {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The account.
    pub username: Username,
    /// The groups, at most 32. An empty list takes the account out of all.
    #[serde(deserialize_with = "few")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_GROUPS)))]
    pub groups: BTreeSet<Group>,
    /// Why. It is in the audit row.
    pub reason: Reason,
}

/// 254: sends a message again, or deletes it. It needs the grant of 186.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ChangeMessage {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The number of the message, as 246 lists it.
    #[cfg_attr(feature = "schema", schemars(range(min = i64::MIN, max = i64::MAX)))]
    pub message: i64,
    /// What to do: `resend` or `drop`.
    pub change: MessageChange,
    /// Why. It is in the audit row.
    pub reason: Reason,
}

/// 258: makes another invitation for a person that has not accepted one. The earlier one is void. It needs
/// the grant of 186.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct InviteAgain {
    /// The session of the administrator.
    #[serde(flatten)]
    pub session: ConsoleSession,
    /// The account.
    pub username: Username,
    /// Why. It is in the audit row.
    pub reason: Reason,
}

/// What an administrator does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageChange {
    /// Send it again, to the present address of its account.
    Resend,
    /// Delete it.
    Drop,
}

/// The groups of a command, if they are not too many.
fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Group>, D::Error> {
    let groups = BTreeSet::deserialize(deserializer)?;
    if groups.len() > MAX_GROUPS {
        let text = format!("an account has at most {MAX_GROUPS} groups");
        return Err(serde::de::Error::custom(text));
    }
    Ok(groups)
}

impl MessageChange {
    /// The word on the wire and in audit rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Drop => "drop",
        }
    }
}

impl fmt::Display for MessageChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl EraseAccount {
    /// Names the account and the reason.
    #[must_use]
    pub const fn new(session: ConsoleSession, username: Username, reason: Reason) -> Self {
        Self { session, username, reason }
    }
}

impl ListMessages {
    /// The messages that wait or were given up.
    #[must_use]
    pub const fn open(session: ConsoleSession) -> Self {
        Self { session, all: false, limit: None }
    }

    /// All messages.
    #[must_use]
    pub const fn all(session: ConsoleSession) -> Self {
        Self { session, all: true, limit: None }
    }
}

impl InvitePerson {
    /// Names the new account.
    #[must_use]
    pub const fn new(session: ConsoleSession, username: Username) -> Self {
        Self { session, username, email: None, phone: None }
    }
}

impl SetGroups {
    /// Names the account, its new groups and the reason.
    #[must_use]
    pub fn new(
        session: ConsoleSession,
        username: Username,
        groups: impl IntoIterator<Item = Group>,
        reason: Reason,
    ) -> Self {
        Self { session, username, groups: groups.into_iter().collect(), reason }
    }
}

impl InviteAgain {
    /// Names the account and the reason.
    #[must_use]
    pub const fn new(session: ConsoleSession, username: Username, reason: Reason) -> Self {
        Self { session, username, reason }
    }
}

impl ChangeMessage {
    /// Names the message, the change and the reason.
    #[must_use]
    pub const fn new(
        session: ConsoleSession,
        message: i64,
        change: MessageChange,
        reason: Reason,
    ) -> Self {
        Self { session, message, change, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_few_groups() {
        let payload = |count: usize| {
            let groups: Vec<_> = (0..count).map(|number| format!("g{number}")).collect();
            serde_json::json!({
                "token": "t", "username": "bob", "groups": groups, "reason": "new team",
            })
        };
        assert!(serde_json::from_value::<SetGroups>(payload(MAX_GROUPS)).is_ok());
        assert!(serde_json::from_value::<SetGroups>(payload(MAX_GROUPS + 1)).is_err());
    }
}
