//! Notices to the owners of accounts. A notice is written in the transaction of its event; this
//! module does not send it.

use crate::{
    account::{
        event::{Event, EventContext},
        id::AccountId,
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::{language::Language, time::UnixMillis};

const TABLE: &str = "outbox";

/// A notice about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The account.
    pub account: AccountId,
    /// The person to be told.
    pub recipient: Recipient,
    /// The event.
    pub event: Event,
    /// The circumstances of the event.
    pub context: EventContext,
}

/// A person that a notice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// The owner of the account.
    Owner,
}

/// A notice that waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The id in the outbox.
    pub id: i64,
    /// The account.
    pub account: AccountId,
    /// The person to be told.
    pub recipient: Recipient,
    /// The language of the account when the notice was written, if it had one.
    pub language: Option<Language>,
    /// The event.
    pub event: Event,
    /// The circumstances of the event; `None` for [`Event::Other`].
    pub context: Option<EventContext>,
    /// Time of the event.
    pub created: UnixMillis,
}

impl Recipient {
    /// The word in the database.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
        }
    }

    fn read(row: &Row) -> Result<Self, Error> {
        match row.text(TABLE, "recipient")?.as_str() {
            "owner" => Ok(Self::Owner),
            _ => Err(corrupt("recipient")),
        }
    }
}

impl Tx {
    /// Puts a notice into the outbox, in the language of the account and to its present addresses.
    /// Nothing happens if the account no longer exists.
    ///
    /// An event that replaces an address puts one notice before the change, for the old address, and
    /// one after it: the addresses of a notice stay those of its event.
    pub async fn notify(&mut self, notice: &Notice) -> Result<(), Error> {
        self.put(notice, None, None).await
    }

    /// Puts a message into the outbox, with the time at which it becomes useless and the source that
    /// requested it, if it has these.
    pub(crate) async fn put(
        &mut self,
        notice: &Notice,
        expires: Option<UnixMillis>,
        source: Option<&str>,
    ) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO outbox (account, recipient, subject, detail, created, \
             expires, source, language, email, phone) \
             SELECT id, $2, $3, $4, $5, $6, $7, language, email, phone FROM users WHERE id = $1";

        let detail = notice.event.detail(&notice.context);
        let values = [
            Value::Int(notice.account.0),
            Value::Text(notice.recipient.as_str()),
            Value::Text(notice.event.word()),
            Value::Text(&detail),
            Value::Int(notice.context.at.0),
            Value::IntOrNull(expires.map(|at| at.0)),
            Value::TextOrNull(source),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Puts a notice into the outbox unless the same account got one about the same kind of event
    /// within `silence_ms` before.
    pub async fn notify_seldom(&mut self, notice: &Notice, silence_ms: i64) -> Result<(), Error> {
        const SQL: &str = "SELECT 1 AS told FROM outbox \
             WHERE account = $1 AND subject = $2 AND created > $3 LIMIT 1";

        let since = notice.context.at.saturating_add_ms(-silence_ms);
        let word = Value::Text(notice.event.word());
        let values = [Value::Int(notice.account.0), word, Value::Int(since.0)];
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
        const SQL: &str = "SELECT id, account, recipient, subject, detail, created, language \
                           FROM outbox WHERE sent IS NULL ORDER BY id LIMIT $1";

        let rows = self.rows(SQL, &[Value::Int(limit.into())]).await?;
        rows.iter().map(Waiting::read).collect()
    }
}

impl Waiting {
    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        let (event, context) = Event::read(row.text(TABLE, "subject")?, row.text(TABLE, "detail")?);
        let language = row.text_or_null(TABLE, "language")?;
        let language = language.map(|tag| Language::parse(&tag)).transpose();
        Ok(Self {
            id: row.int(TABLE, "id")?,
            account: AccountId(row.int(TABLE, "account")?),
            recipient: Recipient::read(row)?,
            language: language.map_err(|_| corrupt("language"))?,
            event,
            context,
            created: UnixMillis(row.int(TABLE, "created")?),
        })
    }
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
