//! Import of another system's audit log: its rows are appended to this one.

use crate::{
    audit::{
        entry::{AuditId, MAX_DETAIL, MAX_USERNAME},
        unsealed::Unsealed,
    },
    engine::tx::Tx,
    error::Error,
    visible::visible,
};

/// Longest stored time, in characters.
const MAX_TIME: usize = 64;

/// An audit row of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignEntry {
    /// Time in the format of that system: an ISO 8601 instant with a zone.
    pub ts_utc: String,
    /// The claimed name, if any.
    pub username: Option<String>,
    /// The action, as that system names it.
    pub action: String,
    /// True if it succeeded.
    pub success: bool,
    /// Further details.
    pub detail: String,
}

impl Tx {
    /// Appends a row of another system's log. Its texts, including the time, are escaped and
    /// truncated but not changed otherwise. It gets a leaf like every row.
    pub async fn append_foreign(&mut self, entry: &ForeignEntry) -> Result<AuditId, Error> {
        self.append_row(Unsealed {
            id: 0,
            ts_utc: visible(&entry.ts_utc, MAX_TIME),
            username: entry.username.as_deref().map(|name| visible(name, MAX_USERNAME)),
            action: visible(&entry.action, MAX_DETAIL),
            success: entry.success,
            detail: visible(&entry.detail, MAX_DETAIL),
        })
        .await
    }
}
