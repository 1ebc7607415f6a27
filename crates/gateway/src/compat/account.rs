//! `/register`, `/login`, `/enable-mfa`, `/verify-mfa` and `/logout`.

use super::{Digits, identity, pace::Class, refusal::Refusal, texts, within};
use crate::{
    call::Call, cookies::Cookie, problem::Problem, response, route::Outcome, translation::bearer,
};
use fourauth_protocol::{
    answer::AnswerBody,
    code::Code,
    command::{CodeStep, Command, ConfirmTotp, EndSession, Identifier, PasswordStep, SelfRegister},
    grant::GrantToken,
    one_time_code::OneTimeCode,
    secret::Secret,
};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

const WRONG_CODE: Refusal = Refusal::unauthorised(texts::INVALID_OTP);

/// The body of a registration. With a `username` or a `phone` it is of the system with codes by mail,
/// without them of the one with authenticators.
#[derive(Deserialize)]
struct Registration {
    username: Option<String>,
    email: String,
    phone: Option<String>,
    password: Secret<String>,
}

/// The body of a login, of the one system by `identifier` and of the other by `email`.
#[derive(Deserialize)]
struct Login {
    identifier: Option<String>,
    email: Option<String>,
    password: Secret<String>,
}

/// The body of a request with a one-time code.
#[derive(Deserialize)]
struct Verification {
    email: String,
    otp: Digits,
    /// The grant of `/register` or `/login`, for clients without cookies.
    mfa_token: Option<Secret<String>>,
}

/// An answer, with the fields that the two systems document and the grant between two steps.
#[derive(Default, Serialize)]
struct Said {
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_qr_data_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_provisioning_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_token: Option<String>,
}

pub(super) async fn register(call: Call) -> Outcome {
    within(call, Class::Login, async |call| {
        let Registration { username, email, phone, password } = call.read()?;
        let has_totp = username.is_none() && phone.is_none();
        let account = match username {
            Some(name) => identity::of_three(&name, &email, phone.as_deref())?,
            None if has_totp => identity::email(&email)?.into(),
            None => return Err(Problem::bad("Missing field: username")),
        };
        let mut register = SelfRegister::new(account, password);
        register.open_grant = true;
        let register = if has_totp { register.with_totp() } else { register };
        let refusal = Refusal::bad(texts::INVALID_CREDENTIALS);
        let command = Command::SelfRegister(register);
        let answer = call.ask(command, |answer| refusal.of(answer)).await?;
        let response =
            if has_totp { with_authenticator(&answer.body) } else { said(texts::REGISTERED) };
        Ok(response::with_id(response, answer.request_id))
    })
    .await
}

fn with_authenticator(body: &AnswerBody) -> response::Response {
    let uri = body.provisioning_uri.as_ref().map(|uri| uri.expose().clone());
    let qr = body.qr_png_b64.as_ref();
    let said = Said {
        message: texts::REGISTERED_WITH_MFA,
        mfa_qr_data_url: qr.map(|png| format!("data:image/png;base64,{}", png.expose())),
        mfa_secret: uri.as_deref().and_then(secret_of),
        mfa_provisioning_uri: uri,
        mfa_token: body.grant.as_ref().map(|grant| grant.text().expose().clone()),
        ..Said::default()
    };
    let mut response = response::json(StatusCode::OK, &said);
    keep_grant(&mut response, body.grant.as_ref());
    response
}

/// The secret in an `otpauth://` URI.
fn secret_of(uri: &str) -> Option<String> {
    let (_, query) = uri.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == "secret").map(|(_, secret)| secret.to_owned())
}

pub(super) async fn login(call: Call) -> Outcome {
    within(call, Class::Login, async |call| {
        let Login { identifier, email, password } = call.read()?;
        // The system with authenticators documents 401 for wrong evidence, the other one 400.
        let (account, refusal): (Identifier, _) = match (&identifier, &email) {
            (Some(identifier), _) => {
                (identity::any(identifier)?, Refusal::bad(texts::INVALID_CREDENTIALS))
            }
            (None, Some(email)) => {
                let refusal = Refusal::unauthorised(texts::INVALID_CREDENTIALS);
                (identity::email(email)?.into(), refusal)
            }
            (None, None) => return Err(Problem::bad("Missing field: email")),
        };
        let mut step = PasswordStep::new(account, password);
        step.open_grant = true;
        let command = Command::PasswordStep(step);
        let answer = call.ask(command, |answer| refusal.of(answer)).await?;
        let (body, id) = (*answer.body, answer.request_id);
        if body.token.is_none() {
            let token = body.grant.as_ref().map(|grant| grant.text().expose().clone());
            let said = Said { message: texts::MFA_REQUIRED, mfa_token: token, ..Said::default() };
            let mut response = response::json(StatusCode::OK, &said);
            keep_grant(&mut response, body.grant.as_ref());
            return Ok(response::with_id(response, id));
        }
        // The clients of the system with codes by mail expect no token.
        let response = logged_in(texts::LOGGED_IN, &body, identifier.is_none());
        Ok(response::with_id(response, id))
    })
    .await
}

/// The answer of a login, with its session in a cookie.
fn logged_in(message: &'static str, body: &AnswerBody, shows_token: bool) -> response::Response {
    let token = body.jwt.as_ref().filter(|_| shows_token).map(|token| token.expose().clone());
    let mut response = response::json(StatusCode::OK, &Said { message, token, ..Said::default() });
    if let Some(token) = &body.token {
        Cookie::Session.set(&mut response, token.expose());
    }
    keep_grant(&mut response, body.grant.as_ref());
    response
}

pub(super) async fn enable_mfa(call: Call) -> Outcome {
    within(call, Class::Verification, async |call| {
        let (account, code, grant) = code(&call)?;
        let mut confirm = ConfirmTotp::by_grant(account, grant);
        confirm.totp = code;
        let command = Command::ConfirmTotp(confirm);
        let answer = call.ask(command, |answer| WRONG_CODE.of(answer)).await?;
        let mut response = said(texts::MFA_ENABLED);
        Cookie::Mfa.clear(&mut response);
        Ok(response::with_id(response, answer.request_id))
    })
    .await
}

pub(super) async fn verify_mfa(call: Call) -> Outcome {
    within(call, Class::Verification, async |call| {
        let (account, code, grant) = code(&call)?;
        let command = Command::CodeStep(CodeStep::new(account, code, grant));
        let answer = call.ask(command, |answer| WRONG_CODE.of(answer)).await?;
        let mut response = logged_in(texts::MFA_VERIFIED, &answer.body, true);
        Cookie::Mfa.clear(&mut response);
        Ok(response::with_id(response, answer.request_id))
    })
    .await
}

/// The account, the code and the grant of a request. A text that is no code is a wrong one, which the
/// server counts.
fn code(call: &Call) -> Result<(Identifier, Option<OneTimeCode>, Option<GrantToken>), Problem> {
    let wrong = || Problem::new(StatusCode::UNAUTHORIZED, texts::INVALID_OTP);
    let Verification { email, otp, mfa_token } = call.read()?;
    let account = identity::email(&email)?.into();
    let code = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let shown = mfa_token.or_else(|| Cookie::Mfa.read(&call.headers).map(Secret::new));
    let grant = shown.map(|text| GrantToken::parse(text.expose())).transpose();
    Ok((account, code, grant.map_err(|_| wrong())?))
}

/// Ends the session of the token or the cookie. It answers alike without either, as documented.
pub(super) async fn logout(call: Call) -> Outcome {
    let shown = bearer(&call.headers).map(str::to_owned);
    if let Some(token) = shown.or_else(|| Cookie::Session.read(&call.headers)) {
        let end = Command::EndSession(EndSession::new(Secret::new(token)));
        let answer = call.app.upstream.send(call.peer?, end).await?;
        // A token of an ended session is as good as none. After any other refusal the session goes on.
        if !answer.is_ok() && answer.code != Code::SignedOut {
            return Err(Problem::of_answer(answer));
        }
    }
    let mut response = said(texts::LOGGED_OUT);
    for cookie in [Cookie::Session, Cookie::Mfa, Cookie::Reset] {
        cookie.clear(&mut response);
    }
    Ok(response)
}

fn keep_grant(response: &mut response::Response, grant: Option<&GrantToken>) {
    if let Some(grant) = grant {
        Cookie::Mfa.set(response, grant.text().expose());
    }
}

fn said(message: &'static str) -> response::Response {
    response::json(StatusCode::OK, &Said { message, ..Said::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_read_from_its_uri() {
        let uri = "otpauth://totp/i:carol%40x?algorithm=SHA1&secret=JBSWY3DP&issuer=i";
        assert_eq!(secret_of(uri).as_deref(), Some("JBSWY3DP"));
        assert_eq!(secret_of("otpauth://totp/secret=x"), None);
    }
}
