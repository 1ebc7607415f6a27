//! Checkpoints that were exported and are no longer true, because an older backup was restored and
//! an operator has said that this is how it shall be.

use crate::{
    audit::{AuditEntry, AuditId},
    driver::{Row, Value},
    error::Error,
    store::Store,
    tx::Tx,
};

const TABLE: &str = "audit_rollback";

/// An exported checkpoint that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Leaves of the tree that is lost.
    pub size: u64,
    /// The checkpoint, as it was signed.
    pub note: String,
    /// The row that says so.
    pub row: AuditId,
}

impl Tx {
    /// Gives up an exported checkpoint, with the row that says so.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn accept_rollback(
        &mut self,
        size: u64,
        note: &str,
        entry: &AuditEntry,
    ) -> Result<AuditId, Error> {
        const SQL: &str = "INSERT INTO audit_rollback (size, note, log_id) VALUES ($1, $2, $3) \
                           ON CONFLICT DO NOTHING";

        let row = self.append(entry).await?;
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let values = [Value::Int(size), Value::Text(note), Value::Int(row.0)];
        self.execute(SQL, &values).await?;
        Ok(row)
    }
}

impl Store {
    /// Every checkpoint that was given up.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn rollbacks(&self) -> Result<Vec<Rollback>, Error> {
        const SQL: &str = "SELECT size, note, log_id FROM audit_rollback ORDER BY log_id";

        self.rows(SQL, &[]).await?.iter().map(Rollback::read).collect()
    }
}

impl Rollback {
    fn read(row: &Row) -> Result<Self, Error> {
        let size = row.int(TABLE, "size")?;
        Ok(Self {
            size: u64::try_from(size)
                .map_err(|_| Error::Corrupt { table: TABLE, column: "size" })?,
            note: row.text(TABLE, "note")?,
            row: AuditId(row.int(TABLE, "log_id")?),
        })
    }
}
