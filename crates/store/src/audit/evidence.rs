//! Evidence that the audit log was not changed: a leaf for every row, in one RFC 9162 tree.
//!
//! This module reads rows with their leaves. [`snapshot`] reads all of them at one moment, [`leaf`]
//! writes leaves, [`tree`] builds the tree, [`old_trees`] reads earlier trees, [`checkpoint`] stores signed tree
//! heads, and [`row_proof`] makes the proof of one row. This module neither signs nor verifies: docs/AUDIT.md describes the verification, and
//! `fourauth-audit-verify` does it without this crate.

mod checkpoint;
mod leaf;
mod legacy;
mod old_trees;
mod rollback;
mod row_proof;
mod snapshot;
mod tree;

pub use checkpoint::SignedCheckpoint;
pub use old_trees::InclusionProof;
pub use rollback::{ACCEPT_ROLLBACK, AcceptedRollback, Rollback};
pub use snapshot::LogSnapshot;
pub use tree::TreeHead;

pub(crate) use leaf::node;
pub(crate) use legacy::has_old_rows;

use crate::{engine::driver::Row, error::Error};
use fourauth_audit::{Hash, Salt};

const LEAF: &str = "audit_leaf";

/// Most rows that one query returns.
pub const MAX_EVIDENCE: u32 = 1000;

/// A row of the audit log and its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Its place in the tree, from 0.
    pub position: i64,
    /// Its number in the log.
    pub id: i64,
    /// Time, as stored in the row.
    pub ts_utc: String,
    /// The claimed name. `None` also if it was erased.
    pub username: Option<String>,
    /// The action.
    pub action: String,
    /// True if it succeeded.
    pub success: bool,
    /// The reason. Empty if it was erased.
    pub detail: String,
    /// The node that wrote the row.
    pub node: String,
    /// Its number in that node's chain, from 1.
    pub node_seq: i64,
    /// The salt of the hashes of name and detail, unless they were erased.
    pub salt: Option<Salt>,
    /// The hash of the name, if there was a name and it was erased.
    pub name_hash: Option<Hash>,
    /// The hash of the detail, if it was erased.
    pub detail_hash: Option<Hash>,
    /// The row that records the erasure.
    pub erased_by: Option<i64>,
    /// The hash of the leaf.
    pub leaf_hash: Hash,
}

impl EvidenceRow {
    fn read(row: &Row) -> Result<Self, Error> {
        const LOG: &str = "access_logs";

        Ok(Self {
            position: row.int(LEAF, "position")?,
            id: row.int(LOG, "id")?,
            ts_utc: row.text(LOG, "ts_utc")?,
            username: row.text_or_null(LOG, "username")?,
            action: row.text(LOG, "action")?,
            success: row.flag(LOG, "success")?,
            detail: row.text(LOG, "detail")?,
            node: row.text(LEAF, "node")?,
            node_seq: row.int(LEAF, "node_seq")?,
            salt: array_or_null(row, LEAF, "salt")?,
            name_hash: array_or_null(row, LEAF, "name_hash")?,
            detail_hash: array_or_null(row, LEAF, "detail_hash")?,
            erased_by: row.int_or_null(LEAF, "erased_by")?,
            leaf_hash: array(row, LEAF, "leaf_hash")?,
        })
    }
}

/// Reads a blob of exactly `N` bytes.
pub(crate) fn array<const N: usize>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<[u8; N], Error> {
    array_or_null(row, table, column)?.ok_or(Error::Corrupt { table, column })
}

pub(crate) fn array_or_null<const N: usize>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<Option<[u8; N]>, Error> {
    let bytes = row.bytes_or_null(table, column)?;
    let exact = |bytes: Vec<u8>| bytes.try_into().map_err(|_| Error::Corrupt { table, column });
    bytes.map(exact).transpose()
}
