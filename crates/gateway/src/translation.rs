//! Makes a command of a request. It adds no rule: the command's own reader checks every field.
//!
//! The members of the body stay as they are. In front of them stand `cmd` and the fields that come
//! from other parts of the request. A body that names one of these as well has a member twice, and
//! is refused.

use crate::{
    call::Call,
    problem::Problem,
    query::{self, Parameter},
};
use fourauth_protocol::{
    command::{Command, Refused},
    secret::Secret,
};
use hyper::{
    StatusCode,
    header::{AUTHORIZATION, HeaderMap},
};
use serde_json::{Value, json};

/// Which command a route sends, and where its fields come from.
#[derive(Debug)]
pub(crate) struct Translation {
    /// The number of the command.
    pub(crate) command: &'static str,
    /// What it does, for the description of the API.
    pub(crate) summary: &'static str,
    /// The field that `Authorization: Bearer` fills.
    pub(crate) bearer: Option<&'static str>,
    /// The field that the parameter of the path fills.
    pub(crate) path: Option<&'static str>,
    /// The fields that the query fills.
    pub(crate) query: &'static [Parameter],
    /// True for a command about all things of its kind.
    pub(crate) is_for_all: bool,
}

impl Translation {
    /// A command with all its fields in the body.
    pub(crate) const fn new(command: &'static str, summary: &'static str) -> Self {
        Self { command, summary, bearer: None, path: None, query: &[], is_for_all: false }
    }

    /// The command of a request.
    pub(crate) fn command(&self, call: &Call) -> Result<Command, Problem> {
        let mut payload = Payload::of(self.command);
        if let Some(field) = self.bearer {
            let token = bearer(&call.headers).ok_or_else(unauthorised)?;
            payload.add(field, &Value::String(token.to_owned()));
        }
        if let Some(field) = self.path {
            payload.add(field, &Value::String(call.parameter.clone()));
        }
        for (field, value) in query::read(call.query.as_deref(), self.query)? {
            payload.add(field, &value);
        }
        if self.is_for_all {
            payload.add("all", &json!(true));
        }
        let payload = payload.with_members_of(call.body.expose());
        Command::from_json(payload.expose()).map_err(refused)
    }
}

/// The text of a payload, as far as it is written.
struct Payload(Vec<u8>);

impl Payload {
    fn of(command: &str) -> Self {
        Self(format!("{{\"cmd\":\"{command}\"").into_bytes())
    }

    fn add(&mut self, field: &str, value: &Value) {
        self.0.extend_from_slice(format!(",\"{field}\":{value}").as_bytes());
    }

    /// The whole payload. `body` is empty or one object.
    fn with_members_of(mut self, body: &[u8]) -> Secret<Vec<u8>> {
        let body = body.trim_ascii();
        let members = body.strip_prefix(b"{").unwrap_or(b"}").trim_ascii_start();
        if members != b"}" {
            self.0.push(b',');
        }
        self.0.extend_from_slice(members);
        Secret::new(self.0)
    }
}

/// The text of one `Authorization: Bearer` header (RFC 6750 §2.1). A request with two is ambiguous.
/// A token may have a prefix that is not ASCII.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = str::from_utf8(value.as_bytes()).ok()?.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("Bearer") && !token.trim().is_empty();
    is_bearer.then_some(token.trim())
}

fn unauthorised() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Send one header Authorization: Bearer TOKEN.")
}

fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Malformed(what) => Problem::bad(format!("Malformed request: {what}.")),
        Refused::TooLarge => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("{refused}.")),
        Refused::Unknown | Refused::NotAGateway => {
            tracing::error!(%refused, "a route sends what is not a command");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The request failed.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn payload(body: &str) -> String {
        let mut payload = Payload::of("130");
        payload.add("token", &json!("a\"b"));
        String::from_utf8(payload.with_members_of(body.as_bytes()).expose().clone()).unwrap()
    }

    #[test]
    fn the_members_of_the_body_follow_the_other_fields() {
        let start = r#"{"cmd":"130","token":"a\"b""#;
        for body in ["", "{}", " { } ", "{\n}"] {
            assert_eq!(payload(body), format!("{start}}}"), "{body:?}");
        }
        assert_eq!(payload(" {\"mac\": null} "), format!("{start},\"mac\": null}}"));
    }

    #[test]
    fn a_body_cannot_replace_a_field_of_the_request() {
        for body in [r#"{"token":"x"}"#, r#"{"cmd":"100"}"#, r#"{"\u0063md":"100"}"#] {
            let command = Command::from_json(payload(body).as_bytes());
            assert!(matches!(command, Err(Refused::Malformed(_))), "{body}");
        }
    }

    #[test]
    fn only_one_bearer_token_is_read() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["Bearer t0ken"]).as_deref(), Some("t0ken"));
        assert_eq!(of(&["bearer 𝔄_t0ken"]).as_deref(), Some("𝔄_t0ken"));
        for values in [&[] as &[&str], &["Bearer a", "Bearer b"], &["Basic YTpi"], &["Bearer "]] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}
