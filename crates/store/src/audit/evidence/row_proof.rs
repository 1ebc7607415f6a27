//! The proof of one row, for a reader without access to the log.
//!
//! This module makes proofs. It does not decide to whom one is given.

use super::{EvidenceRow, LEAF, SignedCheckpoint, array};
use crate::{
    audit::{
        entry::{AuditId, MAX_USERNAME},
        query::second,
    },
    engine::driver::{Row, Value},
    error::Error,
    store::Store,
    visible::visible,
};
use fourauth_audit::{
    Hash, RowProof, VerifyingKey, leaf,
    row_proof::{Hex, ProvenRow},
};
use fourauth_protocol::time::UnixMillis;

impl Store {
    /// The proof of row `id` by the newest checkpoint. `None` if that does not cover the row, or if
    /// there is no such row. A new row is covered within a second.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails, or if its tree is not the one that was signed.
    pub async fn row_proof(&self, id: AuditId) -> Result<Option<RowProof>, Error> {
        let (checkpoint, vkey) = (self.newest_checkpoint().await?, self.tree_head().await?.vkey);
        let (Some(checkpoint), Some(vkey)) = (checkpoint, vkey) else { return Ok(None) };
        let key = VerifyingKey::parse(&vkey)
            .map_err(|_| Error::Corrupt { table: "audit_tree", column: "vkey" })?;
        self.row_proof_by(id, &checkpoint, &key).await
    }

    /// The proof of row `id` by this checkpoint, which `key` has signed. `None` as for
    /// [`Self::row_proof`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails, or if its tree is not the one that was signed.
    pub async fn row_proof_by(
        &self,
        id: AuditId,
        checkpoint: &SignedCheckpoint,
        key: &VerifyingKey,
    ) -> Result<Option<RowProof>, Error> {
        let Some(row) = self.proven_row(id).await? else { return Ok(None) };
        let Some(path) = self.inclusion_proof(id.0, checkpoint.size).await? else {
            return Ok(None);
        };
        RowProof::new(row, (path.position, &path.path), &checkpoint.note, key)
            .map(Some)
            .map_err(|_| Error::Corrupt { table: LEAF, column: "leaf_hash" })
    }

    /// The row of the sign-in of `username` at this instant, by one of these actions. `None` also if
    /// there are several: then no one can say which of them is meant.
    pub async fn sign_in_row(
        &self,
        username: &str,
        opened: UnixMillis,
        actions: [&str; 5],
    ) -> Result<Option<AuditId>, Error> {
        const SQL: &str = "SELECT id, ts_utc FROM access_logs \
             WHERE username = $1 AND success = 1 AND action IN ($2, $3, $4, $5, $6) \
             AND substr(ts_utc, 1, 19) = $7 ORDER BY id DESC";

        let (username, second) = (visible(username, MAX_USERNAME), second(opened));
        let [one, two, three, four, five] = actions.map(Value::Text);
        let values = [Value::Text(&username), one, two, three, four, five, Value::Text(&second)];
        let rows = self.rows(SQL, &values).await?;
        // Earlier versions wrote the fraction of a second in fewer digits.
        let is_it = |row: &&Row| {
            row.text("access_logs", "ts_utc").is_ok_and(|at| UnixMillis::parse(&at) == Ok(opened))
        };
        let mut found = rows.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(row), None) => row.int("access_logs", "id").map(AuditId).map(Some),
            (None | Some(_), _) => Ok(None),
        }
    }

    async fn proven_row(&self, id: AuditId) -> Result<Option<ProvenRow>, Error> {
        const SQL: &str = "SELECT l.position, a.id, a.ts_utc, a.username, a.action, a.success, \
             a.detail, l.node, l.node_seq, l.salt, l.name_hash, l.detail_hash, l.erased_by, \
             l.leaf_hash FROM audit_leaf l JOIN access_logs a ON a.id = l.log_id \
             WHERE l.log_id = $1 AND l.position IS NOT NULL";

        let Some(row) = self.row(SQL, &[Value::Int(id.0)]).await? else { return Ok(None) };
        let row = EvidenceRow::read(&row)?;
        let previous = self.previous_leaf(&row).await?;
        Ok(Some(row.proven_after(previous)))
    }

    /// The leaf before that of this row in its chain.
    async fn previous_leaf(&self, row: &EvidenceRow) -> Result<Hash, Error> {
        const SQL: &str = "SELECT leaf_hash FROM audit_leaf WHERE node = $1 AND node_seq = $2";

        if row.node_seq <= 1 {
            return Ok(leaf::FIRST);
        }
        let values = [Value::Text(&row.node), Value::Int(row.node_seq - 1)];
        let previous = self.row(SQL, &values).await?;
        let previous = previous.ok_or(Error::Corrupt { table: LEAF, column: "node_seq" })?;
        array(&previous, LEAF, "leaf_hash")
    }
}

impl EvidenceRow {
    fn proven_after(self, previous: Hash) -> ProvenRow {
        ProvenRow {
            id: self.id,
            ts_utc: self.ts_utc,
            username: self.username,
            action: self.action,
            success: self.success,
            detail: self.detail,
            node: self.node,
            node_seq: self.node_seq,
            previous: Hex(previous),
            salt: self.salt.map(Hex),
            name_hash: self.name_hash.map(Hex),
            detail_hash: self.detail_hash.map(Hex),
        }
    }
}
