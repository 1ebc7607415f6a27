//! A snapshot of the whole log with its evidence, read page by page while others write.

use super::{ACCEPT_ROLLBACK, EvidenceRow, MAX_EVIDENCE, Rollback, SignedCheckpoint};
use crate::{
    audit::erasure::ERASE_AUDIT,
    engine::driver::{Connection, Row, Value, Writing},
    error::{Cause, Error},
    store::Store,
};

/// Number of tries to find a moment without unintegrated rows that refer to other rows.
const ATTEMPTS: u32 = 100;

/// Most checkpoints that one query returns.
const MAX_CHECKPOINTS: u32 = 1000;

/// The log at one moment.
#[derive(Debug)]
pub struct LogSnapshot {
    connection: Connection,
}

impl Store {
    /// Takes a snapshot of the log. It does not show later writes. On SQLite, the journal grows
    /// until the snapshot is dropped.
    ///
    /// References between rows are complete: the row that records an erasure is in the tree too.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails, or is too busy for a consistent snapshot.
    pub async fn log_snapshot(&self) -> Result<LogSnapshot, Error> {
        for _ in 0..ATTEMPTS {
            self.integrate_all().await?;
            let mut snapshot = LogSnapshot { connection: self.snapshot().await? };
            // On SQLite, rows enter the tree with their commit; one without a place was forged.
            let is_whole = self.writing() == Writing::Grouped;
            if is_whole || !snapshot.awaits_another_row().await? {
                return Ok(snapshot);
            }
        }
        Err(Error::Unavailable(Cause::Busy))
    }
}

impl LogSnapshot {
    /// Rows with their leaves in the order of the tree, starting at position `from`, at most
    /// `limit` and never more than [`MAX_EVIDENCE`].
    pub async fn evidence(&mut self, from: u64, limit: u32) -> Result<Vec<EvidenceRow>, Error> {
        const SQL: &str = "SELECT l.position, a.id, a.ts_utc, a.username, a.action, a.success, \
             a.detail, l.node, l.node_seq, l.salt, l.name_hash, l.detail_hash, l.erased_by, \
             l.leaf_hash FROM audit_leaf l JOIN access_logs a ON a.id = l.log_id \
             WHERE l.position >= $1 ORDER BY l.position LIMIT $2";

        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let values = [Value::Int(from), Value::Int(limit.min(MAX_EVIDENCE).into())];
        self.rows(SQL, &values).await?.iter().map(EvidenceRow::read).collect()
    }

    /// Checkpoints of trees with more than `size` leaves, smallest first, at most 1000.
    pub async fn checkpoints(&mut self, size: u64) -> Result<Vec<SignedCheckpoint>, Error> {
        const SQL: &str = "SELECT size, ts_utc, epoch, note FROM audit_checkpoint \
                           WHERE size > $1 ORDER BY size LIMIT $2";

        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let values = [Value::Int(size), Value::Int(MAX_CHECKPOINTS.into())];
        self.rows(SQL, &values).await?.iter().map(SignedCheckpoint::read).collect()
    }

    /// Every checkpoint that was given up.
    pub async fn rollbacks(&mut self) -> Result<Vec<Rollback>, Error> {
        const SQL: &str = "SELECT size, note, log_id FROM audit_rollback ORDER BY log_id";

        self.rows(SQL, &[]).await?.iter().map(Rollback::read).collect()
    }

    /// True if a row that refers to another, or that another refers to, is not in the tree yet.
    async fn awaits_another_row(&mut self) -> Result<bool, Error> {
        const SQL: &str = "SELECT 1 FROM audit_leaf l JOIN access_logs a ON a.id = l.log_id \
             WHERE l.position IS NULL \
             AND (a.action IN ($1, $2) OR l.erased_by IS NOT NULL) LIMIT 1";

        let values = [Value::Text(ERASE_AUDIT), Value::Text(ACCEPT_ROLLBACK)];
        Ok(!self.rows(SQL, &values).await?.is_empty())
    }

    async fn rows(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        self.connection.rows(sql, values).await
    }
}
