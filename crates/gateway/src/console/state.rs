//! `/console/state`: what the server depends on, its keys, the tree of the log, the messages, and a chart of
//! attempts.

use super::{
    chart::Chart,
    visit::{Part, Visit},
};
use crate::{
    call::Call,
    portal::{Camera, Words, rendered as page, shown},
    problem::Problem,
    route::Outcome,
};
use askama::Template;
use fourauth_protocol::{
    answer::{HealthCheck, ServerState},
    command::{Command, ShowState},
    time::UnixMillis,
};
use hyper::StatusCode;

/// A mebibyte, in bytes.
const MIB: u64 = 1024 * 1024;

/// A backup that was verified longer ago than this is an old one, in milliseconds.
const WEEK_MS: i64 = 7 * 86_400_000;

#[derive(Template)]
#[template(path = "console/state.html")]
struct StatePage<'a> {
    words: Words<'a>,
    part: Part,
    state: &'a ServerState,
    checks: Vec<Checked<'a>>,
    /// Labels, as keys of texts, and values.
    facts: Vec<(&'static str, String)>,
    keys: Vec<(&'a str, &'static str, String)>,
    chart: Chart,
    backup: Backup,
}

/// The newest backups, with the keys of their texts.
struct Backup {
    created: String,
    verified: String,
    file: String,
    /// The key of the text about what to do, if there is something.
    warning: Option<&'static str>,
}

/// One check, with the keys of its texts.
struct Checked<'a> {
    /// What is checked.
    subject: String,
    text: &'static str,
    is_ok: bool,
    fault: Option<&'a str>,
}

impl<'a> Checked<'a> {
    fn of(check: &'a HealthCheck, words: &Words<'_>) -> Self {
        let text = match check.condition.as_str() {
            "ok" => "state-ok",
            "warning" => "state-warning",
            _ => "state-failing",
        };
        let (subject, fault) = (subject_of(check, words), check.fault.as_deref());
        Self { subject, text, is_ok: check.condition == "ok", fault }
    }
}

/// What is checked, in the language of the page. A check that this version does not know has its own name.
fn subject_of(check: &HealthCheck, words: &Words<'_>) -> String {
    let key = match check.subject.as_str() {
        "database" => "state-check-database",
        "disk" => "state-check-disk",
        "clock" => "state-check-clock",
        "certificate" => "state-check-certificate",
        "checkpoints" => "state-check-checkpoints",
        "outbox" => "state-check-outbox",
        other => return other.to_owned(),
    };
    words.say(key)
}

impl Backup {
    fn of(state: &ServerState) -> Self {
        let known = state.backups.clone().unwrap_or_default();
        let is_old = |at: UnixMillis| at.saturating_add_ms(WEEK_MS) < state.now;
        let warning = match known.verified_at {
            None => Some("state-backup-never"),
            Some(at) if is_old(at) => Some("state-backup-old"),
            Some(_) => None,
        };
        let date = |at: Option<UnixMillis>| at.map_or_else(|| "–".to_owned(), shown);
        Self {
            created: date(known.created_at),
            verified: date(known.verified_at),
            file: known.verified_file.unwrap_or_default(),
            warning,
        }
    }
}

pub(super) async fn show(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let answer = match visit.ask(Command::ShowState(ShowState::new(visit.console()))).await? {
        Ok(answer) => answer,
        Err(refused) => return Ok(refused.page()),
    };
    let state = answer.body.state.ok_or_else(Problem::incomplete)?;
    let key = |word: &str| match word {
        "waits" => "state-key-waits",
        "seals" => "state-key-seals",
        "opens" => "state-key-opens",
        _ => "state-key-retired",
    };
    let keys = state.keys.iter().map(|it| (&*it.id, key(&it.state), shown(it.created_at)));
    let page_of_state = StatePage {
        words: visit.words,
        part: Part::State,
        checks: state.checks.iter().map(|it| Checked::of(it, &visit.words)).collect(),
        facts: facts(&state),
        keys: keys.collect(),
        chart: Chart::of(&state.attempts, state.now),
        backup: Backup::of(&state),
        state: &state,
    };
    Ok(visit.kept(page(StatusCode::OK, &page_of_state, Camera::Forbidden)?))
}

fn facts(state: &ServerState) -> Vec<(&'static str, String)> {
    let (audit, outbox) = (&state.audit, &state.outbox);
    let date = |at: Option<_>| at.map_or_else(|| "–".to_owned(), shown);
    let signed = audit.signed_rows.map_or_else(|| "–".to_owned(), |rows| rows.to_string());
    vec![
        ("state-software", state.software.clone()),
        ("state-time", format!("{} {}", shown(state.now), state.time)),
        ("state-certificate", date(state.certificate_until)),
        ("state-sessions", state.sessions.to_string()),
        ("state-size", format!("{} MiB", state.bytes.div_ceil(MIB))),
        ("state-rows", audit.rows.to_string()),
        ("state-signed", signed),
        ("state-signed-at", date(audit.signed_at)),
        ("state-sinks", audit.sinks.to_string()),
        ("state-sinks-behind", audit.sinks_behind.len().to_string()),
        ("state-waiting", outbox.waiting.to_string()),
        ("state-dead", outbox.dead.to_string()),
        ("state-without-address", outbox.without_address.to_string()),
        ("state-sent", outbox.sent.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::answer::BackupState;
    use serde_json::json;

    #[test]
    fn a_backup_is_old_after_a_week() {
        const DAY_MS: i64 = 86_400_000;
        let now = UnixMillis::parse("2026-11-21T12:00:00Z").unwrap();
        let mut state: ServerState = serde_json::from_value(json!({
            "software": "fourauth", "now": now, "time": "synced(1ms)", "checks": [], "keys": [],
            "audit": { "rows": 0, "sinks": 0, "sinks_behind": [] },
            "outbox": { "waiting": 0, "dead": 0, "without_address": 0, "sent": 0 },
            "sessions": 0, "bytes": 0, "attempts": [],
        }))
        .unwrap();
        assert_eq!(Backup::of(&state).warning, Some("state-backup-never"));
        for (days, warning) in [(0, None), (7, None), (8, Some("state-backup-old"))] {
            let verified_at = Some(now.saturating_add_ms(-days * DAY_MS));
            state.backups = Some(BackupState { verified_at, ..BackupState::default() });
            assert_eq!(Backup::of(&state).warning, warning, "{days}");
        }
    }
}
