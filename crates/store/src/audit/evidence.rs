//! What shows that the audit log was not changed: a leaf for every row, in one RFC 9162 tree.
//!
//! Here is what rows and their leaves are to whoever reads them again; [`snapshot`] reads all of them
//! as they were at one moment. How leaves come about is [`leaf`]'s business, how they become a tree [`tree`]'s, what is signed of it
//! [`checkpoint`]'s. Nothing here signs or judges: docs/AUDIT.md says how it is checked, and
//! `fourauth-audit-verify` does it without this crate.

mod checkpoint;
mod leaf;
mod legacy;
mod rollback;
mod snapshot;
mod tree;

pub use checkpoint::SignedCheckpoint;
pub use rollback::{ACCEPT_ROLLBACK, AcceptedRollback, Rollback};
pub use snapshot::LogSnapshot;
pub use tree::{InclusionProof, TreeHead};

pub(crate) use leaf::{Unsealed, node};

use crate::{engine::driver::Row, error::Error};
use fourauth_audit::{Hash, Salt};

const LEAF: &str = "audit_leaf";

/// Most rows that one question returns.
pub const MAX_EVIDENCE: u32 = 1000;

/// A row of the audit log and its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Its place in the tree, from 0.
    pub position: i64,
    /// Its number in the log.
    pub id: i64,
    /// When, as the row has it.
    pub ts_utc: String,
    /// The name that was claimed. `None` also where it was erased.
    pub username: Option<String>,
    /// What was tried.
    pub action: String,
    /// Whether it succeeded.
    pub success: bool,
    /// Why. Empty where it was erased.
    pub detail: String,
    /// Who wrote it.
    pub node: String,
    /// Its number in that node's chain, from 1.
    pub node_seq: i64,
    /// What name and detail were hashed with, unless they were erased.
    pub salt: Option<Salt>,
    /// The hash of the name, if it was erased and there was one.
    pub name_hash: Option<Hash>,
    /// The hash of the detail, if it was erased.
    pub detail_hash: Option<Hash>,
    /// The row that says that it was erased.
    pub erased_by: Option<i64>,
    /// The leaf.
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

/// A blob of exactly so many bytes.
fn array<const N: usize>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<[u8; N], Error> {
    array_or_null(row, table, column)?.ok_or(Error::Corrupt { table, column })
}

fn array_or_null<const N: usize>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<Option<[u8; N]>, Error> {
    let bytes = row.bytes_or_null(table, column)?;
    let exact = |bytes: Vec<u8>| bytes.try_into().map_err(|_| Error::Corrupt { table, column });
    bytes.map(exact).transpose()
}
