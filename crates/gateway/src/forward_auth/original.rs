//! The request that a proxy asks about, as its headers describe it.
//!
//! Only a listed proxy is believed. Each header must be there exactly once: a proxy that passes on what a
//! visitor sent would let the visitor choose.

use crate::{call::Call, percent::decoded_text, problem::Problem, response::accepts};
use fourauth_daemon::settings::{Origin, is_plain};
use hyper::{
    StatusCode,
    header::{HeaderMap, ORIGIN, SEC_WEBSOCKET_KEY},
};

/// A request to another service.
#[derive(Debug)]
pub(super) struct Original {
    method: String,
    origin: Origin,
    /// Its path and query, as the visitor sent them.
    uri: String,
    is_navigation: bool,
    site: Option<Site>,
    is_websocket: bool,
}

/// Where a browser says that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    /// The service itself, or a person.
    Same,
    /// Another origin.
    Other,
}

impl Original {
    /// Reads the description of a request.
    ///
    /// # Errors
    ///
    /// 403 if no listed proxy asks, or if the request was not sent over TLS; 400 if the description is not
    /// complete.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        if !call.is_from_a_proxy {
            let text = "Only a proxy in web.proxies may ask.";
            return Err(Problem::new(StatusCode::FORBIDDEN, text));
        }
        Self::read(&call.headers)
    }

    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let method = one(headers, "x-forwarded-method")?;
        let uri = one(headers, "x-forwarded-uri")?;
        // WebSockets have schemes of their own.
        let scheme = match one(headers, "x-forwarded-proto")? {
            "https" | "wss" => "https",
            "http" | "ws" => "http",
            _ => return Err(Problem::bad("X-Forwarded-Proto has an unknown scheme.")),
        };
        let host = one(headers, "x-forwarded-host")?.to_ascii_lowercase();
        let origin: Origin = format!("{scheme}://{host}").parse().map_err(|_| {
            let text = "The service must be reached over HTTPS, by a host name.";
            Problem::new(StatusCode::FORBIDDEN, text)
        })?;
        // No request has a fragment. Some services read one that is sent all the same as a part of the path.
        if uri.contains('#') {
            let text = "The address of this page has a fragment.";
            return Err(Problem::new(StatusCode::FORBIDDEN, text));
        }
        if !uri.starts_with('/') || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Problem::bad("The proxy did not describe the request."));
        }
        let mode = text(headers, "sec-fetch-mode");
        let is_page = matches!(method, "GET" | "HEAD") && accepts(headers, "text/html");
        Ok(Self {
            is_navigation: is_page && mode.is_none_or(|mode| mode == "navigate"),
            site: site(headers, &origin),
            // Chromium sends no metadata with a WebSocket.
            is_websocket: mode == Some("websocket") || headers.contains_key(SEC_WEBSOCKET_KEY),
            method: method.to_owned(),
            uri: uri.to_owned(),
            origin,
        })
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The method. A `HEAD` is allowed what a `GET` is.
    pub(super) fn method(&self) -> &str {
        if self.method == "HEAD" { "GET" } else { &self.method }
    }

    /// The decoded path. `None` if services may read it in different ways.
    pub(super) fn path(&self) -> Option<String> {
        let path = self.uri.split('?').next().unwrap_or_default();
        // A service may decode an encoded slash before or after it divides the path.
        let has_slash = path.to_ascii_lowercase().contains("%2f");
        decoded_text(path).filter(|path| !has_slash && is_plain(path))
    }

    /// The whole address.
    pub(super) fn url(&self) -> String {
        format!("{}{}", self.origin, self.uri)
    }

    /// True if a browser shows the answer to a person: a redirect leads somewhere.
    pub(super) const fn is_navigation(&self) -> bool {
        self.is_navigation
    }

    /// True if a page of another origin may have caused this change, with the cookies of its visitor.
    pub(super) fn is_forged_by_another_site(&self) -> bool {
        let changes_nothing = matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        (!changes_nothing || self.is_websocket) && self.site == Some(Site::Other)
    }
}

/// The site that caused a request: what the browser says, or else its `Origin`. A page of another service
/// of the domain is another site as well. `None` if nothing is said, as by programs.
fn site(headers: &HeaderMap, origin: &Origin) -> Option<Site> {
    let site_of = |is_same| if is_same { Site::Same } else { Site::Other };
    if headers.contains_key("sec-fetch-site") {
        let site = text(headers, "sec-fetch-site");
        return Some(site_of(matches!(site, Some("same-origin" | "none"))));
    }
    headers.contains_key(ORIGIN).then(|| site_of(text(headers, "origin") == Some(origin.as_str())))
}

/// The text of a header that is there once.
fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok()
}

fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Problem> {
    let is_one = |text: &&str| !text.is_empty() && (!text.contains(',') || name.ends_with("uri"));
    text(headers, name).filter(is_one).ok_or_else(|| {
        Problem::bad(format!("The proxy must send {name} once, about the request of its visitor."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    fn headers(more: &[(&str, &str)]) -> HeaderMap {
        let usual = [
            ("x-forwarded-method", "GET"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "wiki.example.org"),
            ("x-forwarded-uri", "/page?x=1,2"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in usual.iter().filter(|(name, _)| more.iter().all(|it| it.0 != *name)) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for (name, value) in more.iter().filter(|(_, value)| *value != "-") {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn original(more: &[(&str, &str)]) -> Original {
        Original::read(&headers(more)).unwrap()
    }

    #[test]
    fn a_description_is_complete_and_not_ambiguous() {
        assert_eq!(original(&[]).url(), "https://wiki.example.org/page?x=1,2");
        let odd = original(&[
            ("x-forwarded-host", "Wiki.Example.org:8443"),
            ("x-forwarded-proto", "wss"),
        ]);
        assert_eq!(odd.origin().as_str(), "https://wiki.example.org:8443");
        for (name, value) in [
            ("x-forwarded-method", "-"),
            ("x-forwarded-method", "get"),
            ("x-forwarded-proto", "-"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-proto", "ftp"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "-"),
            ("x-forwarded-host", "wiki.example.org, evil.example"),
            ("x-forwarded-host", "wiki.example.org."),
            ("x-forwarded-host", "user@wiki.example.org"),
            ("x-forwarded-uri", "-"),
            ("x-forwarded-uri", "http://wiki.example.org/"),
            ("x-forwarded-uri", "/public#/../admin"),
        ] {
            assert!(Original::read(&headers(&[(name, value)])).is_err(), "{name}: {value}");
        }
        let twice = [("x-forwarded-host", "a.example.org"), ("x-forwarded-host", "b.example.org")];
        assert!(Original::read(&headers(&twice)).is_err());
    }

    #[test]
    fn an_ambiguous_path_is_not_decoded() {
        let path = |uri: &str| original(&[("x-forwarded-uri", uri)]).path();
        for (uri, decoded) in
            [("/a%20b?c", "/a b"), ("/%61dmin", "/admin"), ("/gr%C3%B6%C3%9Fe", "/größe")]
        {
            assert_eq!(path(uri).as_deref(), Some(decoded));
        }
        for uri in [
            "//a",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a%2Fb",
            "/a%5cb",
            "/a;b",
            "/a%252e",
            "/%ff",
            "/a%00",
            "/a%23",
            "/a%3f",
            "/a%2e",
            "/a%20",
            "/..%20/b",
        ] {
            assert_eq!(path(uri), None, "{uri}");
        }
    }

    #[test]
    fn only_a_page_is_a_navigation() {
        let page = ("accept", "text/html,*/*;q=0.8");
        for (more, expected) in [
            (&[page][..], true),
            (&[page, ("sec-fetch-mode", "navigate")], true),
            (&[page, ("sec-fetch-mode", "cors")], false),
            (&[page, ("x-forwarded-method", "POST")], false),
            (&[("accept", "application/json")], false),
            (&[], false),
        ] {
            assert_eq!(original(more).is_navigation(), expected, "{more:?}");
        }
    }

    #[test]
    fn a_change_that_another_site_causes_is_forged() {
        let post = ("x-forwarded-method", "POST");
        for (more, expected) in [
            (&[post, ("sec-fetch-site", "cross-site")][..], true),
            (&[post, ("sec-fetch-site", "same-site")], true),
            (&[post, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")], true),
            (&[post, ("origin", "https://evil.example")], true),
            (&[post, ("origin", "null")], true),
            (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "websocket")], true),
            (&[("sec-websocket-key", "x"), ("origin", "https://evil.example")], true),
            (&[("sec-websocket-key", "x"), ("origin", "https://wiki.example.org")], false),
            (&[post, ("sec-fetch-site", "same-origin")], false),
            (&[post, ("origin", "https://wiki.example.org")], false),
            (&[post], false),
            (&[("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(original(more).is_forged_by_another_site(), expected, "{more:?}");
        }
    }
}
