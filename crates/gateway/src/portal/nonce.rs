//! `/nonce`: a new nonce for the proof of a page that has been open for longer than its own is valid.

use super::sign_in::hello;
use crate::{call::Call, problem::Problem, response, route::Outcome};
use hyper::StatusCode;
use serde::Serialize;

#[derive(Serialize)]
struct Fresh {
    nonce: String,
}

pub(super) async fn fresh(call: Call) -> Outcome {
    call.check_origin()?;
    let nonce = hello(&call).await?.and_then(|server| server.device_nonce);
    let nonce = nonce.ok_or_else(Problem::incomplete)?;
    Ok(response::json(StatusCode::OK, &Fresh { nonce }))
}
