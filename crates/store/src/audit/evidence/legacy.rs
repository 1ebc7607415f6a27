//! Rows that are older than the tree get their leaves once, when the database is first opened by a
//! version that grows one.
//!
//! Only those that were there at the migration: a row that turns up later without a leaf was not
//! written by this program, and gets none.

use super::Unsealed;
use crate::{
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};

const TREE: &str = "audit_tree";
const LOG: &str = "access_logs";

/// Rows of one transaction.
const AT_ONCE: i64 = 500;

impl Store {
    /// Gives every old row its leaf. Begins where an earlier start was interrupted.
    pub(crate) async fn seal_old_rows(&self) -> Result<(), Error> {
        const LEFT: &str = "SELECT 1 FROM audit_tree WHERE legacy_done < legacy_to";

        while self.row(LEFT, &[]).await?.is_some() {
            self.write(|tx| Box::pin(tx.seal_some_old_rows())).await?;
        }
        Ok(())
    }
}

impl Tx {
    async fn seal_some_old_rows(&mut self) -> Result<(), Error> {
        // An UPDATE, because of two servers that start at once the second waits and then sees.
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
