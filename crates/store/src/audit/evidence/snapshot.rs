//! The whole log with its evidence, as it is at one moment, read page by page while others write.

use super::{ACCEPT_ROLLBACK, EvidenceRow, MAX_EVIDENCE, Rollback, SignedCheckpoint};
use crate::{
    audit::erasure::ERASE_AUDIT,
    engine::driver::{Connection, Row, Value, Writing},
    error::{Cause, Error},
    store::Store,
};

/// How often a moment is looked for in which no row is on its way that others refer to.
const ATTEMPTS: u32 = 100;

/// Most checkpoints that one question returns.
const MAX_CHECKPOINTS: u32 = 1000;

/// The log at one moment.
#[derive(Debug)]
pub struct LogSnapshot {
    connection: Connection,
}

impl Store {
    /// Looks at the log as it is now. What is written meanwhile is not seen; on SQLite the journal
    /// grows until the snapshot is dropped.
    ///
    /// Rows that refer to others are complete: whoever was erased by a row finds it in the tree.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails, or is so busy that there is no such moment.
    pub async fn log_snapshot(&self) -> Result<LogSnapshot, Error> {
        for _ in 0..ATTEMPTS {
            self.integrate_all().await?;
            let mut snapshot = LogSnapshot { connection: self.snapshot().await? };
            // Where rows get their place with the commit, one without was made to have none.
            let is_whole = self.writing() == Writing::Grouped;
            if is_whole || !snapshot.awaits_another_row().await? {
                return Ok(snapshot);
            }
        }
        Err(Error::Unavailable(Cause::Busy))
    }
}

impl LogSnapshot {
    /// Rows with their leaves in the order of the tree, from the first at or beyond `from`, at most
    /// `limit` and never more than [`MAX_EVIDENCE`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn evidence(&mut self, from: u64, limit: u32) -> Result<Vec<EvidenceRow>, Error> {
        const SQL: &str = "SELECT l.position, a.id, a.ts_utc, a.username, a.action, a.success, \
             a.detail, l.node, l.node_seq, l.salt, l.name_hash, l.detail_hash, l.erased_by, \
             l.leaf_hash FROM audit_leaf l JOIN access_logs a ON a.id = l.log_id \
             WHERE l.position >= $1 ORDER BY l.position LIMIT $2";

        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let values = [Value::Int(from), Value::Int(limit.min(MAX_EVIDENCE).into())];
        self.rows(SQL, &values).await?.iter().map(EvidenceRow::read).collect()
    }

    /// Checkpoints of trees with more than `size` leaves, smallest first, at most a thousand.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn checkpoints(&mut self, size: u64) -> Result<Vec<SignedCheckpoint>, Error> {
        const SQL: &str = "SELECT size, ts_utc, epoch, note FROM audit_checkpoint \
                           WHERE size > $1 ORDER BY size LIMIT $2";

        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let values = [Value::Int(size), Value::Int(MAX_CHECKPOINTS.into())];
        self.rows(SQL, &values).await?.iter().map(SignedCheckpoint::read).collect()
    }

    /// Every checkpoint that was given up.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn rollbacks(&mut self) -> Result<Vec<Rollback>, Error> {
        const SQL: &str = "SELECT size, note, log_id FROM audit_rollback ORDER BY log_id";

        self.rows(SQL, &[]).await?.iter().map(Rollback::read).collect()
    }

    /// Whether a row has no place in the tree yet that others refer to, or that refers to another.
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
