//! `/account/face`: a person without a face goes on to enrol one, with the password and a one-time code (210).

use super::to_sign_in;
use crate::{
    call::Call,
    compat::Digits,
    cookies::Cookie,
    forward_auth::Target,
    portal::{
        Session, complaint, enrol,
        fault::Fault,
        page::{Camera, page},
        sign_in::{refused, send, target},
        words::Words,
    },
    problem::Problem,
    query::{self, Kind, Parameter},
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    command::{Command, ConfirmTotp},
    one_time_code::OneTimeCode,
    secret::Secret,
};
use hyper::StatusCode;
use serde::Deserialize;

static PARAMETERS: [Parameter; 1] = [Parameter { name: "to", kind: Kind::Text }];

#[derive(Deserialize)]
struct FaceForm {
    /// The page of a service that the person is on the way to.
    #[serde(default)]
    to: String,
    #[serde(default)]
    password: Secret<String>,
    #[serde(default)]
    otp: Digits,
}

#[derive(Template)]
#[template(path = "account_face.html")]
struct FacePage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    fault: Fault,
    username: &'a str,
    to: &'a str,
}

pub(in crate::portal) async fn form(call: Call) -> Outcome {
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let target = target(&call, query::text(&values, "to").to_owned())?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    shown(&call, (&session, target.as_ref()), StatusCode::OK, None, Fault::default())
}

pub(in crate::portal) async fn prove(call: Call) -> Outcome {
    call.check_origin()?;
    let FaceForm { to, password, otp } = call.read()?;
    let target = target(&call, to)?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let username = session.body.username.clone().ok_or_else(Problem::incomplete)?;
    let mut confirm = ConfirmTotp::new(username.clone(), password);
    confirm.totp = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let answer = send(&call, None, Command::ConfirmTotp(confirm)).await?;
    let words = call.words()?;
    if !answer.is_ok() {
        let (complaint, fault) = complaint::of_proof(&answer, &words);
        let way = (&session, target.as_ref());
        let page = shown(&call, way, status::of(answer.code), complaint, fault)?;
        return Ok(refused(&answer, page));
    }
    let Some(grant) = answer.body.grant else {
        let complaint = Some(words.say("account-face-there"));
        let way = (&session, target.as_ref());
        return shown(&call, way, StatusCode::CONFLICT, complaint, Fault::default());
    };
    let mut response = enrol::form(&call, words, &username, target.as_ref()).await?;
    Cookie::Mfa.set(&mut response, grant.text().expose());
    session.keep(&mut response);
    Ok(response)
}

fn shown(
    call: &Call,
    (session, target): (&Session, Option<&Target>),
    status: StatusCode,
    complaint: Option<String>,
    fault: Fault,
) -> Outcome {
    let username = session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
    let (words, username) = (call.words()?, username.as_str());
    let to = target.map(Target::as_str).unwrap_or_default();
    let face = FacePage { words, complaint, fault, username, to };
    let mut response = page(status, &face, Camera::Forbidden)?;
    session.keep(&mut response);
    Ok(response)
}
