//! The page of a refusal. A proxy may show it at the host of a service, so it uses nothing of this origin.

use crate::response::{self, Response};
use askama::Template;
use hyper::{
    StatusCode,
    header::{CONTENT_SECURITY_POLICY, HeaderValue},
};

/// What the page may do: nothing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
);

#[derive(Template)]
#[template(path = "refusal.html")]
struct Refusal<'a> {
    title: &'a str,
    sentence: &'a str,
}

/// A page with one sentence.
pub(super) fn refusal(status: StatusCode, sentence: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    // Both are texts of this program, so the template cannot fail.
    let html = Refusal { title, sentence }.render().unwrap_or_default();
    let mut response = response::whole(status, "text/html; charset=utf-8", html);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}
