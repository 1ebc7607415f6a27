//! Rows of another system's audit log, appended to this one as they were.

use crate::{
    audit::{
        evidence::Unsealed,
        row::{AuditId, MAX_DETAIL, MAX_USERNAME},
    },
    engine::tx::Tx,
    error::Error,
    visible::visible,
};

/// Longest time that is kept, in characters.
const MAX_TIME: usize = 64;

/// A row that another system wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignEntry {
    /// When, in its own words: an ISO 8601 instant with a zone.
    pub ts_utc: String,
    /// The name that was claimed, if one was.
    pub username: Option<String>,
    /// What was tried, in its own words.
    pub action: String,
    /// Whether it succeeded.
    pub success: bool,
    /// What else it says.
    pub detail: String,
}

impl Tx {
    /// Appends a row of another system's log. Its texts are made visible and cut on the way, and
    /// otherwise stay what they are, the time as well. It gets its leaf like every row.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
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
