//! Erasure of a name from the audit log, and the remains of deleted rows in the database files.
//!
//! An erased row keeps its number, time, action and place in the tree. Name and detail are deleted
//! together with the salt that they were hashed with. The hashes stay, so that the leaf can still
//! be computed; without the salt they reveal nothing. A separate row without a name records which
//! rows were erased.
//!
//! Only a row that is still what was sealed is erased. A writer of the database could otherwise put the
//! name into rows of others, let an honest erasure delete what proves it, and put the hashes back.
//!
//! This does not reach backups, archives of PostgreSQL's write-ahead log, or freed blocks of the
//! file system.

use crate::{
    audit::{
        entry::{AuditEntry, AuditId, MAX_USERNAME},
        evidence::{array, array_or_null},
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    visible::visible,
};
use fourauth_audit::{
    Erasure, ErasureSigner, Hash, Salt,
    leaf::{self, Leaf},
};
use fourauth_protocol::time::UnixMillis;
use std::sync::Arc;

const LOG: &str = "access_logs";
const LEAF: &str = "audit_leaf";

/// Action of rows that record an erasure.
pub(crate) const ERASE_AUDIT: &str = "erase_audit";

/// Most rows that one transaction erases. On SQLite, other writes wait until it ends.
const AT_ONCE: i64 = 1000;

/// What states that rows were erased by this server or a command of it.
#[derive(Debug, Clone, Default)]
pub struct ErasedBy {
    /// The end of the row's detail.
    pub by: String,
    /// Signs the row. `None` if the key of the log cannot be used.
    pub signer: Option<Arc<ErasureSigner>>,
}

impl ErasedBy {
    /// States it without a signature.
    #[must_use]
    pub fn unsigned(by: &str) -> Self {
        Self { by: by.to_owned(), signer: None }
    }
}

/// What one transaction erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasedRows {
    /// Number of rows. 0 if no row has the name any more.
    pub rows: u64,
    /// The row that records the erasure of rows in the tree. Auditors ask for it.
    pub recorded_by: Option<AuditId>,
    /// Rows that were passed over, because they are not what was sealed.
    pub changed: u64,
}

impl Tx {
    /// Erases name and detail of rows with this name, oldest first. One call erases a limited number
    /// of rows; repeat it until there are none.
    ///
    /// `name` can be any text: it may come from a refused peer or from another system.
    ///
    /// Do not call it in the transaction that appended such a row: its leaf is not written yet.
    pub async fn erase_audit_rows(
        &mut self,
        name: &str,
        at: UnixMillis,
        by: &ErasedBy,
    ) -> Result<ErasedRows, Error> {
        // Stored names are escaped, so the filter is escaped too.
        let name = visible(name, MAX_USERNAME);
        let (rows, changed) = self.intact_rows(&name).await?;
        if rows.is_empty() {
            let rows = self.erase_unproved_rows(&name, at, &by.by).await?;
            return Ok(ErasedRows { rows, recorded_by: None, changed });
        }
        let leaves: Vec<_> = rows.iter().map(|row| (row.id, row.leaf)).collect();
        let told = Erasure::of(&leaves).detail(by.signer.as_deref());
        let record = AuditEntry {
            at,
            username: None,
            action: ERASE_AUDIT,
            success: true,
            detail: format!("{told} {}", by.by),
        };
        let record = self.append(&record).await?;
        for row in &rows {
            self.erase_row(row, record.0).await?;
        }
        Ok(ErasedRows { rows: rows.len() as u64, recorded_by: Some(record), changed })
    }

    /// The next rows with this name that are what was sealed, and how many others were passed over.
    async fn intact_rows(&mut self, name: &str) -> Result<(Vec<Sealed>, u64), Error> {
        const SQL: &str = "SELECT a.id, a.ts_utc, a.username, a.action, a.success, a.detail, \
             l.node, l.node_seq, l.salt, l.leaf_hash, p.leaf_hash AS previous FROM access_logs a \
             JOIN audit_leaf l ON l.log_id = a.id \
             LEFT JOIN audit_leaf p ON p.node = l.node AND p.node_seq = l.node_seq - 1 \
             WHERE a.username = $1 AND l.salt IS NOT NULL AND a.id > $2 ORDER BY a.id LIMIT $3";

        let (mut after, mut changed) = (i64::MIN, 0);
        loop {
            let values = [Value::Text(name), Value::Int(after), Value::Int(AT_ONCE)];
            let some = self.rows(SQL, &values).await?;
            let Some(last) = some.last() else { return Ok((Vec::new(), changed)) };
            after = last.int(LOG, "id")?;
            let read = some.iter().map(Sealed::read).collect::<Result<Vec<_>, _>>()?;
            let intact: Vec<_> = read.into_iter().flatten().collect();
            changed += (some.len() - intact.len()) as u64;
            if !intact.is_empty() {
                return Ok((intact, changed));
            }
        }
    }

    /// Erases rows without a leaf, which an older server or another program wrote. One statement
    /// suffices, because such rows should not exist.
    async fn erase_unproved_rows(
        &mut self,
        name: &str,
        at: UnixMillis,
        by: &str,
    ) -> Result<u64, Error> {
        const SQL: &str = "UPDATE access_logs SET username = NULL, detail = '' \
             WHERE username = $1 \
             AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.log_id = access_logs.id)";

        if !self.unsealed.is_empty() {
            return Ok(0);
        }
        let erased = self.execute(SQL, &[Value::Text(name)]).await?;
        if erased > 0 {
            let record = AuditEntry {
                at,
                username: None,
                action: "erase_unproved",
                success: true,
                detail: format!("rows={erased} {by}"),
            };
            self.append(&record).await?;
        }
        Ok(erased)
    }

    async fn erase_row(&mut self, row: &Sealed, record: i64) -> Result<(), Error> {
        const HASHES: &str = "UPDATE audit_leaf SET salt = NULL, name_hash = $1, \
             detail_hash = $2, erased_by = $3 WHERE log_id = $4 AND salt IS NOT NULL";
        const TEXTS: &str = "UPDATE access_logs SET username = NULL, detail = '' WHERE id = $1";

        let values = [
            Value::Bytes(&row.name),
            Value::Bytes(&row.detail),
            Value::Int(record),
            Value::Int(row.id),
        ];
        // Another transaction erased this row at the same time and recorded it. The digests must
        // not count a row twice.
        if !self.changes(HASHES, &values).await? {
            return Err(Error::Unavailable(crate::Cause::Busy));
        }
        self.execute(TEXTS, &[Value::Int(row.id)]).await.map(|_| ())
    }
}

/// A row to be erased, with the hashes that replace its name and detail.
struct Sealed {
    id: i64,
    leaf: Hash,
    name: Hash,
    detail: Hash,
}

impl Sealed {
    /// `None` if the row is not what was sealed.
    fn read(row: &Row) -> Result<Option<Self>, Error> {
        let salt: Salt = array(row, LEAF, "salt")?;
        let (id, leaf) = (row.int(LOG, "id")?, array(row, LEAF, "leaf_hash")?);
        let name = leaf::name_hash(&salt, &row.text(LOG, "username")?);
        let detail = leaf::detail_hash(&salt, &row.text(LOG, "detail")?);
        let node_seq = row.int(LEAF, "node_seq")?;
        let first = (node_seq <= 1).then_some(leaf::FIRST);
        let Some(previous) = first.or(array_or_null(row, LEAF, "previous")?) else {
            return Ok(None);
        };
        let sealed = Leaf {
            id,
            ts_utc: &row.text(LOG, "ts_utc")?,
            name: Some(name),
            action: &row.text(LOG, "action")?,
            success: row.flag(LOG, "success")?,
            detail,
            node: &row.text(LEAF, "node")?,
            node_seq,
            previous,
        };
        Ok((sealed.hash() == leaf).then_some(Self { id, leaf, name, detail }))
    }
}
