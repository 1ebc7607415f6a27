//! Answers of HTTP, and the headers that each of them has.

use bytes::Bytes;
use fourauth_protocol::{answer::Answer, request_id::RequestId};
use http_body_util::Full;
use hyper::{
    StatusCode,
    header::{
        ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
        HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::Serialize;

/// An answer with its whole body.
pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// The id of the request, as in the log and in the audit row.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Two years, which browsers remember from the last visit on.
const HSTS: &str = "max-age=63072000";

/// What an answer may load: nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => whole(status, "application/json", body),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            whole(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{}")
        }
    }
}

/// The granted answer of the server, as it is.
pub(crate) fn of_answer(status: StatusCode, answer: Answer) -> Response {
    let id = answer.request_id;
    // The reference is between the gateway and the server.
    with_id(json(status, &answer.with_reference(None)), id)
}

/// The same answer, with the id that the server gave the request.
pub(crate) fn with_id(mut response: Response, id: Option<RequestId>) -> Response {
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, value(&id.to_string()));
    }
    response
}

/// An answer with this body.
pub(crate) fn whole(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    with_type(response, content_type)
}

/// The same answer, as another media type.
pub(crate) fn with_type(mut response: Response, content_type: &'static str) -> Response {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A header of a text from this program.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Asks HTTP/1.1 to close the connection after this answer. HTTP/2 has no such header (RFC 9113
/// §8.2.2), and needs none: the stream ends.
pub(crate) fn close_after(response: &mut Response) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Adds what every answer has. Headers that an answer has already stay as they are.
pub(crate) fn secure(response: &mut Response, id: RequestId, is_tls: bool) {
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    add(REQUEST_ID, value(&id.to_string()));
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, NOTHING),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        add(name, HeaderValue::from_static(value));
    }
    if is_tls {
        add(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
}

/// True if `Accept` names this media type itself, with a weight above zero.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|text| text.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|named| named.eq_ignore_ascii_case(media_type));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_named && weight.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_media_type_is_accepted() {
        let accepts = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            accepts(&headers, "text/html")
        };
        for accept in ["text/html", "a/b, Text/HTML;q=0.5", "application/xml;q=0.9,text/html"] {
            assert!(accepts(accept), "{accept}");
        }
        for accept in ["", "*/*", "text/*", "text/html;q=0", "text/htmlx", "text/html;q=x"] {
            assert!(!accepts(accept), "{accept}");
        }
    }
}
