//! Compares a store's audit log with its tree.

use fourauth_audit::{
    Hash,
    leaf::{self, FIRST, Leaf},
    tree::Frontier,
};
use fourauth_store::{AuditQuery, Error, EvidenceRow, MAX_EVIDENCE, Store};

/// True if every row has its leaf, every leaf matches its row and follows the one before, and the
/// tree consists of these leaves. Works for logs of one node with at most [`MAX_EVIDENCE`] rows.
pub(crate) async fn is_whole(store: &Store) -> Result<bool, Error> {
    let rows = store.log_snapshot().await?.evidence(0, MAX_EVIDENCE).await?;
    let (mut tree, mut previous) = (Frontier::default(), FIRST);
    for (row, number) in rows.iter().zip(1..) {
        let leaf = leaf_of(row, previous);
        if row.node_seq != number || leaf != Some(row.leaf_hash) {
            return Ok(false);
        }
        tree.push(row.leaf_hash);
        previous = row.leaf_hash;
    }
    let newest = store.audit_rows(&AuditQuery { limit: 1, ..AuditQuery::default() }).await?;
    let has_all = newest.first().map(|row| row.id) == rows.iter().map(|row| row.id).max();
    let kept = store.tree_head().await?.frontier;
    Ok(has_all && kept.size() == tree.size() && kept.to_bytes() == tree.to_bytes())
}

fn leaf_of(row: &EvidenceRow, previous: Hash) -> Option<Hash> {
    let salt = row.salt?;
    let leaf = Leaf {
        id: row.id,
        ts_utc: &row.ts_utc,
        name: row.username.as_deref().map(|name| leaf::name_hash(&salt, name)),
        action: row.action.as_str(),
        success: row.success,
        detail: leaf::detail_hash(&salt, &row.detail),
        node: &row.node,
        node_seq: row.node_seq,
        previous,
    };
    Some(leaf.hash())
}
