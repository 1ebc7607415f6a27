//! `fourauthd session list|revoke`: sessions of an account.

use super::user::account;
use crate::{local_store::LocalStore, table::Format};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use data_encoding::HEXLOWER;
use fourauth_protocol::{level::Level, time::UnixMillis};
use fourauth_store::{FamilyId, SessionSummary};
use serde::Serialize;

/// Commands on the sessions of an account.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List the sessions of an account
    List {
        /// The account's name
        username: String,
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// End a session at once, or all sessions of an account
    Revoke {
        /// The account's name
        username: String,
        /// The id of the session, as `list` shows it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        session: Option<String>,
        /// End all of them
        #[arg(long)]
        all: bool,
    },
}

impl SessionCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If there is no such account or session, or the database fails.
    pub async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List { username, format } => list(local, &username, format).await,
            Self::Revoke { username, session: Some(id), .. } => revoke(local, &username, &id).await,
            Self::Revoke { username, session: None, .. } => revoke_all(local, &username).await,
        }
    }
}

/// A row of `session list`, with the names of 142 in the protocol.
#[derive(Serialize)]
struct ListedSession {
    id: String,
    peer: String,
    mac: String,
    device: Option<String>,
    level: Option<Level>,
    bound: bool,
    opened_at: UnixMillis,
    last_seen: UnixMillis,
    ends_at: UnixMillis,
}

async fn list(local: &LocalStore, username: &str, format: Format) -> anyhow::Result<()> {
    let sessions = local.store.sessions(account(local, username).await?.id, local.now).await?;
    let rows: Vec<_> = sessions.into_iter().map(ListedSession::from).collect();
    let header = ["session", "from", "device", "level", "bound", "opened", "last seen", "ends"];
    format.print(header, &rows, |session| {
        [
            session.id.clone(),
            session.peer.clone(),
            session.device.as_ref().unwrap_or(&session.mac).clone(),
            session.level.map_or_else(|| "-".to_owned(), |level| level.to_string()),
            if session.bound { "browser key" } else { "-" }.to_owned(),
            session.opened_at.to_string(),
            session.last_seen.to_string(),
            session.ends_at.to_string(),
        ]
    })
}

impl From<SessionSummary> for ListedSession {
    fn from(session: SessionSummary) -> Self {
        Self {
            id: HEXLOWER.encode(&session.family.0),
            level: session.methods.level(),
            peer: session.peer,
            mac: session.mac,
            device: session.device,
            bound: session.is_bound,
            opened_at: session.opened,
            last_seen: session.last_seen,
            ends_at: session.ends,
        }
    }
}

async fn revoke(local: &LocalStore, username: &str, id: &str) -> anyhow::Result<()> {
    let account = account(local, username).await?.id;
    let bytes = HEXLOWER.decode(id.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    let family = bytes.map(FamilyId).context("a session id has 32 hexadecimal digits")?;
    let entry = local.local_row(Some(username), "session_revoke", &format!("session={id}"));
    let ended = local
        .change(entry, move |tx| Box::pin(async move { tx.end_family(account, family).await }));
    if !ended.await? {
        bail!("{username} has no session {id}");
    }
    print_out!("The session has ended.")?;
    Ok(())
}

async fn revoke_all(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let account = account(local, username).await?.id;
    let entry = local.local_row(Some(username), "session_revoke", "session=all");
    let ended = local.change(entry, move |tx| {
        Box::pin(async move {
            tx.lock_account(account).await?;
            Ok(tx.end_sessions(account).await? > 0)
        })
    });
    if !ended.await? {
        bail!("{username} has no session");
    }
    print_out!("All sessions of {username} have ended.")?;
    Ok(())
}
