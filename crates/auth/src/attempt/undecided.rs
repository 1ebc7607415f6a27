//! Writes attempts that ended without a decision to the audit log.
//!
//! If a worker panics, the database is unavailable or the compute queue is full, the peer receives
//! `unavailable`, and the audit row says that nothing was decided. A peer that keeps the queue full
//! cannot fill the disk: the first reports of each minute get a row each, the others are counted.

use fourauth_store::{AuditEntry, Error, Refusal, Store};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Upper bound of queued reports. If the database is unavailable for longer, further reports go to
/// the text log.
const BACKLOG: usize = 1024;

/// Upper bound of rows per minute. Further reports are counted by source and name.
const ROWS_PER_MINUTE: u32 = 60;

/// Milliseconds in a minute.
const MINUTE_MS: i64 = 60_000;

/// The audit row of an attempt that was dropped, and its source.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) entry: AuditEntry,
    pub(crate) source: String,
}

/// The sending end: accepts reports about dropped attempts.
#[derive(Debug, Clone)]
pub struct Undecided(mpsc::Sender<Report>);

/// The receiving end: writes the reports to the audit log.
#[derive(Debug)]
pub struct UndecidedLog(mpsc::Receiver<Report>);

/// Creates both ends of the channel.
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
    /// Writes reports until `stop` is cancelled, and then those that are left in the channel. The
    /// caller cancels it only when no attempt is running.
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
            if let Err(error) = write(&store, report, written < ROWS_PER_MINUTE).await {
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
