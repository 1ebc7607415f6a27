//! Commands that a limit turned away. They are counted by source, minute, command and name, and the
//! audit log gets one row of each count once the minute is over.
//!
//! One source may make [`NAMES`] rows of named accounts a minute and command, and one more that
//! counts all other names: a peer that invents names cannot fill the disk by it.
//!
//! Why a command was turned away is not kept: limits are `fourauth-auth`'s business.

mod counter;

pub(crate) use counter::Counter;

use crate::{
    audit::row::{AuditEntry, MAX_USERNAME},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    limits::lane::{MINUTE_MS, minute},
    store::Store,
    visible::visible,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "refusals";

/// Names that get a row of their own, of one source, minute and command. Servers that write at the
/// same moment to one PostgreSQL may each add one more.
const NAMES: i64 = 5;

/// Stands for all names beyond [`NAMES`]. A name that was made visible has no line feed.
const OTHERS: &str = "\n";

/// Rows that are moved to the audit log in one transaction: less than a tenth of a second, in which no
/// other job writes to SQLite.
const AT_A_TIME: i64 = 250;

/// A command that a limit turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it came from.
    pub source: String,
    /// What was tried, as the audit log calls it. Never a peer's text.
    pub action: &'static str,
    /// The name that was claimed, if one was.
    pub name: Option<String>,
    /// When it arrived.
    pub at: UnixMillis,
}

/// What refusals are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Heading {
    minute: i64,
    source: String,
    action: String,
    /// Empty if none was claimed, or [`OTHERS`].
    name: String,
}

impl From<Refusal> for Heading {
    fn from(refusal: Refusal) -> Self {
        let Refusal { source, action, name, at } = refusal;
        let name = name.map(|name| visible(&name, MAX_USERNAME)).unwrap_or_default();
        Self { minute: minute(at), source, action: action.to_owned(), name }
    }
}

impl Heading {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            minute: row.int(TABLE, "minute")?,
            source: row.text(TABLE, "source")?,
            action: row.text(TABLE, "action")?,
            name: row.text(TABLE, "name")?,
        })
    }

    /// The row of the audit log, written at `now`.
    fn entry(&self, count: i64, now: UnixMillis) -> AuditEntry {
        let Self { minute, source, action, name } = self;
        let from = UnixMillis(minute.saturating_mul(MINUTE_MS));
        let others = if name == OTHERS { " names=others" } else { "" };
        let is_named = !name.is_empty() && name != OTHERS;
        AuditEntry {
            at: now,
            username: is_named.then(|| name.clone()),
            action: "limited",
            success: false,
            detail: format!(
                "Turned away by limits. command={action} count={count}{others} minute={from} \
                 source={source}"
            ),
        }
    }
}

impl Tx {
    /// Adds to a count. The statement decides whether the name still gets a row of its own.
    async fn add_refusals(&mut self, heading: &Heading, count: i64) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO refusals (minute, source, action, name, count) \
             SELECT $1, $2, $3, CASE WHEN COUNT(*) < $6 OR $4 = '' THEN $4 ELSE $7 END, $5 \
             FROM refusals WHERE minute = $1 AND source = $2 AND action = $3 \
             AND name NOT IN ('', $4, $7) \
             ON CONFLICT (minute, source, action, name) \
             DO UPDATE SET count = refusals.count + excluded.count";

        let values = [
            Value::Int(heading.minute),
            Value::Text(&heading.source),
            Value::Text(&heading.action),
            Value::Text(&heading.name),
            Value::Int(count),
            Value::Int(NAMES),
            Value::Text(OTHERS),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Moves what was counted in minutes that are over at `now` to the audit log, oldest first and
    /// no more than one transaction should; how many rows that made.
    async fn conclude_some_refusals(&mut self, now: UnixMillis) -> Result<usize, Error> {
        const SQL: &str = "DELETE FROM refusals WHERE (minute, source, action, name) IN \
             (SELECT minute, source, action, name FROM refusals WHERE minute < $1 \
             ORDER BY minute, source, action, name LIMIT $2) \
             RETURNING minute, source, action, name, count";

        let values = [Value::Int(minute(now)), Value::Int(AT_A_TIME)];
        let rows = self.rows(SQL, &values).await?;
        let counted = rows.iter().map(|row| Ok((Heading::read(row)?, row.int(TABLE, "count")?)));
        let mut counted: Vec<(Heading, i64)> = counted.collect::<Result<_, Error>>()?;
        counted.sort();
        for (heading, count) in &counted {
            self.append(&heading.entry(*count, now)).await?;
        }
        Ok(counted.len())
    }

    /// Takes a name out of what is counted. The counts go to the audit log at once, without the
    /// name; how many rows that made.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn erase_refusals(&mut self, name: &str, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM refusals WHERE name = $1 \
             RETURNING minute, source, action, '' AS name, count";

        let name = visible(name, MAX_USERNAME);
        if name.is_empty() {
            return Ok(0);
        }
        let rows = self.rows(SQL, &[Value::Text(&name)]).await?;
        for row in &rows {
            self.append(&Heading::read(row)?.entry(row.int(TABLE, "count")?, now)).await?;
        }
        Ok(rows.len() as u64)
    }
}

impl Store {
    /// Counts a command that a limit turned away, and answers once that is durable.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails; then nothing was counted.
    pub async fn count_refusal(&self, refusal: Refusal) -> Result<(), Error> {
        self.refusals.count(refusal).await
    }

    /// Moves everything that was counted in minutes that are over at `now` to the audit log; how
    /// many rows that made. In several transactions if there are many, so that others write in
    /// between; dropping the future leaves the rest for the next call.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. What was moved before stays moved.
    pub async fn conclude_refusals(&self, now: UnixMillis) -> Result<usize, Error> {
        let mut moved = 0;
        loop {
            let some: Result<usize, Error> =
                self.write(move |tx| Box::pin(tx.conclude_some_refusals(now))).await;
            match some? {
                0 => return Ok(moved),
                some => moved += some,
            }
        }
    }
}
