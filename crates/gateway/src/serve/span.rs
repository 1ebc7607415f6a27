//! The span of a request for a collector: its method, its route, its status.
//!
//! A route is a line of the table of routes. The path, the query and the headers of the request are
//! not in the span, and an unusual method is not named. The list of fields is in
//! `crates/daemon/src/spans.rs`.

use crate::route::Route;
use fourauth_protocol::request_id::RequestId;
use hyper::{Method, StatusCode};
use tracing::{Span, field::Empty};

/// The span of one request, from its head to its answer.
pub(super) fn open(method: &Method, id: RequestId) -> Span {
    tracing::info_span!(
        "http",
        otel.kind = "server",
        otel.name = Empty,
        otel.status_code = Empty,
        http.request.method = word(method),
        http.route = Empty,
        http.response.status_code = Empty,
        fourauth.request_id = %id,
    )
}

/// Records the route in the span of this task.
pub(super) fn found(route: &Route) {
    let span = Span::current();
    span.record("http.route", route.path);
    span.record("otel.name", route.path);
}

/// Records the status.
pub(super) fn close(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// The method, unless a peer has invented it.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        // The word of OpenTelemetry's conventions for any other method.
        _ => "_OTHER",
    }
}
