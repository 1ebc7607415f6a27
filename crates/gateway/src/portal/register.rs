//! `/sign-up` and `/invitation`: a password and an authenticator for a new account (160 or 162, 210). The face
//! follows in [`enrol`](super::enrol).
//!
//! The grant between two steps is in a cookie, as at the sign-in. The code of the authenticator travels with
//! its form, so that the page can show it again after a wrong one-time code.

use super::{
    complaint, enrol,
    page::{Camera, page},
    see,
    sign_in::{grant, refused, send},
    words::Words,
};
use crate::{
    call::Call,
    compat::{Digits, identity},
    cookies::Cookie,
    problem::Problem,
    query::{self, Kind, Parameter},
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    answer::{Answer, AnswerBody},
    code::Code,
    command::{AcceptInvitation, Command, ConfirmTotp, Identifier, SelfRegister},
    contact::{Email, Phone},
    grant::GrantToken,
    one_time_code::OneTimeCode,
    secret::Secret,
    username::Username,
};
use hyper::StatusCode;
use serde::Deserialize;

static PARAMETERS: [Parameter; 2] = [
    Parameter { name: "name", kind: Kind::Text },
    Parameter { name: "invitation", kind: Kind::Text },
];

#[derive(Deserialize, Default)]
#[serde(default)]
struct SignUpForm {
    name: String,
    email: String,
    phone: String,
    password: Secret<String>,
    repeated: Secret<String>,
}

#[derive(Deserialize)]
struct InvitationForm {
    name: String,
    invitation: String,
    password: Secret<String>,
    #[serde(default)]
    repeated: Secret<String>,
}

#[derive(Deserialize)]
struct CodeForm {
    identifier: String,
    otp: Digits,
    qr: String,
    uri: String,
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    name: &'a str,
    email: &'a str,
    phone: &'a str,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    name: &'a str,
    invitation: &'a str,
}

#[derive(Template)]
#[template(path = "authenticator.html")]
struct AuthenticatorPage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    identifier: &'a str,
    qr: &'a str,
    uri: &'a str,
    /// The secret in groups of four, for an app that cannot scan.
    secret: String,
}

impl<'a> AuthenticatorPage<'a> {
    fn of(
        words: Words<'a>,
        complaint: Option<String>,
        identifier: &'a str,
        (qr, uri): (&'a str, &'a str),
    ) -> Self {
        Self { words, complaint, identifier, qr, uri, secret: secret_of(uri) }
    }
}

/// The form of a person that comes without an invitation.
pub(super) fn form(call: &Call) -> Outcome {
    sign_up_page(call.words()?, StatusCode::OK, None, &SignUpForm::default())
}

pub(super) async fn register(call: Call) -> Outcome {
    call.check_origin()?;
    let (form, words): (SignUpForm, _) = (call.read()?, call.words()?);
    let account = match account(&form) {
        Ok(account) => account,
        Err(key) => {
            return sign_up_page(words, StatusCode::BAD_REQUEST, Some(words.say(key)), &form);
        }
    };
    let register = SelfRegister::new(account, form.password.clone()).with_totp();
    let answer = send(&call, None, Command::SelfRegister(register)).await?;
    if !answer.is_ok() {
        let complaint = reason(&answer, &words);
        let page = sign_up_page(words, status::of(answer.code), Some(complaint), &form)?;
        return Ok(refused(&answer, page));
    }
    let identifier = [&form.name, &form.email, &form.phone].into_iter().find(|it| !it.is_empty());
    with_authenticator(words, identifier.map_or("", String::as_str), *answer.body)
}

/// The form of an invited person. Opening the link changes nothing: programs that look at mails open it too.
pub(super) fn invitation(call: &Call) -> Outcome {
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let value = |name| query::text(&values, name);
    let (words, name, invitation) = (call.words()?, value("name"), value("invitation"));
    invitation_page(words, StatusCode::OK, None, (name, invitation))
}

pub(super) async fn accept(call: Call) -> Outcome {
    call.check_origin()?;
    let (form, words): (InvitationForm, _) = (call.read()?, call.words()?);
    let of = (&*form.name, &*form.invitation);
    if form.password.expose() != form.repeated.expose() {
        let complaint = words.say("fault-repeated");
        return invitation_page(words, StatusCode::BAD_REQUEST, Some(complaint), of);
    }
    let (Ok(name), Ok(grant)) = (Username::parse(of.0), GrantToken::parse(of.1)) else {
        let complaint = words.say("complaint-invitation");
        return invitation_page(words, StatusCode::BAD_REQUEST, Some(complaint), of);
    };
    let accept = AcceptInvitation::new(name, grant, form.password.clone());
    let answer = send(&call, None, Command::AcceptInvitation(accept)).await?;
    if !answer.is_ok() {
        let complaint = match answer.code {
            Code::Denied => words.say("complaint-invitation"),
            _ => reason(&answer, &words),
        };
        let page = invitation_page(words, status::of(answer.code), Some(complaint), of)?;
        return Ok(refused(&answer, page));
    }
    with_authenticator(words, &form.name, *answer.body)
}

/// The first code of the authenticator.
pub(super) async fn confirm(call: Call) -> Outcome {
    call.check_origin()?;
    let CodeForm { identifier, otp, qr, uri } = call.read()?;
    let (words, account) = (call.words()?, identity::any(&identifier));
    let (Ok(account), Some(grant)) = (account, grant(&call)) else { return Ok(see("/sign-in")) };
    let mut confirm = ConfirmTotp::by_grant(account, Some(grant));
    confirm.totp = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let answer = send(&call, None, Command::ConfirmTotp(confirm)).await?;
    if !answer.is_ok() {
        let complaint = match answer.code {
            // The grant has expired. The account is there, with its password.
            Code::Denied => words.say("complaint-late"),
            _ => complaint::of(&answer, &words),
        };
        let shown = AuthenticatorPage::of(words, Some(complaint), &identifier, (&qr, &uri));
        return Ok(refused(&answer, page(status::of(answer.code), &shown, Camera::Forbidden)?));
    }
    let (Some(grant), Some(username)) = (answer.body.grant, answer.body.username) else {
        return Ok(see("/sign-in"));
    };
    let mut response = enrol::form(&call, words, &username, None).await?;
    Cookie::Mfa.set(&mut response, grant.text().expose());
    Ok(response)
}

/// The account of a form, or the key of the text about the field that is wrong.
fn account(form: &SignUpForm) -> Result<Identifier, &'static str> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    if form.password.expose() != form.repeated.expose() {
        return Err("fault-repeated");
    }
    let name = given(&form.name).map(|text| Username::parse(&text)).transpose();
    let email = given(&form.email).map(|text| Email::parse(&text)).transpose();
    let phone = given(&form.phone).map(|text| Phone::parse(&text)).transpose();
    let name = name.map_err(|_| "complaint-new-name")?;
    let email = email.map_err(|_| "complaint-email")?;
    let phone = phone.map_err(|_| "complaint-phone")?;
    Identifier::of(name, email, phone).map_err(|_| "complaint-one-name")
}

/// Why a new account was refused.
fn reason(answer: &Answer, words: &Words<'_>) -> String {
    match answer.code {
        Code::WeakPassword => words.say("complaint-weak"),
        Code::Conflict => words.say("complaint-taken"),
        _ => complaint::of(answer, words),
    }
}

fn sign_up_page(
    words: Words<'_>,
    status: StatusCode,
    complaint: Option<String>,
    form: &SignUpForm,
) -> Outcome {
    let SignUpForm { name, email, phone, .. } = form;
    page(status, &SignUpPage { words, complaint, name, email, phone }, Camera::Forbidden)
}

fn invitation_page(
    words: Words<'_>,
    status: StatusCode,
    complaint: Option<String>,
    (name, invitation): (&str, &str),
) -> Outcome {
    page(status, &InvitationPage { words, complaint, name, invitation }, Camera::Forbidden)
}

/// The page with the code to scan, and the cookie with the grant.
pub(super) fn with_authenticator(words: Words<'_>, identifier: &str, body: AnswerBody) -> Outcome {
    let AnswerBody { qr_png_b64, provisioning_uri, grant, .. } = body;
    let text = |secret: Option<Secret<String>>| secret.map(|it| it.expose().clone());
    let (qr, uri) = (text(qr_png_b64).unwrap_or_default(), text(provisioning_uri));
    let (uri, grant) = uri.zip(grant).ok_or_else(Problem::incomplete)?;
    let shown = AuthenticatorPage::of(words, None, identifier, (&qr, &uri));
    let mut response = page(StatusCode::OK, &shown, Camera::Forbidden)?;
    Cookie::Mfa.set(&mut response, grant.text().expose());
    Ok(response)
}

/// The secret of an `otpauth` URI in groups of four letters.
fn secret_of(uri: &str) -> String {
    let parameters = uri.split_once('?').map_or("", |(_, parameters)| parameters);
    let secret = parameters.split('&').find_map(|it| it.strip_prefix("secret="));
    let letters: Vec<char> = secret.unwrap_or_default().chars().collect();
    let groups = letters.chunks(4).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join(" ")
}
