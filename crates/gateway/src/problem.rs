//! An answer that is an error, in the two forms of JSON that callers can ask for.

use crate::{
    peer::Unnamed,
    response::{self, Response},
    status,
    upstream::Failure,
};
use fourauth_client::Error;
use fourauth_protocol::{answer::Answer, code::Code, receipt::Method, request_id::RequestId};
use hyper::{
    StatusCode,
    header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use std::time::Duration;

/// The media type of RFC 9457.
const PROBLEM_JSON: &str = "application/problem+json";

/// Wait after an error of the server that names none.
const USUAL_WAIT: Duration = Duration::from_secs(1);

/// Why a request has no other answer. Its text quotes nothing that the peer sent.
#[derive(Debug)]
pub(crate) struct Problem(Box<Fields>);

#[derive(Debug)]
struct Fields {
    status: StatusCode,
    error: String,
    code: Option<Code>,
    id: Option<RequestId>,
    retry_after: Option<Duration>,
    allow: Option<String>,
    missing: Vec<Method>,
    /// True if the rest of the request will not be read.
    ends_connection: bool,
}

/// The form that the caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"error": …}`.
    Plain,
    /// RFC 9457.
    Problem,
}

#[derive(Serialize)]
struct Plain<'a> {
    error: &'a str,
    #[serde(flatten)]
    more: More<'a>,
}

#[derive(Serialize)]
struct Detailed<'a> {
    /// RFC 9457 §4.2.1: the title is that of the status.
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    more: More<'a>,
}

#[derive(Serialize)]
struct More<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    request_id: RequestId,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [Method],
}

impl Form {
    /// The form that `Accept` names.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if response::accepts(headers, PROBLEM_JSON) { Self::Problem } else { Self::Plain }
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let is_down = status == StatusCode::SERVICE_UNAVAILABLE;
        Self(Box::new(Fields {
            status,
            error: error.into(),
            code: None,
            id: None,
            retry_after: is_down.then_some(USUAL_WAIT),
            allow: None,
            missing: Vec::new(),
            ends_connection: false,
        }))
    }

    /// 400.
    pub(crate) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// 502: an answer of the server lacks what it must have.
    pub(crate) fn incomplete() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "The server gave an incomplete answer.")
    }

    /// 404.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is nothing here.")
    }

    /// 405, with the methods that the path has.
    pub(crate) fn method(allowed: String) -> Self {
        let error = format!("This path allows {allowed}.");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, error);
        problem.0.allow = Some(allowed);
        problem
    }

    /// The same problem, with the id that the server gave the request.
    pub(crate) fn and_id(mut self, id: Option<RequestId>) -> Self {
        self.0.id = id;
        self
    }

    /// The same problem, with the time after which the request may succeed.
    pub(crate) fn and_wait(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The same problem, after which the connection is closed.
    pub(crate) fn and_close(mut self) -> Self {
        self.0.ends_connection = true;
        self
    }

    /// The answer of the server to a command that it did not grant.
    pub(crate) fn of_answer(answer: Answer) -> Self {
        let mut problem = Self::new(status::of(answer.code), answer.message);
        let needs_wait = matches!(answer.code, Code::Locked | Code::Throttled);
        let usual = problem.0.retry_after.or(needs_wait.then_some(USUAL_WAIT));
        problem.0.retry_after = answer.retry_after_ms.map(Duration::from_millis).or(usual);
        problem.0.code = Some(answer.code);
        problem.0.id = answer.request_id;
        problem.0.missing = answer.body.missing.unwrap_or_default();
        problem
    }

    /// The answer to a caller that asks for this form. `id` is that of the request, unless the
    /// server gave it one.
    pub(crate) fn into_response(self, form: Form, id: RequestId) -> Response {
        let fields = *self.0;
        let request_id = fields.id.unwrap_or(id);
        let mut response = fields.body(form, request_id);
        let headers = response.headers_mut();
        headers.insert(response::REQUEST_ID, response::value(&request_id.to_string()));
        if let Some(wait) = fields.retry_after {
            retry_after(&mut response, wait);
        }
        let headers = response.headers_mut();
        if let Some(allow) = &fields.allow {
            headers.insert(ALLOW, response::value(allow));
        }
        if fields.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if fields.ends_connection {
            response::close_after(&mut response);
        }
        response
    }
}

impl Fields {
    fn body(&self, form: Form, request_id: RequestId) -> Response {
        let (status, error) = (self.status, self.error.as_str());
        let more = More { code: self.code, request_id, missing: &self.missing };
        match form {
            Form::Plain => response::json(status, &Plain { error, more }),
            Form::Problem => {
                let body = Detailed {
                    r#type: "about:blank",
                    title: status.canonical_reason().unwrap_or("Error"),
                    status: status.as_u16(),
                    detail: error,
                    more,
                };
                response::with_type(response::json(status, &body), PROBLEM_JSON)
            }
        }
    }
}

/// Says when to try again.
pub(crate) fn retry_after(response: &mut Response, wait: Duration) {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
}

/// Seconds, rounded up: a caller that waits so long does not come too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl From<Unnamed> for Problem {
    fn from(Unnamed: Unnamed) -> Self {
        Self::bad(
            "This request comes from an address in web.proxies, and X-Forwarded-For names no client \
             outside of web.proxies.",
        )
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(error) => {
                // Each attempt to reach it is logged where it is made; visitors may ask much more often.
                tracing::debug!(%error, "the server cannot be reached");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The server cannot be reached.")
            }
            Failure::Lost(Error::TooLarge(_)) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "The pictures are too large.")
            }
            Failure::Lost(error) => {
                tracing::warn!(%error, "a command has no answer");
                if error.may_have_been_decided() {
                    let text = "The answer was lost. The request may have been carried out.";
                    Self::new(StatusCode::GATEWAY_TIMEOUT, text)
                } else {
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "The server cannot be reached.")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_seconds() {
        for (millis, seconds) in [(0, 0), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
