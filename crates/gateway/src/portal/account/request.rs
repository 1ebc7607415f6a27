//! `/account/devices/request`: a browser asks to become a device of the account. A device adds or refuses it,
//! with the password, a one-time code and its key (257).

use super::{devices, to_sign_in};
use crate::{
    call::Call,
    compat::Digits,
    portal::{
        Session, ask, complaint,
        fault::Fault,
        page::{Camera, page},
        see, shown,
        sign_in::{hello, proof_of, refused, send},
        words::Words,
    },
    problem::Problem,
    query::{self, Kind, Parameter},
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    answer::{Answer, DeviceRequestRow, DeviceRow},
    code::Code,
    command::{Command, DecideDevice},
    device::DeviceName,
    device_request::{DeviceDecision, RequestNumber},
    one_time_code::OneTimeCode,
    secret::Secret,
};
use hyper::StatusCode;
use serde::Deserialize;

static PARAMETERS: [Parameter; 1] = [Parameter { name: "number", kind: Kind::Text }];

#[derive(Deserialize)]
struct DecisionForm {
    number: RequestNumber,
    decision: DeviceDecision,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: Secret<String>,
    #[serde(default)]
    otp: Digits,
    /// The proof of this browser, which a script adds.
    #[serde(default)]
    proof: String,
}

#[derive(Template)]
#[template(path = "account_request.html")]
struct RequestPage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    fault: Fault,
    username: &'a str,
    nonce: &'a str,
    number: String,
    shown_number: String,
    asking: &'a str,
    peer: &'a str,
    asked: String,
    /// The name that the browser gets.
    name: &'a str,
}

#[derive(Template)]
#[template(path = "account_decided.html")]
struct DecidedPage<'a> {
    words: Words<'a>,
    is_added: bool,
}

/// The page about one request, again after a refusal.
struct Visit<'a> {
    call: &'a Call,
    session: Session,
    request: DeviceRequestRow,
    name: String,
}

pub(in crate::portal) async fn form(call: Call) -> Outcome {
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let number = RequestNumber::parse(query::text(&values, "number"));
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let Ok(number) = number else { return Ok(see("/account")) };
    match Visit::of(&call, session, number, None).await? {
        Some(visit) => visit.page(StatusCode::OK, None, Fault::default()).await,
        None => Ok(see("/account")),
    }
}

pub(in crate::portal) async fn decide(call: Call) -> Outcome {
    call.check_origin()?;
    let DecisionForm { number, decision, name, password, otp, proof } = call.read()?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let words = call.words()?;
    let Some(visit) = Visit::of(&call, session, number, Some(name)).await? else {
        return Ok(see("/account"));
    };
    if password.expose().is_empty() {
        let fault = Fault::at("password", words.say("fault-password"));
        return visit.page(StatusCode::BAD_REQUEST, None, fault).await;
    }
    let Ok(name) = DeviceName::parse(visit.name.trim()) else {
        let fault = Fault::at("name", words.say("request-name-fault"));
        return visit.page(StatusCode::BAD_REQUEST, None, fault).await;
    };
    let username = visit.session.body.username.clone().ok_or_else(Problem::incomplete)?;
    let mut decide = DecideDevice::new(username, password, number, decision).device_name(name);
    decide.totp = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let answer = send(&call, proof_of(&proof), Command::DecideDevice(decide)).await?;
    if !answer.is_ok() {
        return visit.refused(&answer, &words).await;
    }
    let decided = DecidedPage { words, is_added: decision == DeviceDecision::Add };
    let mut response = page(StatusCode::OK, &decided, Camera::Forbidden)?;
    visit.session.keep(&mut response);
    Ok(response)
}

impl<'a> Visit<'a> {
    /// `None` if the request has expired or was decided, or if the sign-in may not see it. Without a name
    /// that was typed, the page suggests one that no device of the account has.
    async fn of(
        call: &'a Call,
        session: Session,
        number: RequestNumber,
        typed: Option<String>,
    ) -> Result<Option<Self>, Problem> {
        let Some(own) = devices(call, &session).await? else { return Ok(None) };
        let found = own.requests.into_iter().find(|request| request.number == number);
        let Some(request) = found else { return Ok(None) };
        let name = typed.unwrap_or_else(|| free_name(&request.name, &own.bound));
        Ok(Some(Self { call, session, request, name }))
    }

    async fn refused(&self, answer: &Answer, words: &Words<'_>) -> Outcome {
        let (complaint, fault) = match answer.code {
            Code::Conflict => (None, Fault::at("name", words.say("request-name-taken"))),
            Code::NoSuchDevice => (Some(words.say("request-gone")), Fault::default()),
            _ => complaint::of_proof(answer, words),
        };
        let page = self.page(status::of(answer.code), complaint, fault).await?;
        Ok(refused(answer, page))
    }

    async fn page(&self, status: StatusCode, complaint: Option<String>, fault: Fault) -> Outcome {
        let nonce = hello(self.call).await?.and_then(|server| server.device_nonce);
        let username = self.session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
        let DeviceRequestRow { number, name: asking, peer, asked_at, .. } = &self.request;
        let request = RequestPage {
            words: self.call.words()?,
            complaint,
            fault,
            username: username.as_str(),
            nonce: nonce.as_deref().unwrap_or_default(),
            number: number.to_string(),
            shown_number: ask::shown(*number),
            asking,
            peer,
            asked: shown(*asked_at),
            name: &self.name,
        };
        let mut response = page(status, &request, Camera::Forbidden)?;
        self.session.keep(&mut response);
        Ok(response)
    }
}

/// The name that a browser gives itself, with a number if a device of the account has it: two browsers of
/// one kind call themselves the same.
fn free_name(own: &str, bound: &[DeviceRow]) -> String {
    let is_free = |name: &String| bound.iter().all(|row| row.name != *name);
    let numbered = (2..100).map(|number| format!("{own} {number}"));
    [own.to_owned()].into_iter().chain(numbered).find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::{time::UnixMillis, words::BoundBy};

    #[test]
    fn a_suggested_name_is_not_that_of_a_device() {
        let row = |name: &str| DeviceRow {
            name: name.to_owned(),
            device_id: String::new(),
            mac: String::new(),
            bound_at: UnixMillis(0),
            bound_by: BoundBy::from("device"),
            last_seen: UnixMillis(0),
        };
        let bound = [row("Chrome (Linux)"), row("Chrome (Linux) 2")];
        assert_eq!(free_name("Firefox (Linux)", &bound), "Firefox (Linux)");
        assert_eq!(free_name("Chrome (Linux)", &bound), "Chrome (Linux) 3");
    }
}
