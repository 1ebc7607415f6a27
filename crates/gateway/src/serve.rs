//! Answers one request: finds its route, receives its body, and makes every answer whole.

mod span;

use crate::{
    body,
    call::Call,
    connection::Connection,
    entropy, limits, portal,
    problem::{Form, Problem},
    response::{self, Response},
    route::Outcome,
    router::Found,
};
use bytes::Bytes;
use fourauth_protocol::request_id::RequestId;
use futures_util::FutureExt as _;
use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode, Version,
    body::{Body as _, Incoming},
    header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING},
};
use std::{panic::AssertUnwindSafe, sync::Arc};
use tracing::Instrument as _;

/// The answer to one request. Every answer of this crate is made here.
pub(crate) async fn answer(connection: &Connection, request: Request<Incoming>) -> Response {
    let id = RequestId::new((connection.app.clock)(), entropy::of_request_id());
    let form = Form::of(request.headers());
    let span = span::open(request.method(), id);
    let is_head = request.method() == Method::HEAD;
    let reader = portal::reader(&connection.app, &connection.resources, &request);
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    // A panic has been logged by its hook.
    let outcome = AssertUnwindSafe(outcome(connection, request)).catch_unwind();
    let outcome = outcome.instrument(span.clone()).await;
    let outcome = outcome.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The request failed."))
    });
    let mut response = outcome.unwrap_or_else(|problem| {
        let refusal = problem.into_response(form, id);
        match reader {
            Some(words) => portal::as_page(refusal, words),
            None => refusal,
        }
    });
    response::secure(&mut response, id, connection.is_tls);
    span::close(&span, response.status());
    if is_chunked {
        // RFC 9112 §6.1: a request may have had a length as well, which some proxy believes.
        response::close_after(&mut response);
    }
    if is_head { without_body(response) } else { response }
}

async fn outcome(connection: &Connection, request: Request<Incoming>) -> Outcome {
    let app = &connection.app;
    let (parts, incoming) = request.into_parts();
    check_host(parts.version, &parts.headers)?;
    let path = parts.uri.path();
    let found = app.router.find(&connection.resources, &parts.method, path);
    let (route, parameter) = match found {
        Found::Route(route, parameter) => (route, parameter),
        Found::OtherMethods(allowed) => return Err(Problem::method(allowed)),
        Found::Nothing => return Err(Problem::not_found()),
    };
    span::found(route);
    let peer = app.proxies.peer(connection.address, &parts.headers);
    let source = peer.unwrap_or(connection.address);
    let (mut slot, mut share) = (app.requests.open(Some(source)), app.bodies.open(Some(source)));
    if !slot.grow(1) {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests at a time.");
        return Err(problem.and_wait(limits::SLOT_WAIT).and_close());
    }
    let body = body::receive(route.body, &parts.headers, incoming, &mut share).await?;
    let query = parts.uri.query().map(str::to_owned);
    let is_from_a_proxy = app.proxies.contains(connection.address);
    let headers = parts.headers;
    let app = Arc::clone(app);
    let call = Call { app, peer, is_from_a_proxy, headers, parameter, query, body };
    let outcome = route.answer(call).await;
    drop((slot, share));
    outcome
}

/// RFC 9112 §3.2: a request of HTTP/1.1 without exactly one `Host` is answered with 400.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let count = headers.get_all(HOST).iter().count();
    if count > 1 || version == Version::HTTP_11 && count == 0 {
        return Err(Problem::bad("Send one Host header.").and_close());
    }
    Ok(())
}

/// RFC 9110 §9.3.2: `HEAD` has the headers of `GET`.
fn without_body(mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response.map(|_| Full::new(Bytes::new()))
}
