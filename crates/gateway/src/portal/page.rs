//! Pages: a template, and the headers that limit what it may do.

use super::words::Words;
use crate::{
    problem::Problem,
    response::{self, Response},
    route::Outcome,
};
use askama::Template;
use hyper::{
    StatusCode,
    header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY},
};

const HTML: &str = "text/html; charset=utf-8";

/// What a page may do: load the assets of this origin, show what the camera sees, and send forms and
/// requests to this origin. No text becomes a script (Trusted Types).
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     media-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
     base-uri 'none'; require-trusted-types-for 'script'",
);

/// Only the origin: the address of a page may be the link of an invitation, and proxies log what browsers
/// send of it with the next requests. With `no-referrer`, a browser would send `Origin: null` with the
/// forms of a page.
const REFERRER: HeaderValue = HeaderValue::from_static("strict-origin");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Whether a page may use the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Camera {
    Forbidden,
    Allowed,
}

/// The page of a template.
pub(crate) fn page(status: StatusCode, template: &impl Template, camera: Camera) -> Outcome {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be made");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The request failed.")
    })?;
    let mut response = response::whole(status, HTML, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, REFERRER);
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    let permissions = match camera {
        Camera::Forbidden => "camera=(), microphone=(), geolocation=()",
        Camera::Allowed => "camera=(self), microphone=(), geolocation=()",
    };
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(permissions));
    Ok(response)
}

#[derive(Template)]
#[template(path = "bounce.html")]
struct Bounce<'a> {
    words: Words<'a>,
    path: &'a str,
}

/// A page that leads to another one of this origin at once. A redirect after a form would be refused by the
/// browser if it ended elsewhere, and one from another site would not carry the cookie of the session.
pub(crate) fn bounce(words: Words<'_>, path: &str) -> Result<Response, Problem> {
    page(StatusCode::OK, &Bounce { words, path }, Camera::Forbidden)
}
