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
    answer::{BackupState, HealthCheck, ServerState},
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
    /// The key of the text about what these backups do not hold.
    note: Option<&'static str>,
}

/// One check, with the keys of its texts.
struct Checked<'a> {
    /// What is checked.
    subject: String,
    text: &'static str,
    /// The class of the text in the style sheet.
    class: &'static str,
    fault: Option<&'a str>,
    /// The key of the text about what follows from the configuration.
    note: Option<&'static str>,
}

impl<'a> Checked<'a> {
    fn of(check: &'a HealthCheck, state: &ServerState, words: &Words<'_>) -> Self {
        let subject = subject_of(check, words);
        let (note, fault) = (note_of(check, state), check.fault.as_deref());
        let (text, class) = match check.condition.as_str() {
            // Without time servers, the note says what the warning says.
            "warning" if check.subject == "clock" && note.is_some() => {
                let (text, class) = ("state-not-configured", "off");
                return Self { subject, text, class, fault: None, note };
            }
            "ok" if note.is_some() => ("state-not-configured", "off"),
            "ok" => ("state-ok", "good"),
            "warning" => ("state-warning", "bad"),
            _ => ("state-failing", "bad"),
        };
        Self { subject, text, class, fault, note }
    }
}

/// The key of the text about what follows if the configuration leaves out what is checked.
fn note_of(check: &HealthCheck, state: &ServerState) -> Option<&'static str> {
    let (word, note) = match check.subject.as_str() {
        "clock" => ("time_servers", "state-no-time-servers"),
        "checkpoints" => ("checkpoint_sinks", "state-no-sinks"),
        "outbox" => ("senders", "state-no-senders"),
        _ => return None,
    };
    is_left_out(state, word).then_some(note)
}

fn is_left_out(state: &ServerState, word: &str) -> bool {
    state.not_configured.iter().any(|it| it == word)
}

fn is_postgresql(state: &ServerState) -> bool {
    state.database.as_deref() == Some("postgresql")
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
    fn of(state: &ServerState, words: &Words<'_>) -> Self {
        let known = state.backups.clone().unwrap_or_default();
        let date = |at: Option<UnixMillis>| at.map_or_else(|| words.say("state-never"), shown);
        Self {
            created: date(known.created_at),
            verified: date(known.verified_at),
            file: known.verified_file.clone().unwrap_or_default(),
            warning: warning(&known, state.now),
            note: is_postgresql(state).then_some("state-backup-postgresql"),
        }
    }
}

/// The key of the text about what to do, if there is something.
fn warning(known: &BackupState, now: UnixMillis) -> Option<&'static str> {
    match (known.created_at, known.verified_at) {
        (None, None) => Some("state-backup-none"),
        (Some(_), None) => Some("state-backup-never"),
        (_, Some(at)) if at.saturating_add_ms(WEEK_MS) < now => Some("state-backup-old"),
        (_, Some(_)) => None,
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
        checks: state.checks.iter().map(|it| Checked::of(it, &state, &visit.words)).collect(),
        facts: facts(&state, &visit.words),
        keys: keys.collect(),
        chart: Chart::of(&state.attempts, state.now),
        backup: Backup::of(&state, &visit.words),
        state: &state,
    };
    Ok(visit.kept(page(StatusCode::OK, &page_of_state, Camera::Forbidden)?))
}

fn facts(state: &ServerState, words: &Words<'_>) -> Vec<(&'static str, String)> {
    let (audit, outbox) = (&state.audit, &state.outbox);
    let has_sinks = !is_left_out(state, "checkpoint_sinks");
    let not_configured = || words.say("state-not-configured");
    let of_sinks = |count: u64| if has_sinks { count.to_string() } else { not_configured() };
    let behind = u64::try_from(audit.sinks_behind.len()).unwrap_or(u64::MAX);
    let until = state.certificate_until.map_or_else(|| words.say("state-unreadable"), shown);
    let signed = audit.signed_rows.unwrap_or_default().to_string();
    let outdated_faces = state.outdated_faces.map_or_else(String::new, |count| count.to_string());
    let never = || words.say("state-never");
    let known = if is_left_out(state, "time_servers") {
        words.say("state-time-of-machine")
    } else {
        state.time.clone()
    };
    vec![
        ("state-software", state.software.clone()),
        ("state-database", state.database.clone().unwrap_or_default()),
        ("state-time", format!("{} {known}", shown(state.now))),
        ("state-certificate", until),
        ("state-sessions", state.sessions.to_string()),
        ("state-size", format!("{} MiB", state.bytes.div_ceil(MIB))),
        ("state-rows", audit.rows.to_string()),
        ("state-signed", signed),
        ("state-signed-at", audit.signed_at.map_or_else(never, shown)),
        ("state-sinks", of_sinks(audit.sinks)),
        ("state-sinks-behind", of_sinks(behind)),
        ("state-waiting", outbox.waiting.to_string()),
        ("state-dead", outbox.dead.to_string()),
        ("state-without-address", outbox.without_address.to_string()),
        ("state-sent", outbox.sent.to_string()),
        ("state-outdated-faces", outdated_faces),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_old_after_a_week() {
        const DAY_MS: i64 = 86_400_000;
        let now = UnixMillis::parse("2026-11-21T12:00:00Z").unwrap();
        let none = BackupState::default();
        assert_eq!(warning(&none, now), Some("state-backup-none"));
        let made = BackupState { created_at: Some(now), ..none };
        assert_eq!(warning(&made, now), Some("state-backup-never"));
        for (days, expected) in [(0, None), (7, None), (8, Some("state-backup-old"))] {
            let verified_at = Some(now.saturating_add_ms(-days * DAY_MS));
            let verified = BackupState { verified_at, ..made.clone() };
            assert_eq!(warning(&verified, now), expected, "{days}");
        }
    }
}
