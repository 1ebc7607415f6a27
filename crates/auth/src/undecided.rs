//! Attempts that ended without a decision still end in the audit log.
//!
//! A worker that panics, a database that is away, a queue that is full: the peer is told
//! `unavailable`, and the row says that nothing was decided. Whoever keeps the queue full cannot fill
//! the disk with it: of each minute the first have a row of their own, and the rest are counted.

use fourauth_store::{AuditEntry, Error, Refusal, Store};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Rows that may wait. If the database is away for longer, the text log has the rest.
const BACKLOG: usize = 1024;

/// Rows of a minute. What is beyond is counted by source and name.
const A_MINUTE: u32 = 60;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// An attempt that was dropped.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) entry: AuditEntry,
    pub(crate) source: String,
}

/// Takes reports of attempts that were dropped.
#[derive(Debug, Clone)]
pub struct Undecided(mpsc::Sender<Report>);

/// Writes the reports down.
#[derive(Debug)]
pub struct UndecidedLog(mpsc::Receiver<Report>);

/// Both ends.
#[must_use]
pub fn channel() -> (Undecided, UndecidedLog) {
    let (reports, log) = mpsc::channel(BACKLOG);
    (Undecided(reports), UndecidedLog(log))
}

impl Undecided {
    pub(crate) fn report(&self, report: Report) {
        if let Err(error) = self.0.try_send(report) {
            let Report { entry, source } = match &error {
                mpsc::error::TrySendError::Full(report)
                | mpsc::error::TrySendError::Closed(report) => report,
            };
            let (action, detail) = (entry.action, &entry.detail);
            tracing::error!(action, detail, source, "unaudited attempt");
        }
    }
}

impl UndecidedLog {
    /// Writes until told to stop, and then what is left. Tell it only once no attempt is running.
    pub async fn run(mut self, store: Arc<Store>, stop: CancellationToken) {
        let (mut minute, mut written) = (i64::MIN, 0);
        loop {
            let report = tokio::select! {
                biased;
                report = self.0.recv() => report,
                () = stop.cancelled() => None,
            };
            let Some(report) = report else { return };
            let now = report.entry.at.0.div_euclid(MINUTE_MS);
            written = if now == minute { written + 1 } else { 0 };
            minute = now;
            let detail = report.entry.detail.clone();
            if let Err(error) = write(&store, report, written < A_MINUTE).await {
                tracing::error!(%error, detail, "unaudited attempt");
            }
        }
    }
}

async fn write(store: &Store, report: Report, in_full: bool) -> Result<(), Error> {
    let Report { entry, source } = report;
    if in_full {
        return store.append(entry).await.map(|_| ());
    }
    let AuditEntry { at, username: name, .. } = entry;
    store.count_refusal(Refusal { source, action: "undecided", name, at }).await
}
