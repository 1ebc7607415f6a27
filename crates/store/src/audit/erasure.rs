//! A name goes from the audit log, and what was deleted goes from the files.
//!
//! A row that is erased keeps its number, its time, its action and its place in the tree. Name and
//! detail go, and so does the salt that they were hashed with: the hashes stay, so that the leaf can
//! still be computed, and say nothing of what they were made of. Which rows were erased is told by a
//! row of its own, which names nobody.
//!
//! Nothing here reaches backups, archives of PostgreSQL's write-ahead log, or blocks that a file
//! system has taken back.

use crate::{
    audit::row::{AuditEntry, MAX_USERNAME},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    visible::visible,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{Hash, Salt, leaf};
use fourauth_protocol::time::UnixMillis;

const LOG: &str = "access_logs";
const LEAF: &str = "audit_leaf";

/// The action of rows that say which others were erased.
pub(crate) const ERASE_AUDIT: &str = "erase_audit";

/// Most rows that one transaction erases. On SQLite nobody else writes meanwhile.
const AT_ONCE: i64 = 1000;

/// What is left of deleted rows in the files of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains {
    /// Nothing: the database was written anew, and its journal emptied.
    None,
    /// The database was written anew; its journal could not be emptied, because somebody was reading
    /// all the time.
    Journal,
    /// Nobody sees them, but pages of the database may hold their bytes until they are used again.
    Pages,
}

impl Tx {
    /// Erases name and detail of rows about `name`, oldest first and no more than a transaction
    /// should; how many. Call it until it answers 0.
    ///
    /// Any text can be a name in the log: whoever is refused may have typed it, or another system
    /// may have allowed it.
    ///
    /// Not in the transaction that appended such a row: that one has no leaf before the commit.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn erase_audit_rows(
        &mut self,
        name: &str,
        at: UnixMillis,
        by: &str,
    ) -> Result<u64, Error> {
        const SQL: &str = "SELECT a.id, a.username, a.detail, l.salt FROM access_logs a \
             JOIN audit_leaf l ON l.log_id = a.id \
             WHERE a.username = $1 AND l.salt IS NOT NULL ORDER BY a.id LIMIT $2";

        // Names are looked for as they were written.
        let name = visible(name, MAX_USERNAME);
        let values = [Value::Text(&name), Value::Int(AT_ONCE)];
        let rows: Vec<Sealed> =
            self.rows(SQL, &values).await?.iter().map(Sealed::read).collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return self.erase_unproved_rows(&name, at, by).await;
        }
        let digest = leaf::erasure_digest(rows.iter().map(|row| row.id));
        let digest = HEXLOWER.encode(&digest);
        let told = AuditEntry {
            at,
            username: None,
            action: ERASE_AUDIT,
            success: true,
            detail: format!("rows={} digest={digest} {by}", rows.len()),
        };
        let told = self.append(&told).await?;
        for row in &rows {
            self.erase_row(row, told.0).await?;
        }
        Ok(rows.len() as u64)
    }

    /// Rows that are in no tree, because an older server or another hand put them there. They are
    /// in one statement: there should be none.
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
            let told = AuditEntry {
                at,
                username: None,
                action: "erase_unproved",
                success: true,
                detail: format!("rows={erased} {by}"),
            };
            self.append(&told).await?;
        }
        Ok(erased)
    }

    async fn erase_row(&mut self, row: &Sealed, told: i64) -> Result<(), Error> {
        const HASHES: &str = "UPDATE audit_leaf SET salt = NULL, name_hash = $1, \
             detail_hash = $2, erased_by = $3 WHERE log_id = $4 AND salt IS NOT NULL";
        const TEXTS: &str = "UPDATE access_logs SET username = NULL, detail = '' WHERE id = $1";

        let values = [
            Value::Bytes(&row.name),
            Value::Bytes(&row.detail),
            Value::Int(told),
            Value::Int(row.id),
        ];
        // Whoever erases the same at the same moment has told of it already: the digest must not
        // count a row twice.
        if !self.changes(HASHES, &values).await? {
            return Err(Error::Unavailable(crate::Cause::Busy));
        }
        self.execute(TEXTS, &[Value::Int(row.id)]).await.map(|_| ())
    }
}

/// What is to be erased of one row, hashed.
struct Sealed {
    id: i64,
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
            name: leaf::name_hash(&salt, &row.text(LOG, "username")?),
            detail: leaf::detail_hash(&salt, &row.text(LOG, "detail")?),
        })
    }
}
