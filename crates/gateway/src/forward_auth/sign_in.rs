//! `/sign-in` and `/sign-out`: where a person without a session proves the password, and a one-time code
//! if the account has one (170 and 180). Accounts with a face cannot sign in here.

use super::{
    entry,
    html::{self, Escaped},
    target::Target,
};
use crate::{
    call::Call,
    compat::{Digits, identity},
    cookies::Cookie,
    problem::{self, Problem},
    query::{self, Kind, Parameter},
    response::{self, Response},
    route::Outcome,
    status,
};
use fourauth_protocol::{
    answer::{Answer, AnswerBody},
    code::Code,
    command::{CodeStep, Command, EndSession, Identifier, PasswordStep},
    grant::GrantToken,
    one_time_code::OneTimeCode,
    secret::Secret,
};
use hyper::{StatusCode, header::ORIGIN};
use serde::Deserialize;

static PARAMETERS: [Parameter; 1] = [Parameter { name: "to", kind: Kind::Text }];

const WRONG: &str = "The name, the password or the code is wrong.";
const HAS_A_FACE: &str = "This account signs in with a face, which this page cannot do.";

#[derive(Deserialize)]
struct PasswordForm {
    identifier: String,
    password: Secret<String>,
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
struct CodeForm {
    identifier: String,
    otp: Digits,
    #[serde(default)]
    to: String,
}

/// The address of the form, for a person on the way to a target.
pub(super) fn path(target: Option<&Target>) -> String {
    target.map_or_else(|| "/sign-in".into(), |to| format!("/sign-in?to={}", to.encoded()))
}

pub(super) fn form(call: &Call) -> Outcome {
    let mut values = query::read(call.query.as_deref(), &PARAMETERS)?.into_iter();
    let to = values.next().and_then(|(_, value)| value.as_str().map(str::to_owned));
    let target = target(call, to.unwrap_or_default())?;
    Ok(password_page(StatusCode::OK, "", target.as_ref(), None))
}

pub(super) async fn password(call: Call) -> Outcome {
    check_origin(&call)?;
    let PasswordForm { identifier, password, to } = call.read()?;
    let target = target(&call, to)?;
    let again = |status, complaint: &str| {
        password_page(status, &identifier, target.as_ref(), Some(complaint))
    };
    let Ok(account) = identity::any(&identifier) else {
        return Ok(again(StatusCode::UNAUTHORIZED, WRONG));
    };
    let step = Command::PasswordStep(PasswordStep::new(account, password));
    let answer = call.app.upstream.send(call.peer?, step).await?;
    if !answer.is_ok() {
        return Ok(refused(&answer, again));
    }
    let AnswerBody { token, grant, .. } = answer.body;
    if let Some(token) = token {
        return Ok(signed_in(&token, target.as_ref()));
    }
    let mut response = code_page(StatusCode::OK, &identifier, target.as_ref(), None);
    if let Some(grant) = grant {
        Cookie::Mfa.set(&mut response, grant.text().expose());
    }
    Ok(response)
}

pub(super) async fn code(call: Call) -> Outcome {
    check_origin(&call)?;
    let CodeForm { identifier, otp, to } = call.read()?;
    let target = target(&call, to)?;
    let again =
        |status, complaint: &str| code_page(status, &identifier, target.as_ref(), Some(complaint));
    let account: Result<Identifier, _> = identity::any(&identifier);
    let grant = Cookie::Mfa.read(&call.headers).and_then(|text| GrantToken::parse(&text).ok());
    let (Ok(account), Some(grant)) = (account, grant) else {
        let complaint = Some("It took too long. Begin again.");
        let status = StatusCode::UNAUTHORIZED;
        return Ok(password_page(status, &identifier, target.as_ref(), complaint));
    };
    // A text that is no code is a wrong one, which the server counts.
    let code = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let step = Command::CodeStep(CodeStep::new(account, code, Some(grant)));
    let answer = call.app.upstream.send(call.peer?, step).await?;
    if !answer.is_ok() {
        return Ok(refused(&answer, again));
    }
    let token = answer.body.token.ok_or_else(Problem::incomplete)?;
    let mut response = signed_in(&token, target.as_ref());
    Cookie::Mfa.clear(&mut response);
    Ok(response)
}

/// The question before the session ends. A link of another page must not end it.
#[expect(clippy::unnecessary_wraps, reason = "all routes have the same type")]
pub(super) fn farewell(_call: &Call) -> Outcome {
    let body = "<form method=\"post\" action=\"/sign-out\"><button>Sign out</button></form>";
    Ok(html::page(StatusCode::OK, "Sign out", body))
}

pub(super) async fn out(call: Call) -> Outcome {
    check_origin(&call)?;
    let services = call.services()?;
    let mut body = "<p>You are signed out of all services.</p>";
    if let Some(token) = Cookie::Session.read(&call.headers) {
        let end = Command::EndSession(EndSession::new(Secret::new(token)));
        let answer = call.app.upstream.send(call.peer?, end).await?;
        match answer.code {
            Code::Ok => {}
            // It has ended, or it is bound to another address, where it goes on.
            Code::SignedOut => {
                body = "<p role=\"alert\">This browser is signed out. The server found no session of \
                        this browser at its present address. A session that was begun at another \
                        address ends by itself within a day.</p>";
            }
            // The browser keeps the session, so that a person can try again.
            _ => return Ok(refused(&answer, again_later)),
        }
    }
    let mut response = html::page(StatusCode::OK, "Signed out", body);
    Cookie::Session.clear(&mut response);
    Cookie::Mfa.clear(&mut response);
    Cookie::Visit.clear_for(&mut response, services.domain());
    Ok(response)
}

/// The session goes on.
fn again_later(status: StatusCode, reason: &str) -> Response {
    let reason = Escaped(reason);
    let body = format!(
        "<p role=\"alert\">You are still signed in. {reason}</p>\n\
         <form method=\"post\" action=\"/sign-out\"><button>Try again</button></form>"
    );
    html::page(status, "Not signed out", &body)
}

/// A form of another origin is refused, also by browsers that say nothing else about it.
fn check_origin(call: &Call) -> Result<(), Problem> {
    let origin = call.services()?.settings.origin.as_str();
    if call.headers.get_all(ORIGIN).iter().all(|given| given == origin) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "A page of another site sent this form."))
}

/// The target that a form or an address names. `None` if it names none.
fn target(call: &Call, to: String) -> Result<Option<Target>, Problem> {
    if to.is_empty() {
        return Ok(None);
    }
    let target = Target::of(to, &call.services()?.settings.config);
    target.map(Some).ok_or_else(|| Problem::bad("This is not a page of a service."))
}

/// The form again, with the reason of a refusal.
fn refused(answer: &Answer, again: impl FnOnce(StatusCode, &str) -> Response) -> Response {
    let status = status::of(answer.code);
    let wait = answer.retry_after_ms;
    let mut response = match answer.code {
        Code::MoreNeeded => again(status, HAS_A_FACE),
        _ if status == StatusCode::UNAUTHORIZED => again(status, WRONG),
        _ => again(status, &answer.message),
    };
    if let Some(wait) = wait {
        problem::retry_after(&mut response, std::time::Duration::from_millis(wait));
    }
    response::with_id(response, answer.request_id)
}

fn signed_in(token: &Secret<String>, target: Option<&Target>) -> Response {
    let mut response = match target {
        Some(target) => html::bounce(&entry::path(target)),
        None => html::page(StatusCode::OK, "Signed in", "<p>You are signed in.</p>"),
    };
    Cookie::Session.set(&mut response, token.expose());
    response
}

fn password_page(
    status: StatusCode,
    identifier: &str,
    target: Option<&Target>,
    complaint: Option<&str>,
) -> Response {
    let (complaint, identifier, to) = (alert(complaint), Escaped(identifier), hidden(target));
    let body = format!(
        "{complaint}<form method=\"post\" action=\"/sign-in\">{to}\n\
         <label for=\"identifier\">Name, mail address or telephone number</label>\n\
         <input id=\"identifier\" name=\"identifier\" autocomplete=\"username\" required autofocus \
         value=\"{identifier}\">\n\
         <label for=\"password\">Password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" \
         autocomplete=\"current-password\" required>\n\
         <button>Sign in</button>\n</form>"
    );
    html::page(status, "Sign in", &body)
}

fn code_page(
    status: StatusCode,
    identifier: &str,
    target: Option<&Target>,
    complaint: Option<&str>,
) -> Response {
    let (complaint, identifier, to) = (alert(complaint), Escaped(identifier), hidden(target));
    let body = format!(
        "{complaint}<form method=\"post\" action=\"/sign-in/code\">{to}\n\
         <input type=\"hidden\" name=\"identifier\" value=\"{identifier}\">\n\
         <label for=\"otp\">Code of your authenticator</label>\n\
         <input id=\"otp\" name=\"otp\" inputmode=\"numeric\" autocomplete=\"one-time-code\" \
         required autofocus>\n\
         <button>Sign in</button>\n</form>"
    );
    html::page(status, "One-time code", &body)
}

fn alert(complaint: Option<&str>) -> String {
    complaint.map_or_else(String::new, |it| format!("<p role=\"alert\">{}</p>\n", Escaped(it)))
}

fn hidden(target: Option<&Target>) -> String {
    target.map_or_else(String::new, |target| {
        let to = Escaped(target.as_str());
        format!("<input type=\"hidden\" name=\"to\" value=\"{to}\">")
    })
}
