//! The pages of this resource: plain HTML, one style sheet, and no script.

use crate::{
    response::{self, Response},
    route::Outcome,
};
use hyper::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY},
};
use std::fmt;

const HTML: &str = "text/html; charset=utf-8";

/// What a page may do: use the style sheet, and send forms to this origin.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
     base-uri 'none'",
);

/// With `no-referrer`, a browser would send `Origin: null` with the forms of a page.
const REFERRER: HeaderValue = HeaderValue::from_static("same-origin");

/// How long a browser may keep the style sheet.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=3600");

const STYLE: &str = include_str!("style.css");

/// A text in HTML, also in an attribute with quotation marks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => write!(f, "{c}"),
        })
    }
}

/// A page. `body` is HTML.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    framed(status, title, "<link rel=\"stylesheet\" href=\"/sign-in.css\">\n", body)
}

/// A page that leads to another one of this origin at once. A redirect after a form would be refused by the
/// browser if it ended elsewhere, and one from another site would not carry the cookie of the session.
pub(super) fn bounce(path: &str) -> Response {
    let path = Escaped(path);
    let head = format!("<meta http-equiv=\"refresh\" content=\"0; url={path}\">");
    let body = format!("<p><a href=\"{path}\">Continue</a></p>");
    framed(StatusCode::OK, "One moment", &head, &body)
}

/// A page with one sentence. A proxy may show it at the host of a service, which has no style sheet of ours.
pub(super) fn refusal(status: StatusCode, sentence: &str) -> Response {
    let body = format!("<p role=\"alert\">{}</p>", Escaped(sentence));
    framed(status, status.canonical_reason().unwrap_or("Refused"), "", &body)
}

fn framed(status: StatusCode, title: &str, head: &str, body: &str) -> Response {
    let title = Escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{head}\
         <title>{title}</title>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n"
    );
    let mut response = response::whole(status, HTML, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, REFERRER);
    response
}

/// The style sheet.
#[expect(clippy::unnecessary_wraps, reason = "all routes have the same type")]
pub(super) fn style() -> Outcome {
    let mut response = response::whole(StatusCode::OK, "text/css; charset=utf-8", STYLE);
    response.headers_mut().insert(CACHE_CONTROL, CACHED);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_become_markup() {
        let text = "\"><script>alert('x')</script>&";
        let shown = Escaped(text).to_string();
        assert!(!shown.contains(['<', '>', '"', '\'']), "{shown}");
        assert!(shown.ends_with("&amp;"), "{shown}");
    }
}
