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
};
use hyper::StatusCode;

/// A mebibyte, in bytes.
const MIB: u64 = 1024 * 1024;

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
}

/// One check, with the keys of its texts.
struct Checked<'a> {
    subject: &'a str,
    text: &'static str,
    is_ok: bool,
    fault: Option<&'a str>,
}

impl<'a> Checked<'a> {
    fn of(check: &'a HealthCheck) -> Self {
        let text = match check.condition.as_str() {
            "ok" => "state-ok",
            "warning" => "state-warning",
            _ => "state-failing",
        };
        let (subject, fault) = (&*check.subject, check.fault.as_deref());
        Self { subject, text, is_ok: check.condition == "ok", fault }
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
        checks: state.checks.iter().map(Checked::of).collect(),
        facts: facts(&state),
        keys: keys.collect(),
        chart: Chart::of(&state.attempts, state.now),
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
