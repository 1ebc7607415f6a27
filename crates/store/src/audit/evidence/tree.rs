//! The tree over all leaves (RFC 9162 §2.1), extended leaf by leaf.
//!
//! The database stores the leaves, and the roots of perfect subtrees along the right edge and at
//! every eighth level. An append is cheap; an old root or a proof needs a few hundred hashes.

use super::{LEAF, array};
use crate::{
    engine::{
        driver::{Row, Value, Writing},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_audit::{
    Hash,
    proof::inclusion_ranges,
    tree::{Frontier, node_hash},
};

const TREE: &str = "audit_tree";
const TILE: &str = "audit_tile";

/// Every `STEP`-th level is stored.
const STEP: u32 = 8;

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

/// Proof that a row is in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The row's leaf.
    pub leaf_hash: Hash,
    /// Position of the leaf, from 0.
    pub position: u64,
    /// Number of leaves of the tree that the proof is for.
    pub size: u64,
    /// The root of that tree.
    pub root: Hash,
    /// Hashes from the leaf's sibling upwards (RFC 9162 §2.1.3).
    pub path: Vec<Hash>,
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

    /// The root of the tree with the first `size` leaves. `None` if the tree is smaller.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails or lacks a hash that it should have.
    pub async fn root_at(&self, size: u64) -> Result<Option<Hash>, Error> {
        if size > self.tree_size().await? {
            return Ok(None);
        }
        self.subtree(0, size).await.map(Some)
    }

    /// Proves that row `id` is in the tree of `size` leaves. `None` if it is not.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails or lacks a hash that it should have.
    pub async fn inclusion_proof(
        &self,
        id: i64,
        size: u64,
    ) -> Result<Option<InclusionProof>, Error> {
        const SQL: &str = "SELECT position, leaf_hash FROM audit_leaf \
                           WHERE log_id = $1 AND position IS NOT NULL";

        let Some(row) = self.row(SQL, &[Value::Int(id)]).await? else { return Ok(None) };
        let position = row.int(LEAF, "position")?;
        let position = u64::try_from(position).map_err(|_| missing("position"))?;
        let leaf_hash = array(&row, LEAF, "leaf_hash")?;
        let Some(root) = self.root_at(size).await?.filter(|_| position < size) else {
            return Ok(None);
        };
        let mut path = Vec::new();
        for other in inclusion_ranges(position, size).unwrap_or_default() {
            path.push(self.subtree(other.start, other.end - other.start).await?);
        }
        Ok(Some(InclusionProof { leaf_hash, position, size, root, path }))
    }

    /// The root over `length` leaves from `from`. A perfect subtree of at least that length must
    /// begin at `from`.
    async fn subtree(&self, from: u64, length: u64) -> Result<Hash, Error> {
        let (mut at, end, mut roots) = (from, from + length, Vec::new());
        while at < end {
            let level = (end - at).ilog2();
            roots.push(self.perfect(level, at >> level).await?);
            at += 1 << level;
        }
        // The largest subtree comes first; RFC 9162 §2.1.1 combines the smaller ones first.
        let Some(mut root) = roots.pop() else { return Ok(Frontier::default().root()) };
        while let Some(left) = roots.pop() {
            root = node_hash(&left, &root);
        }
        Ok(root)
    }

    /// The root of the perfect subtree of this level and number, from the stored level below it.
    async fn perfect(&self, level: u32, number: u64) -> Result<Hash, Error> {
        let kept = level - level % STEP;
        let first = number << (level - kept);
        let below = self.kept(kept, first, 1 << (level - kept)).await?;
        let mut frontier = Frontier::default();
        // Roots of subtrees of equal size combine as leaves do.
        for hash in below {
            frontier.push(hash);
        }
        Ok(frontier.root())
    }

    /// Reads `number` hashes of a stored level.
    async fn kept(&self, level: u32, first: u64, number: u64) -> Result<Vec<Hash>, Error> {
        const LEAVES: &str = "SELECT leaf_hash AS hash FROM audit_leaf \
             WHERE position >= $1 AND position < $2 ORDER BY position";
        const TILES: &str = "SELECT hash FROM audit_tile \
             WHERE level = $3 AND number >= $1 AND number < $2 ORDER BY number";

        let range = [Value::Int(count(first)?), Value::Int(count(first + number)?)];
        let rows = match level {
            0 => self.rows(LEAVES, &range).await?,
            _ => self.rows(TILES, &[range[0], range[1], Value::Int(level.into())]).await?,
        };
        if u64::try_from(rows.len()) != Ok(number) {
            return Err(missing("leaf_hash"));
        }
        rows.iter().map(|row| array(row, TILE, "hash")).collect()
    }
}

fn frontier(row: &Row) -> Result<Frontier, Error> {
    let size = u64::try_from(row.int(TREE, "size")?);
    let hashes = row.bytes(TREE, "frontier")?;
    size.ok()
        .and_then(|size| Frontier::from_bytes(size, &hashes))
        .ok_or(Error::Corrupt { table: TREE, column: "frontier" })
}

fn count(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Corrupt { table: TREE, column: "size" })
}

const fn missing(column: &'static str) -> Error {
    Error::Corrupt { table: LEAF, column }
}
