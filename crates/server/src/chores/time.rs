//! What the timekeeper remembers and tells: its report in the database, its alarms in the audit log,
//! and the answer to an operator who accepts a time. It keeps no time itself.

use super::budget::Budget;
use fourauth_store::{Alarm, AuditEntry, ClockReport, Error, Location, Store};
use fourauth_timekeeper::{Clock as _, Event, Reading, Timekeeper};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// How often it is seen whether an operator has asked for something.
const POLL: Duration = Duration::from_secs(2);

/// Longest age of a report, and so the most that the floor of a later start lies behind.
pub(crate) const REPORT: Duration = Duration::from_mins(1);

/// The answer to a request that was granted.
pub(crate) const ACCEPTED: &str = "accepted";

/// The name of this server among those that share its database: `self` where no other can.
///
/// It need not stay the same: what a start has to know of the past is asked of all names.
pub(crate) fn node(location: &Location, address: SocketAddr) -> String {
    match location {
        Location::Sqlite(_) => "self".to_owned(),
        Location::Postgres(_) => {
            let system = rustix::system::uname();
            format!("{}:{}", system.nodename().to_string_lossy(), address.port())
        }
    }
}

/// Writes down what one timekeeper has to say.
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
    /// A reporter that misses nothing from here on.
    pub(super) fn new(keeper: Arc<Timekeeper>, store: Arc<Store>, node: String) -> Self {
        let (events, due) = (keeper.events(), Instant::now());
        Self { keeper, events, store, node, alarm: None, budget: Budget::new(due), due }
    }

    /// Reports until told to stop, and then once more.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        self.refuse_old_request().await;
        let mut polls = tokio::time::interval(POLL);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                event = self.events.recv() => self.hear(event).await,
                _ = polls.tick() => self.look().await,
            }
        }
        self.report(false, None).await;
    }

    /// An event: a row while there is room for rows, and an alarm if it is one.
    async fn hear(&mut self, event: Result<Event, RecvError>) {
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => return self.budget.miss(missed),
            // The keeper is ours, so it cannot be gone.
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

    /// What is due: an operator's request, word of rows that were left out, the minute's report.
    async fn look(&mut self) {
        match self.store.clock_request(&self.node).await {
            Ok(Some(offer_ms)) => self.answer(offer_ms).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "cannot see whether an operator asks"),
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

    /// Writes the report, and a row with it.
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
            tracing::warn!(%error, "the time is not reported for now");
        }
    }

    /// Accepts what an operator asks for, if it is still offered.
    ///
    /// The request is taken before anything happens, so that it can happen only once.
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

    /// A request from before the start is about a time that nobody here has offered yet.
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
            tracing::warn!(%error, "an operator's request has to wait");
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
