//! A route: a method and a path of one resource, the body that it takes, and what answers it.

use crate::{
    call::Call,
    limits,
    problem::Problem,
    response::{self, Response},
    settings::Resource,
    translation::Translation,
};
use hyper::{Method, StatusCode};
use std::pin::Pin;

/// The outcome of a route.
pub(crate) type Outcome = Result<Response, Problem>;

/// What answers a route.
pub(crate) type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One line of the table of routes.
#[derive(Debug)]
pub(crate) struct Route {
    /// `GET` routes answer `HEAD` as well.
    pub(crate) method: Method,
    /// Segments; one may be `{name}`, which stands for any text.
    pub(crate) path: &'static str,
    pub(crate) resource: Resource,
    pub(crate) body: Takes,
    pub(crate) work: Work,
}

/// What a route does.
#[derive(Debug)]
pub(crate) enum Work {
    /// It answers by itself.
    Own(Handler),
    /// It sends a command, and passes the answer on.
    Command(Translation),
}

/// The body that a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// None.
    Nothing,
    /// One JSON object.
    Json,
    /// One JSON object, which may hold pictures.
    Pictures,
    /// The texts of a form of HTML, which become one JSON object.
    Form,
    /// Any body, which is ignored.
    Anything,
}

/// What a path and a method lead to.
pub(crate) enum Found {
    /// A route, and the text of its parameter.
    Route(&'static Route, String),
    /// The path has routes, with other methods.
    OtherMethods(String),
    /// The path has no route here.
    Nothing,
}

impl Route {
    /// Answers a request.
    pub(crate) async fn answer(&self, call: Call) -> Outcome {
        match &self.work {
            Work::Own(handler) => handler(call).await,
            Work::Command(translation) => {
                let command = translation.command(&call)?;
                let answer = call.send(command).await?;
                Ok(response::of_answer(StatusCode::OK, answer))
            }
        }
    }
}

impl Takes {
    /// Longest body, in bytes.
    pub(crate) const fn limit(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Json | Self::Form | Self::Anything => limits::SMALL_BODY,
            Self::Pictures => limits::PICTURE_BODY,
        }
    }
}

/// Finds the route of a request among those of `resources`. Paths are compared as they arrive, so
/// an encoded `/` or `.` leads nowhere.
pub(crate) fn find(
    routes: &[&'static Route],
    resources: &[Resource],
    method: &Method,
    path: &str,
) -> Found {
    let here = routes.iter().filter(|route| resources.contains(&route.resource));
    let matching: Vec<_> =
        here.filter_map(|route| Some((*route, parameter(route.path, path)?))).collect();
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut methods: Vec<&str> = Vec::new();
    for (route, parameter) in matching {
        if route.method == *method {
            return Found::Route(route, parameter);
        }
        methods.push(route.method.as_str());
        if route.method == Method::GET {
            methods.push(Method::HEAD.as_str());
        }
    }
    if methods.is_empty() { Found::Nothing } else { Found::OtherMethods(methods.join(", ")) }
}

/// `None` if `path` is not one of `pattern`, else the text of its parameter, which is empty if the
/// pattern has none.
fn parameter(pattern: &str, path: &str) -> Option<String> {
    let mut found = String::new();
    let (mut expected, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(expected), Some(given)) if expected.starts_with('{') => {
                found = decoded(given)?;
            }
            (Some(expected), Some(given)) if expected == given => {}
            _ => return None,
        }
    }
}

/// The text of a segment. `None` for one that could be taken for a part of a path.
fn decoded(segment: &str) -> Option<String> {
    let text = decoded_text(segment)?;
    let is_plain = !text.is_empty() && !text.chars().any(|c| c.is_control() || "/\\".contains(c));
    (is_plain && !matches!(text.as_str(), "." | "..")).then_some(text)
}

/// Decodes what RFC 3986 §2.1 encodes. `None` if it is not UTF-8 or not encoded in this way.
pub(crate) fn decoded_text(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => bytes.push(u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Decodes a text of a query or of a form, where `+` stands for a space (HTML,
/// application/x-www-form-urlencoded).
pub(crate) fn decoded_value(encoded: &str) -> Option<String> {
    decoded_text(&encoded.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_stands_for_one_segment() {
        let of = |path: &str| parameter("/devices/{name}", path);
        assert_eq!(of("/devices/laptop"), Some("laptop".into()));
        assert_eq!(of("/devices/my%20caf%C3%A9"), Some("my café".into()));
        assert_eq!(parameter("/devices", "/devices"), Some(String::new()));
    }

    #[test]
    fn a_path_with_tricks_leads_nowhere() {
        for path in [
            "/devices/",
            "/devices/a/",
            "/devices//a",
            "//devices/a",
            "/devices/a%2fb",
            "/devices/a%5Cb",
            "/devices/..",
            "/devices/%2e%2e",
            "/devices/%2E",
            "/devices/a%00",
            "/devices/%ff",
            "/devices/%",
            "/devices/%4",
            "/devices/%+1",
            "/devices/%zz",
            "/Devices/a",
            "/%64evices/a",
            "devices/a",
            "/devices/a/../b",
            "",
        ] {
            assert_eq!(parameter("/devices/{name}", path), None, "{path}");
        }
    }
}
