//! `/console/invite`: an invitation for a person (250). Its link is shown once.

use super::{
    fresh::{Asks, Fresh},
    visit::{Part, Refused, Visit, person},
};
use crate::{
    call::Call,
    compat::Digits,
    portal::{Camera, Words, complaint_of, rendered as page, shown},
    problem::Problem,
    response::Response,
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, ConsoleSession, InvitePerson},
    contact::{Email, Phone},
    username::Username,
};
use hyper::StatusCode;
use serde::Deserialize;

/// The form as it was filled in.
#[derive(Deserialize, Default)]
#[serde(default)]
struct InviteForm {
    name: String,
    email: String,
    phone: String,
    otp: Option<Digits>,
    proof: String,
}

#[derive(Template)]
#[template(path = "console/invite.html")]
struct InvitePage<'a> {
    words: Words<'a>,
    part: Part,
    complaint: Option<String>,
    form: &'a InviteForm,
    asks: Asks,
}

#[derive(Template)]
#[template(path = "console/invited.html")]
struct InvitedPage<'a> {
    words: Words<'a>,
    part: Part,
    name: &'a str,
    path: String,
    /// The page that takes the invitation, or the grant alone if the server knows no portal.
    link: &'a str,
    until: String,
}

impl InviteForm {
    /// The command, or the key of the text about the field that is wrong.
    fn command(&self, session: ConsoleSession) -> Result<Command, &'static str> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let name = Username::parse(self.name.trim()).and_then(Username::for_new_account);
        let mut invite = InvitePerson::new(session, name.map_err(|_| "complaint-new-name")?);
        let email = given(&self.email).map(|text| Email::parse(&text)).transpose();
        let phone = given(&self.phone).map(|text| Phone::parse(&text)).transpose();
        invite.email = email.map_err(|_| "complaint-email")?;
        invite.phone = phone.map_err(|_| "complaint-phone")?;
        Ok(Command::InvitePerson(invite))
    }
}

pub(super) async fn form(call: Call) -> Outcome {
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let asks = Asks::of(&visit).await?;
    Ok(visit.kept(form_page(&visit, StatusCode::OK, None, &InviteForm::default(), asks)?))
}

pub(super) async fn invite(call: Call) -> Outcome {
    call.check_origin()?;
    let mut form: InviteForm = call.read()?;
    let visit = match Visit::of(&call).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    // Before the code is spent.
    if let Err(key) = form.command(visit.console()) {
        let complaint = Some(visit.words.say(key));
        let asks = Asks::of(&visit).await?;
        return form_page(&visit, StatusCode::BAD_REQUEST, complaint, &form, asks);
    }
    let (otp, proof) = (form.otp.take(), std::mem::take(&mut form.proof));
    let fresh = match Fresh::of(&visit, otp, &proof).await? {
        Ok(fresh) => fresh,
        Err(refused) => {
            let asks = Asks::code(&visit).await?;
            return form_page(&visit, refused.status, Some(refused.complaint), &form, asks);
        }
    };
    let command = form.command(fresh.session.clone()).map_err(|_| Problem::incomplete())?;
    let mut response = match visit.send(None, command).await? {
        answer if answer.is_ok() => invited_page(&visit, form.name.trim(), &answer)?,
        answer => refused_page(&visit, &form, answer).await?,
    };
    fresh.keep(&mut response);
    Ok(visit.kept(response))
}

/// The page that shows the link of an invitation, once.
pub(super) fn invited_page(visit: &Visit<'_>, name: &str, answer: &Answer) -> Outcome {
    let (url, grant) = (&answer.body.invitation_url, &answer.body.grant);
    let link = url.as_ref().map(|url| url.expose().clone());
    let link = link.or_else(|| grant.as_ref().map(|grant| grant.text().expose().clone()));
    let invited = InvitedPage {
        words: visit.words,
        part: Part::People,
        name,
        path: person(name),
        link: &link.ok_or_else(Problem::incomplete)?,
        until: answer.body.expires_at.map(shown).unwrap_or_default(),
    };
    page(StatusCode::OK, &invited, Camera::Forbidden)
}

async fn refused_page(visit: &Visit<'_>, form: &InviteForm, answer: Answer) -> Outcome {
    let (status, words) = (status::of(answer.code), &visit.words);
    let is_taken = answer.code == Code::Conflict;
    let known = complaint_of(&answer, words);
    let (complaint, asks) = match visit.refused(answer) {
        _ if is_taken => (words.say("complaint-taken"), Asks::of(visit).await?),
        Ok(Refused::ProofNeeded) => (words.say("change-code-needed"), Asks::code(visit).await?),
        Ok(Refused::Page(response)) => return Ok(response),
        Err(_) => (known, Asks::of(visit).await?),
    };
    form_page(visit, status, Some(complaint), form, asks)
}

fn form_page(
    visit: &Visit<'_>,
    status: StatusCode,
    complaint: Option<String>,
    form: &InviteForm,
    asks: Asks,
) -> Result<Response, Problem> {
    let invite = InvitePage { words: visit.words, part: Part::People, complaint, form, asks };
    page(status, &invite, Camera::Forbidden)
}
