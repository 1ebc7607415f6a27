//! `/console/change`: the question before a change, with a reason and a one-time code, and the change.

use super::visit::{Part, Refused, Visit, person};
use crate::{
    call::Call,
    compat::Digits,
    cookies::Cookie,
    portal::{Camera, Words, complaint_of, proof_of, rendered as page, see},
    problem::Problem,
    query::{self, Kind, Parameter},
    response::Response,
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    code::Code,
    command::{
        AccountChange, ChangeAccount, Command, ConsoleSession, EndAccess, Hello, ProveAgain, Reason,
    },
    device::DeviceName,
    one_time_code::OneTimeCode,
    username::Username,
};
use hyper::StatusCode;
use serde::Deserialize;

static PARAMETERS: [Parameter; 3] = [
    Parameter { name: "username", kind: Kind::Text },
    Parameter { name: "what", kind: Kind::Text },
    Parameter { name: "which", kind: Kind::Text },
];

/// What is to be changed. `which` is the session or the device, where there are several.
#[derive(Deserialize)]
struct Change {
    username: Username,
    what: What,
    #[serde(default)]
    which: String,
}

/// A form that confirms a change.
#[derive(Deserialize)]
struct Confirmed {
    username: Username,
    what: What,
    #[serde(default)]
    which: String,
    reason: String,
    #[serde(default)]
    otp: Option<Digits>,
    #[serde(default)]
    proof: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Disable,
    Enable,
    Unlock,
    EndSession,
    EndSessions,
    RevokeDevice,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Unlock => "unlock",
            Self::EndSession => "end-session",
            Self::EndSessions => "end-sessions",
            Self::RevokeDevice => "revoke-device",
        }
    }

    /// The keys of its button and its explanation.
    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Disable => ("change-disable", "change-disable-help"),
            Self::Enable => ("change-enable", "change-enable-help"),
            Self::Unlock => ("change-unlock", "change-unlock-help"),
            Self::EndSession => ("change-end-session", "change-end-session-help"),
            Self::EndSessions => ("change-end-sessions", "change-end-sessions-help"),
            Self::RevokeDevice => ("change-revoke-device", "change-revoke-device-help"),
        }
    }
}

impl Change {
    fn command(&self, session: ConsoleSession, reason: &Reason) -> Result<Command, Problem> {
        let name = self.username.clone();
        let change = |session, change| {
            Command::ChangeAccount(ChangeAccount::new(
                session,
                name.clone(),
                change,
                reason.clone(),
            ))
        };
        let end = |session| EndAccess::new(session, name.clone(), reason.clone());
        Ok(match self.what {
            What::Disable => change(session, AccountChange::Disable),
            What::Enable => change(session, AccountChange::Enable),
            What::Unlock => change(session, AccountChange::Unlock),
            What::EndSessions => Command::EndAccess(end(session)),
            What::EndSession => Command::EndAccess(end(session).session(self.which.clone())),
            What::RevokeDevice => {
                let device = DeviceName::parse(&self.which);
                let device = device.map_err(|_| Problem::bad("Invalid field: which"))?;
                Command::EndAccess(end(session).device_name(device))
            }
        })
    }

    fn person(&self) -> String {
        person(self.username.as_str())
    }
}

#[derive(Template)]
#[template(path = "console/change.html")]
struct ChangePage<'a> {
    words: Words<'a>,
    part: Part,
    complaint: Option<String>,
    button: &'static str,
    help: &'static str,
    change: &'a Change,
    back: String,
    reason: &'a str,
    /// True if a one-time code is needed.
    asks: bool,
    /// The administrator, for the proof of the browser.
    admin: &'a str,
    nonce: &'a str,
}

pub(super) async fn question(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let object = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let change: Change = serde_json::from_value(serde_json::Value::Object(object))
        .map_err(|_| Problem::not_found())?;
    let asks = Cookie::Proof.read(&call.headers).is_none();
    let asked = Asked { status: StatusCode::OK, complaint: None, reason: "", asks };
    Ok(visit.kept(ask(&visit, &change, asked).await?))
}

pub(super) async fn carry_out(call: Call) -> Outcome {
    call.check_origin()?;
    let Confirmed { username, what, which, reason: text, otp, proof } = call.read()?;
    let change = Change { username, what, which };
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let mut session = visit.console();
    let Ok(reason) = Reason::parse(&text) else {
        let complaint = Some(visit.words.say("change-reason-missing"));
        let (status, asks) = (StatusCode::BAD_REQUEST, session.grant.is_none());
        return ask(&visit, &change, Asked { status, complaint, reason: "", asks }).await;
    };
    let mut fresh = None;
    if let Some(otp) = otp {
        let code = OneTimeCode::parse(otp.without_spaces().expose()).ok();
        let again = Command::ProveAgain(ProveAgain::new(session.clone(), code));
        let answer = visit.send(proof_of(&proof), again).await?;
        let Some(grant) = answer.body.grant.clone() else {
            let complaint = match answer.code {
                Code::Denied => visit.words.say("complaint-code"),
                _ => complaint_of(&answer, &visit.words),
            };
            let (status, complaint) = (status::of(answer.code), Some(complaint));
            let asked = Asked { status, complaint, reason: reason.as_str(), asks: true };
            return ask(&visit, &change, asked).await;
        };
        session = session.grant(grant.clone());
        fresh = Some(grant);
    }
    let mut response = match visit.ask(change.command(session, &reason)?).await? {
        Ok(_) => see(&change.person()),
        Err(Refused::Page(response)) => response,
        Err(Refused::ProofNeeded) => {
            let complaint = Some(visit.words.say("change-code-needed"));
            let (status, reason) = (StatusCode::UNAUTHORIZED, reason.as_str());
            ask(&visit, &change, Asked { status, complaint, reason, asks: true }).await?
        }
    };
    if let Some(grant) = fresh {
        Cookie::Proof.set(&mut response, grant.text().expose());
    }
    Ok(visit.kept(response))
}

/// How the question is asked.
struct Asked<'a> {
    status: StatusCode,
    complaint: Option<String>,
    reason: &'a str,
    asks: bool,
}

async fn ask(visit: &Visit<'_>, change: &Change, asked: Asked<'_>) -> Result<Response, Problem> {
    let Asked { status, complaint, reason, asks } = asked;
    let nonce = if asks { nonce(visit).await } else { String::new() };
    let admin = visit.session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
    let (button, help) = change.what.texts();
    let question = ChangePage {
        words: visit.words,
        part: Part::People,
        complaint,
        button,
        help,
        change,
        back: change.person(),
        reason,
        asks,
        admin: admin.as_str(),
        nonce: &nonce,
    };
    page(status, &question, Camera::Forbidden)
}

/// The nonce for the proof of the browser. Without it, the server says that the device is missing.
async fn nonce(visit: &Visit<'_>) -> String {
    let hello = visit.send(None, Command::Hello(Hello::default())).await;
    let server = hello.ok().and_then(|answer| answer.body.server);
    server.and_then(|server| server.device_nonce).unwrap_or_default()
}
