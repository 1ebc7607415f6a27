//! The page that enrols a first face, with this browser as the first device (184).

use super::{
    complaint,
    page::{Camera, page},
    sign_in::{self, OfferedKey, camera_texts, grant, hello, refusal, refused, send},
    words::Words,
};
use crate::{
    call::Call, cookies::Cookie, forward_auth::Target, problem::Problem, response, route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    command::{Command, EnrolFace},
    consent::Consent,
    picture::Picture,
    username::Username,
};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

/// The texts that only this page has, for its script.
const OF_THIS_PAGE: [&str; 5] =
    ["face-take-number", "face-again", "face-move", "face-enrolled", "face-consent-first"];

/// What the script sends.
#[derive(Deserialize)]
struct Shown {
    username: Username,
    pictures: Vec<Picture>,
    /// The notice that the person has read.
    consent: Consent,
    device: OfferedKey,
}

#[derive(Serialize)]
struct Enrolled {
    codes: Vec<String>,
}

#[derive(Template)]
#[template(path = "enrol.html")]
struct EnrolPage<'a> {
    words: Words<'a>,
    username: &'a str,
    nonce: &'a str,
    pictures: u32,
    texts: Vec<(&'static str, String)>,
    /// The address of the sign-in that follows.
    sign_in: String,
}

pub(super) async fn form(
    call: &Call,
    words: Words<'_>,
    username: &Username,
    target: Option<&Target>,
) -> Outcome {
    let server = hello(call).await?.ok_or_else(Problem::incomplete)?;
    let mut texts = camera_texts(words);
    texts.extend(OF_THIS_PAGE.map(|key| (key, words.say(key))));
    let enrol = EnrolPage {
        words,
        username: username.as_str(),
        nonce: &server.device_nonce.unwrap_or_default(),
        pictures: server.pictures_at_enrolment,
        texts,
        sign_in: sign_in::path(target),
    };
    page(StatusCode::OK, &enrol, Camera::Allowed)
}

/// The pictures. The answer has the recovery codes.
pub(super) async fn face(call: Call) -> Outcome {
    call.check_origin()?;
    let Shown { username, pictures, consent, device } = call.read()?;
    let words = call.words()?;
    let Some(grant) = grant(&call) else {
        return Ok(refusal(StatusCode::UNAUTHORIZED, words.say("complaint-late"), None));
    };
    let proof = device.proof(username.clone());
    let enrol = EnrolFace::new(username, grant, pictures).consent(consent);
    let enrol = enrol.device_key(device.key).device_name(device.name);
    let answer = send(&call, Some(proof), Command::EnrolFace(enrol)).await?;
    if !answer.is_ok() {
        let complaint = complaint::of_last_step(&answer, &words);
        let refusal = refusal(status::of(answer.code), complaint, Some(answer.code));
        return Ok(refused(&answer, refusal));
    }
    let codes = answer.body.recovery_codes.ok_or_else(Problem::incomplete)?;
    let codes = codes.iter().map(|code| code.expose().clone()).collect();
    let mut response = response::json(StatusCode::OK, &Enrolled { codes });
    Cookie::Mfa.clear(&mut response);
    Ok(response)
}
