//! Earlier trees of the log: their roots, and proofs that lead from one to another.
//!
//! A root or a proof needs a few hundred hashes, because the tree stores the roots of perfect
//! subtrees at every eighth level.

use super::{
    LEAF, array,
    tree::{STEP, count},
};
use crate::{engine::driver::Value, error::Error, store::Store};
use fourauth_audit::{
    Hash,
    proof::{consistency_ranges, inclusion_ranges},
    tree::{Frontier, node_hash},
};

const TILE: &str = "audit_tile";

/// Most leaves between the first and the last of several trees that are read together.
const PAGE: u64 = 4096;

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

impl Store {
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

    /// The roots of the trees with the first leaves of these sizes, in ascending order. `None` for a
    /// tree that is larger than the log, or if the database lacks a leaf of it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn roots_at(&self, sizes: &[u64]) -> Result<Vec<Option<Hash>>, Error> {
        let has = self.tree_size().await?;
        let (mut roots, mut at) = (Vec::with_capacity(sizes.len()), None);
        let mut left = sizes;
        while let Some(&first) = left.first() {
            let begin = at.take().filter(|tree: &Frontier| first - tree.size() <= PAGE);
            let near = |size: &u64| *size <= has && *size - first <= PAGE;
            let (page, rest) = left.split_at(left.iter().take_while(|size| near(size)).count());
            if page.is_empty() {
                break;
            }
            (at, left) = (self.roots_of_page(begin, page, &mut roots).await?, rest);
        }
        roots.resize(sizes.len(), None);
        Ok(roots)
    }

    /// Appends the roots of a page of sizes, and returns the last tree. `begin` is a smaller tree.
    async fn roots_of_page(
        &self,
        begin: Option<Frontier>,
        page: &[u64],
        roots: &mut Vec<Option<Hash>>,
    ) -> Result<Option<Frontier>, Error> {
        let read = self.leaves_of_page(begin, page).await;
        let Some((mut tree, leaves)) = unless_missing(read)? else {
            roots.resize(roots.len() + page.len(), None);
            return Ok(None);
        };
        let mut leaves = leaves.into_iter();
        for size in page {
            let more = usize::try_from(size - tree.size()).unwrap_or(usize::MAX);
            leaves.by_ref().take(more).for_each(|leaf| tree.push(leaf));
            roots.push(Some(tree.root()));
        }
        Ok(Some(tree))
    }

    /// A tree that is not larger than the first size of a page, and the leaves from there to the
    /// last size.
    async fn leaves_of_page(
        &self,
        begin: Option<Frontier>,
        page: &[u64],
    ) -> Result<(Frontier, Vec<Hash>), Error> {
        let (first, last) = (page.first().copied(), page.last().copied().unwrap_or_default());
        let tree = match begin {
            Some(tree) => tree,
            None => self.frontier_at(first.unwrap_or_default()).await?,
        };
        let leaves = self.kept(0, tree.size(), last - tree.size()).await?;
        Ok((tree, leaves))
    }

    /// The right edge of the tree with the first `size` leaves.
    async fn frontier_at(&self, size: u64) -> Result<Frontier, Error> {
        Frontier::new(size, self.perfect_subtrees(0, size).await?).ok_or(missing("leaf_hash"))
    }

    /// Proves that the tree with the first `old` leaves is the beginning of the one with the first
    /// `size` leaves (RFC 9162 §2.1.4.1). `None` if one of them is larger than the log, or the old
    /// one than the other.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails or lacks a hash that it should have.
    pub async fn consistency_proof(&self, old: u64, size: u64) -> Result<Option<Vec<Hash>>, Error> {
        if size > self.tree_size().await? {
            return Ok(None);
        }
        let Some(ranges) = consistency_ranges(old, size) else { return Ok(None) };
        let mut proof = Vec::with_capacity(ranges.len());
        for range in ranges {
            proof.push(self.subtree(range.start, range.end - range.start).await?);
        }
        Ok(Some(proof))
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
        let mut roots = self.perfect_subtrees(from, length).await?;
        // The largest subtree comes first; RFC 9162 §2.1.1 combines the smaller ones first.
        let Some(mut root) = roots.pop() else { return Ok(Frontier::default().root()) };
        while let Some(left) = roots.pop() {
            root = node_hash(&left, &root);
        }
        Ok(root)
    }

    /// The roots of the perfect subtrees that cover `length` leaves from `from`, from left to right.
    async fn perfect_subtrees(&self, from: u64, length: u64) -> Result<Vec<Hash>, Error> {
        let (mut at, end, mut roots) = (from, from + length, Vec::new());
        while at < end {
            let level = (end - at).ilog2();
            roots.push(self.perfect(level, at >> level).await?);
            at += 1 << level;
        }
        Ok(roots)
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

/// `None` if the database lacks a hash that it should have.
fn unless_missing<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(Error::Corrupt { .. }) => Ok(None),
        read => read.map(Some),
    }
}

const fn missing(column: &'static str) -> Error {
    Error::Corrupt { table: LEAF, column }
}
