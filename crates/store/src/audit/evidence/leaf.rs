//! Leaves: one for every row, computed and written just before the commit.
//!
//! A leaf is not written when its row is appended, because PostgreSQL would then lock the end of
//! the chain until the commit, and transactions with other rows would wait.

use super::array;
use crate::{
    audit::unsealed::Unsealed,
    engine::{
        driver::{Value, Writing},
        location::Location,
        tx::Tx,
    },
    entropy,
    error::Error,
};
use fourauth_audit::{Hash, Salt, leaf};

const NODE: &str = "audit_node";

/// Chain that this process writes: one for a SQLite file, or one for each host on PostgreSQL.
///
/// Processes on one host share a chain; the lock on its end orders them.
pub(crate) fn node(location: &Location) -> String {
    match location {
        Location::Sqlite(_) => "self".to_owned(),
        Location::Postgres(_) => rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

impl Tx {
    /// Writes the leaves of the rows that this transaction appended.
    ///
    /// On SQLite, which has a single writer, they enter the tree at once. On PostgreSQL,
    /// [`Store::integrate`](crate::Store::integrate) adds them later, so that transactions do not
    /// wait for each other at one row.
    pub(crate) async fn seal_rows(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.unsealed);
        if rows.is_empty() {
            return Ok(());
        }
        let mut end = self.end_of_chain().await?;
        let mut leaves = Vec::with_capacity(rows.len());
        for row in &rows {
            leaves.push(self.seal(row, &mut end).await?);
        }
        self.keep_end(end).await?;
        match self.writing() {
            Writing::Grouped => self.grow(&leaves).await,
            Writing::Parallel => Ok(()),
        }
    }

    async fn seal(&mut self, row: &Unsealed, end: &mut (i64, Hash)) -> Result<(i64, Hash), Error> {
        const SQL: &str = "INSERT INTO audit_leaf (log_id, node, node_seq, leaf_hash, salt) \
                           VALUES ($1, $2, $3, $4, $5)";

        let salt: Salt = entropy::bytes();
        let node = self.node();
        let (newest, previous) = *end;
        let sealed = leaf::Leaf {
            id: row.id,
            ts_utc: &row.ts_utc,
            name: row.username.as_deref().map(|name| leaf::name_hash(&salt, name)),
            action: &row.action,
            success: row.success,
            detail: leaf::detail_hash(&salt, &row.detail),
            node: &node,
            node_seq: newest + 1,
            previous,
        };
        let hash = sealed.hash();
        *end = (newest + 1, hash);
        let values = [
            Value::Int(row.id),
            Value::Text(&node),
            Value::Int(newest + 1),
            Value::Bytes(&hash),
            Value::Bytes(&salt),
        ];
        self.execute(SQL, &values).await?;
        Ok((row.id, hash))
    }

    /// The newest number and leaf of this node's chain. Locks the chain until the commit.
    async fn end_of_chain(&mut self) -> Result<(i64, Hash), Error> {
        const BEGIN: &str = "INSERT INTO audit_node (node, node_seq, leaf_hash) \
                             VALUES ($1, 0, $2) ON CONFLICT DO NOTHING";
        // An UPDATE locks the row on PostgreSQL and reads the state after the wait.
        const HOLD: &str = "UPDATE audit_node SET node_seq = node_seq WHERE node = $1 \
                            RETURNING node_seq, leaf_hash";

        let node = self.node();
        let mut held = self.rows(HOLD, &[Value::Text(&node)]).await?;
        if held.is_empty() {
            self.execute(BEGIN, &[Value::Text(&node), Value::Bytes(&leaf::FIRST)]).await?;
            held = self.rows(HOLD, &[Value::Text(&node)]).await?;
        }
        let row = held.first().ok_or(Error::Corrupt { table: NODE, column: "node" })?;
        Ok((row.int(NODE, "node_seq")?, array(row, NODE, "leaf_hash")?))
    }

    async fn keep_end(&mut self, (newest, hash): (i64, Hash)) -> Result<(), Error> {
        const SQL: &str = "UPDATE audit_node SET node_seq = $1, leaf_hash = $2 WHERE node = $3";

        let node = self.node();
        let values = [Value::Int(newest), Value::Bytes(&hash), Value::Text(&node)];
        self.execute(SQL, &values).await.map(|_| ())
    }
}
