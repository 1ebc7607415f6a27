//! 250 and 252: an administrator invites a person, and sets the groups of an account.

use super::{Request, accounts::because};
use crate::{
    action::Action,
    attempt::{Audited, console::ConsoleAct},
    authenticator::Authenticator,
    command::invitation::{Invited, Invitee},
    error::Error,
    received::Received,
};
use fourauth_protocol::command::{InvitePerson, SetGroups};
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
