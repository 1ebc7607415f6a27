//! `/recover`: replaces one factor that was lost, with proof of the others (300 to 330).
//!
//! ```text
//! lost       what can be replaced, and what its page asks for
//! evidence   what the script of a page sends, made into a command
//! ```
//!
//! Each page takes all its factors at once and sends them with its script: the command needs the camera, or
//! the key of this browser, or both. The clock is that of the browser. Its device is its key, so no page asks
//! for the MAC address of this computer.

mod evidence;
mod lost;

use super::{
    account::shown,
    complaint,
    page::{Camera, page},
    sign_in::{camera_texts, hello, refusal, refused, send},
    words::Words,
};
use crate::{
    call::Call,
    compat::{Digits, identity},
    problem::Problem,
    response,
    route::Outcome,
    status,
};
use askama::Template;
use evidence::Evidence;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, ConfirmTotp},
    one_time_code::OneTimeCode,
    secret::Secret,
    words::Requirement,
};
use hyper::StatusCode;
use lost::Lost;
use serde::{Deserialize, Serialize};

/// What the script sends to confirm a new authenticator.
#[derive(Deserialize)]
struct Confirmation {
    username: String,
    #[serde(default)]
    password: Secret<String>,
    #[serde(default)]
    otp: Digits,
}

/// A factor that has been replaced, for the script.
#[derive(Serialize)]
struct Replaced {
    /// A picture of the new secret, as a PNG in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<String>,
    /// The URI with the new secret, for an authenticator on the same screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    /// Until when the new factor waits, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    settles: Option<String>,
}

#[derive(Template)]
#[template(path = "recover.html")]
struct Choice<'a> {
    words: Words<'a>,
}

#[derive(Template)]
#[template(path = "recover_factor.html")]
struct FactorPage<'a> {
    words: Words<'a>,
    lost: Lost,
    nonce: &'a str,
    pictures: u32,
    has_challenge: bool,
    needs_recovery_code: bool,
    texts: Vec<(&'static str, String)>,
}

impl FactorPage<'_> {
    /// A text about what was lost.
    fn text(&self, name: &str) -> String {
        self.words.say(&self.lost.key(name))
    }
}

pub(super) fn choice(call: &Call) -> Outcome {
    page(StatusCode::OK, &Choice { words: call.words()? }, Camera::Forbidden)
}

pub(super) async fn form(call: Call) -> Outcome {
    let lost = Lost::find(&call.parameter).ok_or_else(Problem::not_found)?;
    let words = call.words()?;
    let server = hello(&call).await?.ok_or_else(Problem::incomplete)?;
    let factor = FactorPage {
        words,
        lost,
        nonce: server.device_nonce.as_deref().unwrap_or_default(),
        pictures: lost.pictures(&server),
        has_challenge: lost.has_challenge(&server),
        needs_recovery_code: server.requires.contains(&Requirement::RecoveryCode),
        texts: camera_texts(words),
    };
    page(StatusCode::OK, &factor, Camera::Allowed)
}

/// Replaces the factor.
pub(super) async fn replace(call: Call) -> Outcome {
    call.check_origin()?;
    let lost = Lost::find(&call.parameter).ok_or_else(Problem::not_found)?;
    let (evidence, words): (Evidence, _) = (call.read()?, call.words()?);
    let (command, proof) = match evidence.command(lost) {
        Ok(parts) => parts,
        Err(fault) => return Ok(refusal(StatusCode::BAD_REQUEST, words.say(fault), None)),
    };
    let answer = send(&call, Some(proof), command).await?;
    if !answer.is_ok() {
        let sentence = said(lost, &answer, &words);
        let refusal = refusal(status::of(answer.code), sentence, Some(answer.code));
        return Ok(refused(&answer, refusal));
    }
    let replaced = Replaced {
        qr: answer.body.qr_png_b64.as_ref().map(|png| png.expose().clone()),
        uri: answer.body.provisioning_uri.as_ref().map(|uri| uri.expose().clone()),
        settles: answer
            .body
            .settles_at
            .map(|at| words.say_with("recover-settles", "until", &shown(at))),
    };
    Ok(response::with_id(response::json(StatusCode::OK, &replaced), answer.request_id))
}

/// Confirms that the new authenticator shows the right codes (210).
pub(super) async fn confirm(call: Call) -> Outcome {
    call.check_origin()?;
    let Confirmation { username, password, otp } = call.read()?;
    let words = call.words()?;
    let Ok(account) = identity::any(&username) else {
        return Ok(refusal(StatusCode::BAD_REQUEST, words.say("fault-identifier"), None));
    };
    let mut confirm = ConfirmTotp::new(account, password);
    confirm.totp = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let answer = send(&call, None, Command::ConfirmTotp(confirm)).await?;
    if answer.is_ok() {
        return Ok(response::json(
            StatusCode::OK,
            &Replaced { qr: None, uri: None, settles: None },
        ));
    }
    let sentence = complaint::of(&answer, &words);
    let refusal = refusal(status::of(answer.code), sentence, Some(answer.code));
    Ok(refused(&answer, refusal))
}

/// The sentence about a refused recovery.
fn said(lost: Lost, answer: &Answer, words: &Words<'_>) -> String {
    match (lost, answer.code) {
        // The one-time code is the first secret there.
        (Lost::Password, Code::Denied) => words.say("complaint-name-or-code"),
        (_, Code::DeviceMismatch | Code::DeviceKeyNeeded) => words.say("recover-device-unknown"),
        (_, Code::NotOffered) => words.say("recover-not-offered"),
        _ => complaint::of(answer, words),
    }
}
