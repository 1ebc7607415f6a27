//! The outbox as an operator sees it: every notice with the state of its delivery.

use crate::{
    account::{
        delivery::count,
        event::{Event, EventContext},
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "outbox";

/// The last error of a notice to an account without an address.
pub const NO_ADDRESS: &str = "no_address";

/// A notice in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The id in the outbox.
    pub id: i64,
    /// The name of the account.
    pub username: String,
    /// The event.
    pub event: Event,
    /// The circumstances of the event; `None` for [`Event::Other`].
    pub context: Option<EventContext>,
    /// The mail address of the account at the event.
    pub email: Option<String>,
    /// The phone number of the account at the event.
    pub phone: Option<String>,
    /// Time of the event.
    pub created: UnixMillis,
    /// The state of the delivery.
    pub state: DeliveryState,
    /// The number of attempts.
    pub attempts: u32,
    /// The class of the last failure.
    pub last_error: Option<String>,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waits until this time for an attempt.
    Waiting(UnixMillis),
    /// Sent at this time.
    Sent(UnixMillis),
    /// Given up.
    Dead,
}

/// The notices that a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Those that wait or are dead. Notices to accounts without an address are left out.
    Open,
    /// All of them.
    All,
}

impl Tx {
    /// Makes a notice due at `at` as if it were new, to the present addresses of its account. `false`
    /// if there is no such notice, or if it carries a passcode that has expired.
    pub async fn resend_notice(&mut self, id: i64, at: UnixMillis) -> Result<bool, Error> {
        const SQL: &str = "UPDATE outbox SET \
             resends = resends + CASE WHEN sent IS NULL THEN 0 ELSE 1 END, sent = NULL, dead = 0, \
             attempts = 0, last_error = NULL, channel = NULL, next_attempt = $2, \
             email = (SELECT email FROM users WHERE users.id = outbox.account), \
             phone = (SELECT phone FROM users WHERE users.id = outbox.account) \
             WHERE id = $1 AND (expires IS NULL OR expires > $2)";

        self.changes(SQL, &[Value::Int(id), Value::Int(at.0)]).await
    }

    /// Deletes a notice. `false` if there is no such notice.
    pub async fn drop_notice(&mut self, id: i64) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM outbox WHERE id = $1";

        self.changes(SQL, &[Value::Int(id)]).await
    }
}

/// The columns of an entry.
macro_rules! entries {
    ($rest:literal) => {
        concat!(
            "SELECT outbox.id, username, subject, detail, outbox.email, outbox.phone, created, \
             sent, dead, next_attempt, attempts, last_error \
             FROM outbox JOIN users ON users.id = outbox.account ",
            $rest
        )
    };
}

impl Store {
    /// The newest notices, at most `limit`, the newest first.
    pub async fn outbox(&self, listed: Listed, limit: u32) -> Result<Vec<OutboxEntry>, Error> {
        const OPEN: &str = entries!(
            "WHERE sent IS NULL AND COALESCE(last_error, '') <> 'no_address' \
             ORDER BY outbox.id DESC LIMIT $1"
        );
        const ALL: &str = entries!("ORDER BY outbox.id DESC LIMIT $1");

        let sql = match listed {
            Listed::Open => OPEN,
            Listed::All => ALL,
        };
        let rows = self.rows(sql, &[Value::Int(limit.into())]).await?;
        rows.iter().map(OutboxEntry::read).collect()
    }

    /// One notice.
    pub async fn outbox_entry(&self, id: i64) -> Result<Option<OutboxEntry>, Error> {
        const SQL: &str = entries!("WHERE outbox.id = $1");

        self.row(SQL, &[Value::Int(id)]).await?.as_ref().map(OutboxEntry::read).transpose()
    }

    /// The number of dead notices for each class of failure, in the order of the classes.
    pub async fn dead_notices(&self) -> Result<Vec<(String, u64)>, Error> {
        const SQL: &str = "SELECT COALESCE(last_error, '') AS reason, COUNT(*) AS dead \
             FROM outbox WHERE dead = 1 GROUP BY COALESCE(last_error, '') ORDER BY 1";

        let rows = self.rows(SQL, &[]).await?;
        let read = |row: &Row| {
            let dead = row.int(TABLE, "dead")?;
            Ok((row.text(TABLE, "reason")?, dead.unsigned_abs()))
        };
        rows.iter().map(read).collect()
    }
}

impl OutboxEntry {
    fn read(row: &Row) -> Result<Self, Error> {
        let (event, context) = Event::read(row.text(TABLE, "subject")?, row.text(TABLE, "detail")?);
        let sent = row.int_or_null(TABLE, "sent")?.map(UnixMillis);
        let next = UnixMillis(row.int(TABLE, "next_attempt")?);
        let state = match (sent, row.flag(TABLE, "dead")?) {
            (Some(at), _) => DeliveryState::Sent(at),
            (None, true) => DeliveryState::Dead,
            (None, false) => DeliveryState::Waiting(next),
        };
        Ok(Self {
            id: row.int(TABLE, "id")?,
            username: row.text(TABLE, "username")?,
            event,
            context,
            email: row.text_or_null(TABLE, "email")?,
            phone: row.text_or_null(TABLE, "phone")?,
            created: UnixMillis(row.int(TABLE, "created")?),
            state,
            attempts: count(row, "attempts")?,
            last_error: row.text_or_null(TABLE, "last_error")?,
        })
    }
}
