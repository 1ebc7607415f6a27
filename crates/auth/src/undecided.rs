//! Attempts that ended without a decision still end in the audit log.
//!
//! A worker that panics, a database that is away, a queue that is full: the peer is told
//! `unavailable`, and the row says that nothing was decided.

use fourauth_store::{AuditEntry, Store};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Rows that may wait. If the database is away for longer, the text log has the rest.
const BACKLOG: usize = 1024;

/// Takes reports of attempts that were dropped.
#[derive(Debug, Clone)]
pub struct Undecided(mpsc::Sender<AuditEntry>);

/// Writes the reports down.
#[derive(Debug)]
pub struct UndecidedLog(mpsc::Receiver<AuditEntry>);

/// Both ends.
#[must_use]
pub fn channel() -> (Undecided, UndecidedLog) {
    let (reports, log) = mpsc::channel(BACKLOG);
    (Undecided(reports), UndecidedLog(log))
}

impl Undecided {
    pub(crate) fn report(&self, entry: AuditEntry) {
        if let Err(error) = self.0.try_send(entry) {
            let entry = match &error {
                mpsc::error::TrySendError::Full(entry)
                | mpsc::error::TrySendError::Closed(entry) => entry,
            };
            tracing::error!(action = entry.action, detail = %entry.detail, "unaudited attempt");
        }
    }
}

impl UndecidedLog {
    /// Writes until told to stop, and then what is left. Tell it only once no attempt is running.
    pub async fn run(mut self, store: Arc<Store>, stop: CancellationToken) {
        loop {
            let entry = tokio::select! {
                biased;
                entry = self.0.recv() => entry,
                () = stop.cancelled() => None,
            };
            let Some(entry) = entry else { return };
            let detail = entry.detail.clone();
            if let Err(error) = store.append(entry).await {
                tracing::error!(%error, detail, "unaudited attempt");
            }
        }
    }
}
