//! The style sheet and the scripts of the pages. They are compiled in: no file is served.

use crate::{call::Call, problem::Problem, response, route::Outcome};
use hyper::{
    StatusCode,
    header::{CACHE_CONTROL, HeaderValue},
};

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, media type and content.
const ASSETS: [(&str, &str, &str); 6] = [
    ("portal.css", "text/css; charset=utf-8", include_str!("../../assets/portal.css")),
    ("device.js", SCRIPT, include_str!("../../assets/device.js")),
    ("known.js", SCRIPT, include_str!("../../assets/known.js")),
    ("camera.js", SCRIPT, include_str!("../../assets/camera.js")),
    ("enrol.js", SCRIPT, include_str!("../../assets/enrol.js")),
    ("face.js", SCRIPT, include_str!("../../assets/face.js")),
];

/// How long a browser may keep one.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=3600");

pub(super) fn asset(call: &Call) -> Outcome {
    let found = ASSETS.iter().find(|(name, ..)| *name == call.parameter);
    let (_, media_type, content) = found.ok_or_else(Problem::not_found)?;
    let mut response = response::whole(StatusCode::OK, media_type, *content);
    response.headers_mut().insert(CACHE_CONTROL, CACHED);
    Ok(response)
}
