//! Erasure of a name from the audit log, and the remains of deleted rows in the database files.
//!
//! An erased row keeps its number, time, action and place in the tree. Name and detail are deleted
//! together with the salt that they were hashed with. The hashes stay, so that the leaf can still
//! be computed; without the salt they reveal nothing. A separate row without a name records which
//! rows were erased.
//!
//! This does not reach backups, archives of PostgreSQL's write-ahead log, or freed blocks of the
//! file system.

use crate::{
    audit::entry::{AuditEntry, AuditId, MAX_USERNAME},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    visible::visible,
};
use fourauth_audit::{Erasure, ErasureSigner, Hash, Salt, leaf};
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
        const SQL: &str = "SELECT a.id, a.username, a.detail, l.salt, l.leaf_hash FROM access_logs a \
             JOIN audit_leaf l ON l.log_id = a.id \
             WHERE a.username = $1 AND l.salt IS NOT NULL ORDER BY a.id LIMIT $2";

        // Stored names are escaped, so the filter is escaped too.
        let name = visible(name, MAX_USERNAME);
        let values = [Value::Text(&name), Value::Int(AT_ONCE)];
        let rows: Vec<Sealed> =
            self.rows(SQL, &values).await?.iter().map(Sealed::read).collect::<Result<_, _>>()?;
        if rows.is_empty() {
            let rows = self.erase_unproved_rows(&name, at, &by.by).await?;
            return Ok(ErasedRows { rows, recorded_by: None });
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
        Ok(ErasedRows { rows: rows.len() as u64, recorded_by: Some(record) })
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
    fn read(row: &Row) -> Result<Self, Error> {
        let salt = row.bytes(LEAF, "salt")?;
        let salt: Salt =
            salt.try_into().map_err(|_| Error::Corrupt { table: LEAF, column: "salt" })?;
        Ok(Self {
            id: row.int(LOG, "id")?,
            leaf: row
                .bytes(LEAF, "leaf_hash")?
                .try_into()
                .map_err(|_| Error::Corrupt { table: LEAF, column: "leaf_hash" })?,
            name: leaf::name_hash(&salt, &row.text(LOG, "username")?),
            detail: leaf::detail_hash(&salt, &row.text(LOG, "detail")?),
        })
    }
}
