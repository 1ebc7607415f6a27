//! The tree over all leaves (RFC 9162 §2.1), extended leaf by leaf.
//!
//! The database stores the leaves, and the roots of perfect subtrees along the right edge and at
//! every eighth level, so an append is cheap. [`old_trees`](super::old_trees) reads old roots and proofs.

use super::{LEAF, array};
use crate::{
    engine::{
        driver::{Row, Value, Writing},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_audit::{Hash, tree::Frontier};

const TREE: &str = "audit_tree";
/// Every `STEP`-th level is stored.
pub(super) const STEP: u32 = 8;

/// Most leaves that enter the tree in one transaction.
const AT_ONCE: i64 = 500;

/// The current state of the tree.
#[derive(Debug, Clone)]
pub struct TreeHead {
    /// Number of leaves, and the right edge.
    pub frontier: Frontier,
    /// The signing key in the format of C2SP's signed notes, once it signed a checkpoint.
    pub vkey: Option<String>,
}

impl Tx {
    /// Adds leaves in this order, each with the id of its row.
    pub(super) async fn grow(&mut self, leaves: &[(i64, Hash)]) -> Result<(), Error> {
        const PLACE: &str = "UPDATE audit_leaf SET position = $1 WHERE log_id = $2";
        const KEEP: &str = "UPDATE audit_tree SET size = $1, frontier = $2";

        let mut frontier = self.held_frontier().await?;
        for &(row, hash) in leaves {
            let position = count(frontier.size())?;
            self.execute(PLACE, &[Value::Int(position), Value::Int(row)]).await?;
            frontier.push(hash);
            self.keep_tiles(&frontier).await?;
        }
        let values = [Value::Int(count(frontier.size())?), Value::Bytes(&frontier.to_bytes())];
        self.execute(KEEP, &values).await.map(|_| ())
    }

    /// Reads the tree and locks it until the commit.
    async fn held_frontier(&mut self) -> Result<Frontier, Error> {
        const SQL: &str = "UPDATE audit_tree SET size = size RETURNING size, frontier";

        let rows = self.rows(SQL, &[]).await?;
        frontier(rows.first().ok_or(Error::Corrupt { table: TREE, column: "one" })?)
    }

    /// Stores the roots of the perfect subtrees that the last leaf completed.
    async fn keep_tiles(&mut self, frontier: &Frontier) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO audit_tile (level, number, hash) VALUES ($1, $2, $3)";

        for level in (STEP..u64::BITS).step_by(STEP as usize) {
            let Some(hash) = frontier.perfect(level) else { return Ok(()) };
            let number = count((frontier.size() >> level) - 1)?;
            let values = [Value::Int(level.into()), Value::Int(number), Value::Bytes(hash)];
            self.execute(SQL, &values).await?;
        }
        Ok(())
    }

    async fn grow_by_waiting_leaves(&mut self) -> Result<usize, Error> {
        const SQL: &str = "SELECT log_id, leaf_hash FROM audit_leaf WHERE position IS NULL \
                           ORDER BY node, node_seq LIMIT $1";

        // The lock comes first, so that the query sees every leaf that is committed by now.
        self.held_frontier().await?;
        let waiting = self.rows(SQL, &[Value::Int(AT_ONCE)]).await?;
        let leaf = |row: &Row| Ok((row.int(LEAF, "log_id")?, array(row, LEAF, "leaf_hash")?));
        let leaves: Vec<_> = waiting.iter().map(leaf).collect::<Result<_, Error>>()?;
        if !leaves.is_empty() {
            self.grow(&leaves).await?;
        }
        Ok(leaves.len())
    }
}

impl Store {
    /// Adds waiting leaves to the tree and returns their number. On SQLite, leaves never wait.
    ///
    /// Any number of servers may call it concurrently; they take turns.
    pub async fn integrate(&self) -> Result<usize, Error> {
        const WAITING: &str = "SELECT 1 FROM audit_leaf WHERE position IS NULL LIMIT 1";

        if self.writing() == Writing::Grouped || self.row(WAITING, &[]).await?.is_none() {
            return Ok(0);
        }
        self.write(|tx| Box::pin(tx.grow_by_waiting_leaves())).await
    }

    /// Adds all leaves that wait now. It does not keep going for leaves that arrive later.
    pub async fn integrate_all(&self) -> Result<(), Error> {
        // A batch below the limit contained every leaf that was committed by then.
        while i64::try_from(self.integrate().await?).is_ok_and(|grown| grown >= AT_ONCE) {}
        Ok(())
    }

    /// The current state of the tree.
    pub async fn tree_head(&self) -> Result<TreeHead, Error> {
        const SQL: &str = "SELECT size, frontier, vkey FROM audit_tree";

        let row = self.row(SQL, &[]).await?;
        let row = row.ok_or(Error::Corrupt { table: TREE, column: "one" })?;
        Ok(TreeHead { frontier: frontier(&row)?, vkey: row.text_or_null(TREE, "vkey")? })
    }

    /// Number of leaves of the tree.
    pub async fn tree_size(&self) -> Result<u64, Error> {
        Ok(self.tree_head().await?.frontier.size())
    }
}

fn frontier(row: &Row) -> Result<Frontier, Error> {
    let size = u64::try_from(row.int(TREE, "size")?);
    let hashes = row.bytes(TREE, "frontier")?;
    size.ok()
        .and_then(|size| Frontier::from_bytes(size, &hashes))
        .ok_or(Error::Corrupt { table: TREE, column: "frontier" })
}

pub(super) fn count(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Corrupt { table: TREE, column: "size" })
}
