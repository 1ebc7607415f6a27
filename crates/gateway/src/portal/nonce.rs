//! `/nonce`: a new nonce for the proof of a page that has been open for longer than its own is valid.

use super::sign_in::send;
use crate::{call::Call, problem::Problem, response, route::Outcome};
use fourauth_protocol::command::{Command, Hello};
use hyper::StatusCode;
use serde::Serialize;

#[derive(Serialize)]
struct Fresh {
    nonce: String,
}

pub(super) async fn fresh(call: Call) -> Outcome {
    call.check_origin()?;
    let hello = send(&call, None, Command::Hello(Hello::default())).await?;
    let nonce = hello.body.server.and_then(|server| server.device_nonce);
    let nonce = nonce.ok_or_else(Problem::incomplete)?;
    Ok(response::json(StatusCode::OK, &Fresh { nonce }))
}
