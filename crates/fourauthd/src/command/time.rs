//! `fourauthd time status|accept`: shows the clock reports of servers, and accepts a time that they
//! refuse.
//!
//! These commands do not measure time. They exchange reports and requests with the servers through
//! the database.

mod accept;
mod status;

use crate::local_store::LocalStore;
use clap::{Subcommand, ValueEnum};
use fourauth_protocol::time::UnixMillis;
use fourauth_server::tasks::clock::REPORT;
use fourauth_store::ClockReport;
use std::time::Duration;

/// Largest age of a current report. With an older one, the server missed a report or is not
/// running.
const FRESH: Duration = REPORT.saturating_mul(2);

/// Commands on the time.
#[derive(Debug, Subcommand)]
pub enum TimeCommand {
    /// Show the state of the servers' clocks; fails unless their time is confirmed
    Status {
        /// Output format
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Accept the time that a server was offered and refuses; check it with `status` first
    Accept,
}

/// Output format of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Output {
    /// Text for people
    Text,
    /// One line of JSON for programs
    Json,
}

impl TimeCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If the database fails. `status`: if no server runs, or one of them has no confirmed time.
    /// `accept`: if no server runs, or one of them did not accept.
    pub async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::Status { output } => status::run(local, output).await,
            Self::Accept => accept::run(local).await,
        }
    }
}

/// State of the server that wrote a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Running,
    /// Shut down cleanly.
    Stopped,
    /// The report is older than [`FRESH`], or from the future because the system clock was changed.
    Silent,
}

impl Presence {
    fn of(report: &ClockReport, now: UnixMillis) -> Self {
        let age = Duration::from_millis(age_ms(report, now).unsigned_abs());
        match report.running {
            false => Self::Stopped,
            true if age > FRESH => Self::Silent,
            true => Self::Running,
        }
    }
}

/// Servers that reported within a day and did not report a clean shutdown. A silent server may
/// still be running: its clock, or the clock here, may be wrong.
pub(super) async fn not_stopped(local: &LocalStore) -> anyhow::Result<Vec<String>> {
    let reports = local.store.clock_reports().await?;
    let counted = reports.into_iter().filter(|report| status::counts(report, local.now));
    Ok(counted.map(|report| report.node).collect())
}

const fn age_ms(report: &ClockReport, now: UnixMillis) -> i64 {
    now.millis_since(report.updated)
}
