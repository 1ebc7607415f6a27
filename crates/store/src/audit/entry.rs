//! The audit log: one row for every attempt, written in the same transaction as its effects.
//!
//! The columns are those of 4Auth's log viewer. Rows are appended, never changed.

use crate::{
    audit::unsealed::Unsealed,
    engine::{driver::Value, tx::Tx},
    error::Error,
    visible::visible,
};
use fourauth_protocol::time::UnixMillis;

/// The table of the audit log.
pub(crate) const TABLE: &str = "access_logs";

/// Longest stored name, in characters. A claimed name need not be valid.
pub(crate) const MAX_USERNAME: usize = 128;

/// Longest stored action and detail, in characters.
pub(crate) const MAX_DETAIL: usize = 1000;

/// A row to be written.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Arrival time of the attempt.
    pub at: UnixMillis,
    /// The claimed name, if any.
    pub username: Option<String>,
    /// The action: `login`, `register`, `recover_totp` and so on. Never text from a peer.
    pub action: &'static str,
    /// True if it succeeded.
    pub success: bool,
    /// The reason, and the finding of each factor.
    pub detail: String,
}

/// Number of a row. Numbers increase, but on PostgreSQL with gaps and not in the order of commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

impl Tx {
    /// Appends a row with its texts escaped and truncated. Its leaf is written before the commit.
    pub async fn append(&mut self, entry: &AuditEntry) -> Result<AuditId, Error> {
        self.append_row(Unsealed {
            id: 0,
            ts_utc: entry.at.to_string(),
            username: entry.username.as_deref().map(|name| visible(name, MAX_USERNAME)),
            action: entry.action.to_owned(),
            success: entry.success,
            detail: visible(&entry.detail, MAX_DETAIL),
        })
        .await
    }

    /// Appends a row unchanged. The database assigns the id.
    pub(crate) async fn append_row(&mut self, row: Unsealed) -> Result<AuditId, Error> {
        const SQL: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                           VALUES ($1, $2, $3, $4, $5) RETURNING id";

        let values = [
            Value::Text(&row.ts_utc),
            Value::TextOrNull(row.username.as_deref()),
            Value::Text(&row.action),
            Value::Int(row.success.into()),
            Value::Text(&row.detail),
        ];
        let inserted = self.rows(SQL, &values).await?;
        let inserted = inserted.first().ok_or(Error::Corrupt { table: TABLE, column: "id" })?;
        let id = inserted.int(TABLE, "id")?;
        self.unsealed.push(Unsealed { id, ..row });
        Ok(AuditId(id))
    }
}
