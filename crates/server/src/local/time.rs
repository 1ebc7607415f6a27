//! `fourauthd time status|accept`: the servers' reports about their time, and an operator's word.
//!
//! The servers keep the time. What is read and asked here goes through the database.

mod accept;
mod status;

use super::LocalStore;
use crate::chores::time::REPORT;
use clap::{Subcommand, ValueEnum};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::ClockReport;
use std::time::Duration;

/// Age from which a report is not news any more: the server has left one out, or is gone.
const FRESH: Duration = REPORT.saturating_mul(2);

/// What can be asked and said about the time.
#[derive(Debug, Subcommand)]
pub enum TimeCommand {
    /// Say how far the time of the servers is to be trusted; fails unless it is confirmed
    Status {
        /// How to say it
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Vouch for the time that a server is offered and refuses; look at `status` first
    Accept,
}

/// For whom a report is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Output {
    /// People
    Text,
    /// Programs: one line of JSON
    Json,
}

impl TimeCommand {
    /// Does it, and prints what has come of it.
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

/// Whether anything is behind a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Running,
    /// Stopped in order.
    Stopped,
    /// Not heard of for this long, or from the future: the system clock has been moved.
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

/// Servers that have used the database within a day and have not said that they stopped. One that
/// is silent may run all the same: its clock, or the one here, may be wrong.
pub(super) async fn not_stopped(local: &LocalStore) -> anyhow::Result<Vec<String>> {
    let reports = local.store.clock_reports().await?;
    let counted = reports.into_iter().filter(|report| status::counts(report, local.now));
    Ok(counted.map(|report| report.node).collect())
}

const fn age_ms(report: &ClockReport, now: UnixMillis) -> i64 {
    now.millis_since(report.updated)
}
