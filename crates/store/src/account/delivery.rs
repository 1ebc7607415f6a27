//! The delivery of notices: the lease of the one server that sends, and the state of each notice.
//!
//! The courier decides when to retry and when to give up. This module records it: an attempt is
//! counted before it begins, so that an attempt that a crash cuts short is counted too.

use crate::{
    account::{id::AccountId, notice::Waiting},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    entropy,
    error::Error,
    store::Store,
};
use data_encoding::HEXLOWER;
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "outbox";

/// A notice that is due to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The id in the outbox.
    pub id: i64,
    /// The account.
    pub account: AccountId,
    /// The mail address of the account at the event.
    pub email: Option<String>,
    /// The phone number of the account at the event.
    pub phone: Option<String>,
    /// When the message becomes useless, if it does.
    pub expires: Option<UnixMillis>,
    /// The number of attempts before this one.
    pub attempts: u32,
    /// The number of times that an operator sent it again after it had been sent.
    pub resends: u32,
    /// The notice; an error if another version of this program wrote it.
    pub notice: Result<Waiting, Error>,
}

/// What carries a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Mail.
    Mail,
    /// A text message.
    Sms,
}

/// The destinations that deliveries are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// Every address of an account.
    Account(AccountId),
    /// A mail address.
    Email(&'a str),
    /// A phone number.
    Phone(&'a str),
    /// All phone numbers that differ from this one at most in the last four digits: a block of ten
    /// thousand numbers.
    PhoneBlock(&'a str),
}

/// The messages that deliveries are counted of. Those that a peer can request must not use up what
/// notices may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Notices.
    Notices,
    /// Passcodes and reset codes.
    Passcodes,
}

/// The notices that are not looked at, because their sender is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeldBack {
    /// Those to accounts with a mail address.
    pub with_email: bool,
    /// Those to other accounts.
    pub without_email: bool,
}

/// Numbers of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deliveries {
    /// Since the later time.
    pub short: u32,
    /// Since the earlier time.
    pub long: u32,
}

/// The server that may send.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    /// Its name. Two processes never use the same name at the same time.
    pub owner: &'a str,
    /// The present time.
    pub now: UnixMillis,
    /// The time at which another server may take over.
    pub until: UnixMillis,
}

impl Channel {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        match word {
            "mail" => Some(Self::Mail),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }
}

impl Tx {
    /// Takes or extends the lease. `false` if another server has it. It is one statement, so that
    /// one of several servers gets it.
    pub async fn take_courier_lease(&mut self, lease: Lease<'_>) -> Result<bool, Error> {
        const SQL: &str = "UPDATE courier SET owner = $1, until = $2 \
             WHERE id = 1 AND (owner IS NULL OR owner = $1 OR until <= $3)";

        let values = [Value::Text(lease.owner), Value::Int(lease.until.0), Value::Int(lease.now.0)];
        self.changes(SQL, &values).await
    }

    /// Gives the lease back, if this server has it.
    pub async fn release_courier_lease(&mut self, owner: &str) -> Result<(), Error> {
        const SQL: &str = "UPDATE courier SET owner = NULL, until = 0 WHERE id = 1 AND owner = $1";

        self.execute(SQL, &[Value::Text(owner)]).await.map(|_| ())
    }

    /// Counts an attempt that begins, and sets the time of the next one in case this one is never
    /// concluded. `false` if the notice is no longer due, or the lease has ended.
    pub async fn begin_delivery(
        &mut self,
        due: &Due,
        lease: Lease<'_>,
        retry: UnixMillis,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE outbox SET attempts = attempts + 1, next_attempt = $3 \
             WHERE id = $1 AND attempts = $2 AND sent IS NULL AND dead = 0 AND EXISTS \
             (SELECT 1 FROM courier WHERE id = 1 AND owner = $4 AND until > $5)";

        let values = [
            Value::Int(due.id),
            Value::Int(due.attempts.into()),
            Value::Int(retry.0),
            Value::Text(lease.owner),
            Value::Int(lease.now.0),
        ];
        self.changes(SQL, &values).await
    }

    /// Records that a notice was sent. It is recorded for a notice that an operator has touched
    /// since, too: what was sent was sent.
    pub async fn delivered(
        &mut self,
        id: i64,
        channel: Channel,
        at: UnixMillis,
    ) -> Result<(), Error> {
        const SQL: &str = "UPDATE outbox SET sent = $2, channel = $3, last_error = NULL, dead = 0 \
                           WHERE id = $1";

        let values = [Value::Int(id), Value::Int(at.0), Value::Text(channel.as_str())];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Records that the attempt with this number failed, and when the next one is due; without a
    /// next one, the notice is dead. Nothing happens if an operator has changed the notice since.
    pub async fn not_delivered(
        &mut self,
        id: i64,
        attempt: u32,
        reason: &'static str,
        retry: Option<UnixMillis>,
    ) -> Result<(), Error> {
        const SQL: &str = "UPDATE outbox SET last_error = $3, dead = $4, next_attempt = $5 \
             WHERE id = $1 AND attempts = $2 AND sent IS NULL";

        let values = [
            Value::Int(id),
            Value::Int(attempt.into()),
            Value::Text(reason),
            Value::Int(retry.is_none().into()),
            Value::Int(retry.unwrap_or_default().0),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }
}

impl Store {
    /// The random name of this database in every Message-ID. The first call makes it.
    pub async fn courier_installation(&self) -> Result<String, Error> {
        const MAKE: &str = "INSERT INTO courier (id, installation, until) VALUES (1, $1, 0) \
                            ON CONFLICT (id) DO NOTHING";
        const READ: &str = "SELECT installation FROM courier WHERE id = 1";

        let random = HEXLOWER.encode(&entropy::bytes::<10>());
        let made: Result<u64, Error> = self
            .write(move |tx| {
                Box::pin(async move { tx.execute(MAKE, &[Value::Text(&random)]).await })
            })
            .await;
        made?;
        let row = self.row(READ, &[]).await?;
        let missing = Error::Corrupt { table: "courier", column: "installation" };
        row.ok_or(missing)?.text("courier", "installation")
    }

    /// The notices that are due at `now`, at most `limit`: first those that become useless, then in
    /// the order of their due times.
    pub async fn due_notices(
        &self,
        now: UnixMillis,
        held: HeldBack,
        limit: u32,
    ) -> Result<Vec<Due>, Error> {
        const SQL: &str = "SELECT id, account, recipient, subject, detail, created, language, \
             email, phone, expires, attempts, resends FROM outbox \
             WHERE sent IS NULL AND dead = 0 AND next_attempt <= $1 \
             AND (email IS NULL OR $2 = 0) AND (email IS NOT NULL OR $3 = 0) \
             ORDER BY CASE WHEN expires IS NULL THEN 1 ELSE 0 END, next_attempt, id LIMIT $4";

        let values = [
            Value::Int(now.0),
            Value::Int(held.with_email.into()),
            Value::Int(held.without_email.into()),
            Value::Int(limit.into()),
        ];
        let rows = self.rows(SQL, &values).await?;
        rows.iter().map(Due::read).collect()
    }

    /// The number of messages that were sent to `to` after each of two times.
    pub async fn deliveries(
        &self,
        to: Destination<'_>,
        of: Sort,
        short: UnixMillis,
        long: UnixMillis,
    ) -> Result<Deliveries, Error> {
        macro_rules! count {
            ($condition:literal) => {
                concat!(
                    "SELECT COUNT(*) AS earlier, COUNT(CASE WHEN sent > $2 THEN 1 END) AS later \
                     FROM outbox WHERE sent > $3 \
                     AND CASE WHEN expires IS NULL THEN 0 ELSE 1 END = $4 AND ",
                    $condition
                )
            };
        }
        let are_passcodes = of == Sort::Passcodes;
        let block;
        let (sql, value) = match to {
            Destination::Account(id) => (count!("account = $1"), Value::Int(id.0)),
            Destination::Email(email) => {
                (count!("email = $1 AND channel = 'mail'"), Value::Text(email))
            }
            Destination::Phone(phone) => {
                (count!("phone = $1 AND channel = 'sms'"), Value::Text(phone))
            }
            Destination::PhoneBlock(phone) => {
                block = phone.get(..phone.len().saturating_sub(4)).unwrap_or_default();
                let sql = count!("channel = 'sms' AND SUBSTR(phone, 1, LENGTH(phone) - 4) = $1");
                (sql, Value::Text(block))
            }
        };
        let values =
            [value, Value::Int(short.0), Value::Int(long.0), Value::Int(are_passcodes.into())];
        let row = self.row(sql, &values).await?;
        let Some(row) = row else { return Ok(Deliveries::default()) };
        Ok(Deliveries { short: count(&row, "later")?, long: count(&row, "earlier")? })
    }
}

impl Due {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(TABLE, "id")?,
            account: AccountId(row.int(TABLE, "account")?),
            email: row.text_or_null(TABLE, "email")?,
            phone: row.text_or_null(TABLE, "phone")?,
            expires: row.int_or_null(TABLE, "expires")?.map(UnixMillis),
            attempts: count(row, "attempts")?,
            resends: count(row, "resends")?,
            notice: Waiting::read(row),
        })
    }
}

/// A column that counts.
pub(crate) fn count(row: &Row, column: &'static str) -> Result<u32, Error> {
    u32::try_from(row.int(TABLE, column)?).map_err(|_| Error::Corrupt { table: TABLE, column })
}
