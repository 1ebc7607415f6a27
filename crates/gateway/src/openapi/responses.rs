//! The responses: statuses, headers and bodies of granted requests and of problems.
//!
//! Every status that a route can answer with is listed. The exact ones of a command would be a second
//! table beside the code of the server, so they follow from what the route takes.

use crate::{
    route::{Route, Takes},
    translation::Translation,
};
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use std::iter;

/// Every problem, with what it means to a caller.
const PROBLEMS: [(StatusCode, &str); 14] = [
    (StatusCode::BAD_REQUEST, "The request is malformed, or a new value is not accepted."),
    (StatusCode::UNAUTHORIZED, "A secret, a factor or a token is wrong or missing."),
    (StatusCode::FORBIDDEN, "The caller may not do this here or now."),
    (StatusCode::NOT_FOUND, "There is no such thing."),
    (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
    (StatusCode::CONFLICT, "It is taken, or another request changed the account."),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body has another type, or is compressed."),
    (StatusCode::UNPROCESSABLE_ENTITY, "A picture cannot be used."),
    (StatusCode::TOO_MANY_REQUESTS, "Too many attempts."),
    (StatusCode::INTERNAL_SERVER_ERROR, "A fault of the server."),
    (StatusCode::BAD_GATEWAY, "The server does not accept this gateway, or is a newer one."),
    (StatusCode::SERVICE_UNAVAILABLE, "The server is busy, or cannot be reached."),
    (StatusCode::GATEWAY_TIMEOUT, "The answer was lost. The request may have been carried out."),
];

/// The responses of a route.
pub(super) fn of(route: &Route, translation: &Translation) -> Value {
    let granted = json!({
        "description": "Granted.",
        "headers": { "Request-Id": { "$ref": "#/components/headers/Request-Id" } },
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Answer" } } },
    });
    all(granted, |status| can_answer(route, translation, status))
}

/// The responses of a route that answers by itself, with this schema of a granted request. It names no
/// thing that could be missing, and takes no pictures.
pub(super) fn of_shape(route: &Route, schema: &Value) -> Value {
    let granted = json!({
        "description": "Granted.",
        "content": { "application/json": { "schema": schema } },
    });
    all(granted, |status| match status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => false,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => route.body != Takes::Nothing,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => route.body == Takes::Json,
        _ => true,
    })
}

/// A granted response, and those of the problems that are possible.
fn all(granted: Value, is_possible: impl Fn(StatusCode) -> bool) -> Value {
    let problems = PROBLEMS.iter().filter(|(status, _)| is_possible(*status)).map(|(status, _)| {
        let response = json!({ "$ref": format!("#/components/responses/{}", name(*status)) });
        (status.as_str().to_owned(), response)
    });
    Value::Object(iter::once(("200".to_owned(), granted)).chain(problems).collect())
}

/// True if the route can answer with this problem.
fn can_answer(route: &Route, translation: &Translation, status: StatusCode) -> bool {
    let has_body = route.body != Takes::Nothing;
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::CONFLICT => {
            has_body || translation.bearer.is_some()
        }
        // 330 may name the device that it replaces.
        StatusCode::NOT_FOUND => {
            translation.path.is_some() || ["144", "330"].contains(&translation.command)
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => has_body,
        StatusCode::UNPROCESSABLE_ENTITY => route.body == Takes::Pictures,
        _ => true,
    }
}

/// `TooManyRequests`.
fn name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().split(' ').collect()
}

/// The responses that are problems, by name.
pub(super) fn problems() -> Value {
    let all = PROBLEMS.map(|(status, meaning)| {
        let mut headers = vec!["Request-Id"];
        match status {
            StatusCode::UNAUTHORIZED => headers.push("WWW-Authenticate"),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.push("Retry-After");
            }
            _ => {}
        }
        let headers = headers.into_iter().map(|name| {
            (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
        });
        let response = json!({
            "description": meaning,
            "headers": headers.collect::<Map<_, _>>(),
            "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/Error" } },
                "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
            },
        });
        (name(status), response)
    });
    Value::Object(all.into_iter().collect())
}

/// The headers of these responses.
pub(super) fn headers() -> Value {
    json!({
        "Request-Id": {
            "description": "The id of the request, as in the log.",
            "required": true,
            "schema": { "$ref": "#/components/schemas/RequestId" },
        },
        "Retry-After": {
            "description": "Seconds until the request may succeed.",
            "required": true,
            "schema": { "type": "integer", "minimum": 0 },
        },
        "WWW-Authenticate": {
            "description": "The scheme for tokens and secrets.",
            "required": true,
            "schema": { "type": "string" },
        },
    })
}

/// The bodies of problems.
pub(super) fn schemas() -> Map<String, Value> {
    let more = json!({
        "code": { "$ref": "#/components/schemas/Code" },
        "request_id": { "$ref": "#/components/schemas/RequestId" },
        "missing": { "type": "array", "items": { "$ref": "#/components/schemas/Method" } },
    });
    let error = json!({ "error": { "type": "string", "description": "Text for people." } });
    let problem = json!({
        "type": { "const": "about:blank" },
        "title": { "type": "string", "description": "The name of the status." },
        "status": { "type": "integer" },
        "detail": { "type": "string", "description": "Text for people." },
    });
    let schema = |own: Value| {
        let members = |it: &Value| it.as_object().cloned().unwrap_or_default();
        let mut required: Vec<String> = members(&own).into_iter().map(|(name, _)| name).collect();
        required.push("request_id".to_owned());
        let mut properties = members(&own);
        properties.extend(members(&more));
        json!({ "type": "object", "required": required, "properties": properties })
    };
    Map::from_iter([("Error".to_owned(), schema(error)), ("Problem".to_owned(), schema(problem))])
}

#[test]
fn every_status_of_a_code_is_described() {
    let described = |status| status == StatusCode::OK || PROBLEMS.iter().any(|it| it.0 == status);
    for (code, status) in crate::status::TABLE {
        assert!(described(status), "{code:?}");
    }
}
