//! 244: the state of the server, for an administrator.

use super::Request;
use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{Audited, console::ConsoleAct},
    authenticator::Authenticator,
    error::Error,
    received::Received,
};
use fourauth_protocol::{
    answer::{AnswerBody, AttemptCount, AuditState, BackupState, KeyRow, OutboxState, ServerState},
    command::ShowState,
};
use fourauth_store::{KeyState, KeySummary};

/// The time that attempts are counted for, in milliseconds: 24 hours.
const COUNTED_MS: i64 = 86_400_000;

/// The answer to 244.
#[derive(Debug)]
pub struct State(pub Box<ServerState>);

impl CommandAnswer for State {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.state = Some(self.0);
        body
    }
}

/// What the server around the authenticator knows about itself.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// Name and version of the software.
    pub software: String,
    /// The checks of health.
    pub checks: Vec<fourauth_protocol::answer::HealthCheck>,
    /// The last second of the certificate.
    pub certificate_until: Option<fourauth_protocol::time::UnixMillis>,
    /// Places that checkpoints are copied to.
    pub sinks: u64,
    /// Those that lack the newest one.
    pub sinks_behind: Vec<String>,
    /// The database: `sqlite` or `postgresql`.
    pub database: String,
    /// What the configuration leaves out, in the words of 244.
    pub not_configured: Vec<String>,
    /// Accounts with a face of another model pack, if any was found.
    pub outdated_faces: Option<u64>,
}

impl Authenticator {
    /// 244: shows the state of the server. `surroundings` finds out what only the server knows.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn show_state(
        &self,
        received: Received,
        show: ShowState,
        surroundings: impl AsyncFnOnce() -> Surroundings,
    ) -> Result<Audited<State>, Error> {
        let at = received.at;
        let request = Request::reading(Action::ShowState);
        self.as_console(request, received, show.session, async |_| {
            let around = surroundings().await;
            let census = self.store.census(at.now).await?;
            let keys = self.store.keys().await?.into_iter().map(key).collect();
            let since = at.now.saturating_add_ms(-COUNTED_MS);
            let attempts = self.store.attempts_by_hour(since).await?;
            let backups = self.store.backups().await?;
            let (signed_rows, signed_at) = census.checkpoint.unzip();
            let state = ServerState {
                software: around.software,
                now: at.now,
                time: crate::attempt::time_quality(&at),
                checks: around.checks,
                certificate_until: around.certificate_until,
                keys,
                audit: AuditState {
                    rows: census.audit_rows,
                    signed_rows,
                    signed_at,
                    sinks: around.sinks,
                    sinks_behind: around.sinks_behind,
                },
                outbox: OutboxState {
                    waiting: census.outbox.waiting,
                    dead: census.outbox.dead,
                    without_address: census.outbox.without_address,
                    sent: census.outbox.sent,
                },
                sessions: census.sessions,
                bytes: census.bytes,
                attempts: attempts.into_iter().map(counted).collect(),
                backups: Some(BackupState {
                    created_at: backups.created,
                    verified_at: backups.verified.as_ref().map(|(at, _)| *at),
                    verified_file: backups.verified.map(|(_, file)| file),
                }),
                database: Some(around.database),
                not_configured: around.not_configured,
                outdated_faces: around.outdated_faces,
            };
            Ok((ConsoleAct::Nothing, State(Box::new(state))))
        })
        .await
    }
}

fn key(summary: KeySummary) -> KeyRow {
    let state = match summary.state {
        KeyState::Waits => "waits",
        KeyState::Seals => "seals",
        KeyState::Opens => "opens",
        KeyState::Retired => "retired",
    };
    KeyRow { id: summary.id, created_at: summary.created, state: state.to_owned() }
}

fn counted(count: fourauth_store::AttemptCount) -> AttemptCount {
    let fourauth_store::AttemptCount { hour, door, success, count } = count;
    AttemptCount { hour, door, success, count }
}
