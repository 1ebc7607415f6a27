//! 250, 252 and 258: an administrator invites a person, once or again, and sets the groups of an account.

use super::{Request, accounts::because};
use crate::{
    action::Action,
    attempt::{Audited, console::ConsoleAct},
    authenticator::Authenticator,
    command::invitation::{Invited, Invitee},
    decision::Denial,
    error::Error,
    received::Received,
};
use fourauth_protocol::command::{InviteAgain, InvitePerson, SetGroups};
use fourauth_store::Groups;

impl Authenticator {
    /// 250: adds an account for a person.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn invite_person(
        &self,
        received: Received,
        invite: InvitePerson,
    ) -> Result<Audited<Invited>, Error> {
        let InvitePerson { session, username, email, phone, .. } = invite;
        let about = username.clone();
        let guest = Invitee { username, email, phone };
        let request = Request::changing(Action::InvitePerson, Some(&about), String::new());
        let of = received.clone();
        self.as_console(request, received, session, async |_| {
            let (account, invited) = self.invitation(&of, guest).await?;
            Ok((ConsoleAct::Invite(account), invited))
        })
        .await
    }

    /// 258: makes another invitation for a person that has not accepted one. The earlier one is void.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn invite_again(
        &self,
        received: Received,
        invite: InviteAgain,
    ) -> Result<Audited<Invited>, Error> {
        let InviteAgain { session, username, reason, .. } = invite;
        let request = Request::changing(Action::InviteAgain, Some(&username), because(&reason));
        let of = received.clone();
        self.as_console(request, received, session, async |_| {
            let user = self.account(&username).await?;
            if user.invitation.is_none() {
                return Err(Denial::Superseded.into());
            }
            // The new invitation raises the version.
            let invited = self.link(&username, (user.id, user.version + 1), &of);
            let act = ConsoleAct::InviteAgain(user.id, user.version, invited.expires);
            Ok((act, invited))
        })
        .await
    }

    /// 252: replaces the groups of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn set_groups(
        &self,
        received: Received,
        set: SetGroups,
    ) -> Result<Audited<()>, Error> {
        let SetGroups { session, username, groups, reason, .. } = set;
        let groups = Groups(groups);
        let detail = format!("groups={} {}", groups.listed(), because(&reason));
        let request = Request::changing(Action::SetGroups, Some(&username), detail);
        self.as_console(request, received, session, async |_| {
            let id = self.account(&username).await?.id;
            Ok((ConsoleAct::SetGroups(id, groups), ()))
        })
        .await
    }
}
