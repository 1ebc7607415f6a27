//! The end of sessions: of one family, of an account, of all, and of those whose time is over.

use crate::{
    account::{
        id::AccountId,
        session::{FamilyId, number},
    },
    engine::{driver::Value, tx::Tx},
    error::Error,
    store::Store,
};
use fourauth_protocol::{level::Level, time::UnixMillis};

/// Ended sessions that one transaction deletes, so that other jobs wait for some milliseconds only.
const AT_A_TIME: i64 = 500;

impl Tx {
    /// Locks an account until the transaction ends, so that its sessions change one after the other.
    pub async fn lock_account(&mut self, account: AccountId) -> Result<(), Error> {
        const SQL: &str = "UPDATE users SET version = version WHERE id = $1";

        self.execute(SQL, &[Value::Int(account.0)]).await.map(|_| ())
    }

    /// Ends a session of an account with its whole family. `false` if the account has none such.
    pub async fn end_family(
        &mut self,
        account: AccountId,
        family: FamilyId,
    ) -> Result<bool, Error> {
        self.end_family_up_to(account, family, Some(Level::Four)).await
    }

    /// As [`end_family`](Self::end_family), if the session has at most this level.
    pub async fn end_family_up_to(
        &mut self,
        account: AccountId,
        family: FamilyId,
        most: Option<Level>,
    ) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM sessions WHERE account = $1 AND family = $2 AND level <= $3";

        self.lock_account(account).await?;
        let values = [Value::Int(account.0), Value::Bytes(&family.0), Value::Int(number(most))];
        Ok(self.execute(SQL, &values).await? > 0)
    }

    /// Ends the sessions of an account that have at most this level.
    pub async fn end_sessions_up_to(
        &mut self,
        account: AccountId,
        most: Option<Level>,
    ) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM sessions WHERE account = $1 AND level <= $2";

        self.lock_account(account).await?;
        let values = [Value::Int(account.0), Value::Int(number(most))];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Ends every session of an account and returns their number.
    pub async fn end_sessions(&mut self, account: AccountId) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM sessions WHERE account = $1";

        self.execute(SQL, &[Value::Int(account.0)]).await
    }

    /// Ends every session of every account and returns their number.
    pub async fn end_all_sessions(&mut self) -> Result<u64, Error> {
        self.execute("DELETE FROM sessions", &[]).await
    }

    /// Deletes at most [`AT_A_TIME`] sessions of families that have ended and returns their number.
    async fn forget_ended_sessions(&mut self, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM sessions WHERE master IN \
             (SELECT master FROM sessions WHERE ends <= $1 LIMIT $2)";

        self.execute(SQL, &[Value::Int(now.0), Value::Int(AT_A_TIME)]).await
    }
}

impl Store {
    /// Deletes the sessions of families that have ended and returns their number. Other jobs are
    /// written in between.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. Some sessions may have been deleted.
    pub async fn forget_ended_sessions(&self, now: UnixMillis) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let some: Result<u64, Error> = self
                .write(move |tx| Box::pin(async move { tx.forget_ended_sessions(now).await }))
                .await;
            match some? {
                0 => return Ok(forgotten),
                count => forgotten += count,
            }
        }
    }
}
