//! What a command of the console changes, and the use of the session that it came with.

use crate::{
    attempt::effect::NewAccount,
    conflict::{Aborted, Conflict},
};
use fourauth_factors::totp::Key;
use fourauth_protocol::{device::DeviceName, time::UnixMillis, username::Username};
use fourauth_store::{
    AccountId, Factor, FamilyId, Groups, Lane, MasterToken, NewFace, NewResetCode, Notice, Target,
    Tx, UserSummary,
};

/// A command of the console that is carried out.
#[derive(Debug)]
pub(crate) struct ConsoleUse {
    /// The session of the administrator.
    pub(crate) session: MasterToken,
    /// The time at which the command arrived.
    pub(crate) at: UnixMillis,
    /// What it changes.
    pub(crate) act: ConsoleAct,
}

/// A change to an account, made by an administrator.
#[derive(Debug)]
pub(crate) enum ConsoleAct {
    /// The command only reads.
    Nothing,
    /// The account is disabled or enabled, and its sessions end.
    SetDisabled(AccountId, bool),
    /// Its failures are forgotten.
    Unlock(Target),
    /// One of its sessions ends.
    EndSession(AccountId, FamilyId),
    /// All of its sessions end.
    EndSessions(AccountId),
    /// One of its devices is revoked, and its sessions end.
    RevokeDevice(AccountId, Target, DeviceName),
    /// One of its factors is removed, and its sessions end. The factor settles until then, and the owner
    /// gets the notice.
    Remove { account: AccountId, removed: Removed, settles: (Factor, UnixMillis), notice: Notice },
    /// The owner gets a code for a new password.
    SendCode(Box<(NewResetCode, Notice)>),
    /// It is erased, with this name.
    Erase(Box<(UserSummary, Username)>),
    /// What was counted for a name without an account is forgotten.
    ForgetName(Username),
    /// There is a new account.
    Invite(Box<NewAccount>),
    /// Its person is invited again: the account in this version, until then.
    InviteAgain(AccountId, i64, UnixMillis),
    /// It is in these groups.
    SetGroups(AccountId, Groups),
    /// A message is sent again.
    ResendMessage(i64),
    /// A message is deleted.
    DropMessage(i64),
}

/// A factor that is removed, with what takes its place.
#[derive(Debug)]
pub(crate) enum Removed {
    /// The authenticator, and a key that no person has.
    Totp(Box<Key>),
    /// The face, and a template that belongs to no face.
    Face(Box<NewFace>),
}

impl ConsoleUse {
    /// The session is checked again: another command may have ended it, or have taken the console from
    /// its account, since it was read.
    pub(crate) async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        let Self { session, at, act } = self;
        Conflict::SessionEnded.unless(tx.attend_console(&session, at).await?)?;
        act.apply(tx, at).await
    }
}

impl ConsoleAct {
    async fn apply(self, tx: &mut Tx, at: UnixMillis) -> Result<(), Aborted> {
        match self {
            Self::Nothing => {}
            Self::SetDisabled(account, disabled) => {
                Conflict::NoSuchAccount.unless(tx.set_disabled(account, disabled).await?)?;
            }
            Self::Unlock(target) => {
                tx.clear_failures(target).await?;
            }
            Self::EndSession(account, family) => {
                Conflict::NoSuchSession.unless(tx.end_family(account, family).await?)?;
            }
            Self::EndSessions(account) => {
                tx.lock_account(account).await?;
                tx.end_sessions(account).await?;
            }
            Self::RevokeDevice(account, target, name) => {
                let revoked = tx.revoke_device(account, None, name.as_str(), at).await?;
                let revoked = revoked.ok_or(Conflict::NoSuchDevice)?;
                tx.forget_lane(target, Lane::Device(revoked)).await?;
            }
            Self::Remove { account, removed, settles: (factor, until), notice } => {
                let removed = match removed {
                    Removed::Totp(key) => tx.remove_totp(account, &key).await?,
                    Removed::Face(decoy) => tx.remove_face(account, &decoy).await?,
                };
                Conflict::Superseded.unless(removed)?;
                tx.settle(account, factor, until).await?;
                tx.notify(&notice).await?;
            }
            Self::SendCode(sent) => {
                let (code, message) = *sent;
                tx.issue_reset_code(&code, &message).await?;
            }
            Self::Erase(erased) => {
                let (user, name) = *erased;
                Conflict::NoSuchAccount.unless(tx.erase_account(&user, &name).await?)?;
            }
            Self::ForgetName(name) => tx.forget_name(&name).await?,
            Self::Invite(account) => account.apply(tx).await?,
            Self::InviteAgain(account, version, until) => {
                let invited = tx.invite_again(account, version, until).await?;
                Conflict::Superseded.unless(invited)?;
            }
            Self::SetGroups(account, groups) => {
                Conflict::NoSuchAccount.unless(tx.set_groups(account, &groups).await?)?;
            }
            Self::ResendMessage(id) => {
                Conflict::NoSuchMessage.unless(tx.resend_notice(id, at).await?)?;
            }
            Self::DropMessage(id) => {
                Conflict::NoSuchMessage.unless(tx.drop_notice(id).await?)?;
            }
        }
        Ok(())
    }
}
