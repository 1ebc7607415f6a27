//! `/sign-in`: password, one-time code and face, one page for each (170, 180 and 182).
//!
//! The grant between two steps is in a cookie, so that no script sees it. The page of the face gets a
//! nonce, which the key of the browser signs together with its origin.

use super::{
    complaint,
    page::{Camera, bounce, page},
    see,
    words::Words,
};
use crate::{
    call::Call,
    compat::{Digits, identity},
    cookies::Cookie,
    forward_auth::{self, Target},
    problem::{self, Problem},
    query::{self, Kind, Parameter},
    response::{self, Response},
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    answer::{Answer, AnswerBody},
    challenge::FaceChallenge,
    code::Code,
    command::{BeginFaceChallenge, CodeStep, Command, FaceStep, Hello, Identifier, PasswordStep},
    device::{BrowserProof, DeviceKey, DeviceName, DeviceNonce, DeviceSignature},
    envelope::Envelope,
    grant::GrantToken,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::Picture,
    receipt::Method,
    secret::Secret,
    username::Username,
    words::{ChallengeStep, ChallengeUse},
};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;

static PARAMETERS: [Parameter; 1] = [Parameter { name: "to", kind: Kind::Text }];

/// The texts that the script of the face page shows.
const OF_THE_CAMERA: [&str; 14] = [
    "face-starting",
    "face-ready",
    "face-dark",
    "face-bright",
    "face-blurred",
    "face-rest",
    "face-left",
    "face-right",
    "face-mouth",
    "face-done",
    "face-sending",
    "face-no-camera",
    "face-denied",
    "face-blocked",
];

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

/// What the script of the face page sends.
#[derive(Deserialize)]
struct Shown {
    username: Username,
    #[serde(default)]
    to: String,
    #[serde(default)]
    pictures: Vec<Picture>,
    #[serde(default)]
    challenge: Option<FaceChallenge>,
    device: OfferedKey,
}

/// The key of a browser, and its signature over the origin and the nonce.
#[derive(Deserialize)]
struct OfferedKey {
    key: DeviceKey,
    mac: String,
    name: DeviceName,
    nonce: DeviceNonce,
    signature: DeviceSignature,
}

#[derive(Deserialize)]
struct Asked {
    username: Username,
}

/// A challenge, for the script.
#[derive(Serialize)]
struct Begun {
    id: GrantToken,
    steps: Vec<ChallengeStep>,
}

/// Where the script goes next.
#[derive(Serialize)]
struct Onward {
    to: String,
}

#[derive(Serialize)]
struct Refusal {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    identifier: &'a str,
    to: &'a str,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    identifier: &'a str,
    to: &'a str,
}

#[derive(Template)]
#[template(path = "face.html")]
struct FacePage<'a> {
    words: Words<'a>,
    username: &'a str,
    nonce: String,
    pictures: u32,
    has_challenge: bool,
    texts: Vec<(&'static str, String)>,
    to: &'a str,
}

/// The address of the first page, for a person on the way to a target.
pub(crate) fn path(target: Option<&Target>) -> String {
    target.map_or_else(|| "/sign-in".into(), |to| format!("/sign-in?to={}", to.encoded()))
}

pub(super) fn form(call: &Call) -> Outcome {
    let mut values = query::read(call.query.as_deref(), &PARAMETERS)?.into_iter();
    let to = values.next().and_then(|(_, value)| value.as_str().map(str::to_owned));
    let target = target(call, to.unwrap_or_default())?;
    password_page(call.words()?, StatusCode::OK, "", target.as_ref(), None)
}

pub(super) async fn password(call: Call) -> Outcome {
    call.check_origin()?;
    let PasswordForm { identifier, password, to } = call.read()?;
    let (words, target) = (call.words()?, target(&call, to)?);
    let again = |status, complaint| {
        password_page(words, status, &identifier, target.as_ref(), Some(complaint))
    };
    let Ok(account) = identity::any(&identifier) else {
        return again(StatusCode::UNAUTHORIZED, words.say("complaint-name-or-password"));
    };
    let step = Command::PasswordStep(PasswordStep::new(account, password));
    let answer = send(&call, None, step).await?;
    if !answer.is_ok() {
        return refused(&answer, complaint::of(&answer, &words), again);
    }
    next(&call, words, answer.body, &identifier, target.as_ref()).await
}

pub(super) async fn code(call: Call) -> Outcome {
    call.check_origin()?;
    let CodeForm { identifier, otp, to } = call.read()?;
    let (words, target) = (call.words()?, target(&call, to)?);
    let again =
        |status, complaint| code_page(words, status, &identifier, target.as_ref(), Some(complaint));
    let account: Result<Identifier, _> = identity::any(&identifier);
    let (Ok(account), Some(grant)) = (account, grant(&call)) else {
        let (status, late) = (StatusCode::UNAUTHORIZED, words.say("complaint-late"));
        return password_page(words, status, &identifier, target.as_ref(), Some(late));
    };
    // A text that is no code is a wrong one, which the server counts.
    let code = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let step = Command::CodeStep(CodeStep::new(account, code, Some(grant)));
    let answer = send(&call, None, step).await?;
    if answer.code == Code::Denied {
        let (status, late) = (StatusCode::UNAUTHORIZED, words.say("complaint-late"));
        return password_page(words, status, &identifier, target.as_ref(), Some(late));
    }
    if !answer.is_ok() {
        return refused(&answer, complaint::of(&answer, &words), again);
    }
    next(&call, words, answer.body, &identifier, target.as_ref()).await
}

/// A face challenge for the script of the page.
pub(super) async fn challenge(call: Call) -> Outcome {
    call.check_origin()?;
    let Asked { username } = call.read()?;
    let begin = Command::BeginFaceChallenge(BeginFaceChallenge::new(username));
    let answer = send(&call, None, begin).await?;
    let (Some(id), Some(steps)) = (answer.body.challenge, answer.body.steps) else {
        return Ok(refusal(StatusCode::FORBIDDEN, call.words()?.say("complaint-not-offered")));
    };
    Ok(response::json(StatusCode::OK, &Begun { id, steps }))
}

/// The last step, with the pictures and the proof of the script.
pub(super) async fn face(call: Call) -> Outcome {
    call.check_origin()?;
    let Shown { username, to, pictures, challenge, device } = call.read()?;
    let (words, target) = (call.words()?, target(&call, to)?);
    let Some(grant) = grant(&call) else {
        return Ok(refusal(StatusCode::UNAUTHORIZED, words.say("complaint-late")));
    };
    let OfferedKey { key, mac, name, nonce, signature } = device;
    let mac = MacAddress::parse(&mac).ok();
    let proof = BrowserProof {
        username: username.clone(),
        mac,
        device_id: key.id(),
        device_sig: signature,
        device_nonce: nonce,
    };
    let mut step = FaceStep::new(username, grant).device_key(key).device_name(name);
    (step.faces, step.challenge, step.mac) = (pictures, challenge, mac);
    let answer = send(&call, Some(proof), Command::FaceStep(step)).await?;
    if !answer.is_ok() {
        let complaint = complaint::of_last_step(&answer, &words);
        let refusal =
            |status, error| Ok(response::json(status, &Refusal { error, code: Some(answer.code) }));
        return refused(&answer, complaint, refusal);
    }
    let token = answer.body.token.ok_or_else(Problem::incomplete)?;
    let to = target.as_ref().map_or_else(|| "/account".to_owned(), forward_auth::entry_path);
    let mut response = response::json(StatusCode::OK, &Onward { to });
    Cookie::Session.set(&mut response, token.expose());
    Cookie::Mfa.clear(&mut response);
    Ok(response)
}

/// Sends a command of a browser.
async fn send(
    call: &Call,
    proof: Option<BrowserProof>,
    command: Command,
) -> Result<Answer, Problem> {
    let of = Envelope::of_browser(call.peer?, proof);
    Ok(call.app.upstream.send_enclosed(of, command).await?)
}

/// The page after a granted step: of the code, of the face, or where the person wants to go.
async fn next(
    call: &Call,
    words: Words<'_>,
    body: AnswerBody,
    identifier: &str,
    target: Option<&Target>,
) -> Outcome {
    let AnswerBody { token, grant, missing, username, .. } = body;
    if let Some(token) = token {
        return signed_in(words, &token, target);
    }
    let grant = grant.ok_or_else(Problem::incomplete)?;
    let is_face = missing.is_some_and(|missing| missing.contains(&Method::Face));
    let mut response = if is_face {
        let username = username.ok_or_else(Problem::incomplete)?;
        face_page(call, words, &username, target).await?
    } else {
        code_page(words, StatusCode::OK, identifier, target, None)?
    };
    Cookie::Mfa.set(&mut response, grant.text().expose());
    Ok(response)
}

/// The grant of the step before.
fn grant(call: &Call) -> Option<GrantToken> {
    Cookie::Mfa.read(&call.headers).and_then(|text| GrantToken::parse(&text).ok())
}

/// The target that a form or an address names. `None` if it names none.
fn target(call: &Call, to: String) -> Result<Option<Target>, Problem> {
    if to.is_empty() {
        return Ok(None);
    }
    let services = call.app.services.as_ref();
    let target = services.and_then(|services| services.target(to));
    target.map(Some).ok_or_else(|| Problem::bad("This is not a page of a service."))
}

/// The answer to a refused step, with its reason.
fn refused(
    answer: &Answer,
    complaint: String,
    again: impl FnOnce(StatusCode, String) -> Outcome,
) -> Outcome {
    let mut response = again(status::of(answer.code), complaint)?;
    if let Some(wait) = answer.retry_after_ms {
        problem::retry_after(&mut response, Duration::from_millis(wait));
    }
    Ok(response::with_id(response, answer.request_id))
}

fn refusal(status: StatusCode, error: String) -> Response {
    response::json(status, &Refusal { error, code: None })
}

/// A page that leads on: the browser would not follow a redirect to a service after a form.
fn signed_in(words: Words<'_>, token: &Secret<String>, target: Option<&Target>) -> Outcome {
    let mut response = match target {
        Some(target) => bounce(words, &forward_auth::entry_path(target))?,
        None => see("/account"),
    };
    Cookie::Session.set(&mut response, token.expose());
    Cookie::Mfa.clear(&mut response);
    Ok(response)
}

fn password_page(
    words: Words<'_>,
    status: StatusCode,
    identifier: &str,
    target: Option<&Target>,
    complaint: Option<String>,
) -> Outcome {
    let to = target.map(Target::as_str).unwrap_or_default();
    page(status, &PasswordPage { words, complaint, identifier, to }, Camera::Forbidden)
}

fn code_page(
    words: Words<'_>,
    status: StatusCode,
    identifier: &str,
    target: Option<&Target>,
    complaint: Option<String>,
) -> Outcome {
    let to = target.map(Target::as_str).unwrap_or_default();
    page(status, &CodePage { words, complaint, identifier, to }, Camera::Forbidden)
}

async fn face_page(
    call: &Call,
    words: Words<'_>,
    username: &Username,
    target: Option<&Target>,
) -> Outcome {
    let hello = send(call, None, Command::Hello(Hello::default())).await?;
    let server = hello.body.server.ok_or_else(Problem::incomplete)?;
    let mut texts: Vec<_> = OF_THE_CAMERA.into_iter().map(|key| (key, words.say(key))).collect();
    texts.push(("face-no-key", words.say("face-no-key")));
    texts.push(("face-count", words.say_with("face-count", "seconds", "3")));
    let face = FacePage {
        words,
        username: username.as_str(),
        nonce: server.device_nonce.ok_or_else(Problem::incomplete)?,
        pictures: server.pictures_at_login,
        has_challenge: server.face_challenge == Some(ChallengeUse::Always),
        texts,
        to: target.map(Target::as_str).unwrap_or_default(),
    };
    page(StatusCode::OK, &face, Camera::Allowed)
}
