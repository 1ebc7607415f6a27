//! The public keys that verify the tokens of logins (RFC 7517).

use crate::{call::Call, problem::Problem, response, route::Outcome};
use fourauth_protocol::jwt::PublicKey;
use hyper::{
    StatusCode,
    header::{CACHE_CONTROL, HeaderValue},
};
use serde::Serialize;

/// How long a service may keep the keys: five minutes, well below the overlap of a rotation.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

#[derive(Serialize)]
struct KeySet {
    keys: Vec<PublicKey>,
}

pub(super) async fn published(call: Call) -> Outcome {
    let answer = call.app.upstream.keys().await?;
    if !answer.is_ok() {
        return Err(Problem::of_answer(answer));
    }
    let keys = answer.body.keys.unwrap_or_default();
    let mut response = response::json(StatusCode::OK, &KeySet { keys });
    response.headers_mut().insert(CACHE_CONTROL, CACHED);
    Ok(response)
}
