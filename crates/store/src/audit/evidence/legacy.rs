//! Leaves for rows that are older than the tree. They are written once, when a version with a tree
//! first opens the database.
//!
//! Only rows that existed at the migration get leaves. A row that appears later without a leaf was
//! not written by this program and gets no leaf.

use crate::{
    audit::unsealed::Unsealed,
    engine::{
        driver::{Pool, Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};

const TREE: &str = "audit_tree";
const LOG: &str = "access_logs";

/// Rows in one transaction.
const AT_ONCE: i64 = 500;

/// True if rows that are older than the tree have no leaves yet.
pub(crate) async fn has_old_rows(pool: &Pool) -> Result<bool, Error> {
    const LEFT: &str = "SELECT 1 FROM audit_tree WHERE legacy_done < legacy_to";

    Ok(pool.row(LEFT, &[]).await?.is_some())
}

impl Store {
    /// Writes a leaf for every old row. Resumes where an earlier start was interrupted.
    pub(crate) async fn seal_old_rows(&self) -> Result<(), Error> {
        while has_old_rows(&self.pool).await? {
            self.write(|tx| Box::pin(tx.seal_some_old_rows())).await?;
        }
        Ok(())
    }
}

impl Tx {
    async fn seal_some_old_rows(&mut self) -> Result<(), Error> {
        // An UPDATE locks the row, so that the second of two servers that start at once waits.
        const HOLD: &str = "UPDATE audit_tree SET size = size RETURNING legacy_done, legacy_to";
        const OLD: &str = "SELECT id, ts_utc, username, action, success, detail \
             FROM access_logs WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3";
        const DONE: &str = "UPDATE audit_tree SET legacy_done = $1";

        let held = self.rows(HOLD, &[]).await?;
        let held = held.first().ok_or(Error::Corrupt { table: TREE, column: "one" })?;
        let (done, to) = (held.int(TREE, "legacy_done")?, held.int(TREE, "legacy_to")?);
        let rows = self.rows(OLD, &[Value::Int(done), Value::Int(to), Value::Int(AT_ONCE)]).await?;
        for row in &rows {
            self.unsealed.push(read(row)?);
        }
        let done = self.unsealed.last().map_or(to, |row| row.id);
        self.execute(DONE, &[Value::Int(done)]).await.map(|_| ())
    }
}

fn read(row: &Row) -> Result<Unsealed, Error> {
    Ok(Unsealed {
        id: row.int(LOG, "id")?,
        ts_utc: row.text(LOG, "ts_utc")?,
        username: row.text_or_null(LOG, "username")?,
        action: row.text(LOG, "action")?,
        success: row.flag(LOG, "success")?,
        detail: row.text(LOG, "detail")?,
    })
}
