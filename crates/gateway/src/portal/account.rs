//! `/account`: the person's own sign-ins, each with its proof, and devices.

pub(super) mod face;
pub(super) mod request;
pub(super) mod revoke;

use super::{
    ask,
    page::{Camera, page},
    see,
    session::Session,
    words::Words,
};
use crate::{
    call::Call,
    cookies::Cookie,
    problem::Problem,
    response::{self, Response},
    route::Outcome,
};
use askama::Template;
use fourauth_protocol::{
    answer::{DeviceRequestRow, DeviceRow, SessionRow},
    code::Code,
    command::{Command, EndSession, ListDevices, ListSessions, ProveSignIn},
    level::Level,
    time::UnixMillis,
};
use hyper::{
    StatusCode,
    header::{CONTENT_DISPOSITION, HeaderValue},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    words: Words<'a>,
    username: &'a str,
    level: Option<&'a str>,
    /// True if the account may be without a face.
    can_add_face: bool,
    sessions: Vec<SessionCard>,
    /// `None` if the sign-in may not see them.
    devices: Option<Vec<DeviceCard>>,
    /// The browsers that ask to become one.
    requests: Vec<RequestCard>,
}

struct SessionCard {
    id: String,
    opened: String,
    peer: String,
    device: Option<String>,
    seen: String,
    is_current: bool,
    is_bound: bool,
}

struct DeviceCard {
    name: String,
    bound: String,
    seen: String,
}

struct RequestCard {
    number: String,
    shown_number: String,
    name: String,
    peer: String,
    asked: String,
}

/// The devices of an account, and the browsers that ask to become one.
pub(super) struct OwnDevices {
    pub(super) bound: Vec<DeviceRow>,
    requests: Vec<DeviceRequestRow>,
}

/// The session that a form names.
#[derive(Deserialize)]
struct Named {
    session: String,
}

pub(super) async fn show(call: Call) -> Outcome {
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let list = Command::ListSessions(ListSessions::new(session.token.clone()));
    let sessions = call.send(list).await?.body.sessions.unwrap_or_default();
    let own = devices(&call, &session).await?;
    let (devices, requests) = own.map(|own| (own.bound, own.requests)).unzip();
    let username = session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
    let level = session.body.level.map(|level| level.number().to_string());
    let account = AccountPage {
        words: call.words()?,
        username: username.as_str(),
        level: level.as_deref(),
        can_add_face: session.body.level.is_some_and(|level| level <= Level::Two),
        sessions: sessions.into_iter().rev().map(SessionCard::of).collect(),
        devices: devices.map(|rows| rows.into_iter().map(DeviceCard::of).collect()),
        requests: requests.into_iter().flatten().map(RequestCard::of).collect(),
    };
    let mut response = page(StatusCode::OK, &account, Camera::Forbidden)?;
    session.keep(&mut response);
    Ok(response)
}

/// The devices of the account. `None` if the sign-in has too low a level for them.
pub(super) async fn devices(call: &Call, session: &Session) -> Result<Option<OwnDevices>, Problem> {
    let list = Command::ListDevices(ListDevices::new(session.token.clone()));
    let answer = call.app.upstream.send(call.peer?, list).await?;
    match answer.code {
        Code::Ok => {
            let bound = answer.body.devices.unwrap_or_default();
            Ok(Some(OwnDevices { bound, requests: answer.body.requests }))
        }
        Code::MoreNeeded => Ok(None),
        _ => Err(Problem::of_answer(answer)),
    }
}

/// Ends one session. The one that asks may end itself.
pub(super) async fn end_session(call: Call) -> Outcome {
    call.check_origin()?;
    let Named { session: named } = call.read()?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let end = EndSession::new(session.token.clone()).session(named);
    let answer = call.app.upstream.send(call.peer?, Command::EndSession(end)).await?;
    match answer.code {
        // It may have ended by itself.
        Code::Ok | Code::NoSuchSession => {}
        _ => return Err(Problem::of_answer(answer)),
    }
    let mut response = see("/account");
    session.keep(&mut response);
    Ok(response)
}

/// Ends every session, also the one that asks.
pub(super) async fn end_all(call: Call) -> Outcome {
    call.check_origin()?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    call.send(Command::EndSession(EndSession::new(session.token.clone()).all())).await?;
    Ok(to_sign_in())
}

/// The proof of one sign-in, as a file that `fourauth-audit-verify` takes.
pub(super) async fn proof(call: Call) -> Outcome {
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let prove = ProveSignIn::new(session.token.clone()).session(call.parameter.clone());
    let answer = call.send(Command::ProveSignIn(prove)).await?;
    let proof = answer.body.proof.ok_or_else(Problem::incomplete)?;
    let mut response = response::whole(StatusCode::OK, "text/plain; charset=utf-8", proof);
    let attachment = HeaderValue::from_static("attachment; filename=\"sign-in-proof.txt\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, attachment);
    session.keep(&mut response);
    Ok(response)
}

/// The browser forgets a session that has ended: each request with its token would be an offence.
fn to_sign_in() -> Response {
    let mut response = see("/sign-in");
    Cookie::Session.clear(&mut response);
    response
}

impl SessionCard {
    fn of(row: SessionRow) -> Self {
        let SessionRow { id, peer, device, opened_at, last_seen, .. } = row;
        let (is_current, is_bound) = (row.current, row.bound);
        let (opened, seen) = (shown(opened_at), shown(last_seen));
        Self { id, opened, peer, device, seen, is_current, is_bound }
    }
}

impl DeviceCard {
    fn of(row: DeviceRow) -> Self {
        let DeviceRow { name, bound_at, last_seen, .. } = row;
        Self { name, bound: shown(bound_at), seen: shown(last_seen) }
    }
}

impl RequestCard {
    fn of(row: DeviceRequestRow) -> Self {
        let DeviceRequestRow { number, name, peer, asked_at, .. } = row;
        let (asked, shown_number) = (shown(asked_at), ask::shown(number));
        Self { number: number.to_string(), shown_number, name, peer, asked }
    }
}

/// A time to the minute, in UTC: the server does not know the zone of the person.
pub(crate) fn shown(at: UnixMillis) -> String {
    let text = at.to_string();
    let (day, clock) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", clock.get(..5).unwrap_or(clock))
}
