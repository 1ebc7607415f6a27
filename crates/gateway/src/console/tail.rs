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
    /// For each session, the number after which each of its answers waits for rows.
    waiting: Mutex<HashMap<u64, Vec<i64>>>,
    hasher: RandomState,
}

/// The newest rows, and when the server was asked for them.
#[derive(Debug, Default)]
struct Recent {
    asked: Option<Instant>,
    rows: Arc<[AuditRow]>,
}

/// The right of one answer to wait for the rows after a number.
struct Place<'a> {
    tail: &'a Tail,
    session: u64,
    after: i64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.tail.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(afters) = waiting.get_mut(&self.session) {
            if let Some(at) = afters.iter().position(|after| *after == self.after) {
                afters.swap_remove(at);
            }
            if afters.is_empty() {
                waiting.remove(&self.session);
            }
        }
    }
}

impl Tail {
    /// A place for one more answer of this session, unless it has enough.
    fn place(&self, token: &str, after: i64) -> Option<Place<'_>> {
        let session = self.hasher.hash_one(token);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let afters = waiting.entry(session).or_default();
        if afters.len() >= MOST_OF_A_SESSION {
            return None;
        }
        afters.push(after);
        Some(Place { tail: self, session, after })
    }

    /// The number after which some answer waits, and none after a smaller one.
    fn least(&self) -> Option<i64> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().flatten().min().copied()
    }

    /// Rows that were read less than a second ago, or asked for now if there are none: all that any answer
    /// waits for. `ask` reads the rows after a number, and gives `None` if its session may not see them any
    /// more.
    async fn rows(
        &self,
        place: &Place<'_>,
        ask: impl AsyncFnOnce(i64) -> Result<Option<Vec<AuditRow>>, Problem>,
    ) -> Result<Option<Arc<[AuditRow]>>, Problem> {
        let mut recent = self.recent.lock().await;
        if recent.asked.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(Some(Arc::clone(&recent.rows)));
        }
        recent.asked = Some(Instant::now());
        let rows = ask(self.least().unwrap_or(place.after)).await?;
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
    let last = call.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let after = last.and_then(|text| text.parse().ok()).or(filter.after).unwrap_or_default();
    let Some(place) = tail.place(visit.session.token.expose(), after) else {
        let text = "This session follows the log in other windows already.";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, text));
    };
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
        let Some(rows) = tail.rows(&place, async |least| follow(&visit, least).await).await? else {
            return Ok(ended());
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::{time::UnixMillis, words::Action};

    fn row(id: i64) -> AuditRow {
        AuditRow {
            id,
            ts_utc: UnixMillis(0),
            username: None,
            action: Action::Login,
            success: true,
            detail: String::new(),
        }
    }

    /// Rows of a log with the numbers 1 to 12.
    async fn log(after: i64) -> Result<Option<Vec<AuditRow>>, Problem> {
        Ok(Some((after + 1..=12).map(row).collect()))
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_gets_all_rows_that_it_waits_for() {
        let tail = Tail::default();
        let slow = tail.place("alice", 9).unwrap();
        let quick = tail.place("bob", 11).unwrap();
        let ids = |rows: &[AuditRow], after| {
            newer(rows, after).iter().map(|row| row.id).collect::<Vec<_>>()
        };
        // The one that asks is further than the other.
        let rows = tail.rows(&quick, log).await.unwrap().unwrap();
        assert_eq!(ids(&rows, 11), [12]);
        let rows = tail.rows(&slow, async |_| panic!("asked twice")).await.unwrap().unwrap();
        assert_eq!(ids(&rows, 9), [10, 11, 12]);

        // Control: with the slow one gone, only the rows of the quick one are read.
        drop(slow);
        tokio::time::advance(EVERY).await;
        let rows = tail.rows(&quick, log).await.unwrap().unwrap();
        assert_eq!(ids(&rows, 9), [12]);
    }

    #[test]
    fn a_session_follows_in_three_windows() {
        let tail = Tail::default();
        let mut places: Vec<_> = (0..3).map(|_| tail.place("alice", 1).unwrap()).collect();
        assert!(tail.place("alice", 1).is_none());
        assert!(tail.place("bob", 1).is_some());
        places.pop();
        assert!(tail.place("alice", 1).is_some());
    }
}
