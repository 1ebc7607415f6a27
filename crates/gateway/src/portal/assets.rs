//! The style sheet and the scripts of the pages. They are compiled in: no file is served.

use crate::{
    call::Call,
    problem::Problem,
    response::{self, Response},
    route::Outcome,
};
use bytes::Bytes;
use hyper::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue},
};

pub(super) const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, media type and content.
const ASSETS: [(&str, &str, &str); 10] = [
    ("portal.css", STYLE, include_str!("../../assets/portal.css")),
    ("device.js", SCRIPT, include_str!("../../assets/device.js")),
    ("prove.js", SCRIPT, include_str!("../../assets/prove.js")),
    ("tail.js", SCRIPT, include_str!("../../assets/tail.js")),
    ("known.js", SCRIPT, include_str!("../../assets/known.js")),
    ("camera.js", SCRIPT, include_str!("../../assets/camera.js")),
    ("enrol.js", SCRIPT, include_str!("../../assets/enrol.js")),
    ("face.js", SCRIPT, include_str!("../../assets/face.js")),
    ("raise.js", SCRIPT, include_str!("../../assets/raise.js")),
    ("recover.js", SCRIPT, include_str!("../../assets/recover.js")),
];

/// How long a browser may keep one.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// An SVG may hold a script, and styles of its own.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

pub(super) fn asset(call: &Call) -> Outcome {
    let found = ASSETS.iter().find(|(name, ..)| *name == call.parameter);
    let (_, media_type, content) = found.ok_or_else(Problem::not_found)?;
    Ok(cached(media_type, *content))
}

/// A file that a browser may keep. If it is opened by itself, nothing in it runs.
pub(super) fn cached(media_type: &'static str, content: impl Into<Bytes>) -> Response {
    let mut response = response::whole(StatusCode::OK, media_type, content);
    response.headers_mut().insert(CACHE_CONTROL, CACHED);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, NOTHING);
    response
}
