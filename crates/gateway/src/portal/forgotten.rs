//! `/forgotten`: a code from a mail or a text message, and then a new password (340, 350 and 360).
//!
//! The answer to the first form is the same for every name. The grant between the code and the password is in a
//! cookie, so that no script sees it.

use super::{
    complaint,
    done::done,
    fault::Fault,
    page::{Camera, page},
    sign_in::{refused, send},
    words::Words,
};
use crate::{
    call::Call,
    compat::{Digits, identity},
    cookies::Cookie,
    problem::Problem,
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    code::Code,
    command::{Command, RequestReset, ResetPassword, ValidateReset},
    grant::GrantToken,
    reset_code::ResetCode,
    secret::Secret,
};
use hyper::StatusCode;
use serde::Deserialize;

#[derive(Deserialize)]
struct NameForm {
    #[serde(default)]
    identifier: String,
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    otp: Digits,
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    new_password: Secret<String>,
    /// The same once more: the field does not show what is typed.
    #[serde(default)]
    repeated: Secret<String>,
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct NamePage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    fault: Fault,
    identifier: &'a str,
}

#[derive(Template)]
#[template(path = "forgotten_code.html")]
struct CodePage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    fault: Fault,
    identifier: &'a str,
}

#[derive(Template)]
#[template(path = "forgotten_password.html")]
struct PasswordPage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    fault: Fault,
    identifier: &'a str,
}

/// What a page says about the form before: a sentence on top, or one beside a field.
#[derive(Default)]
struct Said {
    complaint: Option<String>,
    fault: Fault,
}

impl Said {
    fn on_top(sentence: String) -> Self {
        Self { complaint: Some(sentence), ..Self::default() }
    }

    fn beside(field: &'static str, sentence: String) -> Self {
        Self { fault: Fault::at(field, sentence), ..Self::default() }
    }
}

pub(super) fn form(call: &Call) -> Outcome {
    name_page(call.words()?, StatusCode::OK, "", Said::default())
}

pub(super) async fn request(call: Call) -> Outcome {
    call.check_origin()?;
    let NameForm { identifier } = call.read()?;
    let words = call.words()?;
    let Ok(account) = identity::any(identifier.trim()) else {
        let said = Said::beside("identifier", words.say("fault-identifier"));
        return name_page(words, StatusCode::BAD_REQUEST, &identifier, said);
    };
    let answer = send(&call, None, Command::RequestReset(RequestReset::new(account))).await?;
    if !answer.is_ok() {
        let said = Said::on_top(complaint::of_reset(&answer, &words));
        let page = name_page(words, status::of(answer.code), &identifier, said)?;
        return Ok(refused(&answer, page));
    }
    code_page(words, StatusCode::OK, identifier.trim(), Said::default())
}

pub(super) async fn code(call: Call) -> Outcome {
    call.check_origin()?;
    let CodeForm { identifier, otp } = call.read()?;
    let words = call.words()?;
    let Ok(account) = identity::any(&identifier) else { return too_late(words, &identifier) };
    // A text that is no code is a wrong one, which the server counts.
    let code = ResetCode::parse(otp.without_spaces().expose()).ok();
    let validate = Command::ValidateReset(ValidateReset::new(account, code));
    let answer = send(&call, None, validate).await?;
    if !answer.is_ok() {
        let sentence = complaint::of_reset(&answer, &words);
        let said = match answer.code {
            Code::Denied => Said::beside("otp", sentence),
            _ => Said::on_top(sentence),
        };
        let page = code_page(words, status::of(answer.code), &identifier, said)?;
        return Ok(refused(&answer, page));
    }
    let grant = answer.body.grant.ok_or_else(Problem::incomplete)?;
    let mut response = password_page(words, StatusCode::OK, &identifier, Said::default())?;
    Cookie::Reset.set(&mut response, grant.text().expose());
    Ok(response)
}

pub(super) async fn password(call: Call) -> Outcome {
    call.check_origin()?;
    let PasswordForm { identifier, new_password, repeated } = call.read()?;
    let words = call.words()?;
    let grant = Cookie::Reset.read(&call.headers).and_then(|text| GrantToken::parse(&text).ok());
    let (Ok(account), Some(grant)) = (identity::any(&identifier), grant) else {
        return too_late(words, &identifier);
    };
    if new_password.expose() != repeated.expose() {
        let said = Said::beside("repeated", words.say("fault-repeated"));
        return password_page(words, StatusCode::BAD_REQUEST, &identifier, said);
    }
    let mut reset = ResetPassword::new(account, new_password);
    reset.grant = Some(grant);
    let answer = send(&call, None, Command::ResetPassword(reset)).await?;
    match answer.code {
        Code::Ok => {}
        Code::Denied => return Ok(refused(&answer, too_late(words, &identifier)?)),
        code => {
            let sentence = complaint::of_reset(&answer, &words);
            let said = match code {
                Code::WeakPassword => Said::beside("new-password", sentence),
                _ => Said::on_top(sentence),
            };
            let page = password_page(words, status::of(code), &identifier, said)?;
            return Ok(refused(&answer, page));
        }
    }
    let mut response = done(words, "forgotten-done-title", "forgotten-done")?;
    Cookie::Reset.clear(&mut response);
    Ok(response)
}

/// The first page again, because what was proved before has expired.
fn too_late(words: Words<'_>, identifier: &str) -> Outcome {
    let said = Said::on_top(words.say("complaint-late"));
    name_page(words, StatusCode::UNAUTHORIZED, identifier, said)
}

fn name_page(words: Words<'_>, status: StatusCode, identifier: &str, said: Said) -> Outcome {
    let Said { complaint, fault } = said;
    page(status, &NamePage { words, complaint, fault, identifier }, Camera::Forbidden)
}

fn code_page(words: Words<'_>, status: StatusCode, identifier: &str, said: Said) -> Outcome {
    let Said { complaint, fault } = said;
    page(status, &CodePage { words, complaint, fault, identifier }, Camera::Forbidden)
}

fn password_page(words: Words<'_>, status: StatusCode, identifier: &str, said: Said) -> Outcome {
    let Said { complaint, fault } = said;
    page(status, &PasswordPage { words, complaint, fault, identifier }, Camera::Forbidden)
}
