//! Reports of the timekeeper: its state in the database, its alarms in the audit log, and its
//! answers to `fourauthd time accept`. This module does not measure time.

use super::row_budget::Budget;
use fourauth_store::{Alarm, AuditEntry, ClockReport, Error, Location, Store};
use fourauth_timekeeper::{Clock as _, Event, Reading, Timekeeper};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Interval between checks for a request of an operator.
const POLL: Duration = Duration::from_secs(2);

/// Longest interval between reports. After a restart, the lowest accepted time is at most this much
/// too early.
pub const REPORT: Duration = Duration::from_mins(1);

/// Answer to a granted request.
pub const ACCEPTED: &str = "accepted";

/// Name of this server among the servers that share its database. `self` on SQLite, which cannot be
/// shared.
///
/// The name may change between starts: a start reads the reports of all names.
#[must_use]
pub fn node(location: &Location, address: SocketAddr) -> String {
    match location {
        Location::Sqlite(_) => "self".to_owned(),
        Location::Postgres(_) => {
            let system = rustix::system::uname();
            format!("{}:{}", system.nodename().to_string_lossy(), address.port())
        }
    }
}

/// Writes the reports of one timekeeper.
#[derive(Debug)]
pub(super) struct Reporter {
    keeper: Arc<Timekeeper>,
    events: Receiver<Event>,
    store: Arc<Store>,
    node: String,
    alarm: Option<Alarm>,
    budget: Budget,
    due: Instant,
}

impl Reporter {
    /// Creates a reporter that receives every event from now on.
    pub(super) fn new(keeper: Arc<Timekeeper>, store: Arc<Store>, node: String) -> Self {
        let (events, due) = (keeper.events(), Instant::now());
        Self { keeper, events, store, node, alarm: None, budget: Budget::new(due), due }
    }

    /// Reports until `stop` is cancelled, and then writes a last report.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        self.refuse_old_request().await;
        let mut polls = tokio::time::interval(POLL);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                event = self.events.recv() => self.handle_event(event).await,
                _ = polls.tick() => self.poll().await,
            }
        }
        self.report(false, None).await;
    }

    /// Writes a row for an event if the budget allows, and remembers the event if it is an alarm.
    async fn handle_event(&mut self, event: Result<Event, RecvError>) {
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => return self.budget.miss(missed),
            // Not possible: `self.keeper` owns the sender.
            Err(RecvError::Closed) => return,
        };
        let text = event.to_string();
        let row = self.row("clock", event.is_good_news(), &text);
        if event.is_alarm() {
            self.alarm = Some(Alarm { at: row.at, text });
        }
        let fits = self.budget.take(Instant::now());
        self.report(true, fits.then_some(row)).await;
    }

    /// Answers an operator's request, and writes a report if one is due: about missed rows, or the
    /// periodic one.
    async fn poll(&mut self) {
        match self.store.clock_request(&self.node).await {
            Ok(Some(offer_ms)) => self.answer(offer_ms).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "cannot read the requests of operators"),
        }
        let now = Instant::now();
        if let Some(missed) = self.budget.settle(now) {
            let text = format!("{missed} more events are in the text log alone.");
            let row = self.row("clock", false, &text);
            self.report(true, Some(row)).await;
        } else if now >= self.due {
            self.report(true, None).await;
        }
    }

    /// Writes the report, and `row` in the same transaction.
    async fn report(&mut self, running: bool, row: Option<AuditEntry>) {
        self.due = Instant::now() + REPORT;
        let report = self.present(running);
        let written: Result<(), Error> = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(row) = &row {
                        tx.append(row).await?;
                    }
                    tx.report_clock(&report).await
                })
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write the clock report; it is retried");
        }
    }

    /// Accepts the time that an operator asks for, if it is still offered.
    ///
    /// The request is removed from the database first, so that it has effect only once.
    async fn answer(&self, offer_ms: i64) {
        if !self.take_request().await {
            return;
        }
        let accepted = self.keeper.accept(offer_ms);
        let (answer, now) = match accepted {
            Ok(reading) => (ACCEPTED.to_owned(), Some(reading.now)),
            Err(refused) => (refused.to_string(), None),
        };
        let row = self.row("time_accept", now.is_some(), &format!("{answer}; step={offer_ms}ms"));
        let (node, report) = (self.node.clone(), self.present(true));
        let done: Result<(), Error> = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    tx.append(&row).await?;
                    tx.answer_clock_request(&node, &answer).await?;
                    if let Some(now) = now {
                        tx.reset_clocks(now).await?;
                    }
                    tx.report_clock(&report).await
                })
            })
            .await;
        if let Err(error) = done {
            tracing::error!(%error, ?accepted, "unaudited answer to an operator");
        }
    }

    /// Refuses a request from before the start: this process has not offered a time yet.
    async fn refuse_old_request(&mut self) {
        if self.take_request().await {
            let row = self.row("time_accept", false, "not accepted: asked before this start;");
            self.report(true, Some(row)).await;
        }
    }

    async fn take_request(&self) -> bool {
        let node = self.node.clone();
        let taken: Result<bool, Error> = self
            .store
            .write(move |tx| Box::pin(async move { tx.take_clock_request(&node).await }))
            .await;
        taken.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read `fourauthd time accept` requests from the database; will retry");
            false
        })
    }

    fn row(&self, action: &'static str, success: bool, text: &str) -> AuditEntry {
        let reading = self.keeper.read();
        let time = match reading.error_ms {
            Reading::UNBOUNDED => format!("{}(?)", reading.state),
            error_ms => format!("{}({error_ms}ms)", reading.state),
        };
        let detail = format!("{text} node={} time={time}", self.node);
        AuditEntry { at: reading.now, username: None, action, success, detail }
    }

    fn present(&self, running: bool) -> ClockReport {
        let status = self.keeper.status();
        let count = |servers: usize| u32::try_from(servers).unwrap_or(u32::MAX);
        ClockReport {
            node: self.node.clone(),
            running,
            state: status.reading.state.as_str().to_owned(),
            error_ms: status.reading.error_ms,
            vouched: status.vouched,
            agreeing: count(status.agreeing()),
            asked: count(status.servers.len()),
            barred: status.barred,
            offer_ms: status.offer_ms,
            alarm: self.alarm.clone(),
            updated: status.reading.now.saturating_add_ms(status.system_clock_ahead_ms),
        }
    }
}
