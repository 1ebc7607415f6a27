//! `/sign-in/more`: a page of a service needs a higher level than the session has. The person proves what is
//! missing, and is led back to the service (259).
//!
//! ```text
//! missing   what the session lacks, and what would reach the level: a code, or a code and the face
//! form      the page of the code, of the code and the camera, or the one that says why neither helps
//! code      the level by a code and the key of this browser
//! face      the same with the face, from the script of the page
//! ```
//!
//! A sign-in asks for everything that an account has. So a session lacks what settled since, what another
//! door did not ask for, or what the account does not have.

mod missing;

use super::{
    complaint,
    fault::Fault,
    page::{Camera, bounce, page},
    see,
    session::Session,
    sign_in::{self, OfferedKey, camera_texts, hello, proof_of, refusal, refused, send},
    words::Words,
};
use crate::{
    call::Call,
    compat::Digits,
    cookies::Cookie,
    forward_auth::{self, Target},
    problem::Problem,
    query::{self, Kind, Parameter},
    response::{self, Response},
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    answer::{Answer, ServerInfo},
    challenge::FaceChallenge,
    code::Code,
    command::{Command, RaiseSession},
    device::BrowserProof,
    level::Level,
    one_time_code::OneTimeCode,
    picture::Picture,
    words::ChallengeUse,
};
use hyper::StatusCode;
use missing::Missing;
use serde::{Deserialize, Serialize};

const PATH: &str = "/sign-in/more";

static PARAMETERS: [Parameter; 2] =
    [Parameter { name: "to", kind: Kind::Text }, Parameter { name: "level", kind: Kind::Number }];

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    to: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    otp: Digits,
    /// The proof of this browser, which a script adds.
    #[serde(default)]
    proof: String,
}

/// What the script of the page with the camera sends.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    to: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    otp: Digits,
    #[serde(default)]
    pictures: Vec<Picture>,
    #[serde(default)]
    challenge: Option<FaceChallenge>,
    device: OfferedKey,
}

/// Where the script goes next.
#[derive(Serialize)]
struct Onward {
    to: String,
}

/// The page that says why a person cannot reach the level now.
#[derive(Template)]
#[template(path = "more.html")]
struct MorePage<'a> {
    words: Words<'a>,
    has: String,
    needs: String,
    /// The address of the page that enrols a face, if the account is without one.
    face: Option<String>,
    sign_in: String,
}

#[derive(Template)]
#[template(path = "raise.html")]
struct CodePage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    fault: Fault,
    has: String,
    needs: String,
    username: &'a str,
    nonce: &'a str,
    to: &'a str,
}

#[derive(Template)]
#[template(path = "raise_face.html")]
struct FacePage<'a> {
    words: Words<'a>,
    has: String,
    needs: String,
    username: &'a str,
    nonce: &'a str,
    pictures: u32,
    has_challenge: bool,
    texts: Vec<(&'static str, String)>,
    to: &'a str,
}

/// The address of the page, for a person on the way to a target.
pub(crate) fn path(target: &Target, level: Option<Level>) -> String {
    let level = level.map(|level| format!("&level={level}")).unwrap_or_default();
    format!("{PATH}?to={}{level}", target.encoded())
}

pub(super) async fn form(call: Call) -> Outcome {
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let number = values.iter().find(|(name, _)| *name == "level").and_then(|(_, it)| it.as_u64());
    let needs = number.and_then(|it| u8::try_from(it).ok()).and_then(Level::from_number);
    match Visit::of(&call, query::text(&values, "to").to_owned(), needs).await? {
        Ok(visit) => visit.page(StatusCode::OK, None, Fault::default()).await,
        Err(elsewhere) => Ok(see(&elsewhere)),
    }
}

/// The level by a code and the key of this browser.
pub(super) async fn code(call: Call) -> Outcome {
    call.check_origin()?;
    let CodeForm { to, level, otp, proof } = call.read()?;
    let visit = match Visit::of(&call, to, level_of(&level)).await? {
        Ok(visit) => visit,
        Err(elsewhere) => return Ok(see(&elsewhere)),
    };
    let answer = visit.raise(visit.command(&otp), proof_of(&proof)).await?;
    if answer.code == Code::SignedOut {
        return Ok(see(&sign_in::path(Some(&visit.target))));
    }
    if !answer.is_ok() {
        let (complaint, fault) = visit.said(&answer);
        let page = visit.page(status::of(answer.code), complaint, fault).await?;
        return Ok(refused(&answer, page));
    }
    let mut response = bounce(visit.words, &forward_auth::entry_path(&visit.target))?;
    take_over(&mut response, answer)?;
    Ok(response)
}

/// The level by a code, the key of this browser and the face.
pub(super) async fn face(call: Call) -> Outcome {
    call.check_origin()?;
    let Shown { to, level, otp, pictures, challenge, device } = call.read()?;
    let visit = match Visit::of(&call, to, level_of(&level)).await? {
        Ok(visit) => visit,
        Err(to) => return Ok(response::json(StatusCode::OK, &Onward { to })),
    };
    let username = visit.session.body.username.clone().ok_or_else(Problem::incomplete)?;
    let mut raise = visit.command(&otp);
    (raise.faces, raise.challenge) = (pictures, challenge);
    let answer = visit.raise(raise, Some(device.proof(username))).await?;
    if !answer.is_ok() {
        let (complaint, fault) = visit.said(&answer);
        let sentence = complaint.or_else(|| fault.of("otp").map(ToString::to_string));
        let code = Some(answer.code);
        let refusal = refusal(status::of(answer.code), sentence.unwrap_or_default(), code);
        return Ok(refused(&answer, refusal));
    }
    let onward = Onward { to: forward_auth::entry_path(&visit.target) };
    let mut response = response::json(StatusCode::OK, &onward);
    take_over(&mut response, answer)?;
    Ok(response)
}

/// A person with a session of too low a level, on the way to a target.
struct Visit<'a> {
    call: &'a Call,
    words: Words<'a>,
    session: Session,
    target: Target,
    needs: Level,
    missing: Missing,
}

impl<'a> Visit<'a> {
    /// The visit, or where the person goes instead: to sign in, to the account without a target, and to the
    /// target with a level that is high enough.
    async fn of(
        call: &'a Call,
        to: String,
        needs: Option<Level>,
    ) -> Result<Result<Self, String>, Problem> {
        let target = sign_in::target(call, to)?;
        let Some(session) = Session::of(call).await? else {
            return Ok(Err(sign_in::path(target.as_ref())));
        };
        let (Some(target), Some(needs)) = (target, needs) else {
            return Ok(Err("/account".to_owned()));
        };
        if session.body.level >= Some(needs) {
            return Ok(Err(forward_auth::entry_path(&target)));
        }
        let (missing, words) = (Missing::of(call, &session, needs).await?, call.words()?);
        Ok(Ok(Self { call, words, session, target, needs, missing }))
    }

    fn command(&self, otp: &Digits) -> RaiseSession {
        // A text that is no code is a wrong one, which the server counts.
        let code = OneTimeCode::parse(otp.without_spaces().expose()).ok();
        RaiseSession::new(self.session.token.clone(), code).level(self.needs)
    }

    async fn raise(
        &self,
        raise: RaiseSession,
        proof: Option<BrowserProof>,
    ) -> Result<Answer, Problem> {
        send(self.call, proof, Command::RaiseSession(raise)).await
    }

    /// The sentence about a refusal: beside the code, or on top. The code is the first secret here.
    fn said(&self, answer: &Answer) -> (Option<String>, Fault) {
        match answer.code {
            Code::Denied => (None, Fault::at("otp", self.words.say("complaint-code"))),
            Code::SignedOut => (Some(self.words.say("complaint-late")), Fault::default()),
            _ => (Some(complaint::of(answer, &self.words)), Fault::default()),
        }
    }

    async fn page(&self, status: StatusCode, complaint: Option<String>, fault: Fault) -> Outcome {
        let server = hello(self.call).await?.ok_or_else(Problem::incomplete)?;
        let mut response = match self.missing {
            Missing::Code => self.code_page(status, &server, complaint, fault)?,
            Missing::CodeAndFace => self.face_page(status, &server)?,
            Missing::More { is_faceless } => self.explanation(status, is_faceless)?,
        };
        self.session.keep(&mut response);
        Ok(response)
    }

    fn code_page(
        &self,
        status: StatusCode,
        server: &ServerInfo,
        complaint: Option<String>,
        fault: Fault,
    ) -> Outcome {
        let raise = CodePage {
            words: self.words,
            complaint,
            fault,
            has: self.has(),
            needs: self.needs.to_string(),
            username: self.username()?,
            nonce: server.device_nonce.as_deref().unwrap_or_default(),
            to: self.target.as_str(),
        };
        page(status, &raise, Camera::Forbidden)
    }

    fn face_page(&self, status: StatusCode, server: &ServerInfo) -> Outcome {
        let raise = FacePage {
            words: self.words,
            has: self.has(),
            needs: self.needs.to_string(),
            username: self.username()?,
            nonce: server.device_nonce.as_deref().unwrap_or_default(),
            pictures: server.pictures_at_login,
            has_challenge: server.face_challenge == Some(ChallengeUse::Always),
            texts: camera_texts(self.words),
            to: self.target.as_str(),
        };
        page(status, &raise, Camera::Allowed)
    }

    fn explanation(&self, status: StatusCode, is_faceless: bool) -> Outcome {
        // With an authenticator, a face and the key of this browser are what is missing.
        let may_enrol = is_faceless && self.session.body.level == Some(Level::Two);
        let more = MorePage {
            words: self.words,
            has: self.has(),
            needs: self.needs.to_string(),
            face: may_enrol.then(|| format!("/account/face?to={}", self.target.encoded())),
            sign_in: sign_in::path(Some(&self.target)),
        };
        page(status, &more, Camera::Forbidden)
    }

    fn has(&self) -> String {
        self.session.body.level.map_or(0, Level::number).to_string()
    }

    fn username(&self) -> Result<&str, Problem> {
        let username = self.session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
        Ok(username.as_str())
    }
}

/// Gives the browser the token of the raised session.
fn take_over(response: &mut Response, answer: Answer) -> Result<(), Problem> {
    let token = answer.body.token.ok_or_else(Problem::incomplete)?;
    Cookie::Session.set(response, token.expose());
    Ok(())
}

fn level_of(text: &str) -> Option<Level> {
    text.parse().ok().and_then(Level::from_number)
}
