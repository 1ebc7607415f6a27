//! `/console/audit/events`: new rows of the audit log, as events that a browser asks for again and again
//! (HTML Living Standard, "Server-sent events").
//!
//! An answer is whole, so that no stream goes on without a check of its session: it waits for rows for a few
//! seconds, and the browser asks again with the number of the last row. While answers wait, the server is
//! asked once a second for all of them together, with the session of the one that is next. On PostgreSQL a row
//! may be committed after one with a higher number; it is there when the page is loaded again.

use super::{
    audit::Filter,
    visit::{Visit, encoded},
};
use crate::{
    call::Call,
    problem::Problem,
    response::{self, Response},
    route::Outcome,
};
use fourauth_protocol::{
    answer::AuditRow,
    code::Code,
    command::{Command, FollowAudit},
};
use hyper::StatusCode;
use serde::Serialize;
use std::{
    collections::HashMap,
    fmt::Write as _,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// How long an answer waits for rows. A session that has ended is noticed after it at the latest.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time between two questions to the server.
const EVERY: Duration = Duration::from_secs(1);

/// How long a browser waits before it asks again, in milliseconds.
const RETRY_MS: u32 = 500;

/// Most answers that wait for one session.
const MOST_OF_A_SESSION: usize = 3;

/// The one place from which all waiting answers of a gateway get new rows.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    recent: tokio::sync::Mutex<Recent>,
    waiting: Mutex<HashMap<u64, usize>>,
    hasher: RandomState,
}

/// The newest rows, and when the server was asked for them.
#[derive(Debug, Default)]
struct Recent {
    asked: Option<Instant>,
    rows: Arc<[AuditRow]>,
}

/// The right of one answer to wait.
struct Place<'a> {
    tail: &'a Tail,
    session: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.tail.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.session);
            }
        }
    }
}

impl Tail {
    /// A place for one more answer of this session, unless it has enough.
    fn place(&self, token: &str) -> Option<Place<'_>> {
        let session = self.hasher.hash_one(token);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.entry(session).or_default();
        if *count >= MOST_OF_A_SESSION {
            return None;
        }
        *count += 1;
        Some(Place { tail: self, session })
    }

    /// Rows that were read less than a second ago, asked for by this visit if there are none. `None` if
    /// the session of the visit may not see them any more.
    async fn rows(
        &self,
        visit: &Visit<'_>,
        after: i64,
    ) -> Result<Option<Arc<[AuditRow]>>, Problem> {
        let mut recent = self.recent.lock().await;
        if recent.asked.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(Some(Arc::clone(&recent.rows)));
        }
        recent.asked = Some(Instant::now());
        let rows = follow(visit, after).await?;
        if let Some(rows) = &rows {
            recent.rows = rows.clone().into();
        } else {
            // The next one asks at once.
            recent.asked = None;
        }
        Ok(rows.map(Into::into))
    }
}

/// The rows after this one. `None` if the session may not see them.
async fn follow(visit: &Visit<'_>, after: i64) -> Result<Option<Vec<AuditRow>>, Problem> {
    let follow = FollowAudit::new(visit.console()).after_id(after);
    let answer = visit.send(None, Command::FollowAudit(follow)).await?;
    match answer.code {
        Code::Ok => Ok(Some(answer.body.rows.unwrap_or_default())),
        Code::SignedOut | Code::AdminDenied | Code::MoreNeeded => Ok(None),
        _ => Err(Problem::of_answer(answer)),
    }
}

/// One row, for the script of the page.
#[derive(Serialize)]
struct Event<'a> {
    id: i64,
    at: String,
    username: &'a str,
    action: &'a str,
    success: bool,
    detail: &'a str,
    proof: String,
}

pub(super) async fn events(call: Call) -> Outcome {
    let Ok(visit) = Visit::of(&call).await? else { return Ok(ended()) };
    let filter = Filter::of(&call)?;
    let tail = &call.app.tail;
    let Some(_place) = tail.place(visit.session.token.expose()) else {
        let text = "This session follows the log in other windows already.";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, text));
    };
    let last = call.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let after = last.and_then(|text| text.parse().ok()).or(filter.after).unwrap_or_default();
    // The session is checked before anything is shown from what others have asked for.
    let Some(rows) = follow(&visit, after).await? else { return Ok(ended()) };
    let until = Instant::now() + PATIENCE;
    let mut found = newer(&rows, after);
    while found.is_empty() {
        let next = Instant::now() + EVERY;
        if next > until {
            break;
        }
        sleep_until(next).await;
        let Some(rows) = tail.rows(&visit, after).await? else { return Ok(ended()) };
        found = newer(&rows, after);
    }
    Ok(visit.kept(written(&found, &filter, after)))
}

fn newer(rows: &[AuditRow], after: i64) -> Vec<AuditRow> {
    let mut newer: Vec<_> = rows.iter().filter(|row| row.id > after).cloned().collect();
    newer.sort_by_key(|row| row.id);
    newer
}

/// The answer with these rows, oldest first. The browser gets the number of the last one, also if the
/// filter hides it.
fn written(rows: &[AuditRow], filter: &Filter, after: i64) -> Response {
    let mut text = format!("retry: {RETRY_MS}\n\n");
    for row in rows.iter().filter(|row| filter.shows(row)) {
        let event = Event {
            id: row.id,
            at: row.ts_utc.to_string(),
            username: row.username.as_deref().unwrap_or_default(),
            action: row.action.as_str(),
            success: row.success,
            detail: &row.detail,
            proof: format!("/console/audit/{}", encoded(&row.id.to_string())),
        };
        if let Ok(json) = serde_json::to_string(&event) {
            let _ = write!(text, "event: row\nid: {}\ndata: {json}\n\n", row.id);
        }
    }
    let last = rows.last().map_or(after, |row| row.id);
    let _ = write!(text, "event: seen\nid: {last}\ndata: {last}\n\n");
    response::whole(StatusCode::OK, "text/event-stream; charset=utf-8", text)
}

/// After this status a browser does not ask again.
fn ended() -> Response {
    response::whole(StatusCode::NO_CONTENT, "text/event-stream; charset=utf-8", "")
}
