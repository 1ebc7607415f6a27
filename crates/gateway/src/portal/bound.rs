//! `/session`: binds the session of a browser to a key that no copy of its cookie has (W3C draft "Device
//! Bound Session Credentials").
//!
//! ```text
//! sign-in                Secure-Session-Registration: (ES256); path, challenge
//! POST /session/bind     Secure-Session-Response: the proof with the key (188)
//!   200                  the cookie lives for nine minutes from now on
//! POST /session/renew/ID Sec-Secure-Session-Id
//!   403                  Secure-Session-Challenge (189)
//! POST /session/renew/ID Secure-Session-Response: the proof (189)
//!   200                  the next cookie
//! ```
//!
//! A browser that does not know the first header goes on as before. Each origin has one bound session, so
//! that a new one takes the place of an older one of the same browser: both would renew the same cookie.

use super::sign_in::send;
use crate::{
    call::Call,
    cookies::Cookie,
    problem::Problem,
    response::{self, Response},
    route::Outcome,
};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{BindSession, Command, RenewSession},
    grant::GrantToken,
    secret::Secret,
    session_proof::SessionProof,
};
use hyper::{StatusCode, header::HeaderName};
use serde::Serialize;

const REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");
const CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");
const PROOF: HeaderName = HeaderName::from_static("secure-session-response");

/// What browsers call the session, on every origin.
const NAME: &str = "fourauth";

/// How long a browser keeps the cookie of a bound session, in seconds. The token lives for a minute longer, so
/// that no request on its way is refused.
const COOKIE_SECONDS: u32 = 540;

/// What a browser is told about a session that goes on.
#[derive(Serialize)]
struct Instructions<'a> {
    session_identifier: &'static str,
    refresh_url: String,
    scope: Reach<'a>,
    credentials: [Credential; 1],
}

#[derive(Serialize)]
struct Reach<'a> {
    origin: &'a str,
    include_site: bool,
    scope_specification: [(); 0],
}

#[derive(Serialize)]
struct Credential {
    r#type: &'static str,
    name: &'static str,
    attributes: &'static str,
}

/// What a browser is told about a session that has ended. Without it, each request would ask again.
#[derive(Serialize)]
struct Ended {
    session_identifier: &'static str,
    r#continue: bool,
}

/// Offers a browser that has just signed in to bind its session.
pub(super) fn offer(response: &mut Response, challenge: Option<GrantToken>) {
    let Some(challenge) = challenge else { return };
    let text = challenge.text();
    let offer = format!("(ES256);path=\"/session/bind\";challenge=\"{}\"", text.expose());
    response.headers_mut().insert(REGISTRATION, response::value(&offer));
}

pub(super) async fn bind(call: Call) -> Outcome {
    call.check_origin()?;
    let token = Cookie::Session.read(&call.headers).map(Secret::new);
    let (Some(token), Some(proof)) = (token, proof(&call)?) else {
        return Err(Problem::bad("A session is bound with its cookie and a proof."));
    };
    let command = Command::BindSession(BindSession::new(token.clone(), proof));
    let answer = granted(send(&call, None, command).await?)?;
    let session = answer.body.session.ok_or_else(Problem::incomplete)?;
    going_on(&call, &session, &token)
}

pub(super) async fn renew(call: Call) -> Outcome {
    call.check_origin()?;
    let session = call.parameter.clone();
    let Some(proof) = proof(&call)? else { return challenge(&call, &session).await };
    let command = Command::RenewSession(RenewSession::new(session.clone()).proof(proof));
    let answer = send(&call, None, command).await?;
    match answer.code {
        // Its challenge may have expired or be spent by a request whose answer was lost.
        Code::DeviceMismatch | Code::Denied => challenge(&call, &session).await,
        Code::SignedOut => Ok(ended()),
        _ => {
            let token = granted(answer)?.body.token.ok_or_else(Problem::incomplete)?;
            going_on(&call, &session, &token)
        }
    }
}

/// Asks the browser for a proof.
async fn challenge(call: &Call, session: &str) -> Outcome {
    let answer = send(call, None, Command::RenewSession(RenewSession::new(session))).await?;
    if answer.code == Code::SignedOut {
        return Ok(ended());
    }
    let challenge = granted(answer)?.body.session_challenge.ok_or_else(Problem::incomplete)?;
    let header = format!("\"{}\";id=\"{NAME}\"", challenge.text().expose());
    let mut response = response::whole(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", "");
    response.headers_mut().insert(CHALLENGE, response::value(&header));
    Ok(response)
}

/// The cookie, and when the browser has to prove its key again.
fn going_on(call: &Call, session: &str, token: &Secret<String>) -> Outcome {
    let instructions = Instructions {
        session_identifier: NAME,
        refresh_url: format!("/session/renew/{session}"),
        scope: Reach {
            origin: call.pages()?.origin.as_str(),
            include_site: false,
            scope_specification: [],
        },
        credentials: [Credential {
            r#type: "cookie",
            name: Cookie::Session.name(),
            attributes: "Path=/; Secure; HttpOnly; SameSite=Strict",
        }],
    };
    let mut response = response::json(StatusCode::OK, &instructions);
    Cookie::Session.set_for_seconds(&mut response, token.expose(), COOKIE_SECONDS);
    Ok(response)
}

/// The cookie stays: it may be that of a newer session.
fn ended() -> Response {
    response::json(StatusCode::OK, &Ended { session_identifier: NAME, r#continue: false })
}

fn granted(answer: Answer) -> Result<Answer, Problem> {
    if answer.is_ok() { Ok(answer) } else { Err(Problem::of_answer(answer)) }
}

/// The proof of the request, if it has one. The draft has it as a string of structured fields (RFC 9651
/// §3.3.3), and Chromium 156 sends it without the quotation marks.
fn proof(call: &Call) -> Result<Option<SessionProof>, Problem> {
    let Some(header) = call.headers.get(PROOF) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let proof = SessionProof::parse(bare).map_err(|_| Problem::bad("This is not a proof."))?;
    Ok(Some(proof))
}
