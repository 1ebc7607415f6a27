//! Commands that a rate limit refused. They are counted by source, minute, command and name. After
//! the minute, the audit log gets one row for each count.
//!
//! For each minute and command, one source causes at most [`NAMES`] rows with names and one more
//! row that counts all other names, so that a peer cannot fill the disk with invented names.
//!
//! The reason of a refusal is not stored; `fourauth-auth` has the limits.

use crate::{
    audit::entry::{AuditEntry, MAX_USERNAME},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    limits::{
        lane::{MINUTE_MS, minute},
        refusal::{NOT_COMMANDS, OTHERS, Refusal, RefusalKey},
    },
    store::Store,
    visible::visible,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "refusals";

/// Rows that one transaction moves to the audit log. It takes less than a tenth of a second, while
/// other jobs wait to write to SQLite.
const AT_A_TIME: i64 = 250;

impl RefusalKey {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            minute: row.int(TABLE, "minute")?,
            source: row.text(TABLE, "source")?,
            action: row.text(TABLE, "action")?,
            name: row.text(TABLE, "name")?,
        })
    }

    /// The audit row for this count, written at `now`.
    fn entry(&self, count: i64, now: UnixMillis) -> AuditEntry {
        let Self { minute, source, action, name } = self;
        let from = UnixMillis(minute.saturating_mul(MINUTE_MS));
        let others = if name == OTHERS { " names=others" } else { "" };
        let is_named = !name.is_empty() && name != OTHERS;
        let reason = match action.as_str() {
            NOT_COMMANDS => "Not commands.",
            _ => "Refused: beyond a limit, not offered, or with a token of no session.",
        };
        AuditEntry {
            at: now,
            username: is_named.then(|| name.clone()),
            action: if action == NOT_COMMANDS { NOT_COMMANDS } else { "limited" },
            success: false,
            detail: format!(
                "{reason} command={action} count={count}{others} minute={from} source={source}"
            ),
        }
    }
}

impl Tx {
    /// Moves counts of minutes that ended before `now` to the audit log, oldest first, and returns
    /// the number of rows. One call moves at most [`AT_A_TIME`] rows.
    async fn conclude_some_refusals(&mut self, now: UnixMillis) -> Result<usize, Error> {
        const SQL: &str = "DELETE FROM refusals WHERE (minute, source, action, name) IN \
             (SELECT minute, source, action, name FROM refusals WHERE minute < $1 \
             ORDER BY minute, source, action, name LIMIT $2) \
             RETURNING minute, source, action, name, count";

        let values = [Value::Int(minute(now)), Value::Int(AT_A_TIME)];
        let rows = self.rows(SQL, &values).await?;
        let counted = rows.iter().map(|row| Ok((RefusalKey::read(row)?, row.int(TABLE, "count")?)));
        let mut counted: Vec<(RefusalKey, i64)> = counted.collect::<Result<_, Error>>()?;
        counted.sort();
        for (key, count) in &counted {
            self.append(&key.entry(*count, now)).await?;
        }
        Ok(counted.len())
    }

    /// Erases a name from the counts. The counts move to the audit log at once, without the name.
    /// Returns the number of rows.
    pub async fn erase_refusals(&mut self, name: &str, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM refusals WHERE name = $1 \
             RETURNING minute, source, action, '' AS name, count";

        let name = visible(name, MAX_USERNAME);
        if name.is_empty() {
            return Ok(0);
        }
        let rows = self.rows(SQL, &[Value::Text(&name)]).await?;
        for row in &rows {
            self.append(&RefusalKey::read(row)?.entry(row.int(TABLE, "count")?, now)).await?;
        }
        Ok(rows.len() as u64)
    }
}

impl Store {
    /// Counts a refused command and returns once the count is durable.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. Nothing was counted then.
    pub async fn count_refusal(&self, refusal: Refusal) -> Result<(), Error> {
        self.refusals.count(refusal).await
    }

    /// Moves every count of minutes that ended before `now` to the audit log and returns the number
    /// of rows. It uses several transactions, so that other jobs can write in between. If the
    /// future is dropped, the next call moves the rest.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. Rows that were moved before stay moved.
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
