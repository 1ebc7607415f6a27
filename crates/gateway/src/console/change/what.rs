//! What an administrator changes: its words, its page and its command.

use crate::console::visit::person;
use fourauth_protocol::{
    command::{
        AccountChange, ChangeAccount, ChangeMessage, Command, ConsoleSession, EndAccess,
        EraseAccount, InviteAgain, MessageChange, Reason, SetGroups,
    },
    device::DeviceName,
    group::{Group, MAX_GROUPS},
    username::Username,
};
use serde::Deserialize;

/// What is to be changed. `which` is the session, the device or the message, where there are several, or the
/// groups.
#[derive(Deserialize)]
pub(super) struct Change {
    pub(super) username: Username,
    pub(super) what: What,
    #[serde(default)]
    pub(super) which: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    Disable,
    Enable,
    Unlock,
    EndSession,
    EndSessions,
    RevokeDevice,
    ResetAuthenticator,
    ResetFace,
    SendCode,
    InviteAgain,
    Groups,
    Erase,
    ResendMessage,
    DropMessage,
}

impl What {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Unlock => "unlock",
            Self::EndSession => "end-session",
            Self::EndSessions => "end-sessions",
            Self::RevokeDevice => "revoke-device",
            Self::ResetAuthenticator => "reset-authenticator",
            Self::ResetFace => "reset-face",
            Self::SendCode => "send-code",
            Self::InviteAgain => "invite-again",
            Self::Groups => "groups",
            Self::Erase => "erase",
            Self::ResendMessage => "resend-message",
            Self::DropMessage => "drop-message",
        }
    }

    /// The keys of its button and its explanation.
    pub(super) const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Disable => ("change-disable", "change-disable-help"),
            Self::Enable => ("change-enable", "change-enable-help"),
            Self::Unlock => ("change-unlock", "change-unlock-help"),
            Self::EndSession => ("change-end-session", "change-end-session-help"),
            Self::EndSessions => ("change-end-sessions", "change-end-sessions-help"),
            Self::RevokeDevice => ("change-revoke-device", "change-revoke-device-help"),
            Self::ResetAuthenticator => ("change-authenticator", "change-authenticator-help"),
            Self::ResetFace => ("change-face", "change-face-help"),
            Self::SendCode => ("change-send-code", "change-send-code-help"),
            Self::InviteAgain => ("change-invite", "change-invite-help"),
            Self::Groups => ("change-groups", "change-groups-help"),
            Self::Erase => ("change-erase", "change-erase-help"),
            Self::ResendMessage => ("change-resend", "change-resend-help"),
            Self::DropMessage => ("change-drop", "change-drop-help"),
        }
    }

    /// True if it is about one of several things with a name that the page shows.
    pub(super) const fn shows_which(self) -> bool {
        matches!(self, Self::RevokeDevice | Self::ResendMessage | Self::DropMessage)
    }
}

impl Change {
    /// The command, or the key of the text about the field that is wrong.
    pub(super) fn command(
        &self,
        session: ConsoleSession,
        reason: Reason,
    ) -> Result<Command, &'static str> {
        let name = self.username.clone();
        let account = |change| {
            let change = ChangeAccount::new(session.clone(), name.clone(), change, reason.clone());
            Command::ChangeAccount(change)
        };
        let end = || EndAccess::new(session.clone(), name.clone(), reason.clone());
        let message = |change| -> Result<Command, &'static str> {
            let number = self.which.parse().map_err(|_| "console-gone")?;
            let change = ChangeMessage::new(session.clone(), number, change, reason.clone());
            Ok(Command::ChangeMessage(change))
        };
        Ok(match self.what {
            What::Disable => account(AccountChange::Disable),
            What::Enable => account(AccountChange::Enable),
            What::Unlock => account(AccountChange::Unlock),
            What::ResetAuthenticator => account(AccountChange::ResetAuthenticator),
            What::ResetFace => account(AccountChange::ResetFace),
            What::SendCode => account(AccountChange::SendPasswordCode),
            What::EndSessions => Command::EndAccess(end()),
            What::EndSession => Command::EndAccess(end().session(self.which.clone())),
            What::RevokeDevice => {
                let device = DeviceName::parse(&self.which).map_err(|_| "console-gone")?;
                Command::EndAccess(end().device_name(device))
            }
            What::Groups => {
                let groups = groups(&self.which)?;
                Command::SetGroups(SetGroups::new(session, name, groups, reason))
            }
            What::InviteAgain => Command::InviteAgain(InviteAgain::new(session, name, reason)),
            What::Erase => Command::EraseAccount(EraseAccount::new(session, name, reason)),
            What::ResendMessage => message(MessageChange::Resend)?,
            What::DropMessage => message(MessageChange::Drop)?,
        })
    }

    /// The page that shows the change.
    pub(super) fn back(&self) -> String {
        match self.what {
            What::ResendMessage | What::DropMessage => "/console/outbox".to_owned(),
            _ => person(self.username.as_str()),
        }
    }
}

/// The groups of a text, with commas or spaces between them.
fn groups(text: &str) -> Result<Vec<Group>, &'static str> {
    let names = text.split([',', ' ']).filter(|name| !name.is_empty());
    let groups: Result<Vec<_>, _> = names.map(Group::parse).collect();
    groups.ok().filter(|groups| groups.len() <= MAX_GROUPS).ok_or("change-groups-wrong")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_with_commas_and_spaces() {
        let names = |text| groups(text).map(|it| it.into_iter().map(|it| it.to_string()).collect());
        assert_eq!(names("staff, ops-2"), Ok(vec!["staff".to_owned(), "ops-2".to_owned()]));
        assert_eq!(names(" "), Ok(Vec::<String>::new()));
        assert_eq!(names("Staff"), Err("change-groups-wrong"));
    }
}
