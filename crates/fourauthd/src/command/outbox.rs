//! `fourauthd outbox list|show|resend|drop`: notices to owners, and the state of their delivery.

use crate::{
    local_store::LocalStore,
    screen::printable,
    table::{Format, Table},
};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{DeliveryState, Listed, OutboxEntry};
use serde::Serialize;

/// Most notices in a list.
const MAX_LISTED: u32 = 1000;

/// Commands on the notices to owners.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List the notices that wait or were given up, the newest first
    List {
        /// List those that were sent or have no address, too
        #[arg(long)]
        all: bool,
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// Show a notice
    Show {
        /// Its number
        id: i64,
    },
    /// Send a notice again, to the present address of its account
    Resend {
        /// Its number
        id: i64,
    },
    /// Delete a notice
    Drop {
        /// Its number
        id: i64,
    },
}

impl OutboxCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If there is no such notice, or the database fails.
    pub async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List { all, format } => {
                list(local, if all { Listed::All } else { Listed::Open }, format).await
            }
            Self::Show { id } => show(local, id).await,
            Self::Resend { id } => resend(local, id).await,
            Self::Drop { id } => drop_notice(local, id).await,
        }
    }
}

/// A row of `outbox list`.
#[derive(Serialize)]
struct ListedNotice {
    number: i64,
    event_at: UnixMillis,
    username: String,
    event: String,
    state: String,
    attempts: u32,
    last_error: Option<String>,
}

async fn list(local: &LocalStore, listed: Listed, format: Format) -> anyhow::Result<()> {
    let entries = local.store.outbox(listed, MAX_LISTED).await?;
    let rows: Vec<_> = entries.into_iter().map(ListedNotice::from).collect();
    let header = ["number", "event at", "account", "event", "state", "attempts", "last error"];
    format.print(header, &rows, |notice| {
        [
            notice.number.to_string(),
            notice.event_at.to_string(),
            notice.username.clone(),
            notice.event.clone(),
            notice.state.clone(),
            notice.attempts.to_string(),
            notice.last_error.clone().unwrap_or_default(),
        ]
    })?;
    if format.is_json() {
        return Ok(());
    }
    for (reason, dead) in local.store.dead_notices().await? {
        print_out!("given up, {}: {dead}", printable(&reason))?;
    }
    Ok(())
}

impl From<OutboxEntry> for ListedNotice {
    fn from(entry: OutboxEntry) -> Self {
        Self {
            number: entry.id,
            event_at: entry.created,
            state: state(&entry),
            event: entry.event.word().to_owned(),
            username: entry.username,
            attempts: entry.attempts,
            last_error: entry.last_error,
        }
    }
}

async fn show(local: &LocalStore, id: i64) -> anyhow::Result<()> {
    let entry = entry(local, id).await?;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut rows = vec![
        ["account".to_owned(), entry.username.clone()],
        ["event".to_owned(), entry.event.word().to_owned()],
        ["event at".to_owned(), entry.created.to_string()],
        ["state".to_owned(), state(&entry)],
        ["attempts".to_owned(), entry.attempts.to_string()],
        ["last error".to_owned(), or_none(entry.last_error)],
        ["mail address".to_owned(), or_none(entry.email)],
        ["telephone".to_owned(), or_none(entry.phone)],
    ];
    if let Some(context) = entry.context {
        rows.push(["peer".to_owned(), context.peer.to_string()]);
        rows.push(["request".to_owned(), context.request.to_string()]);
    }
    Ok(Table { header: ["notice", &id.to_string()], rows }.print()?)
}

async fn resend(local: &LocalStore, id: i64) -> anyhow::Result<()> {
    let (row, at) = (row(local, id, "outbox_resend").await?, local.now);
    let resent =
        local.change(row, move |tx| Box::pin(async move { tx.resend_notice(id, at).await }));
    if !resent.await? {
        bail!("the outbox has no notice {id}, or it carries a passcode that has expired");
    }
    print_out!("Notice {id} will be sent again.")?;
    Ok(())
}

async fn drop_notice(local: &LocalStore, id: i64) -> anyhow::Result<()> {
    let row = row(local, id, "outbox_drop").await?;
    let dropped = local.change(row, move |tx| Box::pin(async move { tx.drop_notice(id).await }));
    if !dropped.await? {
        bail!("the outbox has no notice {id}");
    }
    print_out!("Notice {id} is deleted.")?;
    Ok(())
}

/// The audit row of a change to a notice.
async fn row(
    local: &LocalStore,
    id: i64,
    action: &'static str,
) -> anyhow::Result<fourauth_store::AuditEntry> {
    let entry = entry(local, id).await?;
    let detail = format!("notice={id} event={}", entry.event.word());
    Ok(local.local_row(Some(&entry.username), action, &detail))
}

async fn entry(local: &LocalStore, id: i64) -> anyhow::Result<OutboxEntry> {
    let entry = local.store.outbox_entry(id).await?;
    entry.with_context(|| format!("the outbox has no notice {id}; `outbox list` shows the numbers"))
}

fn state(entry: &OutboxEntry) -> String {
    match entry.state {
        DeliveryState::Waiting(until) if until.0 == 0 => "waiting".to_owned(),
        DeliveryState::Waiting(until) => format!("waiting until {until}"),
        DeliveryState::Sent(at) => format!("sent {at}"),
        DeliveryState::Dead => "given up".to_owned(),
    }
}
