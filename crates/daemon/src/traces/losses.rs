//! Counts lost spans, and reports them at most once a minute.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Shortest time between two reports.
pub(super) const BETWEEN_REPORTS: Duration = Duration::from_mins(1);

/// The number of spans lost since the last report.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses(Arc<AtomicU64>);

impl Losses {
    pub(super) fn count(&self, spans: u64) {
        self.0.fetch_add(spans, Ordering::Relaxed);
    }
}

/// What a report says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) spans: u64,
    pub(super) reason: String,
}

/// Decides when there is a report.
#[derive(Debug)]
pub(super) struct Reporter {
    losses: Losses,
    /// The last error of the collector since the last report.
    reason: Option<String>,
    reported: Option<Instant>,
}

impl Reporter {
    pub(super) const fn new(losses: Losses) -> Self {
        Self { losses, reason: None, reported: None }
    }

    /// Counts spans that the collector did not take.
    pub(super) fn not_taken(&mut self, spans: u64, reason: String) {
        self.losses.count(spans);
        self.reason = Some(reason);
    }

    /// The losses since the last report. `None` if there are no losses, or less than a minute has
    /// passed.
    pub(super) fn report(&mut self, now: Instant) -> Option<Report> {
        if self.reported.is_some_and(|at| now.duration_since(at) < BETWEEN_REPORTS) {
            return None;
        }
        let report = self.last_report()?;
        self.reported = Some(now);
        Some(report)
    }

    /// The losses since the last report, however long ago that was.
    pub(super) fn last_report(&mut self) -> Option<Report> {
        let spans = self.losses.0.swap(0, Ordering::Relaxed);
        let reason = mem::take(&mut self.reason);
        let reason = reason.unwrap_or_else(|| "the queue was full".to_owned());
        (spans > 0).then_some(Report { spans, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn losses_are_reported_at_most_once_a_minute() {
        let losses = Losses::default();
        let mut reporter = Reporter::new(losses.clone());
        let start = Instant::now();
        let report = |spans, reason: &str| Some(Report { spans, reason: reason.to_owned() });
        assert_eq!(reporter.report(start), None);
        losses.count(3);
        assert_eq!(reporter.report(start), report(3, "the queue was full"));
        reporter.not_taken(2, "it answers 503".to_owned());
        losses.count(1);
        assert_eq!(reporter.report(start + Duration::from_secs(59)), None);
        let minute = start + BETWEEN_REPORTS;
        assert_eq!(reporter.report(minute), report(3, "it answers 503"));
        losses.count(1);
        assert_eq!(reporter.report(minute), None);
        assert_eq!(reporter.last_report(), report(1, "the queue was full"));
        assert_eq!(reporter.last_report(), None);
    }
}
