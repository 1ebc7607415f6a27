//! A request of a browser that no page can answer: a page in the person's language instead of JSON.

use super::{
    page::{Camera, page},
    words::Words,
};
use crate::{
    gateway::App,
    response::{self, Response},
    router::Found,
    settings::Resource,
};
use askama::Template;
use hyper::{Request, StatusCode};

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble<'a> {
    words: Words<'a>,
    text: &'static str,
}

/// The texts for a person that reads the answer to this request. `None` for a program, and for what is no page.
pub(crate) fn reader<'a, B>(
    app: &'a App,
    resources: &[Resource],
    request: &Request<B>,
) -> Option<Words<'a>> {
    let pages = app.pages.as_ref()?;
    if !response::accepts(request.headers(), "text/html") {
        return None;
    }
    let is_page =
        |resource| matches!(resource, Resource::SignIn | Resource::Portal | Resource::Console);
    let found = app.router.find(resources, request.method(), request.uri().path());
    let is_for_people = match found {
        Found::Route(route, _) => is_page(route.resource),
        Found::OtherMethods(_) | Found::Nothing => resources.contains(&Resource::SignIn),
    };
    is_for_people.then(|| Words::of(pages, request.headers()).ok()).flatten()
}

/// The same refusal as a page.
pub(crate) fn as_page(refusal: Response, words: Words<'_>) -> Response {
    let text = key(refusal.status());
    let Ok(page) = page(refusal.status(), &Trouble { words, text }, Camera::Forbidden) else {
        return refusal;
    };
    let (mut head, _) = refusal.into_parts();
    let (of_page, body) = page.into_parts();
    head.headers.extend(of_page.headers);
    Response::from_parts(head, body)
}

/// The key of the text about a status.
fn key(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "trouble-signed-out",
        StatusCode::FORBIDDEN => "trouble-forbidden",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "trouble-nothing",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "complaint-busy",
        status if status.is_server_error() => "trouble-failed",
        _ => "trouble-bad",
    }
}
