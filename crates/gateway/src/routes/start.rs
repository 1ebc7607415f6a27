//! `/`: the line by which the clients of an older system see that the server runs.

use crate::{
    call::Call,
    response::{self, accepts},
    route::{Outcome, Route, Takes, Work},
    settings::Resource,
};
use hyper::{Method, StatusCode};
use serde::Serialize;

pub(super) static ROUTES: [Route; 1] = [Route {
    method: Method::GET,
    path: "/",
    resource: Resource::Compat,
    body: Takes::Nothing,
    work: Work::Own(|call| Box::pin(async move { start(&call) })),
}];

#[derive(Serialize)]
struct Running {
    message: &'static str,
}

#[expect(clippy::unnecessary_wraps, reason = "all routes have the same type")]
fn start(call: &Call) -> Outcome {
    if accepts(&call.headers, "text/html") {
        let page = "<!doctype html><title>fourauth</title><p>Auth System Running!\n";
        return Ok(response::whole(StatusCode::OK, "text/html; charset=utf-8", page));
    }
    Ok(response::json(StatusCode::OK, &Running { message: "Auth System Running!" }))
}
