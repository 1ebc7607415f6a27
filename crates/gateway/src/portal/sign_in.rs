//! `/sign-in`: password, one-time code and face, one page for each (170, 180 and 182).
//!
//! The grant between two steps is in a cookie, so that no script sees it. The page of the face gets a
//! nonce, which the key of the browser signs together with its origin.

use super::{
    bound, complaint,
    fault::Fault,
    page::{Camera, bounce, page},
    register, see,
    words::Words,
};
use crate::{
    call::Call,
    compat::{Digits, identity},
    console,
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
    answer::{Answer, AnswerBody, ServerInfo},
    challenge::FaceChallenge,
    code::Code,
    command::{BeginFaceChallenge, CodeStep, Command, FaceStep, Hello, Identifier, PasswordStep},
    device::{BrowserProof, DeviceKey, DeviceName, DeviceNonce, DeviceSignature},
    envelope::Envelope,
    grant::GrantToken,
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
const OF_THE_CAMERA: [&str; 16] = [
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
    "face-no-key",
    "face-failed",
];

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    password: Secret<String>,
    #[serde(default)]
    to: String,
    /// The proof of the browser, which a script adds if it has signed in here before: guesses of strangers
    /// at a password do not shut out a person with a known device.
    #[serde(default)]
    proof: String,
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    otp: Digits,
    #[serde(default)]
    to: String,
    #[serde(default)]
    proof: String,
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
pub(super) struct OfferedKey {
    pub(super) key: DeviceKey,
    pub(super) name: DeviceName,
    nonce: DeviceNonce,
    signature: DeviceSignature,
}

/// A proof in a form.
#[derive(Deserialize)]
struct Remembered {
    username: Username,
    device: OfferedKey,
}

impl OfferedKey {
    pub(super) fn proof(&self, username: Username) -> BrowserProof {
        BrowserProof {
            username,
            mac: Some(self.key.label()),
            device_id: self.key.id(),
            device_sig: self.signature,
            device_nonce: self.nonce,
        }
    }
}

/// The proof in a form, if it can be read.
pub(crate) fn proof_of(text: &str) -> Option<BrowserProof> {
    let Remembered { username, device } = serde_json::from_str(text).ok()?;
    Some(device.proof(username))
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
    fault: Fault,
    /// True if a person may register here.
    can_sign_up: bool,
    identifier: &'a str,
    nonce: &'a str,
    to: &'a str,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    identifier: &'a str,
    nonce: &'a str,
    to: &'a str,
}

#[derive(Template)]
#[template(path = "face.html")]
struct FacePage<'a> {
    words: Words<'a>,
    username: &'a str,
    nonce: &'a str,
    pictures: u32,
    has_challenge: bool,
    texts: Vec<(&'static str, String)>,
    to: &'a str,
}

/// The address of the first page, for a person on the way to a target.
pub(crate) fn path(target: Option<&Target>) -> String {
    target.map_or_else(|| "/sign-in".into(), |to| format!("/sign-in?to={}", to.encoded()))
}

pub(super) async fn form(call: Call) -> Outcome {
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let to = query::text(&values, "to").to_owned();
    let visit = Visit::of(&call, String::new(), to)?;
    visit.password_page(StatusCode::OK, None).await
}

pub(super) async fn password(call: Call) -> Outcome {
    call.check_origin()?;
    let PasswordForm { identifier, password, to, proof } = call.read()?;
    let visit = Visit::of(&call, identifier, to)?;
    let Ok(account) = identity::any(&visit.identifier) else {
        return visit.impossible("identifier", "fault-identifier").await;
    };
    if password.expose().is_empty() {
        return visit.impossible("password", "fault-password").await;
    }
    let step = Command::PasswordStep(PasswordStep::new(account, password));
    let answer = send(&call, proof_of(&proof), step).await?;
    if !answer.is_ok() {
        let complaint = complaint::of(&answer, &visit.words);
        let page = visit.password_page(status::of(answer.code), Some(complaint)).await?;
        return Ok(refused(&answer, page));
    }
    visit.next(*answer.body).await
}

pub(super) async fn code(call: Call) -> Outcome {
    call.check_origin()?;
    let CodeForm { identifier, otp, to, proof } = call.read()?;
    let visit = Visit::of(&call, identifier, to)?;
    let account: Result<Identifier, _> = identity::any(&visit.identifier);
    let (Ok(account), Some(grant)) = (account, grant(&call)) else { return visit.too_late().await };
    // A text that is no code is a wrong one, which the server counts.
    let code = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let step = Command::CodeStep(CodeStep::new(account, code, Some(grant)));
    let answer = send(&call, proof_of(&proof), step).await?;
    if answer.code == Code::Denied {
        return visit.too_late().await;
    }
    if !answer.is_ok() {
        let complaint = complaint::of(&answer, &visit.words);
        let page = visit.code_page(status::of(answer.code), Some(complaint)).await?;
        return Ok(refused(&answer, page));
    }
    visit.next(*answer.body).await
}

/// A face challenge for the script of the page.
pub(super) async fn challenge(call: Call) -> Outcome {
    call.check_origin()?;
    let Asked { username } = call.read()?;
    let begin = Command::BeginFaceChallenge(BeginFaceChallenge::new(username));
    let answer = send(&call, None, begin).await?;
    let (Some(id), Some(steps)) = (answer.body.challenge, answer.body.steps) else {
        let error = call.words()?.say("complaint-not-offered");
        return Ok(refusal(StatusCode::FORBIDDEN, error, None));
    };
    Ok(response::json(StatusCode::OK, &Begun { id, steps }))
}

/// The last step, with the pictures and the proof of the script.
pub(super) async fn face(call: Call) -> Outcome {
    call.check_origin()?;
    let Shown { username, to, pictures, challenge, device } = call.read()?;
    let (words, target) = (call.words()?, target(&call, to)?);
    let Some(grant) = grant(&call) else {
        return Ok(refusal(StatusCode::UNAUTHORIZED, words.say("complaint-late"), None));
    };
    let proof = device.proof(username.clone());
    let mut step = FaceStep::new(username, grant).device_key(device.key).device_name(device.name);
    (step.faces, step.challenge) = (pictures, challenge);
    let answer = send(&call, Some(proof), Command::FaceStep(step)).await?;
    if !answer.is_ok() {
        let complaint = complaint::of_last_step(&answer, &words);
        let refusal = refusal(status::of(answer.code), complaint, Some(answer.code));
        return Ok(refused(&answer, refusal));
    }
    let token = answer.body.token.ok_or_else(Problem::incomplete)?;
    let to = target.as_ref().map_or_else(|| "/account".to_owned(), forward_auth::entry_path);
    let mut response = response::json(StatusCode::OK, &Onward { to });
    Cookie::Session.set(&mut response, token.expose());
    Cookie::Mfa.clear(&mut response);
    bound::offer(&mut response, answer.body.session_challenge);
    Ok(response)
}

/// Sends a command of a browser.
pub(super) async fn send(
    call: &Call,
    proof: Option<BrowserProof>,
    command: Command,
) -> Result<Answer, Problem> {
    let of = Envelope::of_browser(call.peer?, proof);
    Ok(call.app.upstream.send_enclosed(of, command).await?)
}

/// What the server says about itself, with a nonce for the proof of a page.
pub(super) async fn hello(call: &Call) -> Result<Option<ServerInfo>, Problem> {
    Ok(send(call, None, Command::Hello(Hello::default())).await?.body.server)
}

/// One request on the way through the pages.
struct Visit<'a> {
    call: &'a Call,
    words: Words<'a>,
    /// What the person has typed as name, mail address or telephone number.
    identifier: String,
    target: Option<Target>,
}

impl<'a> Visit<'a> {
    fn of(call: &'a Call, identifier: String, to: String) -> Result<Self, Problem> {
        let (words, target) = (call.words()?, target(call, to)?);
        Ok(Self { call, words, identifier, target })
    }

    /// What the server says about itself, if it answers now.
    async fn server(&self) -> Option<ServerInfo> {
        hello(self.call).await.ok().flatten()
    }

    /// The nonce for the proof of a page. Without it, a form works as it does without a script.
    async fn nonce(&self) -> String {
        self.server().await.and_then(|server| server.device_nonce).unwrap_or_default()
    }

    fn to(&self) -> &str {
        self.target.as_ref().map(Target::as_str).unwrap_or_default()
    }

    /// The page after a granted step: of the code, of the face, or where the person wants to go.
    async fn next(&self, body: AnswerBody) -> Outcome {
        if body.provisioning_uri.is_some() {
            return register::with_authenticator(self.words, &self.identifier, body);
        }
        let AnswerBody { token, grant, missing, username, session_challenge, .. } = body;
        if let Some(token) = token {
            let mut response = signed_in(self.words, &token, self.target.as_ref())?;
            bound::offer(&mut response, session_challenge);
            return Ok(response);
        }
        let grant = grant.ok_or_else(Problem::incomplete)?;
        let is_face = missing.is_some_and(|missing| missing.contains(&Method::Face));
        let mut response = if is_face {
            self.face_page(&username.ok_or_else(Problem::incomplete)?).await?
        } else {
            self.code_page(StatusCode::OK, None).await?
        };
        Cookie::Mfa.set(&mut response, grant.text().expose());
        Ok(response)
    }

    /// The first page again, because what was proved before has expired.
    async fn too_late(&self) -> Outcome {
        let complaint = self.words.say("complaint-late");
        self.password_page(StatusCode::UNAUTHORIZED, Some(complaint)).await
    }

    async fn password_page(&self, status: StatusCode, complaint: Option<String>) -> Outcome {
        self.first_page(status, complaint, Fault::default()).await
    }

    /// The first page again, because a field has a text that no account can have.
    async fn impossible(&self, field: &'static str, key: &str) -> Outcome {
        let fault = Fault::at(field, self.words.say(key));
        self.first_page(StatusCode::BAD_REQUEST, None, fault).await
    }

    async fn first_page(
        &self,
        status: StatusCode,
        complaint: Option<String>,
        fault: Fault,
    ) -> Outcome {
        let (words, identifier, to) = (self.words, &*self.identifier, self.to());
        let server = self.server().await;
        let can_sign_up = server.as_ref().is_some_and(|server| server.self_registration);
        let nonce = &*server.and_then(|server| server.device_nonce).unwrap_or_default();
        let first = PasswordPage { words, complaint, fault, can_sign_up, identifier, nonce, to };
        page(status, &first, Camera::Forbidden)
    }

    async fn code_page(&self, status: StatusCode, complaint: Option<String>) -> Outcome {
        let (words, identifier, to) = (self.words, &*self.identifier, self.to());
        let nonce = &*self.nonce().await;
        page(status, &CodePage { words, complaint, identifier, nonce, to }, Camera::Forbidden)
    }

    async fn face_page(&self, username: &Username) -> Outcome {
        let (words, server) = (self.words, self.server().await.ok_or_else(Problem::incomplete)?);
        let face = FacePage {
            words,
            username: username.as_str(),
            nonce: &server.device_nonce.unwrap_or_default(),
            pictures: server.pictures_at_login,
            has_challenge: server.face_challenge == Some(ChallengeUse::Always),
            texts: camera_texts(words),
            to: self.to(),
        };
        page(StatusCode::OK, &face, Camera::Allowed)
    }
}

/// The texts for the script of a page with a camera.
pub(super) fn camera_texts(words: Words<'_>) -> Vec<(&'static str, String)> {
    let mut texts: Vec<_> = OF_THE_CAMERA.into_iter().map(|key| (key, words.say(key))).collect();
    texts.push(("face-count", words.say_with("face-count", "seconds", "3")));
    texts
}

/// The grant of the step before.
pub(super) fn grant(call: &Call) -> Option<GrantToken> {
    Cookie::Mfa.read(&call.headers).and_then(|text| GrantToken::parse(&text).ok())
}

/// The target that a form or an address names. `None` if it names none.
pub(super) fn target(call: &Call, to: String) -> Result<Option<Target>, Problem> {
    if to.is_empty() {
        return Ok(None);
    }
    if to == console::START {
        return Ok(Some(Target::console()));
    }
    let services = call.app.services.as_ref();
    let target = services.and_then(|services| services.target(to));
    target.map(Some).ok_or_else(|| Problem::bad("This is not a page of a service."))
}

/// The answer to a refused step, with the time to wait and the id of the request.
pub(super) fn refused(answer: &Answer, mut response: Response) -> Response {
    if let Some(wait) = answer.retry_after_ms {
        problem::retry_after(&mut response, Duration::from_millis(wait));
    }
    response::with_id(response, answer.request_id)
}

/// A refusal for the script.
pub(super) fn refusal(status: StatusCode, error: String, code: Option<Code>) -> Response {
    response::json(status, &Refusal { error, code })
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
