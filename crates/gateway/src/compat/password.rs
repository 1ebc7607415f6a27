//! `/forgot-password`, `/validate-otp` and `/reset-password`.

use super::{Digits, identity, pace::Class, refusal::Refusal, texts, within};
use crate::{call::Call, cookies::Cookie, problem::Problem, response, route::Outcome};
use fourauth_protocol::{
    command::{Command, RequestReset, ResetPassword, ValidateReset},
    grant::GrantToken,
    reset_code::ResetCode,
    secret::Secret,
};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

const REFUSAL: Refusal = Refusal::bad(texts::EXPIRED_OTP);

#[derive(Deserialize)]
struct Forgot {
    identifier: String,
}

#[derive(Deserialize)]
struct Validate {
    identifier: String,
    otp: Digits,
}

#[derive(Deserialize)]
struct Replacement {
    identifier: String,
    new_password: Secret<String>,
    /// The grant of `/validate-otp`, for clients without cookies.
    reset_token: Option<Secret<String>>,
}

#[derive(Serialize)]
struct Said {
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_token: Option<String>,
}

/// The server counts these requests itself, by name and by source.
pub(super) async fn forgot(call: Call) -> Outcome {
    let Forgot { identifier } = call.read()?;
    let request = RequestReset::new(identity::any(&identifier)?);
    let command = Command::RequestReset(request);
    let answer = call.ask(command, |answer| REFUSAL.of(answer)).await?;
    Ok(response::with_id(said(texts::OTP_SENT, None), answer.request_id))
}

pub(super) async fn validate(call: Call) -> Outcome {
    within(call, Class::Verification, async |call| {
        let Validate { identifier, otp } = call.read()?;
        // A text that is no code is a wrong one, which the server counts.
        let code = ResetCode::parse(otp.without_spaces().expose()).ok();
        let mut validate = ValidateReset::new(identity::any(&identifier)?, code);
        validate.open_grant = true;
        let command = Command::ValidateReset(validate);
        let answer = call.ask(command, |answer| REFUSAL.of(answer)).await?;
        let grant = answer.body.grant.map(|grant| grant.text());
        let token = grant.as_ref().map(|grant| grant.expose().clone());
        let mut response = said(texts::OTP_VERIFIED, token);
        if let Some(grant) = grant {
            Cookie::Reset.set(&mut response, grant.expose());
        }
        Ok(response::with_id(response, answer.request_id))
    })
    .await
}

pub(super) async fn reset(call: Call) -> Outcome {
    within(call, Class::Verification, async |call| {
        let Replacement { identifier, new_password, reset_token } = call.read()?;
        let mut reset = ResetPassword::new(identity::any(&identifier)?, new_password);
        let cookie = || Cookie::Reset.read(&call.headers).map(Secret::new);
        if let Some(text) = reset_token.or_else(cookie) {
            let grant = GrantToken::parse(text.expose());
            reset.grant = Some(grant.map_err(|_| Problem::bad(texts::EXPIRED_OTP))?);
        }
        let command = Command::ResetPassword(reset);
        let answer = call.ask(command, |answer| REFUSAL.of(answer)).await?;
        let mut response = said(texts::PASSWORD_RESET, None);
        Cookie::Reset.clear(&mut response);
        Ok(response::with_id(response, answer.request_id))
    })
    .await
}

fn said(message: &'static str, reset_token: Option<String>) -> response::Response {
    response::json(StatusCode::OK, &Said { message, reset_token })
}
