//! Exported checkpoints that are no longer valid, because an older backup was restored and an
//! operator accepted the rollback.

use crate::{
    audit::entry::{AuditEntry, AuditId},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};

const TABLE: &str = "audit_rollback";

/// Action of the row that gives up a checkpoint.
pub const ACCEPT_ROLLBACK: &str = "accept_rollback";

/// An exported checkpoint that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Number of leaves of the lost tree.
    pub size: u64,
    /// The signed checkpoint.
    pub note: String,
    /// The row that records it.
    pub row: AuditId,
}

/// A checkpoint that was given up by a row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedRollback {
    /// The signed checkpoint.
    pub note: String,
    /// The row. Whether it was signed is shown by its [proof](Store::row_proof_by).
    pub row: AuditId,
}

impl Tx {
    /// Gives up an exported checkpoint and appends the row that records it. Replaces the reference
    /// to an earlier row: if that row were still valid, there would be no checkpoint to give up.
    pub async fn accept_rollback(
        &mut self,
        size: u64,
        note: &str,
        entry: &AuditEntry,
    ) -> Result<AuditId, Error> {
        const SQL: &str = "INSERT INTO audit_rollback (size, note, log_id) VALUES ($1, $2, $3) \
                           ON CONFLICT (size, note) DO UPDATE SET log_id = excluded.log_id";

        let row = self.append(entry).await?;
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let values = [Value::Int(size), Value::Text(note), Value::Int(row.0)];
        self.execute(SQL, &values).await?;
        Ok(row)
    }
}

impl Store {
    /// Every checkpoint that was given up by a successful row that is in the tree and not erased.
    pub async fn accepted_rollbacks(&self) -> Result<Vec<AcceptedRollback>, Error> {
        const SQL: &str = "SELECT given.note, given.log_id FROM audit_rollback given \
             JOIN audit_leaf leaf ON leaf.log_id = given.log_id \
             JOIN access_logs log ON log.id = given.log_id \
             WHERE log.action = $1 AND log.success = 1 \
             AND leaf.salt IS NOT NULL AND leaf.position IS NOT NULL ORDER BY leaf.position";

        let values = [Value::Text(ACCEPT_ROLLBACK)];
        self.rows(SQL, &values).await?.iter().map(AcceptedRollback::read).collect()
    }
}

impl AcceptedRollback {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self { note: row.text(TABLE, "note")?, row: AuditId(row.int(TABLE, "log_id")?) })
    }
}

impl Rollback {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let size = row.int(TABLE, "size")?;
        Ok(Self {
            size: u64::try_from(size)
                .map_err(|_| Error::Corrupt { table: TABLE, column: "size" })?,
            note: row.text(TABLE, "note")?,
            row: AuditId(row.int(TABLE, "log_id")?),
        })
    }
}
