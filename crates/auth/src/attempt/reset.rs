//! The changes of a request for a code that resets a password, and of the reset itself.

use crate::{
    conflict::{Aborted, Conflict},
    rules::pace,
};
use fourauth_factors::password::Hash;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{
    AccountId, Factor, GrantHolder, GrantId, NewResetCode, Notice, RequestedBy, Tx,
};

/// A request for a code. It runs the same statements whether a code is issued or not: without one,
/// its account does not exist.
#[derive(Debug)]
pub(crate) struct ResetRequest {
    /// What limits count it under.
    pub(crate) by: RequestedBy,
    /// The time at which it arrived.
    pub(crate) at: UnixMillis,
    /// The code.
    pub(crate) code: NewResetCode,
    /// The message that carries it.
    pub(crate) message: Notice,
}

/// A new password in place of a forgotten one.
#[derive(Debug)]
pub(crate) struct PasswordReset {
    /// The account.
    pub(crate) account: AccountId,
    /// The version that the grant is for.
    pub(crate) version: i64,
    /// The grant, to be spent.
    pub(crate) grant: GrantId,
    /// The command that spends it.
    pub(crate) holder: GrantHolder,
    /// The new password.
    pub(crate) hash: Hash,
    /// Until when the password may not change another factor.
    pub(crate) settles: Option<(Factor, UnixMillis)>,
    /// The notice to the owner.
    pub(crate) notice: Notice,
}

impl ResetRequest {
    pub(super) async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        let Self { by, at, code, message } = self;
        let counted = tx.count_request(by, at, pace::minute(at)).await?;
        Conflict::TooManyRequests.unless(counted)?;
        Ok(tx.issue_reset_code(&code, &message).await?)
    }
}

impl PasswordReset {
    /// Spends the grant and replaces the password, which ends the sessions and makes every code that
    /// was sent before useless.
    pub(super) async fn apply(self, tx: &mut Tx) -> Result<(), Aborted> {
        let Self { account, version, grant, holder, hash, settles, notice } = self;
        let late = Conflict::ResetSpent;
        // Every transaction locks the account's row first, which prevents deadlocks.
        late.unless(tx.hold(account, version).await?)?;
        late.unless(tx.spend_grant(grant, holder).await?)?;
        late.unless(tx.replace_password(account, version, &hash, false).await?)?;
        tx.void_sent_codes(account).await?;
        if let Some((factor, until)) = settles {
            tx.settle(account, factor, until).await?;
        }
        Ok(tx.notify(&notice).await?)
    }
}
