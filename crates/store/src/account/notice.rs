//! Notices to the owners of accounts. A notice is written in the transaction of its event; this
//! module does not send it.

use crate::{
    account::id::AccountId,
    engine::{driver::Value, tx::Tx},
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "outbox";

/// A notice to the owner of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The account.
    pub account: AccountId,
    /// The event: `totp_replaced`, `device_bound` and so on. Never text from a peer.
    pub subject: &'static str,
    /// Source and device of the event.
    pub detail: String,
    /// Time of the event.
    pub at: UnixMillis,
}

/// A notice that waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The id in the outbox.
    pub id: i64,
    /// The account.
    pub account: AccountId,
    /// The event.
    pub subject: String,
    /// Source and device of the event.
    pub detail: String,
    /// Time of the event.
    pub created: UnixMillis,
}

impl Tx {
    /// Puts a notice into the outbox.
    pub async fn notify(&mut self, notice: &Notice) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO outbox (account, subject, detail, created) \
                           VALUES ($1, $2, $3, $4)";

        let values = [
            Value::Int(notice.account.0),
            Value::Text(notice.subject),
            Value::Text(&notice.detail),
            Value::Int(notice.at.0),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Puts a notice into the outbox unless the same account got one with the same subject within
    /// `silence_ms` before.
    pub async fn notify_seldom(&mut self, notice: &Notice, silence_ms: i64) -> Result<(), Error> {
        const SQL: &str = "SELECT 1 AS told FROM outbox \
             WHERE account = $1 AND subject = $2 AND created > $3 LIMIT 1";

        let since = notice.at.saturating_add_ms(-silence_ms);
        let values =
            [Value::Int(notice.account.0), Value::Text(notice.subject), Value::Int(since.0)];
        if self.rows(SQL, &values).await?.is_empty() { self.notify(notice).await } else { Ok(()) }
    }

    /// Deletes notices older than `before`, sent or not, and returns their number.
    pub async fn forget_notices(&mut self, before: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM outbox WHERE created < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await
    }
}

impl Store {
    /// The oldest unsent notices, at most `limit`.
    pub async fn notices(&self, limit: u32) -> Result<Vec<Waiting>, Error> {
        const SQL: &str = "SELECT id, account, subject, detail, created FROM outbox \
                           WHERE sent IS NULL ORDER BY id LIMIT $1";

        let rows = self.rows(SQL, &[Value::Int(limit.into())]).await?;
        rows.iter()
            .map(|row| {
                Ok(Waiting {
                    id: row.int(TABLE, "id")?,
                    account: AccountId(row.int(TABLE, "account")?),
                    subject: row.text(TABLE, "subject")?,
                    detail: row.text(TABLE, "detail")?,
                    created: UnixMillis(row.int(TABLE, "created")?),
                })
            })
            .collect()
    }
}
