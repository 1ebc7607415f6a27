//! `/sign-in/ask`: a browser that is no device of the account asks to become one (256).
//!
//! The page shows a number, which the person compares on a device of the account
//! (`/account/devices/request`). A new grant takes the place of the one that the request has spent, so that
//! the same page can sign in afterwards.

use super::{
    complaint,
    sign_in::{OfferedKey, grant, refusal, refused, send},
};
use crate::{call::Call, cookies::Cookie, problem::Problem, response, route::Outcome, status};
use fourauth_protocol::{
    challenge::FaceChallenge,
    code::Code,
    command::{AskForDevice, Command},
    device_request::RequestNumber,
    picture::Picture,
    username::Username,
};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

/// What the script of the face page sends.
#[derive(Deserialize)]
struct Asking {
    username: Username,
    #[serde(default)]
    pictures: Vec<Picture>,
    #[serde(default)]
    challenge: Option<FaceChallenge>,
    device: OfferedKey,
}

/// What the page shows.
#[derive(Serialize)]
struct Asked {
    number: String,
}

pub(super) async fn ask(call: Call) -> Outcome {
    call.check_origin()?;
    let Asking { username, pictures, challenge, device } = call.read()?;
    let words = call.words()?;
    let Some(grant) = grant(&call) else {
        return Ok(refusal(StatusCode::UNAUTHORIZED, words.say("complaint-late"), None));
    };
    let proof = device.proof(username.clone());
    let mut ask = AskForDevice::new(username, grant, device.key).device_name(device.name);
    (ask.faces, ask.challenge) = (pictures, challenge);
    let answer = send(&call, Some(proof), Command::AskForDevice(ask)).await?;
    if !answer.is_ok() {
        let complaint = match answer.code {
            Code::NoSuchDevice => words.say("ask-no-device"),
            Code::Throttled => words.say("ask-too-often"),
            _ => complaint::of_last_step(&answer, &words),
        };
        let refusal = refusal(status::of(answer.code), complaint, Some(answer.code));
        return Ok(refused(&answer, refusal));
    }
    let number = shown(answer.body.number.ok_or_else(Problem::incomplete)?);
    let grant = answer.body.grant.ok_or_else(Problem::incomplete)?;
    let mut response = response::json(StatusCode::OK, &Asked { number });
    Cookie::Mfa.set(&mut response, grant.text().expose());
    Ok(response)
}

/// A number in two groups, which are easier to compare.
pub(super) fn shown(number: RequestNumber) -> String {
    let digits = number.to_string();
    let (first, second) = digits.split_at(digits.len() / 2);
    format!("{first} {second}")
}
