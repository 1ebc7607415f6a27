//! Numbers about the whole database, for operators. No name is among them.

use crate::{
    engine::{driver::Value, writes::WriteFailure},
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

const TABLE: &str = "outbox";

/// Most sessions that are counted. The count looks at each of them, and it should take no more than
/// a tenth of a second.
pub const MOST_COUNTED_SESSIONS: u64 = 100_000;

/// Numbers about the database at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Sessions that have not ended, at most [`MOST_COUNTED_SESSIONS`].
    pub sessions: u64,
    /// The notices.
    pub outbox: OutboxCensus,
    /// Size of the data in bytes; see [`Store::size_bytes`].
    pub bytes: u64,
    /// Rows in the tree of the audit log.
    pub audit_rows: u64,
    /// Rows that the newest checkpoint covers, and its time. `None` if nothing was signed yet.
    pub checkpoint: Option<(u64, UnixMillis)>,
}

/// Numbers of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxCensus {
    /// Notices that wait for an attempt.
    pub waiting: u64,
    /// The time of the event that has waited longest.
    pub oldest_waiting: Option<UnixMillis>,
    /// Notices that were given up.
    pub dead: u64,
    /// Notices to accounts without an address.
    pub without_address: u64,
    /// Notices that were sent and not deleted yet.
    pub sent: u64,
}

impl Store {
    /// Counts at `now`.
    pub async fn census(&self, now: UnixMillis) -> Result<Census, Error> {
        let checkpoint = self.newest_checkpoint().await?.map(|newest| {
            let corrupt = Error::Corrupt { table: "audit_checkpoint", column: "ts_utc" };
            UnixMillis::parse(&newest.ts_utc).map(|at| (newest.size, at)).map_err(|_| corrupt)
        });
        Ok(Census {
            sessions: self.open_sessions(now).await?,
            outbox: self.outbox_census().await?,
            bytes: self.size_bytes().await?,
            audit_rows: self.tree_size().await?,
            checkpoint: checkpoint.transpose()?,
        })
    }

    /// The last write that failed since this store was opened.
    #[must_use]
    pub fn last_write_failure(&self) -> Option<WriteFailure> {
        self.writer.last_failure()
    }

    async fn open_sessions(&self, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "SELECT COUNT(*) AS sessions FROM (SELECT 1 AS one FROM sessions \
                           WHERE ends > $1 AND renewed IS NULL LIMIT $2) AS counted";

        let most = i64::try_from(MOST_COUNTED_SESSIONS).unwrap_or(i64::MAX);
        let row = self.row(SQL, &[Value::Int(now.0), Value::Int(most)]).await?;
        let sessions = row.map(|row| row.int("sessions", "sessions")).transpose()?;
        Ok(sessions.unwrap_or_default().unsigned_abs())
    }

    /// Each number has an index that holds it, except that of dead notices. There are few of those.
    async fn outbox_census(&self) -> Result<OutboxCensus, Error> {
        const SQL: &str = "SELECT \
             (SELECT COUNT(*) FROM outbox WHERE sent IS NULL AND dead = 0) AS waiting, \
             (SELECT MIN(created) FROM outbox WHERE sent IS NULL AND dead = 0) AS oldest, \
             (SELECT COUNT(*) FROM outbox WHERE sent IS NULL AND dead = 1 \
              AND COALESCE(last_error, '') <> 'no_address') AS dead, \
             (SELECT COUNT(*) FROM outbox WHERE sent IS NULL AND dead = 1 \
              AND last_error = 'no_address') AS without_address, \
             (SELECT COUNT(*) FROM outbox WHERE sent IS NOT NULL) AS sent";

        let Some(row) = self.row(SQL, &[]).await? else { return Ok(OutboxCensus::default()) };
        let count = |column| row.int(TABLE, column).map(i64::unsigned_abs);
        Ok(OutboxCensus {
            waiting: count("waiting")?,
            oldest_waiting: row.int_or_null(TABLE, "oldest")?.map(UnixMillis),
            dead: count("dead")?,
            without_address: count("without_address")?,
            sent: count("sent")?,
        })
    }
}
