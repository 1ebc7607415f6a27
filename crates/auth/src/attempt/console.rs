//! What a command of the console changes, and the use of the session that it came with.

use crate::conflict::{Aborted, Conflict};
use fourauth_protocol::{device::DeviceName, time::UnixMillis};
use fourauth_store::{AccountId, FamilyId, Lane, MasterToken, Target, Tx};

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
}

impl ConsoleUse {
    /// The session is checked again: another command may have ended it, or have taken the console from
    /// its account, since it was read.
    pub(crate) async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        let Self { session, at, act } = self;
        Conflict::SessionEnded.unless(tx.attend_console(&session, at).await?)?;
        match act {
            ConsoleAct::Nothing => {}
            ConsoleAct::SetDisabled(account, disabled) => {
                Conflict::NoSuchAccount.unless(tx.set_disabled(account, disabled).await?)?;
            }
            ConsoleAct::Unlock(target) => {
                tx.clear_failures(target).await?;
            }
            ConsoleAct::EndSession(account, family) => {
                Conflict::NoSuchSession.unless(tx.end_family(account, family).await?)?;
            }
            ConsoleAct::EndSessions(account) => {
                tx.lock_account(account).await?;
                tx.end_sessions(account).await?;
            }
            ConsoleAct::RevokeDevice(account, target, name) => {
                let revoked = tx.revoke_device(account, None, name.as_str(), at).await?;
                let revoked = revoked.ok_or(Conflict::NoSuchDevice)?;
                tx.forget_lane(target, Lane::Device(revoked)).await?;
            }
        }
        Ok(())
    }
}
