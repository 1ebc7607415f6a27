//! `/account/face`: a person without a face goes on to enrol one, with the password and a one-time code (210).

use super::to_sign_in;
use crate::{
    call::Call,
    compat::Digits,
    cookies::Cookie,
    portal::{
        Session, complaint, enrol,
        fault::Fault,
        page::{Camera, page},
        sign_in::{refused, send},
        words::Words,
    },
    problem::Problem,
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

#[derive(Deserialize)]
struct FaceForm {
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
}

pub(in crate::portal) async fn form(call: Call) -> Outcome {
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    shown(&call, &session, StatusCode::OK, None, Fault::default())
}

pub(in crate::portal) async fn prove(call: Call) -> Outcome {
    call.check_origin()?;
    let FaceForm { password, otp } = call.read()?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let username = session.body.username.clone().ok_or_else(Problem::incomplete)?;
    let mut confirm = ConfirmTotp::new(username.clone(), password);
    confirm.totp = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let answer = send(&call, None, Command::ConfirmTotp(confirm)).await?;
    let words = call.words()?;
    if !answer.is_ok() {
        let (complaint, fault) = complaint::of_proof(&answer, &words);
        let page = shown(&call, &session, status::of(answer.code), complaint, fault)?;
        return Ok(refused(&answer, page));
    }
    let Some(grant) = answer.body.grant else {
        let complaint = Some(words.say("account-face-there"));
        return shown(&call, &session, StatusCode::CONFLICT, complaint, Fault::default());
    };
    let mut response = enrol::form(&call, words, &username).await?;
    Cookie::Mfa.set(&mut response, grant.text().expose());
    session.keep(&mut response);
    Ok(response)
}

fn shown(
    call: &Call,
    session: &Session,
    status: StatusCode,
    complaint: Option<String>,
    fault: Fault,
) -> Outcome {
    let username = session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
    let face = FacePage { words: call.words()?, complaint, fault, username: username.as_str() };
    let mut response = page(status, &face, Camera::Forbidden)?;
    session.keep(&mut response);
    Ok(response)
}
