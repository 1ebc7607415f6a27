//! One request of an administrator: the session, and what the server refuses it.

use crate::{
    call::Call,
    console::START,
    cookies::Cookie,
    portal::{Camera, Session, Words, bounce, rendered as page, see},
    problem::Problem,
    response::Response,
    status,
};
use askama::Template;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, ConsoleSession},
    device::BrowserProof,
    envelope::Envelope,
    grant::GrantToken,
    receipt::Method,
};
use std::fmt::Write as _;

/// A request with a session that may be that of an administrator.
pub(super) struct Visit<'a> {
    pub(super) call: &'a Call,
    pub(super) words: Words<'a>,
    pub(super) session: Session,
}

/// What a page of the console gets instead of an answer.
pub(super) enum Refused {
    /// A change needs a one-time code first.
    ProofNeeded,
    /// Another page.
    Page(Response),
}

#[derive(Template)]
#[template(path = "console/refused.html")]
struct RefusedPage<'a> {
    words: Words<'a>,
    text: &'static str,
}

/// The parts of the console, in the order of the links on each page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    People,
    Audit,
    Outbox,
    State,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::People, Self::Audit, Self::Outbox, Self::State];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::People => START,
            Self::Audit => "/console/audit",
            Self::Outbox => "/console/outbox",
            Self::State => "/console/state",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::People => "people-title",
            Self::Audit => "audit-title",
            Self::Outbox => "outbox-title",
            Self::State => "state-title",
        }
    }
}

impl<'a> Visit<'a> {
    /// The visit of this request, or the way to the sign-in.
    pub(super) async fn of(call: &'a Call) -> Result<Result<Self, Response>, Problem> {
        let words = call.words()?;
        // Each page has a row in the audit log and keeps the console open. Another site may only send the
        // person here, and the browser then asks again by itself.
        if !call.is_of_this_site() {
            return Ok(Err(bounce(words, START)?));
        }
        Ok(match Session::of(call).await? {
            Some(session) => Ok(Self { call, words, session }),
            None => Err(to_sign_in()),
        })
    }

    /// The session for a command, with the proof that the browser has, if there is one.
    pub(super) fn console(&self) -> ConsoleSession {
        let session = ConsoleSession::new(self.session.token.clone());
        let proof = Cookie::Proof.read(&self.call.headers);
        match proof.and_then(|text| GrantToken::parse(&text).ok()) {
            Some(grant) => session.grant(grant),
            None => session,
        }
    }

    /// Sends a command of the console.
    pub(super) async fn ask(&self, command: Command) -> Result<Result<Answer, Refused>, Problem> {
        let answer = self.send(None, command).await?;
        if answer.is_ok() { Ok(Ok(answer)) } else { Ok(Err(self.refused(answer)?)) }
    }

    /// What a page gets instead of this answer.
    pub(super) fn refused(&self, answer: Answer) -> Result<Refused, Problem> {
        let text = match answer.code {
            Code::SignedOut => return Ok(Refused::Page(to_sign_in())),
            Code::AdminDenied => "console-no-administrator",
            Code::MoreNeeded if answer.body.missing == Some(vec![Method::OneTimeCode]) => {
                return Ok(Refused::ProofNeeded);
            }
            Code::MoreNeeded => "console-level",
            Code::NoSuchAccount => "console-no-account",
            Code::NoSuchDevice | Code::NoSuchSession | Code::NoSuchMessage => "console-gone",
            Code::NotOffered => "console-not-offered",
            Code::NoAddress => "console-no-code",
            Code::Conflict => "console-changed",
            _ => return Err(Problem::of_answer(answer)),
        };
        let refused = RefusedPage { words: self.words, text };
        let response = page(status::of(answer.code), &refused, Camera::Forbidden)?;
        Ok(Refused::Page(response))
    }

    /// Sends a command through the door of browsers.
    pub(super) async fn send(
        &self,
        proof: Option<BrowserProof>,
        command: Command,
    ) -> Result<Answer, Problem> {
        let of = Envelope::of_browser(self.call.peer?, proof);
        Ok(self.call.app.upstream.send_enclosed(of, command).await?)
    }

    /// The page, with the token that the browser has to use from now on.
    pub(super) fn kept(&self, mut response: Response) -> Response {
        self.session.keep(&mut response);
        response
    }
}

impl Refused {
    /// The page. A command that changes nothing needs no proof.
    pub(super) fn page(self) -> Response {
        match self {
            Self::Page(response) => response,
            Self::ProofNeeded => to_sign_in(),
        }
    }
}

/// The sign-in, from which the person comes back.
pub(super) fn to_sign_in() -> Response {
    let mut response = see("/sign-in?to=%2Fconsole");
    Cookie::Proof.clear(&mut response);
    response
}

/// The address of the page of one account.
pub(super) fn person(name: &str) -> String {
    format!("/console/person?name={}", encoded(name))
}

/// A text as a value in a query or a segment of a path: everything but unreserved characters is encoded (RFC
/// 3986 §2.3).
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        encoded
    })
}
